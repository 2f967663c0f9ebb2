//! The `trinco` binary: command line, configuration, wiring, background jobs.

mod cli;
mod clock;
mod command;
mod config;
mod control;
mod data_commands;
mod data_dir;
mod logging;
mod master_key;
mod metrics;
mod open;
mod password;
mod serve;
mod traces;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
