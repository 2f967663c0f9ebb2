//! The data directory, and the lock that makes one process its owner.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use trinco_db::DbUrl;

use crate::config::Settings;

/// As many as Linux follows.
const MOST_LINKS: u32 = 40;

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

/// Becomes the owner of the data: of the data directory, and of the SQLite file, wherever it lies and however it is called.
pub(crate) fn try_lock(settings: &Settings) -> Result<Result<Lock, Held>, String> {
    let mut paths = vec![settings.data_dir.join("lock")];
    if let DbUrl::Sqlite(database) = &settings.db_url {
        paths.push(lock_of(database)?);
    }
    try_all(paths)
}

/// Becomes the owner of a SQLite file, whatever data directory the others have who use it.
pub(crate) fn try_lock_file(database: &Path) -> Result<Result<Lock, Held>, String> {
    try_all(vec![lock_of(database)?])
}

fn try_all(paths: Vec<PathBuf>) -> Result<Result<Lock, Held>, String> {
    let mut files = Vec::new();
    for path in paths {
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

/// The lock of a SQLite file: one for each file, and not for each of its names.
fn lock_of(database: &Path) -> Result<PathBuf, String> {
    let mut name = real_file(database)?.into_os_string();
    name.push(".lock");
    Ok(name.into())
}

/// The one name of a file that symbolic links, `..` and the working directory give many. The file may be missing, its folder not.
pub(crate) fn real_file(path: &Path) -> Result<PathBuf, String> {
    let cannot = |error: &std::io::Error| {
        format!("the database file {} cannot be found: {error}", path.display())
    };
    let mut file = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::canonicalize(&file) {
            Ok(real) => return Ok(real),
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(cannot(&error)),
            Err(_) => {}
        }
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let folder = fs::canonicalize(folder).map_err(|error| cannot(&error))?;
        match fs::read_link(&file) {
            // A link whose file is yet to be made.
            Ok(target) => file = folder.join(target),
            Err(_) => return Ok(folder.join(file.file_name().unwrap_or_default())),
        }
    }
    Err(cannot(&std::io::Error::other("there are too many symbolic links")))
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
