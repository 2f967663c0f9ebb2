use std::time::Duration;

use crate::dialect;
use crate::nodes::{self, Node};
use crate::standing::{self, compare};
use crate::waiting::{WAITS, Waiting};
use crate::{Error, SystemDb, Tx, params, sql};

/// One step of the schema: the same SQL for both engines.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// 1 for the first, then 2, 3, … without a gap.
    pub version: i64,
    /// What it is called in logs and errors.
    pub name: &'static str,
    /// The oldest version of the schema whose programs still work once this is applied. For a migration that only adds (*expand*):
    /// the version before it, or an earlier one. For one that takes away (*contract*): the first version whose programs do without
    /// what is taken away. Its own version when nobody has thought about it.
    pub oldest_program: i64,
    /// Portable statements, each ended by `;`. Comments are fine.
    pub sql: &'static str,
}

/// How migrations treat servers that run.
#[derive(Clone, Copy, Debug)]
pub struct Migrating {
    /// Apply a migration although older programs that cannot work with it are running: they stop.
    pub force: bool,
    /// For how long an older program must have been silent to count as gone. Longer than a few of its signs of life.
    pub watch: Duration,
}

impl Default for Migrating {
    fn default() -> Migrating {
        Migrating { force: false, watch: Duration::from_secs(20) }
    }
}

/// Long enough to rebuild a large table, short enough not to hang a start for ever.
pub(crate) const STATEMENT_LIMIT: Duration = Duration::from_secs(30 * 60);

pub(crate) async fn migrate(
    db: &SystemDb,
    migrations: &[Migration],
    migrating: Migrating,
    now_ms: i64,
) -> Result<Vec<&'static str>, Error> {
    for (migration, version) in migrations.iter().zip(1..) {
        check(migration, version)?;
    }
    // A node that need not change anything waits for nobody and needs no right to change the schema.
    if standing::standing(db, migrations).await?.is_up_to_date() {
        return Ok(Vec::new());
    }
    apply(db, migrations, migrating, now_ms).await
}

/// Applies what is missing, without looking at whether the database is half a copy.
pub(crate) async fn apply(
    db: &SystemDb,
    migrations: &[Migration],
    migrating: Migrating,
    now_ms: i64,
) -> Result<Vec<&'static str>, Error> {
    let mut waiting = Waiting::begin();
    let mut applied = Vec::new();
    let mut gone: Vec<Node> = Vec::new();
    loop {
        let input = (migrations.to_vec(), gone.clone(), migrating.force, now_ms);
        // Another node may apply the next one in between, so each transaction looks again.
        let step = db.write::<_, _, Error, _>(input, |tx, (migrations, gone, force, now_ms)| {
            Box::pin(next(tx, migrations, gone, *force, *now_ms))
        });
        match step.await {
            Ok(Step::Nothing) => return Ok(applied),
            Ok(Step::Applied(name)) => {
                tracing::info!(migration = name, "migration applied");
                applied.push(name);
            }
            Ok(Step::Waits(migration, older)) => {
                watch(db, &migration, &older, migrating.watch).await?;
                gone = older;
            }
            Err(error) => {
                waiting.after(error).await.map_err(explained)?;
                // Whoever held the schema has kept nodes from showing that they live, so they are watched anew.
                gone.clear();
            }
        }
    }
}

