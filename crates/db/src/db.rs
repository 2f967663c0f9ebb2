use std::sync::Arc;

use futures_util::future::BoxFuture;
use tracing::Instrument as _;

use crate::conn::{Conn, Link, Scope, Tx, Work};
use crate::dialect::EngineKind;
use crate::postgres::Postgres;
use crate::sqlite::Sqlite;
use crate::{DbUrl, Error, Migrating, Migration, Options, migrate};

/// An open database. Clones share it.
#[derive(Clone)]
pub struct Db(Arc<Engine>);

/// The database as one tenant sees it. Cheap to clone.
#[derive(Clone)]
pub struct TenantDb {
    db: Db,
    tenant: Arc<str>,
    scope: Scope,
}

/// The database without a tenant: nothing is bound, and the parameters passed start at `$1`. For
/// what belongs to no tenant, such as migrations and the leases of background jobs.
#[derive(Clone)]
pub struct SystemDb {
    db: Db,
    scope: Scope,
}

/// What a database is busy with. What its engine does not have is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Transactions that wait for the one thread that writes.
    pub waiting_writes: Option<u64>,
    /// The pool of connections.
    pub pool: Option<PoolLoad>,
}

/// The state of a pool of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLoad {
    /// Connections there are.
    pub size: u64,
    /// Of these, connections in use.
    pub in_use: u64,
    /// Callers that wait for one.
    pub waiting: u64,
}

/// The target of the spans around transactions (level `debug`).
pub const TRANSACTION_SPANS: &str = "trinco_db::transaction";

enum Engine {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Db {
    /// Opens the database and checks that it answers. Creates a SQLite file (mode 0600) that does not
    /// exist yet, but not its folder.
    pub async fn open(url: &DbUrl, options: Options) -> Result<Db, Error> {
        let engine = match url {
            DbUrl::Sqlite(path) => Engine::Sqlite(Sqlite::open(path.clone(), options).await?),
            DbUrl::Postgres(url) => Engine::Postgres(Postgres::open(url, &options).await?),
        };
        Ok(Db(Arc::new(engine)))
    }

    /// Opens a database to look at it. A SQLite file must exist, is left exactly as it is, and may be in use by a server; on
    /// PostgreSQL this is [`open`](Self::open).
    pub async fn open_read_only(url: &DbUrl, options: Options) -> Result<Db, Error> {
        match url {
            DbUrl::Sqlite(path) => {
                let engine = Sqlite::open_read_only(path.clone(), options).await?;
                Ok(Db(Arc::new(Engine::Sqlite(engine))))
            }
            DbUrl::Postgres(_) => Db::open(url, options).await,
        }
    }

    /// Brings the schema up to date and gives the names of the migrations it applied, each in a
    /// transaction of its own. Safe when several nodes do it at once. A database that is newer than
    /// `migrations`, and still serves programs that know no more, is left as it is.
    ///
    /// `now_ms` (Unix milliseconds) is recorded with them. [`Error::Migration`] when the database
    /// and the migrations do not fit together, or when older programs that run could not work with
    /// what is to be applied.
    pub async fn migrate(
        &self,
        migrations: &[Migration],
        now_ms: i64,
    ) -> Result<Vec<&'static str>, Error> {
        self.migrate_with(migrations, Migrating::default(), now_ms).await
    }

