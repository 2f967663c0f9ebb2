//! What both engines promise about transactions. See `contract.rs` for how it runs.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::sync::{Arc, Barrier};
use std::time::Duration;

use support::{on_both, sqlite};
use trinco_db::{Db, EngineKind, Error, Options, TenantDb, params, sql};

/// Inserts an item and then does as told.
#[derive(Clone, Copy)]
enum Then {
    Keep,
    Fail,
    Panic,
    /// Blocks its thread, which on SQLite is the writer's.
    Sleep(u64),
}

async fn insert(db: &TenantDb, n: i64, then: Then) -> Result<(), Error> {
    db.write((n, then), |tx, (n, then)| {
        Box::pin(async move {
            let insert = sql!("INSERT INTO items (tenant_id, id, n) VALUES ($1, $2, $3)");
            tx.execute(insert, params![n.to_string(), *n]).await?;
            match then {
                Then::Keep => Ok(()),
                Then::Fail => Err(Error::NoRow),
                Then::Panic => panic!("on purpose"),
                Then::Sleep(ms) => {
                    let time = Duration::from_millis(*ms);
                    tokio::task::block_in_place(|| std::thread::sleep(time));
                    Ok(())
                }
            }
        })
    })
    .await
}

async fn numbers(db: &TenantDb) -> Vec<i64> {
    let query = sql!("SELECT n FROM items WHERE tenant_id = $1 ORDER BY n");
    let rows = db.read().await.unwrap().all(query, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0).unwrap()).collect()
}

fn spawn_insert(db: &TenantDb, n: i64, then: Then) -> tokio::task::JoinHandle<Result<(), Error>> {
    let db = db.clone();
    tokio::spawn(async move { insert(&db, n, then).await })
}

/// Keeps the writer busy so that what follows lands in one group.
async fn occupy(db: &TenantDb, n: i64) -> tokio::task::JoinHandle<Result<(), Error>> {
    let busy = spawn_insert(db, n, Then::Sleep(200));
    tokio::time::sleep(Duration::from_millis(50)).await;
    busy
}

/// Waits inside a transaction, without awaiting.
fn meet(barrier: &Barrier) {
    tokio::task::block_in_place(|| barrier.wait());
}

