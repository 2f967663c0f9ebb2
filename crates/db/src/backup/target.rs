//! The file that a backup becomes.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{cannot, explain, folder_of, is_same, private, sync, with_suffix};
use crate::error::refused;
use crate::sqlite::file;
use crate::{DbUrl, Error};

/// What SQLite puts beside a file.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];
/// Bytes of randomness in a temporary name: nobody else who may write to the folder can have put something there.
const RANDOM_BYTES: usize = 8;
/// Another backup may take a temporary file for one that was left behind before it is locked; not time and again.
const ATTEMPTS: u32 = 8;

/// The file to be written, and the temporary name under which that happens. Dropped before it is kept, it leaves nothing behind.
pub(super) struct Target {
    path: PathBuf,
    partial: PathBuf,
    /// Locked: who finds the lock free has found what a killed backup left behind.
    file: File,
    kept: bool,
}

impl Target {
    pub(super) fn claim(source: &DbUrl, path: &Path) -> Result<Target, Error> {
        if let Ok(found) = fs::metadata(path) {
            let is_database = matches!(source, DbUrl::Sqlite(database) if is_same(database, path));
            if found.is_dir() {
                return refused(format!("{} is a folder; name a file", path.display()));
            }
            let is_backup = || {
                file::is_sqlite(path).unwrap_or(false) && matches!(file::note(path), Ok(Some(_)))
            };
            if is_database || !is_backup() {
                return refused(format!(
                    "{} exists and is no backup, so it is not replaced; choose another name",
                    path.display()
                ));
            }
        }
        let cannot = |error: io::Error| cannot("written", path, &error);
        for _ in 0..ATTEMPTS {
            let partial = partial_name(path)?;
            // A file that is made here and now is nobody else's, and no link to it.
            let file = private(OpenOptions::new().write(true).create_new(true))
                .open(&partial)
                .map_err(cannot)?;
            if is_ours(&file, &partial).map_err(cannot)? {
                remove_left_behind(folder_of(path));
                return Ok(Target { path: path.to_owned(), partial, file, kept: false });
            }
        }
        refused(format!("{} cannot be written: others remove what is begun there", path.display()))
    }

    /// Where to write: an empty file.
    pub(super) fn partial(&self) -> &Path {
        &self.partial
    }

    /// What checks what was written, apart from this: it may take long, and whoever gives up meanwhile drops this.
    pub(super) fn check(&self) -> Result<impl FnOnce() -> Result<(), Error> + use<>, Error> {
        let (path, partial) = (self.path.clone(), self.partial.clone());
        let file = self.file.try_clone().map_err(|error| cannot("written", &path, &error))?;
        Ok(move || {
            file.sync_all().map_err(|error| cannot("written", &path, &error))?;
            match file::damage(&partial).map_err(|error| explain(error, &path))? {
                None => Ok(()),
                Some(what) => {
                    refused(format!("the backup turned out damaged and was not kept: {what}"))
                }
            }
        })
    }

    /// Gives what was checked its name.
    pub(super) fn keep(mut self) -> Result<(), Error> {
        let cannot = |error: io::Error| cannot("written", &self.path, &error);
        fs::rename(&self.partial, &self.path).map_err(cannot)?;
        self.kept = true;
        sync(folder_of(&self.path)).map_err(cannot)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if !self.kept {
            remove(&self.partial);
        }
    }
}

fn remove(partial: &Path) {
    let _ = fs::remove_file(partial);
    for suffix in COMPANIONS {
        let _ = fs::remove_file(with_suffix(partial, suffix));
    }
}

/// `FILE.0123456789abcdef.partial`
fn partial_name(path: &Path) -> Result<PathBuf, Error> {
    let mut bytes = [0; RANDOM_BYTES];
    aws_lc_rs::rand::fill(&mut bytes)
        .or_else(|_| refused("there is no backup, because the system gives no randomness"))?;
    let random = u64::from_ne_bytes(bytes);
    Ok(with_suffix(path, &format!(".{random:016x}.partial")))
}

/// Whether a name is one that [`partial_name`] gives.
fn is_partial_name(name: &str) -> bool {
    let random = name.strip_suffix(".partial").and_then(|rest| rest.rsplit_once('.'));
    let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    random.is_some_and(|(_, random)| random.len() == 2 * RANDOM_BYTES && random.chars().all(is_hex))
}

/// Locks the file; false when its name is not, or no longer, that of this file.
fn is_ours(file: &File, path: &Path) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(false),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let ours = file.metadata()?;
    Ok(fs::symlink_metadata(path)
        .is_ok_and(|found| (found.dev(), found.ino()) == (ours.dev(), ours.ino())))
}

/// Removes what backups to files in this folder have left behind that were killed: those of yesterday had another name. What cannot be
/// removed does no harm.
fn remove_left_behind(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let is_partial = entry.file_name().to_str().is_some_and(is_partial_name);
        let is_file = || entry.file_type().is_ok_and(|kind| kind.is_file());
        if !is_partial || !is_file() {
            continue;
        }
        let partial = entry.path();
        if let Ok(file) = File::open(&partial)
            && is_ours(&file, &partial).unwrap_or(false)
        {
            remove(&partial);
        }
    }
}
