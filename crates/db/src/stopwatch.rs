use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Measures how long the engine has been at something. Never the time of day: what is stored in rows
/// is passed in by callers.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        reason = "bounds how long a statement runs or a group stays open; no result depends on it"
    )]
    pub(crate) fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The moment a statement must have ended, shared with SQLite's progress handler.
pub(crate) struct Deadline {
    since: Stopwatch,
    /// Nanoseconds after `since`; `u64::MAX` for none.
    at: AtomicU64,
}

impl Deadline {
    pub(crate) fn none() -> Deadline {
        Deadline { since: Stopwatch::start(), at: AtomicU64::new(u64::MAX) }
    }

    /// Starts a new budget; `None` lifts it.
    pub(crate) fn set(&self, budget: Option<Duration>) {
        let at = budget.map_or(u64::MAX, |budget| nanoseconds(self.since.elapsed() + budget));
        self.at.store(at, Ordering::Relaxed);
    }

    pub(crate) fn passed(&self) -> bool {
        let at = self.at.load(Ordering::Relaxed);
        at != u64::MAX && nanoseconds(self.since.elapsed()) > at
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX - 1)
}
