use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, OpenFlags};

use super::failure::failure;
use crate::conn::Args;
use crate::dialect::{self, EngineKind};
use crate::stopwatch::Deadline;
use crate::{Error, Param, Row, Sql, Value, regular};

/// One SQLite connection, used by one thread at a time.
pub(crate) struct Connection {
    raw: rusqlite::Connection,
    deadline: Arc<Deadline>,
    /// The longest a statement may run.
    budget: Duration,
    usual_budget: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
    /// Nothing about the file is changed, not even how its log is kept.
    Look,
}

/// Prepared statements kept per connection.
const STATEMENTS: usize = 512;

/// How often SQLite asks whether the time is up, in instructions of its virtual machine (well under a
/// millisecond).
const INSTRUCTIONS_BETWEEN_CHECKS: i32 = 10_000;

impl Connection {
    pub(super) fn open(path: &Path, access: Access, budget: Duration) -> Result<Connection, Error> {
        if access == Access::Write {
            create_private(path)?;
        }
        let mode = match access {
            Access::Look => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Access::Read | Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
        };
        let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut raw = rusqlite::Connection::open_with_flags(path, flags).map_err(failure)?;
        let deadline = Arc::new(Deadline::none());
        set_up(&mut raw, access, budget, Arc::clone(&deadline)).map_err(failure)?;
        Ok(Connection { raw, deadline, budget, usual_budget: budget })
    }

    pub(crate) fn query(&mut self, sql: &Sql, args: &Args<'_>) -> Result<Vec<Row>, Error> {
        self.deadline.set(Some(self.budget));
        query(&self.raw, sql, args).map_err(failure)
    }

    pub(crate) fn execute(&mut self, sql: &Sql, args: &Args<'_>) -> Result<u64, Error> {
        self.deadline.set(Some(self.budget));
        execute(&self.raw, sql, args).map_err(|error| match error {
            rusqlite::Error::ExecuteReturnedResults => {
                Error::Misuse("execute was given a statement that returns rows")
            }
            error => failure(error),
        })
    }

    pub(crate) fn script(&mut self, script: &str) -> Result<(), Error> {
        self.deadline.set(Some(self.budget));
        self.raw.execute_batch(script).map_err(failure)
    }

    /// Runs a `BEGIN`, `COMMIT` or the like, without a time limit.
    pub(super) fn control(&mut self, statement: &'static str) -> Result<(), Error> {
        self.deadline.set(None);
        let mut statement = self.raw.prepare_cached(statement).map_err(failure)?;
        statement.raw_execute().map(drop).map_err(failure)
    }

    pub(crate) fn limit_statements(&mut self, limit: Duration) {
        self.budget = limit;
    }

    /// Whether a transaction is open. SQLite ends one by itself after some errors (a full disk, an
    /// interrupted write).
    pub(super) fn in_transaction(&self) -> bool {
        !self.raw.is_autocommit()
    }

    /// Rolls back what is open and returns to the usual time limit.
    pub(super) fn end_transaction(&mut self) -> Result<(), Error> {
        self.budget = self.usual_budget;
        if self.in_transaction() { self.control("ROLLBACK") } else { Ok(()) }
    }

    /// Returns to the usual time limit, for the next transaction of a group.
    pub(super) fn reset_limit(&mut self) {
        self.budget = self.usual_budget;
    }

    /// Folds the log into the file.
    pub(super) fn checkpoint(&mut self) -> Result<(), Error> {
        self.deadline.set(None);
        self.raw.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(failure)
    }
}

/// Creates the file so that only its owner can read it; SQLite gives its companions the same mode.
fn create_private(path: &Path) -> Result<(), Error> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map(drop)
        .map_err(|error| Error::Unavailable { why: None, source: Some(Arc::new(error)) })
}

