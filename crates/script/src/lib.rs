//! Runs a function that an administrator wrote in JavaScript.
//!
//! A run has a runtime and a thread of its own, and starts from nothing: what one leaves behind no other sees. It has limits on
//! memory, stack, processor time and time on the clock ([`limits`]). It cannot read files, load modules, start timers or reach the
//! network, except by `fetch`, and by that only the origins its caller allows ([`Fetching`]).
//!
//! The function gets one object, the payload, and answers with an object or refuses by `payload.api.denyAccess(message)`. A refusal
//! stands, whatever the script does afterwards.

mod control;
mod engine;
mod error;
mod fetch;
pub mod limits;
mod origin;
mod run;
mod words;

pub use engine::{Engine, Job, Outcome, Run};
pub use error::ScriptError;
pub use fetch::{Fetch, FetchRequest, FetchResponse, Fetching};
pub use origin::{AllowedOrigin, OriginParseError};
pub use words::Secrets;
