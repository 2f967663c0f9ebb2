//! The command line of what measures.
#![expect(clippy::print_stderr, reason = "a measurement talks to a terminal")]

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use trinco_bench::Scale;

#[derive(Parser)]
#[command(about = "Measures a Trinco server from outside.")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// What endpoints take and rows weigh with many users. PostgreSQL is measured as well when BENCH_POSTGRES_URL names an empty database.
    Scale(Scale),
}

fn main() -> ExitCode {
    let Arguments { task: Task::Scale(scale) } = Arguments::parse();
    match trinco_bench::scale(&scale) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("trinco-bench: {sentence}");
            ExitCode::FAILURE
        }
    }
}
