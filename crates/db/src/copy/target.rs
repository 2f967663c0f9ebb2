//! What must hold of the target of a copy before anything in it is touched.

use crate::dialect;
use crate::error::refused;
use crate::migrate::{self, apply};
use crate::nodes::{self, Node};
use crate::standing::{BOOKKEEPING, INCOMPLETE_COPY, MIGRATIONS, tables as names};
use crate::tables::{self, Table};
use crate::waiting::Waiting;
use crate::{Conn, Copying, Db, Error, Migrating, Migration, Tx, params, sql};

/// A target that is marked as incomplete and has the schema. Nothing is deleted yet, but the rows of servers that are gone.
pub(super) struct Prepared {
    /// Parents first, each of them as the source has it.
    pub(super) tables: Vec<Table>,
    /// Whether it can be unmarked for as long as nothing has been deleted.
    pub(super) was_whole: bool,
}

/// Marks the target as incomplete and gives it the schema.
pub(super) async fn prepare(
    source: &Db,
    target: &Db,
    migrations: &[Migration],
    copying: Copying,
    now_ms: i64,
) -> Result<Prepared, Error> {
    for (migration, version) in migrations.iter().zip(1..) {
        migrate::check(migration, version)?;
    }
    let of_source = names(&mut source.system().read().await?).await?;
    require_ours("source", &of_source, migrations)?;
    let system = target.system();
    let there = names(&mut system.read().await?).await?;
    require_ours("target", &there, migrations)?;
    require_unreferred(&mut system.read().await?).await?;
    let was_incomplete = has(&there, INCOMPLETE_COPY);
    if has(&there, MIGRATIONS) {
        require_our_migrations(&mut system.read().await?).await?;
        if !was_incomplete {
            require_room(target, migrations, copying).await?;
        }
    }
    // It may have to be waited for, and the target can be of use until then.
    wait_for_schema(source).await?;
    let mut waiting = Waiting::begin();
    loop {
        let gone = gone_nodes(target, copying).await?;
        let Err(error) = mark(target, gone, now_ms).await else { break };
        // Whoever held the schema has kept nodes from showing that they live, so they are watched anew.
        waiting.after(error).await?;
    }
    let marked = names(&mut source.system().read().await?).await?;
    if has(&marked, INCOMPLETE_COPY) {
        // However their URLs are spelled, and whatever --force would have deleted.
        unmark(target, now_ms).await?;
        return refused("source and target are the same database");
    }
    let migrating = Migrating { force: true, ..Migrating::default() };
    apply(&system, migrations, migrating, now_ms).await?;
    let of_source = tables::read(&mut source.system().read().await?).await?;
    let tables = tables::read(&mut system.read().await?).await?;
    let alike = super::require_alike(&of_source, &tables);
    if alike.is_err() && !was_incomplete {
        // It is as whole as it was.
        unmark(target, now_ms).await?;
    }
    alike.map(|()| Prepared { tables, was_whole: !was_incomplete })
}

/// Waits until nobody changes the schema.
async fn wait_for_schema(db: &Db) -> Result<(), Error> {
    let (system, mut waiting) = (db.system(), Waiting::begin());
    loop {
        let shared = system
            .scan::<_, _, Error, _>((), |conn, ()| Box::pin(dialect::share_schema_reading(conn)));
        let Err(error) = shared.await else { return Ok(()) };
        waiting.after(error).await?;
    }
}

fn has(tables: &[String], name: &str) -> bool {
    tables.iter().any(|table| table == name)
}

/// Whoever shares a database with others loses nothing by a copy, whatever it is told to replace.
fn require_ours(which: &str, there: &[String], migrations: &[Migration]) -> Result<(), Error> {
    let made = tables::made_by(migrations);
    let is_ours = |name: &str| BOOKKEEPING.contains(&name) || made.contains(&name);
    // Our tables come with the list of what was applied, in one transaction.
    let no_list = !has(there, MIGRATIONS);
    let foreign: Vec<&str> = (there.iter().map(String::as_str))
        .filter(|name| !is_ours(name) || (no_list && *name != INCOMPLETE_COPY))
        .collect();
    if foreign.is_empty() {
        return Ok(());
    }
    refused(format!(
        "the {which} has tables that are none of Trinco's ({}), so nothing was touched; name a database, or a schema, that \
         is Trinco's alone (docs/databases.md)",
        tables::listed(&foreign)
    ))
}

