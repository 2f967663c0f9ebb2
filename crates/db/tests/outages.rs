//! PostgreSQL that stops, is cut off, takes no writes or gives no answer: callers are told the truth, and the pool recovers by
//! itself. Each test has a server of its own.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::disallowed_methods, reason = "a test may see how long it takes")]

mod support;

use std::time::{Duration, Instant};

use support::cluster::Cluster;
use support::proxy::{Proxy, Weather};
use support::{MIGRATIONS, raw, with_option};
use trinco_db::{Db, Error, Migration, Options, TenantDb, params, sql};

async fn insert(db: &TenantDb, n: i64) -> Result<u64, Error> {
    db.write(n, |tx, n| {
        Box::pin(async move {
            let insert = sql!("INSERT INTO items (tenant_id, id, n) VALUES ($1, $2, $3)");
            tx.execute(insert, params![n.to_string(), *n]).await
        })
    })
    .await
}

async fn numbers(db: &TenantDb) -> Result<Vec<i64>, Error> {
    let query = sql!("SELECT n FROM items WHERE tenant_id = $1 ORDER BY n");
    let rows = db.read().await?.all(query, &[]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

fn options() -> Options {
    Options {
        postgres_connections: 4,
        statement_timeout: Duration::from_secs(1),
        connect_timeout: Duration::from_secs(1),
        ..Options::default()
    }
}

async fn open(url: &str) -> Db {
    let db = Db::open(&url.parse().unwrap(), options()).await.unwrap();
    db.migrate(MIGRATIONS, 1).await.unwrap();
    db
}

/// Opens every connection of the pool.
async fn warm(db: &TenantDb) {
    let mut held = Vec::new();
    for _ in 0..options().postgres_connections {
        held.push(db.read().await.unwrap());
    }
}

/// Tries until it works, for ten seconds at most.
async fn recovers<T>(what: impl AsyncFn() -> Result<T, Error>) -> T {
    let begun = Instant::now();
    loop {
        match what().await {
            Ok(value) => return value,
            Err(error) => {
                assert!(error.is_temporary(), "{error:?}");
                assert!(begun.elapsed() < Duration::from_secs(10), "{error:?}");
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_is_not_noticed_by_those_who_come_after_it() {
    let Some(mut cluster) = Cluster::create(&[], &[]) else { return };
    let db = open(&cluster.url()).await;
    let tenant = db.tenant("a");
    insert(&tenant, 0).await.unwrap();
    for round in 1..3 {
        warm(&tenant).await;
        cluster.stop();
        for error in [numbers(&tenant).await.map(drop), insert(&tenant, -1).await.map(drop)] {
            let error = error.unwrap_err();
            assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
            assert!(error.to_string().contains("cannot be reached"), "{error}");
        }
        cluster.start();
        // All four connections are dead, and nobody hears of it.
        insert(&tenant, round).await.unwrap();
        let reads = (0..8).map(|_| {
            tokio::spawn({
                let tenant = tenant.clone();
                async move { numbers(&tenant).await }
            })
        });
        for read in reads.collect::<Vec<_>>() {
            assert_eq!(read.await.unwrap().unwrap(), (0..=round).collect::<Vec<_>>());
        }
    }

    // Neither do those whose connections an operator ends while they are idle.
    warm(&tenant).await;
    let all =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'trinco'";
    raw(&cluster.url(), all).await;
    assert_eq!(numbers(&tenant).await.unwrap(), [0, 1, 2]);
    warm(&tenant).await;
    raw(&cluster.url(), all).await;
    insert(&tenant, 3).await.unwrap();

    // Nor those whose connections the network has forgotten, which shows only when they are used.
    let proxy = Proxy::start(cluster.folder.path()).await;
    let far = open(&cluster.url_of(&format!("127.0.0.1:{}", proxy.port))).await.tenant("a");
    for round in 0..2 {
        warm(&far).await;
        proxy.forget();
        assert_eq!(numbers(&far).await.unwrap().len(), 4 + round);
        warm(&far).await;
        proxy.forget();
        insert(&far, 10 + i64::try_from(round).unwrap()).await.unwrap();
    }

    // In the middle of a transaction there is nothing to be done but to say so.
    let slow = tokio::spawn({
        let tenant = tenant.clone();
        async move {
            let written: Result<(), Error> = tenant
                .write((), |tx, ()| {
                    Box::pin(async move {
                        let insert =
                            sql!("INSERT INTO items (tenant_id, id, n) VALUES ($1, 'x', 99)");
                        tx.execute(insert, &[]).await?;
                        tx.all(sql!("SELECT CAST(pg_sleep(0.9) AS TEXT) WHERE $1 = $1"), &[])
                            .await?;
                        Ok(())
                    })
                })
                .await;
            written
        }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    raw(&cluster.url(), all).await;
    let error = slow.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "the database is not available: an administrator has ended the connection"
    );
    assert_eq!(numbers(&tenant).await.unwrap(), [0, 1, 2, 3, 10, 11]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_outage_leaves_open_is_said_and_the_pool_recovers() {
    let Some(cluster) = Cluster::create(&[], &[]) else { return };
    let proxy = Proxy::start(cluster.folder.path()).await;
    let through = cluster.url_of(&format!("127.0.0.1:{}", proxy.port));
    let db = open(&through).await;
    let tenant = db.tenant("a");

    // The answer to a COMMIT is lost: it was kept, which nobody here can know.
    proxy.set(Weather::LosesCommit);
    let error = insert(&tenant, 1).await.unwrap_err();
    assert!(matches!(error, Error::CommitUnknown { .. }), "{error:?}");
    proxy.set(Weather::Fair);
    assert_eq!(numbers(&tenant).await.unwrap(), [1], "it was kept, and not written twice");

    // Silence: every caller is answered in bounded time, and no connection is lost to the pool for good.
    warm(&tenant).await;
    proxy.set(Weather::Silence);
    let begun = Instant::now();
    let callers = (0..12).map(|n| {
        let tenant = tenant.clone();
        tokio::spawn(async move {
            match n % 2 {
                0 => insert(&tenant, 100 + n).await.map(drop),
                _ => numbers(&tenant).await.map(drop),
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        let error = caller.await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. } | Error::Busy), "{error:?}");
    }
    // The statement's limit, and what is added to it for the way; then another connection.
    assert!(begun.elapsed() < Duration::from_secs(16), "{:?}", begun.elapsed());
    let error = Db::open(&through.parse().unwrap(), options()).await.map(drop).unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert!(error.to_string().contains("no answer"), "{error}");

    // A server that does not answer does not keep the next one of the URL from being asked.
    let both = cluster.url_of(&format!("127.0.0.1:{},{}", proxy.port, cluster.host()));
    let begun = Instant::now();
    let other = Db::open(&both.parse().unwrap(), options()).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(numbers(&other.tenant("a")).await.unwrap(), [1]);

    proxy.set(Weather::Fair);
    assert_eq!(recovers(async || insert(&tenant, 2).await).await, 1);
    warm(&tenant).await;
    assert_eq!(numbers(&tenant).await.unwrap(), [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_writes_says_so_until_it_does() {
    let Some(cluster) = Cluster::create(&[], &[]) else { return };
    let db = open(&cluster.url()).await;
    let tenant = db.tenant("a");
    insert(&tenant, 1).await.unwrap();

    // As operators and managed services do when a disk fills up.
    raw(&cluster.url(), "ALTER DATABASE postgres SET default_transaction_read_only = on").await;
    let again = Db::open(&cluster.url().parse().unwrap(), options()).await.unwrap();
    let error = insert(&again.tenant("a"), 2).await.unwrap_err();
    assert!(matches!(error, Error::ReadOnly) && error.is_temporary(), "{error:?}");
    assert_eq!(numbers(&again.tenant("a")).await.unwrap(), [1]);
    assert!(again.migrate(MIGRATIONS, 1).await.unwrap().is_empty(), "nothing is to be written");
    let more = Migration { version: 3, name: "more", oldest_program: 3, ..MIGRATIONS[1] };
    let error = again.migrate(&[MIGRATIONS[0], MIGRATIONS[1], more], 1).await.unwrap_err();
    assert!(matches!(error, Error::ReadOnly), "{error:?}");
    let writing = with_option(&cluster.url(), "options=-cdefault_transaction_read_only%3Doff");
    raw(&writing, "ALTER DATABASE postgres SET default_transaction_read_only = off").await;
    // A new connection is needed to learn of it, and made.
    insert(&again.tenant("a"), 2).await.unwrap();

    // What the server cannot do for want of something.
    for (code, sentence) in [("53100", "disk is full"), ("53200", "no memory"), ("58030", "files")]
    {
        let trigger = format!(
            "CREATE FUNCTION full_{code}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 RAISE EXCEPTION 'no room' USING ERRCODE = '{code}'; END $$;
             CREATE TRIGGER full_{code} AFTER INSERT ON items FOR EACH ROW EXECUTE FUNCTION full_{code}()"
        );
        raw(&cluster.url(), &trigger).await;
        let error = insert(&tenant, 3).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        assert!(error.to_string().contains(sentence), "{error}");
        raw(&cluster.url(), &format!("DROP FUNCTION full_{code} CASCADE")).await;
    }
    insert(&tenant, 3).await.unwrap();

    // A server without a connection to spare.
    raw(&cluster.url(), "CREATE ROLE few LOGIN PASSWORD 'p' CONNECTION LIMIT 2").await;
    let url = format!("postgres://few:p@{}/postgres", cluster.host());
    // A pool within the server's limits waits for its own connections instead.
    let fitting = format!("{url}?pool_size=2");
    let fitting = Db::open(&fitting.parse().unwrap(), options()).await.unwrap();
    let pings = (0..20).map(|_| {
        let fitting = fitting.clone();
        tokio::spawn(async move { fitting.ping().await })
    });
    for ping in pings.collect::<Vec<_>>() {
        ping.await.unwrap().unwrap();
    }
    fitting.close().await;
    let few = recovers(async || Db::open(&url.parse().unwrap(), options()).await).await;
    let system = few.system();
    // Until the server has noticed that the others are gone.
    recovers(async || {
        let one = system.read().await?;
        system.read().await.map(|two| drop((one, two)))
    })
    .await;
    let (one, two) = (system.read().await.unwrap(), system.read().await.unwrap());
    let error = system.read().await.map(drop).unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert!(error.to_string().contains("too many connections"), "{error}");
    drop((one, two));
    few.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_follow_the_primary_from_one_server_to_the_other() {
    let Some(mut first) = Cluster::create(&[], &[]) else { return };
    open(&first.url()).await.close().await;
    let second = first.standby();
    let both = format!("{},{}", second.host(), first.host());
    let both = format!("{}?target_session_attrs=read-write", first.url_of(&both));
    let db = open(&both).await;
    let tenant = db.tenant("a");
    insert(&tenant, 1).await.unwrap();

    // A standby by itself answers reads, and says that it takes no writes.
    let alone = Db::open(&second.url().parse().unwrap(), options()).await.unwrap();
    let error = insert(&alone.tenant("a"), 2).await.unwrap_err();
    assert!(matches!(error, Error::ReadOnly), "{error:?}");
    let reads = async || match numbers(&alone.tenant("a")).await?.as_slice() {
        [1] => Ok(()),
        _ => Err(Error::Busy),
    };
    recovers(reads).await;

    warm(&tenant).await;
    first.stop();
    let error = insert(&tenant, 3).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    second.promote();
    assert_eq!(recovers(async || insert(&tenant, 4).await).await, 1);
    warm(&tenant).await;
    assert_eq!(numbers(&tenant).await.unwrap(), [1, 4]);
    assert_eq!(recovers(async || insert(&alone.tenant("a"), 5).await).await, 1);
}
