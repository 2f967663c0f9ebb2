//! What a run may use.

use std::time::Duration;

/// Bytes of a script.
pub const SCRIPT: usize = 64 * 1024;
/// Bytes a run may allocate, the payload and the engine's own objects included.
pub const MEMORY: usize = 16 * 1024 * 1024;
/// Bytes of the engine's stack: some hundred calls deep.
pub const STACK: usize = 256 * 1024;
/// Processor time of a run; waiting for `fetch` takes none.
pub const CPU: Duration = Duration::from_millis(250);
/// A run on the clock, waiting included.
pub const CLOCK: Duration = Duration::from_secs(5);
/// Runs at once.
pub const RUNS: usize = 32;
/// How long a run waits for its turn.
pub const TURN: Duration = Duration::from_secs(1);
/// Bytes of the answer as JSON: no token of 8 KiB, base64 as it is, has room for more.
pub const ANSWER: usize = 6 * 1024;
/// Objects and arrays of the answer within each other.
pub const ANSWER_DEPTH: usize = 16;
/// Requests of one run.
pub const FETCHES: usize = 5;
/// Bytes of a request's URL.
pub const FETCH_URL: usize = 2048;
/// Bytes of a request's headers, and how many there may be.
pub const FETCH_HEADERS: (usize, usize) = (8 * 1024, 32);
/// Bytes of a request's body.
pub const FETCH_BODY: usize = 64 * 1024;
/// Lines that `console` keeps, and characters of one line or message.
pub const CONSOLE: (usize, usize) = (20, 500);
