use std::sync::Arc;

use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::{Error, dialect};

/// What a SQLite error means.
pub(super) fn failure(error: rusqlite::Error) -> Error {
    let rusqlite::Error::SqliteFailure(cause, message) = &error else {
        let code = match &error {
            rusqlite::Error::SqlInputError { error, .. } => error.extended_code.to_string(),
            _ => "driver".to_owned(),
        };
        return Error::Other { code, source: Some(Arc::new(error)) };
    };
    match (cause.extended_code, cause.code) {
        (ffi::SQLITE_CONSTRAINT_FOREIGNKEY, _) => Error::ForeignKey,
        (
            ffi::SQLITE_CONSTRAINT_UNIQUE
            | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
            | ffi::SQLITE_CONSTRAINT_ROWID,
            _,
        ) => {
            let name = message.as_deref().and_then(dialect::unique_name);
            Error::Unique { on: name.unwrap_or_default() }
        }
        (
            _,
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::OperationInterrupted,
        ) => Error::Busy,
        (_, ErrorCode::ReadOnly) => Error::ReadOnly,
        (
            _,
            ErrorCode::CannotOpen
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::OutOfMemory
            | ErrorCode::PermissionDenied,
        ) => Error::Unavailable { why: None, source: Some(Arc::new(error)) },
        (code, _) => Error::Other { code: code.to_string(), source: Some(Arc::new(error)) },
    }
}
