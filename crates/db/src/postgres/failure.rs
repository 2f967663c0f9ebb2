use std::borrow::Cow;
use std::error::Error as _;
use std::io;
use std::sync::Arc;

use tokio_postgres::error::{DbError, Severity, SqlState};

use super::tls;
use crate::Error;

/// What a PostgreSQL error means.
pub(super) fn failure(error: tokio_postgres::Error) -> Error {
    let Some(cause) = error.as_db_error() else {
        // Anything that is not an answer of the server leaves the connection in doubt.
        return Error::Unavailable { why: None, source: Some(Arc::new(error)) };
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
        code if is_lost(code) || is_fatal(cause) => {
            let why = Some(reason(code));
            Error::Unavailable { why, source: Some(Arc::new(error)) }
        }
        code => Error::Other { code: code.code().to_owned(), source: Some(Arc::new(error)) },
    }
}

/// Why there is no connection. Nothing has been asked of the server yet, so that what it says holds no row and no parameter.
pub(super) fn connect_failure(error: tokio_postgres::Error) -> Error {
    let why = if let Some(answer) = error.as_db_error() {
        format!("PostgreSQL refuses the connection: {}", one_line(answer.message()))
    } else if let Some(sentence) = tls_failure(&error) {
        sentence
    } else {
        let cause = error.source();
        match cause.and_then(|cause| cause.downcast_ref::<io::Error>()) {
            // The driver's own, of a server that is not what `target_session_attrs` asks for.
            Some(cause)
                if cause.kind() == io::ErrorKind::PermissionDenied
                    && cause.raw_os_error().is_none() =>
            {
                format!("PostgreSQL is not what target_session_attrs asks for: {cause}")
            }
            Some(cause) => {
                format!("PostgreSQL cannot be reached: {}", one_line(&cause.to_string()))
            }
            None => {
                let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
                one_line(&format!("there is no connection to PostgreSQL: {error}{cause}"))
            }
        }
    };
    Error::Unavailable { why: Some(why.into()), source: Some(Arc::new(error)) }
}

/// Why TLS could not be spoken, when that is what went wrong.
pub(super) fn tls_failure(error: &tokio_postgres::Error) -> Option<String> {
    let cause = error.source()?;
    if let Some(tls::Failure(sentence)) = cause.downcast_ref::<tls::Failure>() {
        return Some(one_line(sentence));
    }
    // The driver's own words.
    (cause.to_string() == "server does not support TLS")
        .then(|| "PostgreSQL does not speak TLS, which sslmode of the URL asks for".to_owned())
}

/// A server's words go to a log, where they must not look like another line or fill it.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}

/// Whether the connection has been lost with this error. What it was asked has not been answered.
pub(super) fn is_gone(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_none_or(is_fatal)
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
    let is_certain = error.as_db_error().is_some_and(|answer| {
        let code = answer.code();
        // CockroachDB's word for a commit that it cannot tell about.
        !is_lost(code) && !is_fatal(answer) && *code != SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN
    });
    match is_certain {
        true => Commit::Failed(failure(error)),
        false => Commit::Failed(Error::CommitUnknown { source: Some(Arc::new(error)) }),
    }
}

/// Connection exceptions (class 08), insufficient resources (53), operator intervention (57P) and
/// system errors (58).
fn is_lost(code: &SqlState) -> bool {
    ["08", "53", "57P", "58"].iter().any(|class| code.code().starts_with(class))
}

/// Whether the server has ended the connection with these words.
fn is_fatal(answer: &DbError) -> bool {
    matches!(answer.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
}

/// The words of the server may quote what it was working on; its code does not.
fn reason(code: &SqlState) -> Cow<'static, str> {
    let known = match code.code() {
        // PostgreSQL itself says so of a client that breaks the protocol, which this one does not.
        "08P01" => {
            "a pooler in front of PostgreSQL, such as PgBouncer, has no connection to it (08P01)"
        }
        "53100" => "PostgreSQL's disk is full",
        "53200" => "PostgreSQL has no memory left",
        "53300" => "PostgreSQL has no connection left",
        "57P01" => "an administrator has ended the connection",
        "57P02" => "PostgreSQL is recovering from a crash",
        "57P03" => "PostgreSQL is starting or stopping",
        "58030" => "PostgreSQL cannot read or write its files",
        code => return format!("PostgreSQL answered with the code {code}").into(),
    };
    known.into()
}
