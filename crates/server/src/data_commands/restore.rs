//! `trinco restore`.

use std::path::Path;

use trinco_core::{Clock as _, MIGRATIONS, tenants};
use trinco_db::{BackupNote, Db, DbUrl, Standing};

use super::{Said, cannot_open, copy, look_at, options};
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::{data_dir, master_key, open};

pub(super) async fn run(settings: &Settings, file: &Path, force: bool) -> Result<Said, String> {
    let note = trinco_db::check_backup(file)
        .await
        .map_err(|error| format!("nothing was restored: {error}"))?;
    let standing = require_fit(settings, file).await?;
    match &settings.db_url {
        DbUrl::Sqlite(database) => to_sqlite(settings, file, database, force, &note).await,
        DbUrl::Postgres(_) => to_postgres(settings, file, force, &note, &standing).await,
    }
}

/// Everything that can be known to go wrong is known before anything is replaced.
async fn require_fit(settings: &Settings, file: &Path) -> Result<Standing, String> {
    let backup = look_at(&DbUrl::Sqlite(file.to_owned())).await?;
    let standing = backup.standing(MIGRATIONS).await;
    let sealed_under = match &standing {
        Ok(standing) if standing.database > 0 => tenants::sealed_under(&backup).await,
        _ => Ok(None),
    };
    backup.close().await;
    let nothing = |why: &dyn std::fmt::Display| format!("nothing was restored: {why}");
    let standing = standing.map_err(|error| nothing(&error))?;
    let needed = sealed_under.map_err(|error| nothing(&error))?;
    let at_hand = master_key::existing(settings)?.map(|key| key.fingerprint());
    match (needed, at_hand) {
        (Some(needed), None) => Err(format!(
            "nothing was restored: the secrets in {} are sealed under the master key {needed}, and there is no key {}; \
             put that key there first",
            file.display(),
            master_key::place(settings)
        )),
        (Some(needed), Some(at_hand)) if needed != at_hand => Err(format!(
            "nothing was restored: the secrets in {} are sealed under the master key {needed}, and the key {} is \
             {at_hand}; put the right key in place first",
            file.display(),
            master_key::place(settings)
        )),
        _ => Ok(standing),
    }
}

async fn to_sqlite(
    settings: &Settings,
    file: &Path,
    database: &Path,
    force: bool,
    note: &BackupNote,
) -> Result<Said, String> {
    let url = &settings.db_url;
    open::prepare_data_dir(settings)?;
    let _lock = data_dir::try_lock(settings)?.map_err(|held| {
        format!("nothing was restored: {}; stop the server first", held.describe())
    })?;
    // What is replaced is the file, and not a link that leads there.
    let database = &data_dir::real_file(database)?;
    if database.exists() && !force {
        return Err(format!(
            "nothing was restored: there is a database at {url}; replace it with --force, which moves it aside"
        ));
    }
    let aside = aside(database);
    let had_one = trinco_db::put_back(file, database, &aside)
        .await
        .map_err(|error| format!("nothing was restored: {error}"))?;
    let mut stderr = restored(url, file, note);
    if had_one {
        stderr.push_str(&format!("The database that was there is at {} now.\n", aside.display()));
    }
    Ok(Said::done(String::new(), stderr))
}

/// A name that is free, beside the database.
fn aside(database: &Path) -> std::path::PathBuf {
    let moment = SystemClock.now_ms() / 1000;
    let name = |n: i64| {
        let mut name = database.as_os_str().to_owned();
        name.push(format!(".before-restore-{}", moment + n));
        std::path::PathBuf::from(name)
    };
    (0..).map(name).find(|name| !name.exists()).expect("there are more numbers than files")
}

async fn to_postgres(
    settings: &Settings,
    file: &Path,
    force: bool,
    note: &BackupNote,
    standing: &Standing,
) -> Result<Said, String> {
    let url = &settings.db_url;
    if !standing.pending.is_empty() {
        return Err(format!(
            "nothing was restored: the backup has schema {} and this program schema {}; restore it with the program that \
             made it (version {}), then bring the database up to date",
            standing.database, standing.program, note.program
        ));
    }
    let source = look_at(&DbUrl::Sqlite(file.to_owned())).await?;
    let opened = Db::open(url, options()).await.map_err(|error| cannot_open(url, &error));
    let copied = match &opened {
        Ok(target) => {
            let copied = copy::between(&source, target, force).await;
            target.close().await;
            copied
                .map(drop)
                .map_err(|error| format!("{} was not restored: {error}", file.display()))
        }
        Err(sentence) => Err(sentence.clone()),
    };
    source.close().await;
    copied?;
    Ok(Said::done(String::new(), restored(url, file, note)))
}

fn restored(url: &DbUrl, file: &Path, note: &BackupNote) -> String {
    format!(
        "{url} is restored from {}, a backup of {} made by trinco {}.\n",
        file.display(),
        note.source,
        note.program
    )
}
