//! Putting a backup in the place of a SQLite database, whatever state that one is in.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use trinco_db::{BackupNote, Db, DbUrl, Error, MIGRATIONS, Options, backup, params, put_back, sql};

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

async fn backup_of(path: &Path, to: &Path) {
    let note = BackupNote { made_at: 1, program: "0".to_owned(), source: String::new() };
    backup(&DbUrl::Sqlite(path.to_owned()), to, MIGRATIONS, note).await.unwrap();
}

fn tenant(path: &Path) -> String {
    let connection = Connection::open(path).unwrap();
    connection.query_row("SELECT tenant_id FROM tenants", [], |row| row.get(0)).unwrap()
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