fn set_up(
    raw: &mut rusqlite::Connection,
    access: Access,
    budget: Duration,
    deadline: Arc<Deadline>,
) -> Result<(), rusqlite::Error> {
    raw.busy_timeout(budget)?;
    // A misspelled column in double quotes is an error, as on PostgreSQL, and not a text.
    raw.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    raw.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    raw.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    if access != Access::Look {
        raw.execute_batch(dialect::SQLITE_LOG)?;
    }
    raw.execute_batch(dialect::SQLITE_SETUP)?;
    if access != Access::Write {
        raw.execute_batch("PRAGMA query_only = ON")?;
    }
    raw.set_prepared_statement_cache_capacity(STATEMENTS);
    raw.create_scalar_function("regexp", 2, REGEXP_FLAGS, regexp)?;
    raw.progress_handler(INSTRUCTIONS_BETWEEN_CHECKS, Some(move || deadline.passed()))
}

const REGEXP_FLAGS: FunctionFlags = FunctionFlags::SQLITE_UTF8
    .union(FunctionFlags::SQLITE_DETERMINISTIC)
    .union(FunctionFlags::SQLITE_INNOCUOUS);

/// `text REGEXP pattern`, for which SQLite has an operator and no function. Nothing fits no text.
fn regexp(context: &mut Context<'_>) -> Result<Option<bool>, rusqlite::Error> {
    let unreadable = |error: regex::Error| rusqlite::Error::UserFunctionError(Box::new(error));
    // Compiled once for a statement.
    let pattern: Arc<regex::Regex> =
        context.get_or_create_aux(0, |pattern| match pattern.as_str() {
            Ok(pattern) => regular::compile(pattern).map_err(unreadable),
            Err(error) => Err(rusqlite::Error::UserFunctionError(Box::new(error))),
        })?;
    let text: Option<String> = context.get(1)?;
    Ok(text.map(|text| pattern.is_match(&text)))
}

fn query(
    raw: &rusqlite::Connection,
    sql: &Sql,
    args: &Args<'_>,
) -> Result<Vec<Row>, rusqlite::Error> {
    let mut statement = prepare(raw, sql, args)?;
    let width = statement.column_count();
    let names =
        sql.columns(|| statement.column_names().map(str::to_owned).collect::<Vec<_>>().into());
    let mut answer = Vec::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        let mut values = Vec::with_capacity(width);
        for index in 0..width {
            values.push(value(row.get_ref(index)?, index)?);
        }
        answer.push(Row::new(names.clone(), values));
    }
    Ok(answer)
}

fn execute(raw: &rusqlite::Connection, sql: &Sql, args: &Args<'_>) -> Result<u64, rusqlite::Error> {
    let mut statement = prepare(raw, sql, args)?;
    if statement.column_count() > 0 {
        return Err(rusqlite::Error::ExecuteReturnedResults);
    }
    statement.raw_execute().map(|changed| changed as u64)
}

fn prepare<'c>(
    raw: &'c rusqlite::Connection,
    sql: &Sql,
    args: &Args<'_>,
) -> Result<CachedStatement<'c>, rusqlite::Error> {
    let mut statement = raw.prepare_cached(sql.spelled_for(EngineKind::Sqlite))?;
    for (index, param) in (1..).zip(args.iter()) {
        match param {
            Param::Null(_) => statement.raw_bind_parameter(index, rusqlite::types::Null),
            Param::Text(text) => statement.raw_bind_parameter(index, &**text),
            Param::Int(value) => statement.raw_bind_parameter(index, *value),
            Param::Bool(value) => statement.raw_bind_parameter(index, *value),
        }?;
    }
    Ok(statement)
}

fn value(value: ValueRef<'_>, index: usize) -> Result<Value, rusqlite::Error> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(value) => Ok(Value::Int(value)),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Ok(Value::Text(text.to_owned())),
            Err(error) => Err(rusqlite::Error::Utf8Error(index, error)),
        },
        ValueRef::Real(_) | ValueRef::Blob(_) => {
            Err(rusqlite::Error::InvalidColumnType(index, String::new(), value.data_type()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kill does not show whether a commit reaches the disk: the page cache outlives the process.
    #[test]
    fn a_commit_waits_for_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let writer = Connection::open(&path, Access::Write, Duration::from_secs(1)).unwrap();
        let pragma =
            |name| writer.raw.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(pragma("synchronous"), 2, "FULL");
        let mode: String =
            writer.raw.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
        assert_eq!(pragma("foreign_keys"), 1);
    }
}
