//! What only PostgreSQL can do to a transaction: conflicts, lost connections, unknown outcomes. See
//! `contract.rs` for how it runs.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use support::{on_postgres, raw};
use trinco_db::{Db, Error, Options, TenantDb, params, sql};

async fn insert(db: &TenantDb, n: i64) -> Result<u64, Error> {
    db.write(n, |tx, n| {
        Box::pin(async move {
            let insert = sql!("INSERT INTO items (tenant_id, id, n) VALUES ($1, $2, $3)");
            tx.execute(insert, params![n.to_string(), *n]).await
        })
    })
    .await
}

async fn numbers(db: &TenantDb) -> Vec<i64> {
    let query = sql!("SELECT n FROM items WHERE tenant_id = $1 ORDER BY n");
    let rows = db.read().await.unwrap().all(query, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_is_retried_on_postgres() {
    on_postgres(async |place| {
        let db = place.open().await.tenant("a");
        insert(&db, 1).await.unwrap();
        insert(&db, 2).await.unwrap();
        let met = Arc::new(tokio::sync::Barrier::new(2));
        let runs = Arc::new(AtomicU32::new(0));
        let cross = |first: &'static str, second: &'static str| {
            let (db, met, runs) = (db.clone(), met.clone(), runs.clone());
            let input = (first, second, met, runs, AtomicU32::new(0));
            tokio::spawn(async move {
                db.write(input, |tx, (first, second, met, runs, own)| {
                    Box::pin(async move {
                        runs.fetch_add(1, Ordering::Relaxed);
                        let update =
                            sql!("UPDATE items SET n = n + 10 WHERE tenant_id = $1 AND id = $2");
                        tx.execute(update, params![*first]).await?;
                        if own.fetch_add(1, Ordering::Relaxed) == 0 {
                            met.wait().await;
                        }
                        tx.execute(update, params![*second]).await
                    })
                })
                .await
            })
        };
        let (left, right) = (cross("1", "2"), cross("2", "1"));
        let results: [Result<u64, Error>; 2] = [left.await.unwrap(), right.await.unwrap()];
        assert!(matches!(results, [Ok(1), Ok(1)]), "{results:?}");
        assert!(runs.load(Ordering::Relaxed) >= 3, "one of them ran again");
        assert_eq!(numbers(&db).await, [21, 22]);
    })
    .await;
}

/// A trigger that fails the first two times, counted outside of transactions.
const CONFLICTING: &str = "
    CREATE SEQUENCE tries;
    CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('tries') <= 2 THEN RAISE EXCEPTION 'conflict' USING ERRCODE = '40001'; END IF;
        RETURN NULL;
    END $$;";

#[tokio::test(flavor = "multi_thread")]
async fn a_serialization_failure_is_retried_on_postgres() {
    for trigger in [
        "CREATE TRIGGER t AFTER INSERT ON items FOR EACH ROW EXECUTE FUNCTION conflict()",
        "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON items DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION conflict()",
    ] {
        on_postgres(async |place| {
            let db = place.open().await;
            let url = place.postgres.as_deref().unwrap();
            raw(url, &format!("{CONFLICTING}{trigger}")).await;
            let before = db.commits();
            insert(&db.tenant("a"), 1).await.unwrap();
            assert_eq!(numbers(&db.tenant("a")).await, [1]);
            assert_eq!(db.commits() - before, 1);
            // One that never ends is given up.
            raw(url, "ALTER SEQUENCE tries MINVALUE -1000000 RESTART WITH -1000000").await;
            let error = insert(&db.tenant("a"), 2).await.unwrap_err();
            assert!(matches!(error, Error::Busy), "{error:?}");
            assert_eq!(numbers(&db.tenant("a")).await, [1]);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_reported_and_replaced_on_postgres() {
    on_postgres(async |place| {
        let db = place.open().await;
        let tenant = db.tenant("a");
        let lost: Result<(), Error> = tenant
            .write((), |tx, ()| {
                Box::pin(async move {
                    let end = sql!("SELECT pg_terminate_backend(pg_backend_pid()) WHERE $1 = $1");
                    tx.all(end, &[]).await?;
                    Ok(())
                })
            })
            .await;
        assert!(matches!(lost, Err(Error::Unavailable { .. })), "{lost:?}");
        insert(&tenant, 1).await.unwrap();

        let mut conn = tenant.read().await.unwrap();
        let end = sql!("SELECT pg_terminate_backend(pg_backend_pid()) WHERE $1 = $1");
        let lost = conn.all(end, &[]).await;
        assert!(matches!(lost, Err(Error::Unavailable { .. })), "{lost:?}");
        drop(conn);
        assert_eq!(numbers(&tenant).await, [1]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_outcome_is_unknown_is_reported_and_not_retried_on_postgres() {
    on_postgres(async |place| {
        let db = place.open().await;
        let script = "
            CREATE SEQUENCE tries;
            CREATE FUNCTION end_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF nextval('tries') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
                RETURN NULL;
            END $$;
            CREATE CONSTRAINT TRIGGER t AFTER INSERT ON items DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION end_it()";
        raw(place.postgres.as_deref().unwrap(), script).await;
        let error = insert(&db.tenant("a"), 1).await.unwrap_err();
        assert!(matches!(error, Error::CommitUnknown { .. }), "{error:?}");
        assert!(!error.is_temporary());
        assert!(numbers(&db.tenant("a")).await.is_empty(), "it was not tried again");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_given_up_half_way_leaves_a_clean_connection_on_postgres() {
    on_postgres(async |place| {
        place.open().await.close().await;
        let options = Options { postgres_connections: 1, ..place.options.clone() };
        let tenant = Db::open(&place.url, options).await.unwrap().tenant("a");
        let slow = async {
            let sleep = sql!("SELECT CAST(pg_sleep(0.3) AS TEXT) WHERE $1 = $1");
            tenant.read().await.unwrap().all(sleep, &[]).await.map(drop)
        };
        assert!(tokio::time::timeout(Duration::from_millis(50), slow).await.is_err());
        insert(&tenant, 1).await.unwrap();
        assert_eq!(numbers(&tenant).await, [1]);
    })
    .await;
}
