//! In a file of its own, because it keeps a core busy until the process ends.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use serde_json::json;
use support::{Nowhere, job, run_whole};
use trinco_script::{Engine, ScriptError};

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_cannot_be_stopped_keeps_one_thread_and_gets_no_other() {
    let engine = Engine::default();
    // One step of the engine that takes minutes.
    let source = "function getCustomJwtClaims() { new Array(4294967295).reverse() }";
    let nothing = json!({});
    let stuck = || run_whole(&engine, source, &nothing, Nowhere::fetching());
    assert_eq!(stuck().await.outcome, Err(ScriptError::Clock));
    assert_eq!(stuck().await.outcome, Err(ScriptError::Overdue));
    assert!(engine.run(job("return {}", Nowhere::fetching())).await.outcome.is_ok());
}
