use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::dialect::EngineKind;
use crate::{Error, Param, Row, Sql, postgres, sqlite};

/// A connection that reads, bound to its tenant: `$1` of every statement is the tenant, and the
/// parameters passed are `$2`, `$3`, ….
pub struct Conn<'c> {
    scope: &'c Scope,
    link: Link<'c>,
    transaction: bool,
    failed: bool,
    after_commit: AfterCommit,
}

/// What is done once a transaction has been committed, and never when it has not.
pub(crate) type AfterCommit = Vec<Box<dyn FnOnce() + Send>>;

/// A transaction: a [`Conn`] that can also write.
pub struct Tx<'c>(Conn<'c>);

/// What runs inside a transaction, whatever the engine.
pub(crate) type Work<I, T, E> =
    Box<dyn for<'t, 'c> Fn(&'t mut Tx<'c>, &'t I) -> BoxFuture<'t, Result<T, E>> + Send + Sync>;

/// Whose rows a connection sees.
#[derive(Clone)]
pub(crate) enum Scope {
    Tenant(Arc<str>),
    System,
}

pub(crate) enum Link<'c> {
    SqliteRead(sqlite::Pooled),
    SqliteWrite(&'c mut sqlite::Connection),
    Postgres(postgres::Link<'c>),
}

impl<'c> Conn<'c> {
    pub(crate) fn reading(scope: &'c Scope, link: Link<'c>) -> Conn<'c> {
        Conn { scope, link, transaction: false, failed: false, after_commit: Vec::new() }
    }

    /// The tenant this connection is bound to; empty for one of [`Db::system`](crate::Db::system).
    pub fn tenant(&self) -> &str {
        match self.scope {
            Scope::Tenant(tenant) => tenant,
            Scope::System => "",
        }
    }

    /// All rows of the answer.
    pub async fn all(&mut self, sql: &Sql, params: &[Param<'_>]) -> Result<Vec<Row>, Error> {
        let args = self.args(sql, params)?;
        let answer = match &mut self.link {
            Link::SqliteRead(connection) => connection.query(sql, &args),
            Link::SqliteWrite(connection) => connection.query(sql, &args),
            Link::Postgres(link) => link.query(sql, &args).await,
        };
        self.noting_failure(answer)
    }

    /// The only row of the answer, if there is one. [`Error::ManyRows`] when there are several.
    pub async fn optional(
        &mut self,
        sql: &Sql,
        params: &[Param<'_>],
    ) -> Result<Option<Row>, Error> {
        let mut rows = self.all(sql, params).await?;
        let row = rows.pop();
        if rows.is_empty() { Ok(row) } else { Err(Error::ManyRows) }
    }

    /// The only row of the answer. [`Error::NoRow`] when there is none, [`Error::ManyRows`] when
    /// there are several.
    pub async fn one(&mut self, sql: &Sql, params: &[Param<'_>]) -> Result<Row, Error> {
        self.optional(sql, params).await?.ok_or(Error::NoRow)
    }

    pub(crate) fn engine(&self) -> EngineKind {
        match self.link {
            Link::SqliteRead(_) | Link::SqliteWrite(_) => EngineKind::Sqlite,
            Link::Postgres(_) => EngineKind::Postgres,
        }
    }

    fn args<'a>(&self, sql: &'a Sql, params: &'a [Param<'a>]) -> Result<Args<'a>, Error>
    where
        'c: 'a,
    {
        if self.failed {
            return Err(Error::Aborted);
        }
        Args::new(self.scope, sql, params)
    }

    /// PostgreSQL ends a transaction at its first error; SQLite would go on. Both end it here.
    fn noting_failure<T>(&mut self, answer: Result<T, Error>) -> Result<T, Error> {
        self.failed |= self.transaction && answer.is_err();
        answer
    }
}

impl<'c> Tx<'c> {
    pub(crate) fn new(scope: &'c Scope, link: Link<'c>) -> Tx<'c> {
        Tx(Conn { scope, link, transaction: true, failed: false, after_commit: Vec::new() })
    }

    /// Runs a statement and gives the number of rows it wrote. For `RETURNING` use
    /// [`all`](Conn::all) and its like.
    pub async fn execute(&mut self, sql: &Sql, params: &[Param<'_>]) -> Result<u64, Error> {
        let args = self.0.args(sql, params)?;
        let answer = match &mut self.0.link {
            Link::SqliteRead(connection) => connection.execute(sql, &args),
            Link::SqliteWrite(connection) => connection.execute(sql, &args),
            Link::Postgres(link) => link.execute(sql, &args).await,
        };
        self.0.noting_failure(answer)
    }

    /// Notes something to be done once this transaction has been committed: to count, or to wake somebody. It runs on the thread
    /// that commits, so it must be quick and must not wait; what the closure noted in a run that was not kept is forgotten.
    pub fn after_commit(&mut self, then: impl FnOnce() + Send + 'static) {
        self.0.after_commit.push(Box::new(then));
    }

    /// Runs several statements of a migration.
    pub(crate) async fn script(&mut self, script: &str) -> Result<(), Error> {
        let script = crate::dialect::spell(script, self.engine());
        let answer = match &mut self.0.link {
            Link::SqliteRead(connection) => connection.script(&script),
            Link::SqliteWrite(connection) => connection.script(&script),
            Link::Postgres(link) => link.script(&script).await,
        };
        self.0.noting_failure(answer)
    }

    /// Gives every further statement of this transaction another time limit.
    pub(crate) async fn limit_statements(&mut self, limit: Duration) -> Result<(), Error> {
        match &mut self.0.link {
            Link::SqliteRead(connection) => connection.limit_statements(limit),
            Link::SqliteWrite(connection) => connection.limit_statements(limit),
            Link::Postgres(link) => link.limit_statements(limit).await?,
        }
        Ok(())
    }

    /// Whether a statement has failed, so that the transaction must not be kept.
    pub(crate) fn failed(&self) -> bool {
        self.0.failed
    }

    pub(crate) fn take_after_commit(&mut self) -> AfterCommit {
        std::mem::take(&mut self.0.after_commit)
    }

    pub(crate) fn into_link(self) -> Link<'c> {
        self.0.link
    }
}

impl<'c> Deref for Tx<'c> {
    type Target = Conn<'c>;

    fn deref(&self) -> &Conn<'c> {
        &self.0
    }
}

