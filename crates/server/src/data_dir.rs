//! The data directory, and the lock that makes one process its owner.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use trinco_db::DbUrl;

use crate::config::Settings;

/// Holds the lock until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _files: Vec<File>,
}

/// Another process holds the lock.
#[derive(Debug)]
pub(crate) struct Held {
    path: PathBuf,
    pid: Option<u32>,
}

impl Held {
    /// What is in the way, as the middle of a sentence.
    pub(crate) fn describe(&self) -> String {
        let holder =
            self.pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
        format!("{holder} holds the lock {}", self.path.display())
    }
}

/// Creates the data directory, for its owner only, unless it exists.
pub(crate) fn create(settings: &Settings) -> Result<(), String> {
    let path = &settings.data_dir;
    let created = DirBuilder::new().recursive(true).mode(0o700).create(path);
    created.map_err(|error| {
        format!("the data directory {} cannot be created: {error}", path.display())
    })
}

/// Becomes the owner of the data: of the data directory, and of the SQLite file when it lies elsewhere.
pub(crate) fn try_lock(settings: &Settings) -> Result<Result<Lock, Held>, String> {
    let mut files = Vec::new();
    for path in lock_paths(settings) {
        let file = open(&path)?;
        match file.try_lock() {
            Ok(()) => {
                sign(&file).map_err(|error| cannot_lock(&path, &error))?;
                files.push(file);
            }
            Err(TryLockError::WouldBlock) => return Ok(Err(Held { pid: signature(&file), path })),
            Err(TryLockError::Error(error)) => return Err(cannot_lock(&path, &error)),
        }
    }
    Ok(Ok(Lock { _files: files }))
}

/// Takes the locks that a server would hold which uses this SQLite file, whatever its data directory is. Makes none: where there is
/// no lock, no server has ever been.
pub(crate) fn lock_file_for(database: &Path) -> Result<Result<Vec<Lock>, Held>, String> {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    let mut locks = Vec::new();
    for path in [database.with_file_name("lock"), PathBuf::from(name)] {
        if !path.exists() {
            continue;
        }
        let file = open(&path)?;
        match file.try_lock() {
            Ok(()) => locks.push(Lock { _files: vec![file] }),
            Err(TryLockError::WouldBlock) => return Ok(Err(Held { pid: signature(&file), path })),
            Err(TryLockError::Error(error)) => return Err(cannot_lock(&path, &error)),
        }
    }
    Ok(Ok(locks))
}

/// Waits for the lock of the data directory. For short work only.
pub(crate) fn wait_for_lock(settings: &Settings) -> Result<Lock, String> {
    let path = settings.data_dir.join("lock");
    let file = open(&path)?;
    file.lock().map_err(|error| cannot_lock(&path, &error))?;
    Ok(Lock { _files: vec![file] })
}

/// Makes a file, or the disappearance of one, survive a power cut.
pub(crate) fn sync_directory(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}

fn lock_paths(settings: &Settings) -> Vec<PathBuf> {
    let mut paths = vec![settings.data_dir.join("lock")];
    if let DbUrl::Sqlite(file) = &settings.db_url {
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let is_same = fs::canonicalize(folder).ok() == fs::canonicalize(&settings.data_dir).ok();
        if !is_same {
            let mut name = file.clone().into_os_string();
            name.push(".lock");
            paths.push(name.into());
        }
    }
    paths
}

fn open(path: &Path) -> Result<File, String> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|error| cannot_lock(path, &error))
}

fn cannot_lock(path: &Path, error: &std::io::Error) -> String {
    format!("the lock {} cannot be taken: {error}", path.display())
}

fn sign(mut file: &File) -> std::io::Result<()> {
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())
}

/// The process that holds the lock, unless it has not signed yet.
fn signature(file: &File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
