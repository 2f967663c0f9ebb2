use std::sync::atomic::{AtomicI64, Ordering};

use trinco_core::Clock;

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl Default for TestClock {
    /// 2026-01-01T00:00:00Z.
    fn default() -> Self {
        Self(AtomicI64::new(1_767_225_600_000))
    }
}

impl TestClock {
    /// Stands still at the system's time.
    #[expect(
        clippy::disallowed_methods,
        reason = "tests with foreign clients need the time those clients see"
    )]
    pub(crate) fn at_system_time() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self(AtomicI64::new(since.map_or(0, |since| since.as_millis() as i64)))
    }

    /// Moves the clock forward by this many seconds.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// Unix seconds.
    pub fn now(&self) -> i64 {
        self.now_ms() / 1000
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}