enum Step {
    Nothing,
    Applied(&'static str),
    /// Not before these older nodes are gone.
    Waits(Migration, Vec<Node>),
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
    gone: &[Node],
    force: bool,
    now_ms: i64,
) -> Result<Step, Error> {
    tx.limit_statements(STATEMENT_LIMIT).await?;
    dialect::own_schema(tx).await?;
    for table in [MIGRATIONS_TABLE, FLOORS_TABLE, nodes::CREATE] {
        tx.script(table).await?;
    }
    let applied = standing::applied(tx).await?;
    let floors = standing::floors(tx).await?;
    compare(migrations, &applied, &floors)?;
    let Some(migration) = migrations.get(applied.len()) else { return Ok(Step::Nothing) };
    let mut older = nodes::list(tx).await?;
    older.retain(|node| node.schema_version < migration.oldest_program);
    let is_gone =
        |node: &Node| gone.iter().any(|gone| (&gone.id, gone.beats) == (&node.id, node.beats));
    if !force && !older.iter().all(is_gone) {
        return Ok(Step::Waits(*migration, older));
    }
    tx.script(migration.sql).await?;
    tx.execute(
        sql!(
            "INSERT INTO migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)"
        ),
        params![migration.version, migration.name, checksum(migration.sql), now_ms],
    )
    .await?;
    tx.execute(
        sql!("INSERT INTO migration_floors (version, oldest_program) VALUES ($1, $2)"),
        params![migration.version, migration.oldest_program],
    )
    .await?;
    for node in older {
        tx.execute(sql!("DELETE FROM nodes WHERE id = $1"), params![node.id]).await?;
    }
    Ok(Step::Applied(migration.name))
}

/// Watches older nodes until all have been silent for long enough. A sign of life ends it with a refusal.
async fn watch(
    db: &SystemDb,
    migration: &Migration,
    older: &[Node],
    silence: Duration,
) -> Result<(), Error> {
    let Migration { version, name, oldest_program, .. } = migration;
    tracing::info!(
        target: WAITS,
        migration = name,
        nodes = older.len(),
        "watching whether older nodes, which cannot work with this migration, still run"
    );
    match nodes::watch(db, older, silence).await? {
        None => Ok(()),
        Some(node) => refuse(format!(
            "migration {version} ({name}) needs every node to run a program of schema {oldest_program} or newer, and {} \
             still runs one of schema {}; upgrade it first (or stop it), then run `trinco db migrate`",
            node.label, node.schema_version
        )),
    }
}

const MIGRATIONS_TABLE: &str = "CREATE TABLE IF NOT EXISTS migrations (
    version BIGINT NOT NULL, name TEXT NOT NULL, checksum TEXT NOT NULL,
    applied_at BIGINT NOT NULL,
    CONSTRAINT migrations_version PRIMARY KEY (version))";

/// Beside `migrations`, which has its shape from programs that knew no floors.
const FLOORS_TABLE: &str = "CREATE TABLE IF NOT EXISTS migration_floors (
    version BIGINT NOT NULL, oldest_program BIGINT NOT NULL,
    CONSTRAINT migration_floors_version PRIMARY KEY (version))";

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

pub(crate) fn check(migration: &Migration, expected: i64) -> Result<(), Error> {
    let Migration { version, name, oldest_program, sql } = migration;
    if *version != expected {
        return refuse(format!(
            "migration {version} ({name}) is out of order: version {expected} was expected"
        ));
    }
    if !(0..=*version).contains(oldest_program) {
        return refuse(format!(
            "migration {version} ({name}) cannot work with programs of schema {oldest_program} only"
        ));
    }
    let foreign = |word: &&str| NOT_PORTABLE.iter().any(|bad| bad.eq_ignore_ascii_case(word));
    if let Some(word) = dialect::words(sql).find(foreign) {
        return refuse(format!("migration {version} ({name}) is not portable: it says {word}"));
    }
    Ok(())
}

pub(crate) fn refuse<T>(why: String) -> Result<T, Error> {
    Err(Error::Migration(why))
}

/// FNV-1a. It notices an edit; it is no defence against anyone. Line endings do not count.
pub(crate) fn checksum(sql: &str) -> String {
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
        let migration = |sql| Migration { version: 1, name: "first", oldest_program: 1, sql };
        assert!(check(&migration("CREATE TABLE t (a TEXT, -- INTEGER\n b BIGINT)"), 1).is_ok());
        let error = check(&migration("CREATE TABLE t (a integer)"), 1).unwrap_err();
        assert_eq!(error.to_string(), "migration 1 (first) is not portable: it says integer");
    }
}
