//! Measures a Trinco server from outside, as `cargo xtask scale` runs it: a database with many users is made, a server is started on
//! it, and what its endpoints take and what the rows weigh is printed as Markdown tables.
//!
//! It knows nothing of the server's crates: it speaks HTTP to the server, and SQL to the database only to multiply rows that the
//! server has made, and to weigh them.
#![expect(clippy::print_stdout, reason = "a measurement talks to a terminal")]
#![expect(clippy::disallowed_methods, reason = "what time passes is what is measured")]

mod endpoints;
mod installation;
mod load;
mod person;
mod population;
mod report;
mod scale;
mod server;
mod sizes;

use std::path::PathBuf;

pub use scale::run as scale;

/// Every failure is a sentence for the person who measures.
pub type Result<T, E = String> = std::result::Result<T, E>;

/// What is measured.
#[derive(clap::Args)]
pub struct Scale {
    /// The server's program, built for release.
    #[arg(long)]
    pub server: PathBuf,
    /// How many users there are.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1_000..))]
    pub users: u64,
    /// Only users: no sessions, no grants, no organizations; only the endpoints that need none are measured.
    #[arg(long)]
    pub users_only: bool,
    /// An empty PostgreSQL database to measure as well, read from BENCH_POSTGRES_URL: a password is nothing for a command line.
    #[arg(skip = std::env::var("BENCH_POSTGRES_URL").ok())]
    pub postgres: Option<String>,
    /// For how long each endpoint is asked, in seconds, on one connection and on many.
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
    /// Where the data is kept meanwhile.
    #[arg(long)]
    pub folder: Option<PathBuf>,
}
