use std::borrow::Cow;
use std::sync::Arc;

pub(crate) type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// What can go wrong with the database.
///
/// `Display` never holds SQL, parameters, rows or passwords, so it can be logged. `Debug` and
/// [`source`](std::error::Error::source) hold what the driver said, which may quote a row: keep them
/// out of logs.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another row already has these values.
    #[error("another row has the same value ({on})")]
    Unique {
        /// The constraint: table and columns without `tenant_id`, joined by `_`, cut at 63 bytes.
        /// (`tenant_id` stays when it is the only column.)
        on: String,
    },
    /// A row that must exist does not, or one that is still referred to was deleted.
    #[error("a row refers to one that does not exist")]
    ForeignKey,
    /// [`one`](crate::Conn::one) found nothing.
    #[error("no such row")]
    NoRow,
    /// [`one`](crate::Conn::one) or [`optional`](crate::Conn::optional) found several rows.
    #[error("more than one row where at most one was expected")]
    ManyRows,
    /// Overload: a lock, a connection, the writer's queue or a statement took too long, or a
    /// conflict between transactions outlived its retries. Nothing was written; try again later.
    #[error("the database is busy")]
    Busy,
    /// The database cannot be reached, or the connection was lost. Nothing was written.
    #[error("the database is not available{}", because(.why.as_deref()))]
    Unavailable {
        /// For the operator: what is wrong, as far as it is known.
        why: Option<Cow<'static, str>>,
        /// What the driver said.
        #[source]
        source: Option<Cause>,
    },
    /// The connection was lost while committing: the transaction may or may not have been kept. It
    /// is not retried.
    #[error("the connection was lost while committing; the outcome is unknown")]
    CommitUnknown {
        /// What the driver said.
        #[source]
        source: Option<Cause>,
    },
    /// A closure awaited something else than its connection.
    #[error("a transaction awaited something other than the database")]
    Pending,
    /// A closure panicked. Its transaction was rolled back.
    #[error("a transaction panicked and was rolled back")]
    Panicked,
    /// The transaction cannot go on, because one of its statements has failed.
    #[error("an earlier statement of this transaction failed")]
    Aborted,
    /// Nothing can be written here: the server is a standby or set to read-only, the file is
    /// write-protected, or a read connection was asked to write.
    #[error("the database takes no writes here")]
    ReadOnly,
    /// Text with a NUL character, which PostgreSQL cannot store. Refused on both engines.
    #[error("text cannot hold a NUL character")]
    NulInText,
    /// The database has been closed.
    #[error("the database is closed")]
    Closed,
    /// A column does not hold what the code expects.
    #[error("column {column} holds {found} where {expected} was expected")]
    Column {
        /// The column's name, or its index when there is no such column.
        column: String,
        /// The Rust type asked for.
        expected: &'static str,
        /// The kind of value found.
        found: &'static str,
    },
    /// A mistake in the calling code, such as a wrong number of parameters.
    #[error("{0}")]
    Misuse(&'static str),
    /// The database and the migrations of this program do not fit together.
    #[error("{0}")]
    Migration(String),
    /// A database as a whole cannot be copied, backed up or restored. The sentence says why.
    #[error("{0}")]
    Refused(String),
    /// The database URL is not usable. Never quotes it.
    #[error("{0}")]
    Url(String),
    /// Anything else the engine refused.
    #[error("the database refused an operation ({code})")]
    Other {
        /// SQLite's extended result code or PostgreSQL's SQLSTATE.
        code: String,
        /// What the driver said.
        #[source]
        source: Option<Cause>,
    },
}

/// [`Error::Refused`].
pub(crate) fn refused<T>(why: impl Into<String>) -> Result<T, Error> {
    Err(Error::Refused(why.into()))
}

impl Error {
    /// Whether nothing was written and the same request may succeed later (an HTTP 503).
    pub fn is_temporary(&self) -> bool {
        matches!(self, Error::Busy | Error::Unavailable { .. } | Error::ReadOnly | Error::Closed)
    }

    /// Whether this is a broken unique constraint of that name.
    pub fn is_unique(&self, name: &str) -> bool {
        matches!(self, Error::Unique { on } if on == name)
    }
}

fn because(why: Option<&str>) -> String {
    why.map(|why| format!(": {why}")).unwrap_or_default()
}
