//! Development tasks, run as `cargo xtask <task>`:
//!
//! - `demo` builds the server and the Next.js example, sets both up and runs them;
//! - `test` checks everything the repository promises;
//! - `fuzz` fuzzes the parsers that see the network;
//! - `scale` measures a server with many users.
//!
//! This crate depends on none of the server's, so that it builds in seconds and keeps working while
//! they do not.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task talks to a terminal")]

mod arguments;
mod demo;
mod env_file;
mod example;
mod fuzz;
mod interop;
mod loopback;
mod postgres;
mod process;
mod provision;
mod redis;
mod scale;
mod steps;
mod tally;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use arguments::Task;

/// Every failure of a task is a sentence for the person who started it.
pub(crate) type Result<T, E = String> = std::result::Result<T, E>;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(sentence) => {
            process::leave_to_the_signal_handler_if_stopping();
            eprintln!("xtask: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    let task = arguments::parse(std::env::args().skip(1))?;
    process::stop_children_on_signals()?;
    match task {
        Task::Help => {
            println!("{}", arguments::USAGE);
            Ok(ExitCode::SUCCESS)
        }
        Task::Demo(options) => demo::run(&options),
        Task::Test(options) => test::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Scale(options) => scale::run(&options),
    }
}