impl DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

/// A statement's values, `$1` first. As many as the statement has.
pub(crate) struct Args<'a> {
    tenant: Option<Param<'a>>,
    passed: &'a [Param<'a>],
    pushed: &'a [Param<'static>],
}

/// SQLite takes no more parameters than this; PostgreSQL twice as many.
const MOST_PARAMETERS: usize = 32_766;

impl<'a> Args<'a> {
    fn new(scope: &'a Scope, sql: &'a Sql, passed: &'a [Param<'a>]) -> Result<Args<'a>, Error> {
        let tenant = match scope {
            Scope::Tenant(_) if !sql.names_tenant() => {
                return Err(Error::Misuse("a statement does not name its tenant ($1)"));
            }
            Scope::Tenant(tenant) => Some(Param::from(&**tenant)),
            Scope::System => None,
        };
        let args = Args { tenant, passed, pushed: sql.pushed() };
        let count = args.iter().count();
        if count != sql.highest() {
            return Err(Error::Misuse("a statement was given a wrong number of parameters"));
        }
        if count > MOST_PARAMETERS {
            return Err(Error::Misuse("a statement has more than 32766 parameters"));
        }
        let nul = |param: &Param<'_>| matches!(param, Param::Text(text) if text.contains('\0'));
        if args.iter().any(nul) {
            return Err(Error::NulInText);
        }
        Ok(args)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Param<'a>> {
        self.tenant.iter().chain(self.passed).chain(self.pushed)
    }
}
