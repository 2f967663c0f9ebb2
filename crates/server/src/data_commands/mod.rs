//! The operator's commands on data as a whole: the schema, copies, backups. They work on the database itself, whether a server runs or
//! not, and refuse when one that runs is in the way.

mod backup;
mod copy;
mod logs;
mod migrate;
mod restore;
mod status;

use std::path::PathBuf;

use clap::Subcommand;
use trinco_db::{Db, DbUrl, Options};

pub(crate) use logs::LogsCommand;

use crate::config::Settings;
use crate::logging;

/// `trinco db …`
#[derive(Subcommand)]
pub(crate) enum DbCommand {
    /// Tells which schema the database has, what is to be applied, and whether the master key fits. Exit code 0: up to date, 1: not.
    Status {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Brings the schema of the database up to date with this program.
    Migrate {
        /// Only tell what would be applied.
        #[arg(long)]
        dry_run: bool,
        /// Apply also what servers of older programs cannot work with, although they run: they stop by themselves.
        #[arg(long)]
        force: bool,
    },
    /// Copies everything from one database into another, of whatever engines, such as sqlite:data/trinco.db postgres://…. Stop the
    /// servers first: what is written meanwhile is not copied.
    Copy {
        /// Where from, as in --db-url; env:NAME for what the variable NAME holds, so that passwords stay off the command line.
        source: String,
        /// Where to, likewise: an empty database, which gets the schema first.
        target: String,
        /// Delete what the target holds.
        #[arg(long)]
        force: bool,
    },
}

/// What is to be done.
pub(crate) enum DataCommand {
    Db(DbCommand),
    Logs(LogsCommand),
    Backup { file: PathBuf },
    Restore { file: PathBuf, force: bool },
}

/// What a command answers.
pub(crate) struct Said {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Whether the exit code is 0.
    pub(crate) is_good: bool,
}

impl Said {
    fn done(stdout: String, stderr: String) -> Self {
        Self { stdout, stderr, is_good: true }
    }
}

/// Does it. An error is one sentence for the person at the terminal.
pub(crate) fn run(settings: &Settings, command: DataCommand) -> Result<Said, String> {
    logging::start_for_command();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| format!("the command cannot be started: {error}"))?;
    let said = runtime.block_on(async {
        match command {
            DataCommand::Db(DbCommand::Status { json }) => status::run(settings, json).await,
            DataCommand::Db(DbCommand::Migrate { dry_run, force }) => {
                migrate::run(settings, dry_run, force).await
            }
            DataCommand::Db(DbCommand::Copy { source, target, force }) => {
                copy::run(&source, &target, force).await
            }
            DataCommand::Logs(LogsCommand::Export(wanted)) => logs::run(settings, &wanted).await,
            DataCommand::Backup { file } => backup::run(settings, &file).await,
            DataCommand::Restore { file, force } => restore::run(settings, &file, force).await,
        }
    });
    // A thread that is still at something works for a command that was interrupted.
    runtime.shutdown_background();
    said
}

/// What a command needs that does one thing at a time.
fn options() -> Options {
    Options {
        read_connections: 1,
        scan_connections: 1,
        postgres_connections: 4,
        ..Options::default()
    }
}

/// A SQLite file that does not exist must not be made by looking at it.
fn require_file(url: &DbUrl) -> Result<(), String> {
    match url {
        DbUrl::Sqlite(path) if !path.exists() => Err(format!(
            "there is no database at {url}; run this in the folder where the server runs, or name its data directory \
             with --data"
        )),
        _ => Ok(()),
    }
}

/// Opens a database that exists, to look at it.
async fn look_at(url: &DbUrl) -> Result<Db, String> {
    require_file(url)?;
    Db::open_read_only(url, options()).await.map_err(|error| cannot_open(url, &error))
}

fn cannot_open(url: &DbUrl, error: &trinco_db::Error) -> String {
    format!("the database {url} cannot be opened: {error}")
}

/// A node shows every four seconds that it lives. Milliseconds.
const SEEN_LATELY: i64 = 15_000;

/// When a node was seen, by its own clock: it may be gone, or its clock wrong.
fn seen(at: i64, now: i64) -> String {
    let seconds = (now - at).unsigned_abs() / 1000;
    let ago = match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    };
    if (now - at).abs() <= SEEN_LATELY {
        format!("seen {} s ago", (now - at).max(0) / 1000)
    } else if at > now {
        format!("seen {ago} from now: its clock is ahead of this one, so it may run or be gone")
    } else {
        format!("not seen for {ago}: it is gone, or its clock is wrong")
    }
}

/// `1 row`, `2 rows`.
fn counted(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_was_not_seen_lately_is_not_said_to_run() {
        let now = 1_000_000_000;
        for (at, expected) in [
            (now - 3_900, "seen 3 s ago"),
            (now + 2_000, "seen 0 s ago"),
            (now - 20_000, "not seen for 20 s: it is gone, or its clock is wrong"),
            (now - 300_000, "not seen for 5 min: it is gone, or its clock is wrong"),
            (now - 86_400_000, "not seen for 24 h: it is gone, or its clock is wrong"),
        ] {
            assert_eq!(seen(at, now), expected);
        }
        assert!(seen(now + 600_000, now).starts_with("seen 10 min from now: its clock is ahead"));
    }
}
