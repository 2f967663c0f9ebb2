//! Runs a test on both engines, each time on an empty database.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and print")]
#![allow(clippy::disallowed_methods, reason = "a test may see how long it takes")]
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod cluster;
pub(crate) mod pooler;
pub(crate) mod programs;
pub(crate) mod proxy;

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::FutureExt;
use tokio_postgres::NoTls;
use trinco_db::{Db, DbUrl, Migration, Options};

pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "groups",
        oldest_program: 1,
        sql: "CREATE TABLE groups (
                  tenant_id TEXT NOT NULL, id TEXT NOT NULL,
                  CONSTRAINT groups_id PRIMARY KEY (tenant_id, id)
              );",
    },
    Migration {
        version: 2,
        name: "items",
        oldest_program: 2,
        sql: "CREATE TABLE items (
                  tenant_id TEXT NOT NULL, id TEXT NOT NULL, name TEXT, n BIGINT, flag BOOLEAN,
                  group_id TEXT, consumed_at BIGINT, note TEXT,
                  CONSTRAINT items_id PRIMARY KEY (tenant_id, id),
                  CONSTRAINT items_group FOREIGN KEY (tenant_id, group_id)
                      REFERENCES groups (tenant_id, id)
              );
              -- A comment with 'a quote and a ; in it.
              CREATE UNIQUE INDEX items_name_n ON items (tenant_id, name, n);
              CREATE INDEX items_name_bytes ON items (tenant_id, name COLLATE BYTES);",
    },
];

/// What somebody does who changes a schema of the same database.
pub(crate) const OWNS_SCHEMA: &str = "SELECT pg_advisory_xact_lock(7454293310147)";

/// Where a test's database lives.
pub(crate) struct Place {
    pub(crate) url: DbUrl,
    pub(crate) options: Options,
    /// Connects to the same schema past this crate, on PostgreSQL.
    pub(crate) postgres: Option<String>,
    _folder: tempfile::TempDir,
}

impl Place {
    /// Opens it and applies [`MIGRATIONS`].
    pub(crate) async fn open(&self) -> Db {
        let db = self.open_empty().await;
        db.migrate(MIGRATIONS, 1).await.unwrap();
        db
    }

    pub(crate) async fn open_empty(&self) -> Db {
        Db::open(&self.url, self.options.clone()).await.unwrap()
    }
}

/// Runs `test` on SQLite and on PostgreSQL, there with and without PgBouncer.
pub(crate) async fn on_both(test: impl AsyncFn(&Place)) {
    test(&sqlite()).await;
    on_postgres(test).await;
}

/// Runs `test` on the server named by `TRINCO_TEST_POSTGRES`: in a schema of its own, and in a database of its own by way of a
/// PgBouncer that lends each transaction a connection.
pub(crate) async fn on_postgres(test: impl AsyncFn(&Place)) {
    let Some(server) = server() else { return };
    let schema = unique("contract");
    let own = with_option(&server, &format!("options=-csearch_path%3D{schema}"));
    let place = Place {
        url: own.parse().unwrap(),
        options: options(),
        postgres: Some(own),
        _folder: tempfile::tempdir().unwrap(),
    };
    let (create, discard) =
        (format!("CREATE SCHEMA {schema}"), format!("DROP SCHEMA {schema} CASCADE"));
    between(&server, &create, &discard, test(&place)).await;

    // PgBouncer of Debian 12 takes no `options`, so each test has a database.
    let database = unique("contract");
    let Some(pooled) = pooler::url(&server, &database) else { return };
    let place = Place {
        url: pooled.parse().unwrap(),
        options: options(),
        postgres: Some(at_database(&server, &database)),
        _folder: tempfile::tempdir().unwrap(),
    };
    let (create, discard) = (
        format!("CREATE DATABASE {database} TEMPLATE template0"),
        format!("DROP DATABASE {database} WITH (FORCE)"),
    );
    between(&server, &create, &discard, test(&place)).await;
}

/// The superuser's URL of a server that tests may use.
pub(crate) fn server() -> Option<String> {
    let server = std::env::var("TRINCO_TEST_POSTGRES").ok();
    if server.is_none() {
        assert!(std::env::var("CI").is_err(), "CI must set TRINCO_TEST_POSTGRES");
        println!("TRINCO_TEST_POSTGRES is not set: skipped on PostgreSQL");
    }
    server
}

/// Runs `test` after `create` and before `discard`, however it ends.
pub(crate) async fn between(
    server: &str,
    create: &str,
    discard: &str,
    test: impl Future<Output = ()>,
) {
    raw(server, create).await;
    let ended = AssertUnwindSafe(test).catch_unwind().await;
    raw(server, discard).await;
    if let Err(panic) = ended {
        std::panic::resume_unwind(panic);
    }
}

/// A name that no other test has.
pub(crate) fn unique(purpose: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{purpose}_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn with_option(url: &str, option: &str) -> String {
    format!("{url}{}{option}", if url.contains('?') { '&' } else { '?' })
}

/// The same server and user, another database.
pub(crate) fn at_database(url: &str, database: &str) -> String {
    let (place, options) = url.split_once('?').unwrap_or((url, ""));
    let (server, _) = place.rsplit_once('/').unwrap();
    let mark = if options.is_empty() { "" } else { "?" };
    format!("{server}/{database}{mark}{options}")
}

pub(crate) fn sqlite() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let url = DbUrl::Sqlite(folder.path().join("test.db"));
    Place { url, options: options(), postgres: None, _folder: folder }
}

/// Runs statements past this crate.
pub(crate) async fn raw(url: &str, script: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(script).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
}

fn options() -> Options {
    Options { postgres_connections: 6, read_connections: 3, ..Options::default() }
}
