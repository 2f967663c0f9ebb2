//! One SQL text on two engines, SQLite and PostgreSQL, with group commit and migrations.
//!
//! This is the only crate that knows which engine is running. Everything above it writes portable
//! SQL (`$1` parameters; `TEXT`, `BIGINT` and `BOOLEAN` columns; no engine functions) and gets the
//! same answers, the same errors and the same guarantees from both.
//!
//! ```
//! use trinco_db::{Db, DbUrl, Error, Migration, Options, params, sql};
//!
//! const MIGRATIONS: &[Migration] = &[Migration {
//!     version: 1,
//!     name: "users",
//!     oldest_program: 1,
//!     sql: "CREATE TABLE users (
//!               tenant_id TEXT NOT NULL, id TEXT NOT NULL, username TEXT,
//!               CONSTRAINT users_id PRIMARY KEY (tenant_id, id),
//!               CONSTRAINT users_username UNIQUE (tenant_id, username))",
//! }];
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Error> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let url: DbUrl = format!("sqlite:{}", folder.path().join("trinco.db").display()).parse()?;
//! let db = Db::open(&url, Options::default()).await?;
//! db.migrate(MIGRATIONS, 1_700_000_000_000).await?;
//! let tenant = db.tenant("default");
//!
//! // A transaction. `$1` is always the tenant and bound by the connection; yours start at `$2`.
//! let name = "ana".to_owned();
//! tenant
//!     .write(name, |tx, name| {
//!         Box::pin(async move {
//!             let insert = sql!("INSERT INTO users (tenant_id, id, username) VALUES ($1, $2, $3)");
//!             tx.execute(insert, params!["u1", name]).await?;
//!             Ok::<_, Error>(())
//!         })
//!     })
//!     .await?;
//!
//! // A point read.
//! let mut conn = tenant.read().await?;
//! let found = conn
//!     .optional(sql!("SELECT id FROM users WHERE tenant_id = $1 AND username = $2"), params!["ana"])
//!     .await?;
//! assert_eq!(found.expect("just written").get::<String>(0)?, "u1");
//! # drop(conn);
//! db.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What holds on both engines
//!
//! - **A reply means it is on disk.** SQLite writes go to one writer thread which commits all waiting
//!   transactions together; PostgreSQL writes run in a task of their own. Either way a caller that
//!   goes away after its transaction was taken does not undo it.
//! - **SQL and nothing else inside a transaction.** A closure that awaits anything but its `tx` is an
//!   error on SQLite ([`Error::Pending`]), so it is found by the first test that runs it. The closure
//!   is a [`Fn`] because it can run more than once: it must not count on side effects.
//! - **A failed statement ends its transaction.** Whatever the closure returns then, nothing is kept
//!   ([`Error::Aborted`]). Use `ON CONFLICT DO NOTHING` and look at the number of rows instead.
//! - **Isolation is READ COMMITTED**, no better. Spend things once with a single
//!   `UPDATE … WHERE consumed_at IS NULL … RETURNING`. Every statement of a [`TenantDb::read`] sees
//!   the newest commit; a [`TenantDb::scan`] sees one snapshot.
//! - **Reads cannot write** ([`Error::ReadOnly`]), and text is UTF-8 without NUL ([`Error::NulInText`]).
//! - **Names of broken constraints agree** ([`Error::Unique`]), provided that migrations name
//!   constraints and unique indexes `table_column_column`, leaving out `tenant_id`.
//!
//! What does not: PostgreSQL indexes no text over about 2,700 bytes and refuses the row, so what is
//! indexed needs a limit on its length before it gets here.

mod backup;
mod conn;
mod copy;
mod db;
pub mod dialect;
mod error;
mod migrate;
mod nodes;
mod options;
mod param;
mod postgres;
pub mod regular;
mod row;
mod schema;
mod sql;
mod sqlite;
mod standing;
mod stopwatch;
mod tables;
mod url;
mod waiting;

pub use backup::{backup, check_backup, put_back};
pub use conn::{Conn, Tx};
pub use copy::{Copied, Copying, copy};
pub use db::{Db, Load, PoolLoad, SystemDb, TRANSACTION_SPANS, TenantDb};
pub use dialect::EngineKind;
pub use error::Error;
pub use futures_util::future::BoxFuture;
pub use migrate::{Migrating, Migration};
pub use nodes::{Node, Presence};
pub use options::Options;
pub use param::{Kind, Param, Typed};
pub use row::{Cols, FromColumn, Row, Value};
pub use schema::MIGRATIONS;
pub use sql::Sql;
pub use sqlite::file::BackupNote;
pub use standing::Standing;
pub use url::DbUrl;
pub use waiting::WAITS;
