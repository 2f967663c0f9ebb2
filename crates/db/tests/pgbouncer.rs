//! PgBouncer in transaction mode with more clients than it has connections to the server. (The contract of both engines runs through
//! it too: see `support`.)

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::disallowed_methods, reason = "a test may see how long it takes")]

mod support;

use std::time::Duration;

use support::cluster::Cluster;
use support::pooler::{self, SERVER_CONNECTIONS};
use support::{MIGRATIONS, at_database, between, server, unique, with_option};
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

async fn count(db: &TenantDb) -> Result<i64, Error> {
    let query = sql!("SELECT COUNT(*) FROM items WHERE tenant_id = $1");
    db.read().await?.one(query, &[]).await?.get(0)
}

async fn count_twice(db: &TenantDb) -> Result<(i64, i64), Error> {
    db.scan((), |conn, ()| {
        Box::pin(async move {
            let query = sql!("SELECT COUNT(*) FROM items WHERE tenant_id = $1");
            let first = conn.one(query, &[]).await?.get(0)?;
            Ok((first, conn.one(query, &[]).await?.get(0)?))
        })
    })
    .await
}

/// Fails between the `BEGIN` and the `COMMIT` that are sent with it.
async fn fail(db: &TenantDb) -> Result<(), Error> {
    let query = sql!("SELECT CAST(name AS BIGINT) FROM items WHERE tenant_id = $1");
    let divided = sql!("SELECT 1 / (n - n) FROM items WHERE tenant_id = $1");
    let mut conn = db.read().await?;
    assert!(matches!(conn.all(divided, &[]).await, Err(Error::Other { .. })));
    // The same connection is as good as before.
    conn.all(query, &[]).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_share_few_connections_and_leave_nothing_behind() {
    let Some(server) = server() else { return };
    let database = unique("pooled");
    let Some(url) = pooler::url(&server, &database) else { return };
    let create = format!("CREATE DATABASE {database} TEMPLATE template0");
    let discard = format!("DROP DATABASE {database} WITH (FORCE)");
    between(&server, &create, &discard, async {
        let options = Options {
            postgres_connections: 30,
            connect_timeout: Duration::from_secs(20),
            ..Options::default()
        };
        let db = Db::open(&url.parse().unwrap(), options.clone()).await.unwrap();
        db.migrate(MIGRATIONS, 1).await.unwrap();
        let tenant = db.tenant("a");
        insert(&tenant, 0).await.unwrap();

        let tasks = (1..=200_i64).map(|n| {
            let tenant = tenant.clone();
            tokio::spawn(async move {
                insert(&tenant, n).await.unwrap();
                assert!(count(&tenant).await.unwrap() > 1);
                let (first, again) = count_twice(&tenant).await.unwrap();
                assert_eq!(first, again, "a scan sees one snapshot");
                fail(&tenant).await.unwrap();
                let twice = insert(&tenant, n).await.unwrap_err();
                assert!(matches!(twice, Error::Unique { .. }), "{twice:?}");
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        assert_eq!(count(&tenant).await.unwrap(), 201);

        // Seen past the pooler: few connections, none of them in a transaction.
        let direct = at_database(&server, &database);
        let direct = Db::open(&direct.parse().unwrap(), options).await.unwrap();
        let system = direct.system();
        let mut conn = system.read().await.unwrap();
        let query = sql!(
            "SELECT COUNT(*), COUNT(CASE WHEN state = 'idle' THEN 1 END) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()"
        );
        let mut cols = conn.one(query, &[]).await.unwrap().cols();
        let (all, idle) = (cols.next::<i64>().unwrap(), cols.next::<i64>().unwrap());
        assert!((1..=i64::from(SERVER_CONNECTIONS)).contains(&all), "{all} connections");
        assert_eq!(all, idle);
        drop(conn);
        let system = db.system();
        let mut conn = system.read().await.unwrap();
        let named = sql!("SELECT COUNT(*) FROM pg_prepared_statements");
        let rows = conn.one(named, &[]).await.unwrap();
        assert_eq!(rows.get::<i64>(0).unwrap(), 0, "no statement has a name");
        drop(conn);

        // What it does not pass on is refused, in its own words.
        let schema = with_option(&url, "options=-csearch_path%3Dx");
        if let Err(error) = Db::open(&schema.parse().unwrap(), Options::default()).await {
            assert!(error.to_string().contains("options"), "{error}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_behind_the_pooler_is_told_from_one_that_refuses() {
    let Some(mut cluster) = Cluster::create(&[], &[]) else { return };
    let Some(pooler) = pooler::start(&cluster.url()) else { return };
    let options = Options { postgres_connections: 4, ..Options::default() };
    let db = Db::open(&pooler.url("postgres").parse().unwrap(), options).await.unwrap();
    db.migrate(MIGRATIONS, 1).await.unwrap();
    let tenant = db.tenant("a");
    insert(&tenant, 1).await.unwrap();
    cluster.stop();
    let mut said = Vec::new();
    for n in 2..8 {
        let error = insert(&tenant, n).await.unwrap_err();
        assert!(error.is_temporary(), "{error:?}");
        said.push(error.to_string());
    }
    assert!(said.iter().any(|sentence| sentence.contains("a pooler in front of")), "{said:?}");
    cluster.start();
    let begun = std::time::Instant::now();
    while insert(&tenant, 9).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(30), "it recovers by itself");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(count(&tenant).await.unwrap(), 2);
}
