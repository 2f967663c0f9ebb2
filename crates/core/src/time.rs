//! Time and randomness, passed in so that tests move time by hand and repeat what happened.

/// Reads the time. Implemented by the server with the system's clock and by tests with a hand-moved one.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> i64;

    /// Milliseconds since some moment in the past: how long something takes, however the clock is set meanwhile. Only this process knows
    /// that moment.
    fn monotonic_ms(&self) -> i64;
}

/// A source of unpredictable bytes.
pub trait Randomness: Send + Sync + 'static {
    /// Fills `buffer` with random bytes.
    fn fill(&self, buffer: &mut [u8]);
}

/// The operating system's randomness, by way of aws-lc.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, buffer: &mut [u8]) {
        aws_lc_rs::rand::fill(buffer).expect("the system's random number generator works");
    }
}