async fn meet_aside(barrier: Arc<Barrier>) {
    tokio::task::spawn_blocking(move || barrier.wait()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_or_a_panic_rolls_back_its_own_transaction_only() {
    on_both(async |place| {
        place.open().await.close().await;
        // All in one group, however long the panic takes to print itself.
        let options = Options { group_window: Duration::from_secs(60), ..place.options.clone() };
        let db = Db::open(&place.url, options).await.unwrap();
        let tenant = db.tenant("a");
        let before = db.commits();
        let busy = occupy(&tenant, 0).await;
        let group = [
            spawn_insert(&tenant, 1, Then::Keep),
            spawn_insert(&tenant, 2, Then::Panic),
            spawn_insert(&tenant, 3, Then::Fail),
            spawn_insert(&tenant, 4, Then::Keep),
        ];
        let mut results = Vec::new();
        for task in group {
            results.push(task.await.unwrap());
        }
        assert!(matches!(results[..], [Ok(()), Err(Error::Panicked), Err(Error::NoRow), Ok(())]));
        busy.await.unwrap().unwrap();
        assert_eq!(numbers(&tenant).await, [0, 1, 4]);
        let commits = if db.engine() == EngineKind::Sqlite { 1 } else { 3 };
        assert_eq!(db.commits() - before, commits);
        insert(&tenant, 5, Then::Keep).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_failed_statement_ends_its_transaction_whatever_the_closure_returns() {
    on_both(async |place| {
        let db = place.open().await.tenant("a");
        insert(&db, 1, Then::Keep).await.unwrap();
        let result: Result<(), Error> = db
            .write((), |tx, ()| {
                Box::pin(async move {
                    let insert = sql!("INSERT INTO items (tenant_id, id, n) VALUES ($1, $2, 2)");
                    tx.execute(insert, params!["2"]).await?;
                    let again = tx.execute(insert, params!["1"]).await;
                    assert!(again.unwrap_err().is_unique("items_id"));
                    let next = tx.all(sql!("SELECT n FROM items WHERE tenant_id = $1"), &[]).await;
                    assert!(matches!(next, Err(Error::Aborted)));
                    Ok(())
                })
            })
            .await;
        assert!(matches!(result, Err(Error::Aborted)));
        assert_eq!(numbers(&db).await, [1]);
        // Finding no row is an answer, not a failure.
        let result: Result<(), Error> = db
            .write((), |tx, ()| {
                Box::pin(async move {
                    let none = sql!("SELECT n FROM items WHERE tenant_id = $1 AND n = 99");
                    assert!(matches!(tx.one(none, &[]).await, Err(Error::NoRow)));
                    tx.execute(sql!("UPDATE items SET n = 7 WHERE tenant_id = $1"), &[]).await?;
                    Ok(())
                })
            })
            .await;
        assert!(result.is_ok());
        assert_eq!(numbers(&db).await, [7]);
    })
    .await;
}

#[tokio::test]
async fn awaiting_anything_else_in_a_transaction_is_refused_on_sqlite() {
    let place = sqlite();
    let db = place.open().await.tenant("a");
    let result: Result<(), Error> = db
        .write((), |tx, ()| {
            Box::pin(async move {
                tx.execute(sql!("INSERT INTO items (tenant_id, id) VALUES ($1, '1')"), &[]).await?;
                tokio::task::yield_now().await;
                std::future::pending().await
            })
        })
        .await;
    assert!(matches!(result, Err(Error::Pending)));
    let result: Result<(), Error> = db.scan((), |_, ()| Box::pin(std::future::pending())).await;
    assert!(matches!(result, Err(Error::Pending)));
    assert!(numbers(&db).await.is_empty());
    insert(&db, 1, Then::Keep).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_goes_away_does_not_undo_its_write() {
    on_both(async |place| {
        let db = place.open().await;
        let tenant = db.tenant("a");
        let input = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let (inside, go_on) = input.clone();
        let writing = {
            let tenant = tenant.clone();
            tokio::spawn(async move {
                tenant
                    .write(input, |tx, (inside, go_on)| {
                        Box::pin(async move {
                            let insert =
                                sql!("INSERT INTO items (tenant_id, id, n) VALUES ($1, '1', 1)");
                            tx.execute(insert, &[]).await?;
                            meet(inside);
                            meet(go_on);
                            Ok::<_, Error>(())
                        })
                    })
                    .await
            })
        };
        meet_aside(inside).await;
        writing.abort();
        assert!(writing.await.unwrap_err().is_cancelled());
        assert!(numbers(&tenant).await.is_empty(), "it has not ended yet");
        meet_aside(go_on).await;
        // Lets what was taken finish.
        db.close().await;
        let tenant = place.open().await.tenant("a");
        assert_eq!(numbers(&tenant).await, [1]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_spent_once_is_spent_once() {
    on_both(async |place| {
        let db = place.open().await.tenant("a");
        insert(&db, 1, Then::Keep).await.unwrap();
        let spend = |now: i64| {
            let db = db.clone();
            tokio::spawn(async move {
                let spent: Result<bool, Error> = db
                    .write(now, |tx, now| {
                        Box::pin(async move {
                            let spend = sql!(
                                "UPDATE items SET consumed_at = $2
                                 WHERE tenant_id = $1 AND id = '1' AND consumed_at IS NULL
                                 RETURNING consumed_at"
                            );
                            let row = tx.optional(spend, params![now]).await?;
                            Ok(row.is_some_and(|row| row.get::<i64>(0).is_ok_and(|at| at == *now)))
                        })
                    })
                    .await;
                spent.unwrap()
            })
        };
        let callers: Vec<_> = (1..=50).map(spend).collect();
        let mut winners = 0;
        for caller in callers {
            winners += usize::from(caller.await.unwrap());
        }
        assert_eq!(winners, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_sees_every_write_that_was_answered() {
    on_both(async |place| {
        let db = place.open().await.tenant("a");
        let tenant = db.clone();
        let mut conn = tenant.read().await.unwrap();
        let query = sql!("SELECT COUNT(*) FROM items WHERE tenant_id = $1");
        for n in 1..=50 {
            insert(&db, n, Then::Keep).await.unwrap();
            let seen: i64 = conn.one(query, &[]).await.unwrap().get(0).unwrap();
            assert_eq!(seen, n);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_sees_one_snapshot() {
    on_both(async |place| {
        let db = place.open().await.tenant("a");
        insert(&db, 1, Then::Keep).await.unwrap();
        let (counted, written) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let scanning = {
            let (db, input) = (db.clone(), (counted.clone(), written.clone()));
            tokio::spawn(async move {
                let scanned: Result<(i64, i64), Error> = db
                    .scan(input, |conn, (counted, written)| {
                        Box::pin(async move {
                            let query = sql!("SELECT COUNT(*) FROM items WHERE tenant_id = $1");
                            let first = conn.one(query, &[]).await?.get(0)?;
                            meet(counted);
                            meet(written);
                            Ok((first, conn.one(query, &[]).await?.get(0)?))
                        })
                    })
                    .await;
                scanned.unwrap()
            })
        };
        meet_aside(counted).await;
        insert(&db, 2, Then::Keep).await.unwrap();
        meet_aside(written).await;
        assert_eq!(scanning.await.unwrap(), (1, 1));
        assert_eq!(numbers(&db).await, [1, 2]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_writes_share_commits_on_sqlite() {
    let place = sqlite();
    let db = place.open().await;
    let tenant = db.tenant("a");
    let before = db.commits();
    let tasks: Vec<_> = (0..200).map(|n| spawn_insert(&tenant, n, Then::Keep)).collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(numbers(&tenant).await.len(), 200);
    let commits = db.commits() - before;
    println!("200 concurrent writes took {commits} commits");
    assert!(commits <= 100, "200 writes took {commits} commits");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_fails_alone() {
    on_both(async |place| {
        // Migrations first: they are not what is being timed.
        place.open().await.close().await;
        let options =
            Options { statement_timeout: Duration::from_millis(300), ..place.options.clone() };
        let db = Db::open(&place.url, options).await.unwrap();
        let tenant = db.tenant("a");
        let busy = occupy(&tenant, 0).await;
        let before = spawn_insert(&tenant, 1, Then::Keep);
        tokio::time::sleep(Duration::from_millis(20)).await;
        let endless = {
            let tenant = tenant.clone();
            tokio::spawn(async move {
                tenant
                    .write((), |tx, ()| {
                        Box::pin(async move {
                            let endless = sql!(
                                "INSERT INTO items (tenant_id, id, n)
                                 WITH RECURSIVE k(i) AS
                                     (SELECT CAST(100 AS BIGINT) UNION ALL SELECT i + 1 FROM k)
                                 SELECT $1, CAST(i AS TEXT), i FROM k"
                            );
                            tx.execute(endless, &[]).await
                        })
                    })
                    .await
            })
        };
        tokio::time::sleep(Duration::from_millis(20)).await;
        let after = spawn_insert(&tenant, 2, Then::Keep);
        // SQLite gives up the whole group then, and the others run again.
        let error: Error = endless.await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Busy), "{error:?}");
        for task in [busy, before, after] {
            task.await.unwrap().unwrap();
        }
        assert_eq!(numbers(&tenant).await, [0, 1, 2]);
        let endless = sql!(
            "WITH RECURSIVE k(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM k)
             SELECT COUNT(*) FROM k WHERE i < 0 OR $1 = 'x'"
        );
        let error = tenant.read().await.unwrap().all(endless, &[]).await.unwrap_err();
        assert!(matches!(error, Error::Busy), "{error:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_lets_taken_writes_finish() {
    on_both(async |place| {
        let db = place.open().await;
        let tenant = db.tenant("a");
        let busy = occupy(&tenant, 0).await;
        let tasks: Vec<_> = (1..=50).map(|n| spawn_insert(&tenant, n, Then::Keep)).collect();
        tokio::time::sleep(Duration::from_millis(20)).await;
        db.close().await;
        busy.await.unwrap().unwrap();
        let mut kept = 1;
        for task in tasks {
            match task.await.unwrap() {
                Ok(()) => kept += 1,
                Err(error) => assert!(matches!(error, Error::Closed), "{error:?}"),
            }
        }
        assert!(kept > 1, "some were taken before it closed");
        let tenant = place.open().await.tenant("a");
        assert_eq!(numbers(&tenant).await.len(), kept);
    })
    .await;
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_a_new_sqlite_file() {
    use std::os::unix::fs::PermissionsExt;

    let place = sqlite();
    let db = place.open().await;
    insert(&db.tenant("a"), 1, Then::Keep).await.unwrap();
    let trinco_db::DbUrl::Sqlite(path) = &place.url else { panic!("it is SQLite") };
    let log = path.with_extension("db-wal");
    for file in [path, &log] {
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", file.display());
    }
    db.close().await;
    assert!(!log.exists(), "closing folds the log into the file");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_noted_for_after_the_commit_is_done_then_and_never_otherwise() {
    on_both(async |place| {
        let db = place.open().await;
        let tenant = db.tenant("t");
        let done = Arc::new(std::sync::Mutex::new(Vec::new()));
        for (n, then) in [(1, Then::Keep), (2, Then::Fail), (3, Then::Panic), (4, Then::Keep)] {
            let noted = Arc::clone(&done);
            let result = tenant
                .write((n, then, noted), |tx, (n, then, noted)| {
                    Box::pin(async move {
                        let insert =
                            sql!("INSERT INTO items (tenant_id, id, n) VALUES ($1, $2, $3)");
                        tx.execute(insert, params![n.to_string(), *n]).await?;
                        let (n, noted) = (*n, Arc::clone(noted));
                        tx.after_commit(move || noted.lock().unwrap().push(n));
                        match then {
                            Then::Keep | Then::Sleep(_) => Ok(()),
                            Then::Fail => Err(Error::NoRow),
                            Then::Panic => panic!("on purpose"),
                        }
                    })
                })
                .await;
            assert_eq!(result.is_ok(), matches!(then, Then::Keep));
        }
        assert_eq!(*done.lock().unwrap(), [1, 4]);
        assert_eq!(numbers(&tenant).await, [1, 4]);
        db.close().await;
    })
    .await;
}
