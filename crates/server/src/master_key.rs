//! Where the master key comes from. Without it, what the database seals is lost; it is never made anew for data that exists.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use trinco_core::{MasterKey, SystemRandomness};
use trinco_db::DbUrl;

use crate::config::{MasterKeySource, Settings};
use crate::data_dir;

const FILE_NAME: &str = "master.key";

/// The master key of the settings, created on first start when it is kept in the data directory.
pub(crate) fn obtain(settings: &Settings) -> Result<MasterKey, String> {
    match &settings.master_key {
        MasterKeySource::Value(key) => Ok(key.clone()),
        MasterKeySource::File(path) => read(path).map_err(|error| unreadable(path, &error))?,
        MasterKeySource::DataDir => in_data_dir(settings),
    }
}

/// The master key of the settings, and never a new one; `None` when there is none in the data directory.
pub(crate) fn existing(settings: &Settings) -> Result<Option<MasterKey>, String> {
    let path = match &settings.master_key {
        MasterKeySource::Value(key) => return Ok(Some(key.clone())),
        MasterKeySource::File(path) => path.clone(),
        MasterKeySource::DataDir => settings.data_dir.join(FILE_NAME),
    };
    match read(&path) {
        Ok(key) => key.map(Some),
        Err(error)
            if error.kind() == io::ErrorKind::NotFound
                && matches!(settings.master_key, MasterKeySource::DataDir) =>
        {
            Ok(None)
        }
        Err(error) => Err(unreadable(&path, &error)),
    }
}

/// Where the master key is, for people.
pub(crate) fn place(settings: &Settings) -> String {
    match &settings.master_key {
        MasterKeySource::Value(_) => "in the environment (TRINCO_MASTER_KEY)".to_owned(),
        MasterKeySource::File(path) => format!("in {}", path.display()),
        MasterKeySource::DataDir => format!("in {}", settings.data_dir.join(FILE_NAME).display()),
    }
}

fn in_data_dir(settings: &Settings) -> Result<MasterKey, String> {
    let path = settings.data_dir.join(FILE_NAME);
    // With SQLite the process holds the lock already; with PostgreSQL several may start at once.
    let _lock = match settings.db_url {
        DbUrl::Sqlite(_) => None,
        DbUrl::Postgres(_) => Some(data_dir::wait_for_lock(settings)?),
    };
    match read(&path) {
        Ok(key) => return key,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(unreadable(&path, &error)),
    }
    if let DbUrl::Sqlite(file) = &settings.db_url
        && fs::metadata(file).is_ok_and(|found| found.len() > 0)
    {
        return Err(format!(
            "the database {} exists but its master key {} does not; put the key back, or name it with \
             --master-key-file",
            file.display(),
            path.display()
        ));
    }
    create(&path)
        .map_err(|error| format!("the master key {} cannot be created: {error}", path.display()))
}

/// The outer result tells whether the file can be read, the inner one whether it holds a key.
fn read(path: &Path) -> io::Result<Result<MasterKey, String>> {
    let text = fs::read_to_string(path)?;
    Ok(MasterKey::from_text(&text).map_err(|wrong| format!("{}: {wrong}", path.display())))
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("the master key {} cannot be read: {error}", path.display())
}

/// Whole and on disk, or not there at all.
fn create(path: &Path) -> io::Result<MasterKey> {
    let key = MasterKey::generate(&SystemRandomness);
    let half_written = path.with_extension("key.new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&half_written)?;
    file.write_all(key.to_text().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&half_written, path)?;
    data_dir::sync_directory(path.parent().unwrap_or(Path::new(".")))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::config::{Setting, Sources};

    fn settings(data_dir: &Path) -> Settings {
        let flags = vec![(Setting::DataDir, data_dir.display().to_string())];
        Settings::resolve(Sources { flags, ..Sources::default() }).unwrap()
    }

    #[test]
    fn the_key_is_created_once_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path());
        let first = obtain(&settings).unwrap();
        assert_eq!(obtain(&settings).unwrap().fingerprint(), first.fingerprint());
        let mode = fs::metadata(folder.path().join(FILE_NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_half_written_key_of_a_crashed_start_is_no_key() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("master.key.new"), "half").unwrap();
        obtain(&settings(folder.path())).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn no_new_key_is_made_for_data_that_exists() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("trinco.db"), "data").unwrap();
        let sentence = obtain(&settings(folder.path())).unwrap_err();
        assert!(sentence.contains("trinco.db") && sentence.contains("master.key"), "{sentence}");
        assert!(!folder.path().join(FILE_NAME).exists());
    }

    #[test]
    fn a_damaged_key_is_refused_without_being_quoted() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE_NAME), "s3cret").unwrap();
        let sentence = obtain(&settings(folder.path())).unwrap_err();
        assert!(sentence.contains("master.key") && !sentence.contains("s3cret"), "{sentence}");
    }
}
