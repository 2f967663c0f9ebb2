use std::sync::atomic::{AtomicI64, Ordering};

use trinco_core::Clock;

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct TestClock {
    now_ms: AtomicI64,
    monotonic_ms: AtomicI64,
}

impl Default for TestClock {
    /// 2026-01-01T00:00:00Z.
    fn default() -> Self {
        Self::at(1_767_225_600_000)
    }
}

impl TestClock {
    fn at(now_ms: i64) -> Self {
        Self { now_ms: AtomicI64::new(now_ms), monotonic_ms: AtomicI64::new(0) }
    }

    /// Stands still at the system's time.
    #[expect(
        clippy::disallowed_methods,
        reason = "tests with foreign clients need the time those clients see"
    )]
    pub(crate) fn at_system_time() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self::at(since.map_or(0, |since| since.as_millis() as i64))
    }

    /// Another clock, which is so many seconds ahead and moves by itself alone.
    pub(crate) fn ahead(&self, seconds: i64) -> Self {
        Self::at(self.now_ms() + seconds * 1000)
    }

    /// Lets this many seconds go by.
    pub fn advance(&self, seconds: i64) {
        self.step(seconds);
        self.monotonic_ms.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// Sets the clock so many seconds forward, or back, while no time goes by.
    pub fn step(&self, seconds: i64) {
        self.now_ms.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// Unix seconds.
    pub fn now(&self) -> i64 {
        self.now_ms() / 1000
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    fn monotonic_ms(&self) -> i64 {
        self.monotonic_ms.load(Ordering::SeqCst)
    }
}
