//! `trinco db migrate`.

use std::fmt::Write as _;

use trinco_core::{Clock as _, MIGRATIONS};
use trinco_db::{Db, Migrating, Standing};

use super::{Said, cannot_open, counted, look_at, options, require_file, seen};
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::data_dir;

pub(super) async fn run(settings: &Settings, dry_run: bool, force: bool) -> Result<Said, String> {
    let url = &settings.db_url;
    if dry_run {
        let db = look_at(url).await?;
        let standing = db.standing(MIGRATIONS).await;
        db.close().await;
        return Ok(would(&standing.map_err(|error| cannot_open(url, &error))?));
    }
    require_file(url)?;
    let _lock = if settings.is_sqlite() {
        let held = |held: data_dir::Held| {
            format!(
                "{}; a server brings its database up to date when it starts, so stop it first",
                held.describe()
            )
        };
        Some(data_dir::try_lock(settings)?.map_err(held)?)
    } else {
        None
    };
    let db = Db::open(url, options()).await.map_err(|error| cannot_open(url, &error))?;
    let migrating = Migrating { force, ..Migrating::default() };
    let applied = db.migrate_with(MIGRATIONS, migrating, SystemClock.now_ms()).await;
    let standing = db.standing(MIGRATIONS).await;
    db.close().await;
    let applied =
        applied.map_err(|error| format!("the database {url} was not migrated: {error}"))?;
    let now = standing.map_err(|error| cannot_open(url, &error))?.database;
    let mut stdout = String::new();
    for name in &applied {
        writeln!(stdout, "applied {name}").expect("writing to a string works");
    }
    let stderr = match applied.len() as u64 {
        0 => format!("Nothing was to be done: {url} has schema {now}.\n"),
        count => format!("{url} has schema {now} now: {} applied.\n", counted(count, "migration")),
    };
    Ok(Said::done(stdout, stderr))
}

fn would(standing: &Standing) -> Said {
    let mut stdout = String::new();
    for (version, name) in &standing.pending {
        writeln!(stdout, "would apply {name} ({version})").expect("writing to a string works");
    }
    let mut stderr = String::new();
    if standing.pending.is_empty() && !standing.is_up_to_date() {
        stdout.push_str("would make the tables beside the schema\n");
    }
    if standing.is_up_to_date() {
        stderr = format!("Nothing is to be done: the schema is {}.\n", standing.database);
    }
    for node in &standing.nodes {
        let seen = seen(node.seen_at, SystemClock.now_ms());
        writeln!(stderr, "{} has a program of schema {}, {seen}.", node.label, node.schema_version)
            .expect("writing to a string works");
    }
    Said::done(stdout, stderr)
}