/// Deleting our rows would delete those of others that refer to them, or fail halfway.
async fn require_unreferred(conn: &mut Conn<'_>) -> Result<(), Error> {
    let children = conn.all(dialect::foreign_children(conn.engine()), &[]).await?;
    let children: Vec<String> = children.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
    if children.is_empty() {
        return Ok(());
    }
    let children: Vec<&str> = children.iter().map(String::as_str).collect();
    refused(format!(
        "tables of others have foreign keys to the target's ({}), so nothing was touched; take those foreign keys away, or \
         name a database, or a schema, that nobody refers to",
        tables::listed(&children)
    ))
}

/// Others have tables of that name too.
async fn require_our_migrations(conn: &mut Conn<'_>) -> Result<(), Error> {
    let columns = conn.all(dialect::columns(conn.engine()), params![MIGRATIONS]).await?;
    let columns: Vec<String> = columns.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
    let ours = ["version", "name", "checksum", "applied_at"];
    if columns.len() == ours.len() && ours.iter().all(|name| has(&columns, name)) {
        return Ok(());
    }
    refused(format!(
        "the table {MIGRATIONS} of the target is none of Trinco's, so nothing was touched"
    ))
}

/// The target may hold rows only if they are to be deleted.
async fn require_room(
    target: &Db,
    migrations: &[Migration],
    copying: Copying,
) -> Result<(), Error> {
    let standing = target.standing(migrations).await?;
    if !standing.newer.is_empty() {
        return refused(format!(
            "the target has schema {} and this program only schema {}; use the newer program",
            standing.database, standing.program
        ));
    }
    let system = target.system();
    let mut conn = system.read().await?;
    for table in tables::read(&mut conn).await? {
        if !copying.force && !conn.all(&table.any(), &[]).await?.is_empty() {
            return refused(format!(
                "the target is not empty: it has rows in {}; choose another one, or replace what it holds with \
                 --force",
                table.name
            ));
        }
    }
    Ok(())
}

/// The target's nodes, none of which has shown that it lives for as long as they were watched.
async fn gone_nodes(target: &Db, copying: Copying) -> Result<Vec<Node>, Error> {
    let system = target.system();
    let nodes = nodes::list_if_any(&mut system.read().await?).await?;
    match nodes::watch(&system, &nodes, copying.watch).await? {
        Some(node) => runs(&node),
        None => Ok(nodes),
    }
}

fn runs<T>(node: &Node) -> Result<T, Error> {
    refused(format!("{} runs on the target; stop it first", node.label))
}

/// From here on no node starts on the target, and one that woke up after all stops ([`crate::Presence::beat`]).
async fn mark(target: &Db, gone: Vec<Node>, now_ms: i64) -> Result<(), Error> {
    target
        .system()
        .write::<_, _, Error, _>((gone, now_ms), |tx, (gone, now_ms)| {
            Box::pin(async move {
                // A node announces itself before this, and is seen here, or after it, and sees the mark.
                dialect::own_schema(tx).await?;
                for node in nodes::list_if_any(tx).await? {
                    if !gone.iter().any(|gone| (&gone.id, gone.beats) == (&node.id, node.beats)) {
                        return runs(&node);
                    }
                    tx.execute(sql!("DELETE FROM nodes WHERE id = $1"), params![node.id]).await?;
                }
                tx.script(
                    "CREATE TABLE IF NOT EXISTS incomplete_copy (
                         begun_at BIGINT NOT NULL, CONSTRAINT incomplete_copy_pk PRIMARY KEY (begun_at))",
                )
                .await?;
                tx.execute(sql!("DELETE FROM incomplete_copy"), &[]).await?;
                tx.execute(sql!("INSERT INTO incomplete_copy (begun_at) VALUES ($1)"), params![*now_ms])
                    .await?;
                Ok(())
            })
        })
        .await
}

/// Takes the mark away: the database is whole.
pub(super) async fn unmark(target: &Db, begun_at: i64) -> Result<(), Error> {
    target
        .system()
        .write(begun_at, |tx, begun_at| {
            Box::pin(async move {
                require_mark(tx, *begun_at).await?;
                tx.script("DROP TABLE incomplete_copy").await
            })
        })
        .await
}

/// Two copies into one database would mix: the later one replaces the mark.
pub(super) async fn require_mark(tx: &mut Tx<'_>, begun_at: i64) -> Result<(), Error> {
    let mark = tx.optional(sql!("SELECT begun_at FROM incomplete_copy"), &[]).await?;
    if mark.map(|row| row.get::<i64>(0)).transpose()? == Some(begun_at) {
        return Ok(());
    }
    refused("another copy into the target has begun, so this one was given up")
}