    /// As [`migrate`](Self::migrate), with another treatment of the servers that run.
    pub async fn migrate_with(
        &self,
        migrations: &[Migration],
        migrating: Migrating,
        now_ms: i64,
    ) -> Result<Vec<&'static str>, Error> {
        migrate::migrate(&self.system(), migrations, migrating, now_ms).await
    }

    /// The database as `tenant` sees it.
    pub fn tenant(&self, tenant: &str) -> TenantDb {
        let tenant: Arc<str> = tenant.into();
        TenantDb { db: self.clone(), scope: Scope::Tenant(Arc::clone(&tenant)), tenant }
    }

    /// The database without a tenant.
    pub fn system(&self) -> SystemDb {
        SystemDb { db: self.clone(), scope: Scope::System }
    }

    /// Which engine this is. For logs and operators; code must not branch on it.
    pub fn engine(&self) -> EngineKind {
        match &*self.0 {
            Engine::Sqlite(_) => EngineKind::Sqlite,
            Engine::Postgres(_) => EngineKind::Postgres,
        }
    }

    /// Asks the database for an answer.
    pub async fn ping(&self) -> Result<(), Error> {
        let system = self.system();
        system.read().await?.one(crate::sql!("SELECT 1"), &[]).await?;
        Ok(())
    }

    /// How many commits of writes there have been. On SQLite one commit serves a whole group of
    /// transactions.
    pub fn commits(&self) -> u64 {
        match &*self.0 {
            Engine::Sqlite(engine) => engine.commits(),
            Engine::Postgres(engine) => engine.commits(),
        }
    }

    /// What the database is busy with at this moment.
    pub fn load(&self) -> Load {
        match &*self.0 {
            Engine::Sqlite(engine) => {
                Load { waiting_writes: Some(engine.waiting_writes()), pool: None }
            }
            Engine::Postgres(engine) => {
                let (size, in_use, waiting) = engine.pool();
                Load { waiting_writes: None, pool: Some(PoolLoad { size, in_use, waiting }) }
            }
        }
    }

    /// Whether this program can work with the schema of the database as it is now: every one of its migrations has been applied, as it
    /// knows them, and those that it does not know allow it to go on.
    ///
    /// # Errors
    /// [`Error::Migration`] with a sentence when it cannot, and whatever keeps the database from answering.
    pub async fn check_schema(&self, migrations: &[Migration]) -> Result<(), Error> {
        match self.standing(migrations).await?.pending.first() {
            None => Ok(()),
            Some((version, name)) => {
                migrate::refuse(format!("the database lacks migration {version} ({name})"))
            }
        }
    }

    /// Lets the writes that were taken finish, then closes all connections; on SQLite the log is
    /// folded into the file. Later calls get [`Error::Closed`].
    pub async fn close(&self) {
        match &*self.0 {
            Engine::Sqlite(engine) => engine.close().await,
            Engine::Postgres(engine) => engine.close().await,
        }
    }

    async fn read<'c>(&self, scope: &'c Scope) -> Result<Conn<'c>, Error> {
        let link = match &*self.0 {
            Engine::Sqlite(engine) => Link::SqliteRead(engine.read().await?),
            Engine::Postgres(engine) => Link::Postgres(engine.read().await?),
        };
        Ok(Conn::reading(scope, link))
    }

    async fn write<I, T, E>(&self, scope: &Scope, input: I, work: Work<I, T, E>) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let span = self.transaction("write");
        let run = async {
            match &*self.0 {
                Engine::Sqlite(engine) => engine.write(scope.clone(), input, work).await,
                Engine::Postgres(engine) => engine.write(scope.clone(), input, work).await,
            }
        };
        run.instrument(span).await
    }

    /// What a trace shows of a transaction: that it was, and how long it took with the waiting before it and the commit after it. Never
    /// SQL and never a value. Nothing is made unless somebody collects these.
    fn transaction(&self, kind: &'static str) -> tracing::Span {
        tracing::debug_span!(
            target: TRANSACTION_SPANS,
            "transaction",
            kind,
            engine = self.engine().name(),
        )
    }

    async fn scan<I, T, E>(&self, scope: &Scope, input: I, work: Work<I, T, E>) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let span = self.transaction("scan");
        let run = async {
            match &*self.0 {
                Engine::Sqlite(engine) => engine.scan(scope.clone(), input, work).await,
                Engine::Postgres(engine) => engine.scan(scope.clone(), input, work).await,
            }
        };
        run.instrument(span).await
    }
}

macro_rules! access {
    ($handle:ty) => {
        impl $handle {
            /// A connection for point reads. Hold it briefly: the pool is small, and one task that
            /// holds a connection while it asks for another can starve itself.
            ///
            /// Every statement sees the newest commit, including every write that has been answered.
            /// On SQLite statements run inline, so they must be short; use [`scan`](Self::scan) for
            /// the others.
            pub async fn read(&self) -> Result<Conn<'_>, Error> {
                self.db.read(&self.scope).await
            }

            /// Runs a long read, all of it on one snapshot, off the async threads. As in
            /// [`write`](Self::write), the closure must await nothing but its connection.
            pub async fn scan<I, T, E, F>(&self, input: I, run: F) -> Result<T, E>
            where
                F: for<'t> Fn(&'t mut Conn<'_>, &'t I) -> BoxFuture<'t, Result<T, E>>
                    + Send
                    + Sync
                    + 'static,
                I: Send + Sync + 'static,
                T: Send + 'static,
                E: From<Error> + Send + 'static,
            {
                let work: Work<I, T, E> = Box::new(move |tx, input| run(&mut *tx, input));
                self.db.scan(&self.scope, input, work).await
            }

            /// Runs a transaction. `Ok` commits it, `Err` and a panic roll it back; the answer comes
            /// after the commit has reached the disk.
            ///
            /// The closure may run more than once and must await nothing but `tx`: hash, sign and call
            /// the network before or after. A caller that goes away while it waits for its answer does
            /// not undo the transaction. When the error type cannot be inferred, end the closure with
            /// `Ok::<_, YourError>(…)`.
            pub async fn write<I, T, E, F>(&self, input: I, run: F) -> Result<T, E>
            where
                F: for<'t> Fn(&'t mut Tx<'_>, &'t I) -> BoxFuture<'t, Result<T, E>>
                    + Send
                    + Sync
                    + 'static,
                I: Send + Sync + 'static,
                T: Send + 'static,
                E: From<Error> + Send + 'static,
            {
                self.db.write(&self.scope, input, Box::new(run)).await
            }
        }
    };
}

access!(TenantDb);
access!(SystemDb);

impl TenantDb {
    /// The tenant's id.
    pub fn id(&self) -> &str {
        &self.tenant
    }
}
