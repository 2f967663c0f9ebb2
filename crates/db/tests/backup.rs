//! Making backups of a SQLite file, and putting one in the place of a database, whatever state that one is in.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use trinco_db::{
    BackupNote, Db, DbUrl, Error, MIGRATIONS, Options, backup, check_backup, params, put_back, sql,
};

/// A database with a tenant of this name, and what its file and its log hold while it is open.
async fn database(path: &Path, tenant: &'static str) -> (Vec<u8>, Vec<u8>) {
    let db = Db::open(&DbUrl::Sqlite(path.to_owned()), Options::default()).await.unwrap();
    db.migrate(MIGRATIONS, 1).await.unwrap();
    db.tenant(tenant)
        .write((), |tx, ()| {
            Box::pin(async move {
                let insert = sql!("INSERT INTO tenants (tenant_id, created_at) VALUES ($1, $2)");
                tx.execute(insert, params![1_i64]).await?;
                Ok::<_, Error>(())
            })
        })
        .await
        .unwrap();
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let open = (fs::read(path).unwrap(), fs::read(PathBuf::from(log)).unwrap());
    db.close().await;
    open
}

async fn try_backup_of(path: &Path, to: &Path) -> Result<(), Error> {
    let note = BackupNote { made_at: 1, program: "0".to_owned(), source: String::new() };
    backup(&DbUrl::Sqlite(path.to_owned()), to, MIGRATIONS, note, std::future::pending()).await
}

async fn backup_of(path: &Path, to: &Path) {
    try_backup_of(path, to).await.unwrap();
}

fn tenant(path: &Path) -> String {
    let connection = Connection::open(path).unwrap();
    connection.query_row("SELECT tenant_id FROM tenants", [], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_copy_is_not_backed_up() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    database(&at("half.db"), "half").await;
    // As a copy leaves it that was killed.
    let mark = "CREATE TABLE incomplete_copy (begun_at BIGINT PRIMARY KEY)";
    Connection::open(at("half.db")).unwrap().execute_batch(mark).unwrap();
    let error = try_backup_of(&at("half.db"), &at("b.db")).await.unwrap_err().to_string();
    assert!(error.starts_with("the database is an incomplete copy"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_backups_made_at_once_under_one_name_each_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    database(&at("source.db"), "whole").await;
    for _ in 0..5 {
        let backups = (0..4).map(|_| {
            let (from, to) = (at("source.db"), at("b.db"));
            tokio::spawn(async move { try_backup_of(&from, &to).await })
        });
        for backup in backups.collect::<Vec<_>>() {
            backup.await.unwrap().unwrap();
        }
        check_backup(&at("b.db")).await.unwrap();
        assert_eq!(tenant(&at("b.db")), "whole");
        fs::remove_file(at("b.db")).unwrap();
        // The source has its own log, which the last who reads it folds in, unless two are the last at once.
        let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let left: Vec<_> =
            names.filter(|name| !name.to_string_lossy().starts_with("source.db")).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_the_old_database_goes_with_it_and_never_into_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    database(&at("source.db"), "restored").await;
    backup_of(&at("source.db"), &at("b.db")).await;
    let (file, log) = database(&at("killed.db"), "old").await;
    assert!(!log.is_empty());
    for is_damaged in [false, true] {
        // As a server leaves it that was killed: the newest rows are in the log.
        let (path, aside) = (at(&format!("{is_damaged}.db")), at(&format!("{is_damaged}.aside")));
        let (mut file, mut log) = (file.clone(), log.clone());
        if is_damaged {
            // Either one alone could be read with the help of the other.
            file[..16].fill(b'x');
            log[..32].fill(b'x');
        }
        fs::write(&path, &file).unwrap();
        fs::write(at(&format!("{is_damaged}.db-wal")), &log).unwrap();
        assert!(put_back(&at("b.db"), &path, &aside).await.unwrap());
        assert_eq!(tenant(&path), "restored");
        assert!(Connection::open(&path).unwrap().prepare("SELECT * FROM backup_note").is_err());
        if is_damaged {
            assert!(fs::read(&aside).unwrap() == file);
            assert!(fs::read(at("true.aside-wal")).unwrap() == log);
        } else {
            assert_eq!(tenant(&aside), "old");
        }
    }
    let fresh = at("fresh.db");
    assert!(!put_back(&at("b.db"), &fresh, &at("fresh.aside")).await.unwrap());
    assert_eq!(tenant(&fresh), "restored");
    assert!(!at("fresh.aside").exists());
}
