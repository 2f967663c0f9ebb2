use std::sync::Arc;

use tokio_postgres::error::SqlState;

use crate::Error;

/// What a PostgreSQL error means.
pub(super) fn failure(error: tokio_postgres::Error) -> Error {
    let Some(cause) = error.as_db_error() else {
        // Anything that is not an answer of the server leaves the connection in doubt.
        return Error::Unavailable { source: Some(Arc::new(error)) };
    };
    match cause.code() {
        &SqlState::UNIQUE_VIOLATION => {
            Error::Unique { on: cause.constraint().unwrap_or_default().to_owned() }
        }
        &SqlState::FOREIGN_KEY_VIOLATION => Error::ForeignKey,
        &SqlState::T_R_SERIALIZATION_FAILURE
        | &SqlState::T_R_DEADLOCK_DETECTED
        | &SqlState::LOCK_NOT_AVAILABLE
        | &SqlState::QUERY_CANCELED => Error::Busy,
        &SqlState::READ_ONLY_SQL_TRANSACTION => Error::ReadOnly,
        code if is_lost(code) => Error::Unavailable { source: Some(Arc::new(error)) },
        code => Error::Other { code: code.code().to_owned(), source: Some(Arc::new(error)) },
    }
}

/// Whether the transaction failed only because of others and can be run again.
pub(super) fn is_conflict(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        matches!(*code, SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED)
    })
}

pub(super) enum Commit {
    Conflict,
    Failed(Error),
}

/// What a failed `COMMIT` means. Only an answer of the server that it did not commit is certain.
pub(super) fn commit_failure(error: tokio_postgres::Error) -> Commit {
    if is_conflict(&error) {
        return Commit::Conflict;
    }
    match error.code() {
        Some(code) if !is_lost(code) => Commit::Failed(failure(error)),
        _ => Commit::Failed(Error::CommitUnknown { source: Some(Arc::new(error)) }),
    }
}

/// Connection exceptions (class 08), insufficient resources (53), operator intervention (57P) and
/// system errors (58).
fn is_lost(code: &SqlState) -> bool {
    ["08", "53", "57P", "58"].iter().any(|class| code.code().starts_with(class))
}
