//! Waiting for others: those who change a schema, and those who rely on it not changing. On PostgreSQL they may belong to another
//! schema of the same database.

use std::time::Duration;

use crate::Error;
use crate::migrate::STATEMENT_LIMIT;
use crate::stopwatch::Stopwatch;

/// The target of the log lines that say what is waited for, for commands that show nothing else of the log.
pub const WAITS: &str = "trinco_db::waits";

const PAUSE: Duration = Duration::from_secs(1);

/// Somebody who tries again and again, and says so once.
pub(crate) struct Waiting {
    since: Stopwatch,
    is_said: bool,
}

impl Waiting {
    pub(crate) fn begin() -> Waiting {
        Waiting { since: Stopwatch::start(), is_said: false }
    }

    /// Pauses after [`Error::Busy`]. It is given back after half an hour; any other error is at once.
    pub(crate) async fn after(&mut self, error: Error) -> Result<(), Error> {
        if !matches!(error, Error::Busy) || self.since.elapsed() >= STATEMENT_LIMIT {
            return Err(error);
        }
        if !self.is_said {
            tracing::info!(
                target: WAITS,
                "waiting for a migration, a backup, a copy or a long transaction in the same database to end"
            );
            self.is_said = true;
        }
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }
}
