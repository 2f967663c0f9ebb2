use std::time::Duration;

use crate::dialect::{self, EngineKind};
use crate::{Error, SystemDb, Tx, params, sql};

/// One step of the schema: the same SQL for both engines.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// 1 for the first, then 2, 3, … without a gap.
    pub version: i64,
    /// What it is called in logs and errors.
    pub name: &'static str,
    /// Portable statements, each ended by `;`. Comments are fine.
    pub sql: &'static str,
}

/// Long enough to rebuild a large table, short enough not to hang a start for ever.
const STATEMENT_LIMIT: Duration = Duration::from_secs(30 * 60);

pub(crate) async fn migrate(
    db: &SystemDb,
    migrations: &[Migration],
    now_ms: i64,
) -> Result<Vec<&'static str>, Error> {
    for (migration, version) in migrations.iter().zip(1..) {
        check(migration, version)?;
    }
    let input = (migrations.to_vec(), now_ms);
    let mut applied = Vec::new();
    loop {
        // Another node may apply the next one in between, so each transaction looks again.
        let step = db.write::<_, _, Error, _>(input.clone(), |tx, (migrations, now_ms)| {
            Box::pin(next(tx, migrations, *now_ms))
        });
        let Some(name) = step.await.map_err(explained)? else { return Ok(applied) };
        tracing::info!(migration = name, "migration applied");
        applied.push(name);
    }
}

/// Says what an operator can do about rights that are missing. (SQLite's codes are numbers.)
fn explained(error: Error) -> Error {
    let sentence = match &error {
        Error::Other { code, .. } if code == "42501" => {
            "the database user may not create tables, or did not create those that are there: it \
             must own the tables, and needs a database of its own, or a schema of its own named in \
             the URL with options=-csearch_path%3Dschema (docs/databases.md)"
        }
        Error::Other { code, .. } if code == "3F000" => {
            "the database has no schema to create tables in: create the one that search_path names, \
             with AUTHORIZATION for the database user (docs/databases.md)"
        }
        _ => return error,
    };
    Error::Migration(sentence.to_owned())
}

/// Applies the first migration that is missing.
async fn next(
    tx: &mut Tx<'_>,
    migrations: &[Migration],
    now_ms: i64,
) -> Result<Option<&'static str>, Error> {
    tx.limit_statements(STATEMENT_LIMIT).await?;
    if tx.engine() == EngineKind::Postgres {
        tx.script(dialect::POSTGRES_MIGRATION_LOCK).await?;
    }
    tx.script(
        "CREATE TABLE IF NOT EXISTS migrations (
             version BIGINT NOT NULL, name TEXT NOT NULL, checksum TEXT NOT NULL,
             applied_at BIGINT NOT NULL,
             CONSTRAINT migrations_version PRIMARY KEY (version))",
    )
    .await?;
    let rows = tx
        .all(sql!("SELECT version, name, checksum FROM migrations ORDER BY version"), &[])
        .await?;
    let mut known = migrations.iter();
    for row in rows {
        let mut cols = row.cols();
        let (version, name, sum) =
            (cols.next::<i64>()?, cols.next::<String>()?, cols.next::<String>()?);
        match known.next() {
            None => {
                return refuse(format!(
                    "the database is newer than this program: it has migration {version} ({name})"
                ));
            }
            Some(migration) if migration.version != version => {
                return refuse(format!(
                    "the database has migration {version} ({name}) but lacks {} ({})",
                    migration.version, migration.name
                ));
            }
            Some(migration) if checksum(migration.sql) != sum => {
                return refuse(format!(
                    "migration {version} ({name}) was changed after this database applied it"
                ));
            }
            Some(_) => {}
        }
    }
    let Some(migration) = known.next() else { return Ok(None) };
    tx.script(migration.sql).await?;
    tx.execute(
        sql!(
            "INSERT INTO migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)"
        ),
        params![migration.version, migration.name, checksum(migration.sql), now_ms],
    )
    .await?;
    Ok(Some(migration.name))
}

/// Whether every one of `migrations` has been applied, and as it is here.
pub(crate) async fn check_applied(db: &SystemDb, migrations: &[Migration]) -> Result<(), Error> {
    let rows = db
        .read()
        .await?
        .all(sql!("SELECT version, name, checksum FROM migrations ORDER BY version"), &[])
        .await?;
    let mut applied = Vec::new();
    for row in rows {
        let mut cols = row.cols();
        let (version, _, sum) =
            (cols.next::<i64>()?, cols.next::<String>()?, cols.next::<String>()?);
        applied.push((version, sum));
    }
    for Migration { version, name, sql } in migrations {
        match applied.iter().find(|(applied, _)| applied == version) {
            None => return refuse(format!("the database lacks migration {version} ({name})")),
            Some((_, sum)) if *sum != checksum(sql) => {
                return refuse(format!("the database has another migration {version} ({name})"));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// What one engine would accept and the other would not, or would take for something else.
const NOT_PORTABLE: &[&str] = &[
    "INT",
    "INTEGER",
    "SERIAL",
    "BIGSERIAL",
    "AUTOINCREMENT",
    "VARCHAR",
    "TIMESTAMP",
    "TIMESTAMPTZ",
    "JSON",
    "JSONB",
    "BYTEA",
    "BLOB",
    "UUID",
    "DEFERRABLE",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "RELEASE",
    "PRAGMA",
    "ATTACH",
    "VACUUM",
];

fn check(migration: &Migration, expected: i64) -> Result<(), Error> {
    let Migration { version, name, sql } = migration;
    if *version != expected {
        return refuse(format!(
            "migration {version} ({name}) is out of order: version {expected} was expected"
        ));
    }
    let foreign = |word: &&str| NOT_PORTABLE.iter().any(|bad| bad.eq_ignore_ascii_case(word));
    if let Some(word) = dialect::words(sql).find(foreign) {
        return refuse(format!("migration {version} ({name}) is not portable: it says {word}"));
    }
    Ok(())
}

fn refuse<T>(why: String) -> Result<T, Error> {
    Err(Error::Migration(why))
}

/// FNV-1a. It notices an edit; it is no defence against anyone. Line endings do not count.
fn checksum(sql: &str) -> String {
    let hash =
        sql.bytes().filter(|byte| *byte != b'\r').fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_never_change_and_ignore_line_endings() {
        assert_eq!(checksum("foobar"), "85944171f73967e8");
        assert_eq!(checksum("a\r\nb"), checksum("a\nb"));
        assert_ne!(checksum("a b"), checksum("a  b"));
    }

    #[test]
    fn words_that_only_one_engine_understands_are_refused() {
        let migration = |sql| Migration { version: 1, name: "first", sql };
        assert!(check(&migration("CREATE TABLE t (a TEXT, -- INTEGER\n b BIGINT)"), 1).is_ok());
        let error = check(&migration("CREATE TABLE t (a integer)"), 1).unwrap_err();
        assert_eq!(error.to_string(), "migration 1 (first) is not portable: it says integer");
    }
}
