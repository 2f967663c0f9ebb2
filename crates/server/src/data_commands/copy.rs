//! `trinco db copy`.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use trinco_core::{Clock as _, MIGRATIONS, tenants};
use trinco_db::{Copied, Copying, Db, DbUrl, copy};

use super::{Said, cannot_open, counted, look_at, options};
use crate::clock::{Stopwatch, SystemClock};
use crate::data_dir;

pub(super) async fn run(source: &str, target: &str, force: bool) -> Result<Said, String> {
    let (from, to) = (url("the source", source)?, url("the target", target)?);
    if from == to {
        return Err("source and target are the same database".to_owned());
    }
    let _lock = lock(&to)?;
    let stopwatch = Stopwatch::start();
    let source = look_at(&from).await?;
    let opened = Db::open(&to, options()).await.map_err(|error| cannot_open(&to, &error));
    let target = match opened {
        Ok(target) => target,
        Err(sentence) => {
            source.close().await;
            return Err(sentence);
        }
    };
    let copied = between(&source, &target, force).await;
    let fingerprint = tenants::sealed_under(&source).await;
    source.close().await;
    target.close().await;
    let copied = copied.map_err(|error| format!("{from} was not copied to {to}: {error}"))?;
    let mut said = report(&copied, stopwatch.elapsed_ms());
    if let Ok(Some(fingerprint)) = fingerprint {
        writeln!(
            said.stderr,
            "The secrets in it are sealed under the master key {fingerprint}: servers on {to} need the same one."
        )
        .expect("writing to a string works");
    }
    Ok(said)
}

/// Copies, and shows on a terminal how far it is.
pub(super) async fn between(
    source: &Db,
    target: &Db,
    force: bool,
) -> Result<Vec<Copied>, trinco_db::Error> {
    let is_watched = io::stderr().is_terminal();
    let progress = |table: &str, rows: u64| {
        if is_watched {
            let _ = write!(io::stderr(), "\r\x1b[K{table}: {}", counted(rows, "row"));
        }
    };
    let copying = Copying { force, ..Copying::default() };
    let standing = target.standing(MIGRATIONS).await;
    if force && standing.is_ok_and(|standing| !standing.nodes.is_empty()) {
        let seconds = copying.watch.as_secs();
        let _ =
            writeln!(io::stderr(), "Watching for {seconds} s whether a server runs on the target.");
    }
    let now = SystemClock.now_ms();
    let copied = copy(source, target, MIGRATIONS, copying, now, progress).await;
    if is_watched {
        let _ = write!(io::stderr(), "\r\x1b[K");
    }
    copied
}

/// The rows of each table, and how long it took.
fn report(copied: &[Copied], elapsed_ms: u128) -> Said {
    let (mut stdout, mut total) = (String::new(), 0);
    for Copied { table, rows } in copied.iter().filter(|copied| copied.rows > 0) {
        total += rows;
        writeln!(stdout, "{rows:>10}  {table}").expect("writing to a string works");
    }
    let (total, seconds) = (counted(total, "row"), elapsed_ms as f64 / 1000.0);
    let tables = counted(copied.len() as u64, "table");
    Said::done(stdout, format!("{total} of {tables} copied and counted in {seconds:.1} s.\n"))
}

fn url(what: &str, given: &str) -> Result<DbUrl, String> {
    let text = match given.strip_prefix("env:") {
        None => given.to_owned(),
        Some(name) => std::env::var(name)
            .map_err(|_| format!("{what}: the environment has no variable {name}"))?,
    };
    text.parse().map_err(|error| format!("{what}: {error}"))
}

/// A server that uses a SQLite file owns it.
fn lock(target: &DbUrl) -> Result<Option<data_dir::Lock>, String> {
    let DbUrl::Sqlite(file) = target else { return Ok(None) };
    let held = |held: data_dir::Held| {
        format!("{}; a server uses the target, so stop it first", held.describe())
    };
    data_dir::try_lock_file(file)?.map(Some).map_err(held)
}
