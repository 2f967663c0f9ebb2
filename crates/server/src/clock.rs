//! The system's clocks. The rest of the server gets time from here.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use trinco_core::Clock;

/// The wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is where the system's clock is passed in")]
    fn now_ms(&self) -> i64 {
        // A clock set before 1970 is a broken one; time then stands at its beginning.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
    }

    #[expect(clippy::disallowed_methods, reason = "this is where the system's clock is passed in")]
    fn monotonic_ms(&self) -> i64 {
        static START: OnceLock<Instant> = OnceLock::new();
        let since_start = START.get_or_init(Instant::now).elapsed();
        i64::try_from(since_start.as_millis()).unwrap_or(i64::MAX)
    }
}

impl SystemClock {
    /// Nanoseconds since the Unix epoch.
    #[expect(clippy::disallowed_methods, reason = "this is where the system's clock is read")]
    pub(crate) fn now_ns() -> u64 {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Measures how long something took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "this is where the system's clock is passed in")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Nanoseconds since the start.
    pub(crate) fn elapsed_ns(self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Milliseconds since the start.
    pub(crate) fn elapsed_ms(self) -> u128 {
        self.0.elapsed().as_millis()
    }
}
