//! Backups: one SQLite file, whatever the engine of the database, and the way back.

mod target;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;

use futures_util::FutureExt as _;

use crate::error::refused;
use crate::sqlite::file::{self, BackupNote};
use crate::standing::IS_INCOMPLETE;
use crate::{Copying, Db, DbUrl, Error, Migration, Options, copy};
use target::Target;

/// Writes a backup of `source` to `path`: consistent, while servers write. The file appears there whole and on disk, with mode 0600,
/// and was checked before; until then an earlier backup of that name stays. Of two that are made at once under one name both are whole,
/// and the one that ends later stays. Once `stop` is ready the backup is given up, and nothing is left of it.
///
/// # Errors
/// [`Error::Refused`], with a sentence, when the file cannot be written or is something else than an earlier backup, or when it was
/// given up.
pub async fn backup(
    source: &DbUrl,
    path: &Path,
    migrations: &[Migration],
    note: BackupNote,
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    let mut stop = pin!(stop);
    let target = Target::claim(source, path)?;
    let partial = target.partial().to_owned();
    let now_ms = note.made_at;
    // What SQLite does by itself is not broken off: files are removed once it has let go of them.
    match source {
        DbUrl::Sqlite(database) => {
            let database = database.clone();
            blocking(move || {
                file::copy_into(&database, &partial)?;
                if file::is_incomplete(&partial)? {
                    return refused(IS_INCOMPLETE);
                }
                file::seal(&partial, &note)
            })
            .await
        }
        DbUrl::Postgres(_) => {
            let written = copy_out(source, &partial, migrations, now_ms, stop.as_mut()).await;
            match written {
                Ok(()) => blocking(move || file::seal(&partial, &note)).await,
                Err(error) => Err(error),
            }
        }
    }
    .map_err(|error| explain(error, path))?;
    blocking(target.check()?).await?;
    if stop.now_or_never().is_some() {
        return refused(INTERRUPTED);
    }
    blocking(move || target.keep()).await
}

/// Said of a backup that was given up.
const INTERRUPTED: &str = "it was interrupted";

/// The database of a server as a file.
async fn copy_out(
    source: &DbUrl,
    path: &Path,
    migrations: &[Migration],
    now_ms: i64,
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    let source = Db::open(source, few_connections()).await?;
    let copied = match Db::open(&DbUrl::Sqlite(path.to_owned()), few_connections()).await {
        Ok(target) => {
            let copying = copy(&source, &target, migrations, Copying::default(), now_ms, |_, _| {});
            let copied = tokio::select! {
                copied = copying => copied.map(drop),
                () = stop => refused(INTERRUPTED),
            };
            target.close().await;
            copied
        }
        Err(error) => Err(error),
    };
    source.close().await;
    copied
}

/// What a process needs that does one thing.
fn few_connections() -> Options {
    Options {
        read_connections: 1,
        scan_connections: 1,
        postgres_connections: 2,
        ..Options::default()
    }
}

/// Looks whether a file is a whole backup, and gives what it tells about itself.
///
/// # Errors
/// [`Error::Refused`], with a sentence, when it is not.
pub async fn check_backup(path: &Path) -> Result<BackupNote, Error> {
    let path = path.to_owned();
    blocking(move || {
        let shown = path.display();
        let is_sqlite = file::is_sqlite(&path)
            .or_else(|error| refused(format!("{shown} cannot be read: {error}")))?;
        if !is_sqlite {
            return refused(format!("{shown} is no backup made by `trinco backup`"));
        }
        let damaged = |what: &str| refused(format!("{shown} is damaged: {what}"));
        match file::damage(&path) {
            Ok(None) => {}
            Ok(Some(what)) => return damaged(&what),
            Err(_) => return damaged("it cannot be opened"),
        }
        match file::note(&path) {
            Ok(Some(note)) => Ok(note),
            Ok(None) => refused(format!("{shown} is no backup made by `trinco backup`")),
            Err(_) => damaged("it cannot be read"),
        }
    })
    .await
}

/// Puts a backup in the place of a SQLite database that no process uses, and gives where the old database was moved to, if there was
/// one: `aside`. At every moment there is a whole database in its place, the old one or the new one.
///
/// The caller owns the database, and has checked the backup with [`check_backup`].
///
/// # Errors
/// [`Error::Refused`], with a sentence. The old database is where it was, then.
pub async fn put_back(backup: &Path, database: &Path, aside: &Path) -> Result<bool, Error> {
    let (backup, database, aside) = (backup.to_owned(), database.to_owned(), aside.to_owned());
    blocking(move || {
        let new = with_suffix(&database, ".restoring");
        let made = copy_file(&backup, &new).and_then(|()| replace(&new, &database, &aside));
        if made.is_err() {
            let _ = fs::remove_file(&new);
        }
        made
    })
    .await
}

fn copy_file(backup: &Path, new: &Path) -> Result<(), Error> {
    let cannot = |error: io::Error| cannot("written", new, &error);
    remove_if_there(new).map_err(cannot)?;
    let mut to =
        private(OpenOptions::new().write(true).create_new(true)).open(new).map_err(cannot)?;
    let mut from = File::open(backup).map_err(|error| self::cannot("read", backup, &error))?;
    io::copy(&mut from, &mut to).map_err(cannot)?;
    to.sync_all().map_err(cannot)?;
    // What was checked may have changed since, or been read wrongly.
    match file::damage(new) {
        Ok(None) => {}
        _ => return refused(format!("{} was damaged while it was copied", backup.display())),
    }
    file::unseal(new).map_err(|error| explain(error, new))?;
    File::open(new).and_then(|file| file.sync_all()).map_err(cannot)
}

fn replace(new: &Path, database: &Path, aside: &Path) -> Result<bool, Error> {
    let folder = folder_of(database);
    let cannot = |error: io::Error| cannot("replaced", database, &error);
    let (log, index) = (with_suffix(database, "-wal"), with_suffix(database, "-shm"));
    let had_one = database.try_exists().map_err(cannot)?;
    if had_one {
        let is_folded = file::is_sqlite(database).unwrap_or(false) && file::fold(database);
        if !is_folded && log.try_exists().map_err(cannot)? {
            // What cannot be folded in stays beside it. With another database it would be read as that one's.
            fs::rename(&log, with_suffix(aside, "-wal")).map_err(cannot)?;
        }
        fs::hard_link(database, aside).map_err(cannot)?;
        sync(folder).map_err(cannot)?;
    }
    // The log is empty now, or none's.
    remove_if_there(&log).map_err(cannot)?;
    remove_if_there(&index).map_err(cannot)?;
    sync(folder).map_err(cannot)?;
    fs::rename(new, database).map_err(cannot)?;
    sync(folder).map_err(cannot)?;
    Ok(had_one)
}

/// Whether two names are one file.
fn is_same(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Error {
    Error::Refused(format!("{} cannot be {what}: {error}", path.display()))
}

/// A disk that is full or broken is one the reader of the sentence can do something about.
fn explain(error: Error, path: &Path) -> Error {
    let Error::Unavailable { source: Some(source), .. } = &error else { return error };
    match source.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code) {
        Some(rusqlite::ErrorCode::DiskFull) => Error::Refused(format!(
            "there is no room for {}: the disk is full; nothing was changed",
            path.display()
        )),
        Some(code) => Error::Refused(format!(
            "{} cannot be written: {code:?}; nothing was changed",
            path.display()
        )),
        None => error,
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(Error::Panicked))
}
