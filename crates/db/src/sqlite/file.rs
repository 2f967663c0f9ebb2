//! A SQLite file as a whole: copied while it is in use, checked, and its log folded in.

use std::path::Path;
use std::time::Duration;

use rusqlite::OpenFlags;

use super::failure::failure;
use crate::Error;
use crate::standing::{BACKUP_NOTE, INCOMPLETE_COPY};

/// What every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// How long to wait for a lock that another process holds for a moment.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a backup tells about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupNote {
    /// When it was made: Unix milliseconds.
    pub made_at: i64,
    /// The version of the program that made it.
    pub program: String,
    /// What it is a backup of, without passwords.
    pub source: String,
}

fn open(path: &Path, flags: OpenFlags) -> Result<rusqlite::Connection, Error> {
    let connection =
        rusqlite::Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(failure)?;
    connection.busy_timeout(PATIENCE).map_err(failure)?;
    connection.execute_batch("PRAGMA trusted_schema = OFF").map_err(failure)?;
    Ok(connection)
}

fn has(connection: &rusqlite::Connection, table: &str) -> Result<bool, Error> {
    let query = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    let count = connection.query_row(query, [table], |row| row.get::<_, i64>(0));
    count.map(|count| count > 0).map_err(failure)
}

/// Whether a file begins as SQLite files do.
pub(crate) fn is_sqlite(path: &Path) -> std::io::Result<bool> {
    use std::io::Read as _;
    let mut beginning = Vec::new();
    std::fs::File::open(path)?.take(MAGIC.len() as u64).read_to_end(&mut beginning)?;
    Ok(beginning == MAGIC)
}

/// Writes what `source` holds at this moment to `target`, an empty file, while others write to `source`. Deleted rows are left behind.
pub(crate) fn copy_into(source: &Path, target: &Path) -> Result<(), Error> {
    let connection = open(source, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let target = target.to_str().ok_or(Error::Misuse("a path is not UTF-8"))?;
    connection.execute("VACUUM INTO ?1", [target]).map(drop).map_err(failure)
}

/// Whether a database is half a copy of another one.
pub(crate) fn is_incomplete(path: &Path) -> Result<bool, Error> {
    has(&open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?, INCOMPLETE_COPY)
}

/// Makes a database that is in use by nobody one file, of a kind that may lie on read-only disks, and describes it.
pub(crate) fn seal(path: &Path, note: &BackupNote) -> Result<(), Error> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.execute_batch("PRAGMA journal_mode = DELETE").map_err(failure)?;
    if has(&connection, "nodes")? {
        // Who ran on the source says nothing about the copy.
        connection.execute("DELETE FROM nodes", []).map_err(failure)?;
    }
    let script = format!(
        "DROP TABLE IF EXISTS {BACKUP_NOTE};
         CREATE TABLE {BACKUP_NOTE} (made_at BIGINT NOT NULL PRIMARY KEY, program TEXT NOT NULL, source TEXT NOT NULL)"
    );
    connection.execute_batch(&script).map_err(failure)?;
    let insert =
        format!("INSERT INTO {BACKUP_NOTE} (made_at, program, source) VALUES (?1, ?2, ?3)");
    let BackupNote { made_at, program, source } = note;
    connection.execute(&insert, rusqlite::params![made_at, program, source]).map_err(failure)?;
    Ok(())
}

/// Takes the description away: from here on the file is a database that is used.
pub(crate) fn unseal(path: &Path) -> Result<(), Error> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.execute_batch(&format!("DROP TABLE IF EXISTS {BACKUP_NOTE}")).map_err(failure)
}

/// What a backup tells about itself; `None` when the file is a database but no backup.
pub(crate) fn note(path: &Path) -> Result<Option<BackupNote>, Error> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    if !has(&connection, BACKUP_NOTE)? || has(&connection, INCOMPLETE_COPY)? {
        return Ok(None);
    }
    let read = |row: &rusqlite::Row<'_>| {
        Ok(BackupNote { made_at: row.get(0)?, program: row.get(1)?, source: row.get(2)? })
    };
    let query = format!("SELECT made_at, program, source FROM {BACKUP_NOTE}");
    connection.query_row(&query, [], read).map(Some).map_err(failure)
}

/// What is wrong with the file, as far as SQLite can tell; `None` when nothing is.
pub(crate) fn damage(path: &Path) -> Result<Option<String>, Error> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let check =
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0));
    match check {
        Ok(found) if found == "ok" => {}
        // A heading and what it is about, on lines of their own.
        Ok(found) => return Ok(Some(found.lines().last().unwrap_or_default().to_owned())),
        Err(error) if is_damage(&error) => return Ok(Some(error.to_string())),
        Err(error) => return Err(failure(error)),
    }
    let mut orphans = connection.prepare("PRAGMA foreign_key_check").map_err(failure)?;
    let mut rows = orphans.query([]).map_err(failure)?;
    let orphan = rows.next().map_err(failure)?;
    let table = orphan.map(|row| row.get::<_, String>(0)).transpose().map_err(failure)?;
    Ok(table.map(|table| format!("a row of {table} refers to one that does not exist")))
}

fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode;
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Folds the log into the file. False when others use the file, or it is too damaged.
pub(crate) fn fold(path: &Path) -> bool {
    let folded = || -> Result<bool, Error> {
        let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let busy = connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
            .map_err(failure)?;
        Ok(busy == 0)
    };
    folded().unwrap_or(false)
}
