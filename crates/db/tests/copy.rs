//! Whole databases, copied from any engine to any other. See `contract.rs` for how it runs.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::types::Value;
use support::{OWNS_SCHEMA, between, on_both, on_postgres, raw, unique};
use trinco_db::{Copied, Copying, Db, DbUrl, Error, MIGRATIONS, Options, Presence, Sql, copy, sql};

/// Tables that say something about one database and not about the installation.
const OF_ONE_DATABASE: [&str; 3] = ["migrations", "migration_floors", "nodes"];
/// For tests: how long a node waits for the schema.
const SHORT: Duration = Duration::from_millis(250);
/// More than are read at once, and than fit into one statement.
const LOGS: usize = 2500;

async fn open(path: &Path) -> Db {
    Db::open(&DbUrl::Sqlite(path.to_owned()), Options::default()).await.unwrap()
}

/// The tables that migrations make, read from their text.
fn made_by_migrations() -> Vec<String> {
    let after = |words: &'static str| {
        let rests = MIGRATIONS.iter().flat_map(move |migration| migration.sql.split(words).skip(1));
        rests.map(|rest| rest.split([' ', '(', ';']).next().unwrap().to_owned())
    };
    let dropped: Vec<String> = after("DROP TABLE ").collect();
    let mut names: Vec<String> =
        after("CREATE TABLE ").filter(|name| !dropped.contains(name)).collect();
    names.sort();
    names
}

/// Every row of every table that is not bookkeeping.
fn dump(path: &Path) -> BTreeMap<String, Vec<Vec<Value>>> {
    let connection = Connection::open(path).unwrap();
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
    let mut names = connection.prepare(names).unwrap();
    let names = names.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap);
    let names: Vec<String> =
        names.filter(|name| !OF_ONE_DATABASE.contains(&name.as_str())).collect();
    names
        .into_iter()
        .map(|name| {
            let mut all = connection.prepare(&format!("SELECT * FROM \"{name}\"")).unwrap();
            let width = all.column_count();
            let rows = all
                .query_map([], |row| (0..width).map(|index| row.get(index)).collect())
                .unwrap()
                .map(Result::unwrap);
            let mut rows: Vec<Vec<Value>> = rows.collect();
            rows.sort_by_cached_key(|row| format!("{row:?}"));
            (name, rows)
        })
        .collect()
}

