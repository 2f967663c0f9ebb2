//! Where a database stands: what has been applied to it, and which programs may use it.

use crate::migrate::{checksum, refuse};
use crate::nodes::Node;
use crate::{Conn, Db, Error, Migration, SystemDb, dialect, nodes, sql};

/// What is kept beside the schema: the state of this one database, which no copy takes along.
pub(crate) const BOOKKEEPING: [&str; 5] =
    [MIGRATIONS, "migration_floors", "nodes", INCOMPLETE_COPY, BACKUP_NOTE];
/// What was applied.
pub(crate) const MIGRATIONS: &str = "migrations";
/// While this table is there, the database is half a copy.
pub(crate) const INCOMPLETE_COPY: &str = "incomplete_copy";
/// What a backup tells about itself.
pub(crate) const BACKUP_NOTE: &str = "backup_note";

/// Why nobody works with half a copy.
pub(crate) const IS_INCOMPLETE: &str = "the database is an incomplete copy of another one; run `trinco db copy` or `trinco restore` again \
     to complete it";

/// How a database and the migrations of a program fit together.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The version of the database's schema: its newest migration, 0 for an empty database.
    pub database: i64,
    /// The version of the program's schema.
    pub program: i64,
    /// The oldest version of the schema whose programs the database still serves.
    pub oldest_program: i64,
    /// The program's migrations that the database lacks: versions and names.
    pub pending: Vec<(i64, &'static str)>,
    /// The database's migrations that the program does not know: versions and names.
    pub newer: Vec<(i64, String)>,
    /// Whether the tables beside the schema are there, which programs of before did not make.
    pub(crate) has_bookkeeping: bool,
    /// The servers that have announced themselves and not taken their leave.
    pub nodes: Vec<Node>,
}

impl Standing {
    /// Whether nothing is left to be applied.
    pub fn is_up_to_date(&self) -> bool {
        self.pending.is_empty() && self.has_bookkeeping
    }
}

/// [`Error::Migration`] when the program cannot use the database, whatever is applied to it.
pub(crate) async fn standing(db: &SystemDb, migrations: &[Migration]) -> Result<Standing, Error> {
    let mut conn = db.read().await?;
    let tables = tables(&mut conn).await?;
    let has = |name: &str| tables.iter().any(|table| table == name);
    if has(INCOMPLETE_COPY) {
        return refuse(IS_INCOMPLETE.to_owned());
    }
    let applied = if has(MIGRATIONS) { applied(&mut conn).await? } else { Vec::new() };
    let floors = if has("migration_floors") { floors(&mut conn).await? } else { Vec::new() };
    let nodes = if has("nodes") { nodes::list(&mut conn).await? } else { Vec::new() };
    let mut standing = compare(migrations, &applied, &floors)?;
    standing.has_bookkeeping = has(MIGRATIONS) && has("migration_floors") && has("nodes");
    standing.nodes = nodes;
    Ok(standing)
}

/// A migration as the database remembers it.
pub(crate) struct Applied {
    pub(crate) version: i64,
    pub(crate) name: String,
    checksum: String,
}

pub(crate) async fn applied(conn: &mut Conn<'_>) -> Result<Vec<Applied>, Error> {
    let rows = conn
        .all(sql!("SELECT version, name, checksum FROM migrations ORDER BY version"), &[])
        .await?;
    rows.into_iter()
        .map(|row| {
            let mut cols = row.cols();
            Ok(Applied { version: cols.next()?, name: cols.next()?, checksum: cols.next()? })
        })
        .collect()
}

/// Versions of migrations and the oldest programs that work with them.
pub(crate) async fn floors(conn: &mut Conn<'_>) -> Result<Vec<(i64, i64)>, Error> {
    let rows = conn.all(sql!("SELECT version, oldest_program FROM migration_floors"), &[]).await?;
    rows.into_iter()
        .map(|row| {
            let mut cols = row.cols();
            Ok((cols.next()?, cols.next()?))
        })
        .collect()
}

/// The tables of the database, or of its schema.
pub(crate) async fn tables(conn: &mut Conn<'_>) -> Result<Vec<String>, Error> {
    let rows = conn.all(dialect::tables(conn.engine()), &[]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Holds what was applied against what the program knows.
pub(crate) fn compare(
    migrations: &[Migration],
    applied: &[Applied],
    floors: &[(i64, i64)],
) -> Result<Standing, Error> {
    let program = migrations.last().map_or(0, |migration| migration.version);
    let database = applied.last().map_or(0, |migration| migration.version);
    let mut known = migrations.iter();
    let (mut newer, mut oldest_program) = (Vec::new(), 0);
    for Applied { version, name, checksum: sum } in applied {
        // Without a word about it, a migration serves the programs that know it and no others.
        let floor = floors.iter().find(|(of, _)| of == version).map_or(*version, |(_, at)| *at);
        oldest_program = oldest_program.max(floor);
        match known.next() {
            None if floor > program => {
                return refuse(format!(
                    "the database is newer than this program: its schema {database} has migration \
                     {version} ({name}), which needs programs of schema {floor} or newer, and this \
                     one is of schema {program}; start a newer program"
                ));
            }
            None => newer.push((*version, name.clone())),
            Some(migration) if migration.version != *version => {
                return refuse(format!(
                    "the database has migration {version} ({name}) but lacks {} ({})",
                    migration.version, migration.name
                ));
            }
            Some(migration) if checksum(migration.sql) != *sum => {
                return refuse(format!(
                    "migration {version} ({name}) was changed after this database applied it"
                ));
            }
            Some(_) => {}
        }
    }
    let pending = known.map(|migration| (migration.version, migration.name)).collect();
    let (has_bookkeeping, nodes) = (true, Vec::new());
    Ok(Standing { database, program, oldest_program, pending, newer, has_bookkeeping, nodes })
}

impl Db {
    /// How the database and `migrations` fit together. Changes nothing.
    ///
    /// # Errors
    /// [`Error::Migration`], with a sentence, when a program with these migrations cannot use the
    /// database whatever is applied to it; and whatever keeps the database from answering.
    pub async fn standing(&self, migrations: &[Migration]) -> Result<Standing, Error> {
        standing(&self.system(), migrations).await
    }
}
