//! What goes wrong outside the server's power, and what must hold all the same: no acknowledged write is lost, nothing is accepted
//! twice, no refusal is a wrong one, and the server recovers by itself.

#[allow(
    dead_code,
    clippy::disallowed_methods,
    reason = "the tests of `db` need more of it, and see how long it takes"
)]
#[path = "../../../../db/tests/support/cluster.rs"]
mod cluster;
mod disk;
mod fsync;
mod kill;
mod load;
mod migrate;
mod postgres;
#[allow(
    dead_code,
    clippy::disallowed_methods,
    reason = "the tests of `db` need more of it, and see how long it takes"
)]
#[path = "../../../../db/tests/support/programs.rs"]
mod programs;

use std::process::Command;

use trinco_core::{Randomness as _, SystemRandomness};

/// Rounds from `TRINCO_FAULT_ROUNDS`, else 3.
fn rounds() -> usize {
    match std::env::var("TRINCO_FAULT_ROUNDS") {
        Ok(text) => text.parse().expect("TRINCO_FAULT_ROUNDS is a number"),
        Err(_) => 3,
    }
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    SystemRandomness.fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// Whether a program that a test cannot do without is there. In CI it must be.
fn has(program: &str, probe: &[&str]) -> bool {
    let there = Command::new(program).args(probe).output().is_ok_and(|run| run.status.success());
    assert!(there || std::env::var("CI").is_err(), "CI must have {program}");
    if !there {
        println!("{program} cannot be used: skipped");
    }
    there
}