/// Puts three rows into every table, whatever tables there are, and many into one.
fn fill(path: &Path) {
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    connection.execute_batch("BEGIN").unwrap();
    for table in made_by_migrations() {
        let columns: Vec<(String, String, bool)> = {
            let mut columns = connection
                .prepare("SELECT name, type, \"notnull\" OR pk FROM pragma_table_info(?1)")
                .unwrap();
            let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            columns.query_map([&table], read).unwrap().map(Result::unwrap).collect()
        };
        let rows = if table == "logs" { LOGS } else { 3 };
        let marks = vec!["?"; columns.len()].join(", ");
        let insert = format!("INSERT INTO \"{table}\" VALUES ({marks})");
        for row in 0..rows {
            let values = columns.iter().map(|(name, kind, required)| match kind.as_str() {
                _ if !required && row == 2 => Value::Null,
                "BIGINT" => Value::Integer(i64::MAX - row as i64),
                "BOOLEAN" => Value::Integer(row as i64 % 2),
                "TEXT" => Value::Text(text(&connection, &table, name, row)),
                kind => panic!("{table}.{name} is of the type {kind}"),
            });
            connection.execute(&insert, rusqlite::params_from_iter(values)).unwrap();
        }
    }
    connection.execute_batch("COMMIT").unwrap();
    let orphans = "SELECT count(*) FROM pragma_foreign_key_check()";
    assert_eq!(connection.query_row(orphans, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

/// The value of a column of a row; of one that refers to another, that one's.
fn text(connection: &Connection, table: &str, column: &str, row: usize) -> String {
    if column == "tenant_id" {
        return format!("tenant {}", row % 3);
    }
    let parent =
        "SELECT \"table\", \"to\" FROM pragma_foreign_key_list(?1) WHERE \"from\" = ?2 LIMIT 1";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
    match connection.query_row(parent, [table, column], read) {
        Ok((parent, of)) => text(connection, &parent, &of, row),
        // Orders differ by locale: capitals, accents, signs.
        Err(_) => {
            let odd = ["a", "B", "é", "-", "Z'\"\\", "_", "ß\n", "ç;", "%s", "日本"];
            format!("{}{row} of {table}.{column}", odd[row % odd.len()])
        }
    }
}

struct Filled {
    folder: tempfile::TempDir,
    path: PathBuf,
}

async fn filled() -> Filled {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source.db");
    let db = open(&path).await;
    db.migrate(MIGRATIONS, 1).await.unwrap();
    db.close().await;
    fill(&path);
    Filled { folder, path }
}

async fn all(source: &Db, target: &Db, force: bool) -> Result<Vec<Copied>, Error> {
    let copying = Copying { force, watch: Duration::from_millis(400) };
    copy(source, target, MIGRATIONS, copying, 7, |_, _| {}).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_every_table_arrives_by_way_of_postgresql() {
    let source = filled().await;
    let expected = dump(&source.path);
    let tables: Vec<&String> = expected.keys().collect();
    assert_eq!(tables, made_by_migrations().iter().collect::<Vec<_>>());
    assert!(expected.values().all(|rows| rows.len() >= 3));
    on_postgres(async |place| {
        let (from, there) = (open(&source.path).await, place.open_empty().await);
        let copied = all(&from, &there, false).await.unwrap();
        assert_eq!(copied.len(), expected.len());
        let logs = copied.iter().find(|copied| copied.table == "logs").unwrap();
        assert_eq!(logs.rows, LOGS as u64);
        assert!(there.standing(MIGRATIONS).await.unwrap().is_up_to_date());

        let path = source.folder.path().join("back.db");
        let back = open(&path).await;
        assert_eq!(all(&there, &back, false).await.unwrap(), copied);
        back.close().await;
        assert!(dump(&path) == expected, "what came back is something else");
        std::fs::remove_file(&path).unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_with_rows_is_refused_or_replaced_but_never_mixed_with() {
    let (source, other) = (filled().await, filled().await);
    Connection::open(&other.path)
        .unwrap()
        .execute("UPDATE logs SET payload = 'old', id = 'old' || id", [])
        .unwrap();
    let (from, to) = (open(&source.path).await, open(&other.path).await);
    let error = all(&from, &to, false).await.unwrap_err().to_string();
    assert!(error.starts_with("the target is not empty"), "{error}");
    assert!(to.standing(MIGRATIONS).await.is_ok(), "it was left as it was");
    all(&from, &to, true).await.unwrap();
    to.close().await;
    assert!(dump(&other.path) == dump(&source.path));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_database_by_two_names_is_not_copied_into_itself() {
    let source = filled().await;
    let before = dump(&source.path);
    let (one, other) = (open(&source.path).await, open(&source.path).await);
    let error = all(&one, &other, true).await.unwrap_err();
    assert_eq!(error.to_string(), "source and target are the same database");
    assert!(one.standing(MIGRATIONS).await.unwrap().is_up_to_date());
    one.close().await;
    other.close().await;
    assert!(dump(&source.path) == before);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failure_no_program_starts_until_the_copy_is_made_again() {
    let source = filled().await;
    let path = source.folder.path().join("target.db");
    let to = open(&path).await;
    to.migrate(MIGRATIONS, 1).await.unwrap();
    let trigger =
        "CREATE TRIGGER broken BEFORE INSERT ON sessions BEGIN SELECT RAISE(ABORT, 'broken'); END";
    Connection::open(&path).unwrap().execute_batch(trigger).unwrap();
    let from = open(&source.path).await;
    assert!(all(&from, &to, false).await.is_err());
    for refused in
        [to.migrate(MIGRATIONS, 2).await.map(drop), to.standing(MIGRATIONS).await.map(drop)]
    {
        let sentence = refused.unwrap_err().to_string();
        assert!(sentence.starts_with("the database is an incomplete copy"), "{sentence}");
    }
    Connection::open(&path).unwrap().execute_batch("DROP TRIGGER broken").unwrap();
    // What is there is half of it, so that nobody need allow to delete it.
    all(&from, &to, false).await.unwrap();
    assert!(to.standing(MIGRATIONS).await.unwrap().is_up_to_date());
    to.close().await;
    assert!(dump(&path) == dump(&source.path));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_meanwhile_does_not_disturb_the_snapshot() {
    let source = filled().await;
    let from = open(&source.path).await;
    let path = source.folder.path().join("target.db");
    let to = open(&path).await;
    let expected = dump(&source.path);
    let writing = Connection::open(&source.path).unwrap();
    writing.busy_timeout(Duration::from_secs(5)).unwrap();
    let mut deleted = 0;
    // Whoever reads is ahead of who writes by a few batches, and far from the end when this begins.
    let progress = |table: &str, _| {
        if table != "logs" && deleted == 0 {
            deleted = writing.execute("DELETE FROM logs", []).unwrap();
        }
    };
    copy(&from, &to, MIGRATIONS, Copying::default(), 7, progress).await.unwrap();
    assert_eq!(deleted, LOGS);
    to.close().await;
    assert!(dump(&path) == expected);
}

/// Runs statements without a tenant.
async fn run(db: &Db, statements: Vec<&'static Sql>) {
    let ran: Result<(), Error> = db
        .system()
        .write(statements, |tx, statements| {
            Box::pin(async move {
                for statement in statements {
                    tx.execute(statement, &[]).await?;
                }
                Ok(())
            })
        })
        .await;
    ran.unwrap();
}

async fn count(db: &Db, statement: &'static Sql) -> i64 {
    let system = db.system();
    let mut conn = system.read().await.unwrap();
    conn.one(statement, &[]).await.unwrap().get(0).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_somebody_else_are_not_touched_even_by_force() {
    let source = filled().await;
    let from = open(&source.path).await;
    on_both(async |place| {
        let to = place.open_empty().await;
        let customers = vec![
            sql!("CREATE TABLE customers (id BIGINT PRIMARY KEY)"),
            sql!("INSERT INTO customers (id) VALUES (1), (2)"),
        ];
        run(&to, customers).await;
        for force in [false, true] {
            let error = all(&from, &to, force).await.unwrap_err().to_string();
            assert!(error.contains("(customers)"), "{error}");
            assert_eq!(count(&to, sql!("SELECT count(*) FROM customers")).await, 2);
            assert_eq!(to.standing(MIGRATIONS).await.unwrap().database, 0, "nothing was made");
        }
        // Nor beside ours.
        to.migrate(MIGRATIONS, 1).await.unwrap();
        let error = all(&from, &to, true).await.unwrap_err().to_string();
        assert!(error.contains("(customers)"), "{error}");
        assert_eq!(count(&to, sql!("SELECT count(*) FROM customers")).await, 2);
        run(&to, vec![sql!("DROP TABLE customers")]).await;
        all(&from, &to, false).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_somebody_else_are_known_whatever_they_are_called() {
    let source = filled().await;
    let from = open(&source.path).await;
    on_both(async |place| {
        let to = place.open_empty().await;
        let begin = vec![
            sql!("CREATE TABLE users (id BIGINT PRIMARY KEY)"),
            sql!("INSERT INTO users (id) VALUES (1)"),
        ];
        run(&to, begin).await;
        let error = all(&from, &to, true).await.unwrap_err().to_string();
        assert!(error.contains("(users)"), "{error}");
        run(&to, vec![sql!("CREATE TABLE migrations (id BIGINT PRIMARY KEY)")]).await;
        let error = all(&from, &to, true).await.unwrap_err().to_string();
        assert!(error.contains("the table migrations"), "{error}");
        assert_eq!(count(&to, sql!("SELECT count(*) FROM users")).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_somebody_else_that_refer_to_ours_are_not_lost_with_them() {
    let source = filled().await;
    let from = open(&source.path).await;
    on_postgres(async |place| {
        let to = place.open_empty().await;
        all(&from, &to, false).await.unwrap();
        let theirs = unique("billing");
        let make = format!(
            "CREATE SCHEMA {theirs};
             CREATE TABLE {theirs}.accounts (tenant_id TEXT REFERENCES tenants ON DELETE CASCADE);
             INSERT INTO {theirs}.accounts SELECT tenant_id FROM tenants;
             CREATE TABLE {theirs}.paid (n BIGINT);"
        );
        let url = place.postgres.as_deref().unwrap();
        let discard = format!("DROP SCHEMA {theirs} CASCADE");
        between(url, &make, &discard, async {
            let error = all(&from, &to, true).await.unwrap_err().to_string();
            assert!(error.contains(&format!("({theirs}.accounts)")), "{error}");
            assert!(to.standing(MIGRATIONS).await.is_ok(), "it was left as it was");
            let count =
                format!("DO $$ BEGIN ASSERT (SELECT count(*) FROM {theirs}.accounts) = 3; END $$");
            raw(url, &count).await;
        })
        .await;
        all(&from, &to, true).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_made_otherwise_is_seen_before_anything_is_deleted() {
    let (source, other) = (filled().await, filled().await);
    let (from, to) = (open(&source.path).await, open(&other.path).await);
    run(&to, vec![sql!("ALTER TABLE sessions ADD COLUMN device TEXT")]).await;
    let before = dump(&other.path);
    let error = all(&from, &to, true).await.unwrap_err().to_string();
    assert!(error.contains("not made alike (sessions)"), "{error}");
    assert!(to.standing(MIGRATIONS).await.is_ok(), "it is as whole as it was");
    to.close().await;
    assert!(dump(&other.path) == before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_known_to_run_by_what_it_does_and_not_by_its_clock() {
    const TEN_MINUTES: i64 = 600_000;
    let source = filled().await;
    let from = open(&source.path).await;
    on_both(async |place| {
        let to = place.open_empty().await;
        to.migrate(MIGRATIONS, 1).await.unwrap();
        let announce = async |id: &str, clock| {
            let (id, label) = (id.to_owned(), format!("node {id}"));
            Presence::announce(&to, MIGRATIONS, id, label, clock).await.unwrap()
        };
        // Ours is at 7: of the two that live one is slow and one is fast.
        for clock in [7 - TEN_MINUTES, 7 + TEN_MINUTES] {
            let living = announce("living", clock).await;
            let stop = Arc::new(AtomicBool::new(false));
            let beating = tokio::spawn({
                let (living, stop) = (living.clone(), Arc::clone(&stop));
                async move {
                    while !stop.load(Ordering::Relaxed) {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        living.beat(clock).await.unwrap();
                    }
                }
            });
            let error = all(&from, &to, true).await.unwrap_err().to_string();
            assert_eq!(error, "node living runs on the target; stop it first");
            // Not in the middle of a beat, which PostgreSQL might carry out after the leave.
            stop.store(true, Ordering::Relaxed);
            beating.await.unwrap();
            living.leave().await.unwrap();
        }
        assert!(to.standing(MIGRATIONS).await.unwrap().nodes.is_empty());
        // And one that was killed is in nobody's way, although it was fast.
        let killed = announce("killed", 7 + TEN_MINUTES).await;
        all(&from, &to, true).await.unwrap();
        assert!(to.standing(MIGRATIONS).await.unwrap().nodes.is_empty());
        // It was only paused, and wakes up in the middle of another copy.
        run(&to, vec![sql!("CREATE TABLE incomplete_copy (begun_at BIGINT PRIMARY KEY)")]).await;
        let error = killed.beat(7).await.unwrap_err();
        assert!(matches!(error, Error::Migration(_)), "{error:?}");
        assert!(error.to_string().contains("incomplete copy"), "{error}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_others_keep_from_showing_that_it_lives_does_not_count_as_gone() {
    let source = filled().await;
    let from = open(&source.path).await;
    on_postgres(async |place| {
        let to = place.open_empty().await;
        to.migrate(MIGRATIONS, 1).await.unwrap();
        let options = Options { statement_timeout: SHORT, ..place.options.clone() };
        let db = Db::open(&place.url, options).await.unwrap();
        let (id, label) = ("living".to_owned(), "node living".to_owned());
        let living = Presence::announce(&db, MIGRATIONS, id, label, 1).await.unwrap();
        let beating = tokio::spawn(async move {
            loop {
                // It waits for the schema as all do, and gives up until the next time.
                let _ = living.beat(2).await;
                tokio::time::sleep(SHORT).await;
            }
        });
        // Another schema is migrated for longer than silence takes. A copy that waits for that is the first in the queue.
        let migrating = place.postgres.clone().unwrap();
        let migrating = tokio::spawn(async move {
            raw(&migrating, &format!("BEGIN; {OWNS_SCHEMA}; SELECT pg_sleep(3); COMMIT")).await;
        });
        tokio::time::sleep(SHORT).await;
        let copying = Copying { force: true, watch: 6 * SHORT };
        let copied = copy(&from, &to, MIGRATIONS, copying, 7, |_, _| {}).await;
        beating.abort();
        migrating.await.unwrap();
        assert_eq!(
            copied.unwrap_err().to_string(),
            "node living runs on the target; stop it first"
        );
        assert!(to.standing(MIGRATIONS).await.is_ok(), "it was left as it was");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_target_is_left_alone_while_the_source_has_to_be_waited_for() {
    let (source, other) = (filled().await, filled().await);
    let (first, to) = (open(&source.path).await, open(&other.path).await);
    let before = dump(&other.path);
    on_postgres(async |place| {
        let from = place.open_empty().await;
        all(&first, &from, false).await.unwrap();
        let url = place.postgres.as_deref().unwrap();
        let migrating = format!("BEGIN; {OWNS_SCHEMA}; SELECT pg_sleep(3); COMMIT");
        let looking = async {
            tokio::time::sleep(Duration::from_millis(1500)).await;
            assert!(to.standing(MIGRATIONS).await.is_ok(), "it is marked already");
            assert!(dump(&other.path) == before, "it is cleared already");
        };
        let copying = async {
            tokio::time::sleep(SHORT).await;
            all(&from, &to, true).await.unwrap();
        };
        tokio::join!(raw(url, &migrating), looking, copying);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_deleted_before_the_source_is_at_hand() {
    let (source, other) = (filled().await, filled().await);
    let (first, to) = (open(&source.path).await, open(&other.path).await);
    let before = dump(&other.path);
    on_postgres(async |place| {
        let from = place.open_empty().await;
        all(&first, &from, false).await.unwrap();
        // Killed, and watched for long enough that somebody can begin to change the source meanwhile.
        let (id, label) = ("killed".to_owned(), "node killed".to_owned());
        Presence::announce(&to, MIGRATIONS, id, label, 1).await.unwrap();
        let copying = Copying { force: true, watch: 8 * SHORT };
        let url = place.postgres.as_deref().unwrap();
        let newer = format!(
            "BEGIN; {OWNS_SCHEMA}; INSERT INTO migrations VALUES (999, 'newer', '', 1);
             SELECT pg_sleep(4); COMMIT"
        );
        let changing = async {
            tokio::time::sleep(SHORT).await;
            raw(url, &newer).await;
        };
        let copied = copy(&from, &to, MIGRATIONS, copying, 7, |_, _| {});
        let (copied, ()) = tokio::join!(copied, changing);
        let error = copied.unwrap_err().to_string();
        assert_eq!(error, "the schema of the source was changed while it was copied");
        assert!(to.standing(MIGRATIONS).await.is_ok(), "it is as whole as it was");
        assert!(dump(&other.path) == before);
    })
    .await;
}
