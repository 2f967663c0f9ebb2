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
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| format!("the command cannot be started: {error}"))?;
    runtime.block_on(async {
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
    })
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

/// `1 row`, `2 rows`.
fn counted(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
