//! `kill -9` while the schema is brought up to date.

use std::time::Duration;

use serde_json::Value;
use trinco_core::{MIGRATIONS, MasterKey, SystemRandomness};
use trinco_db::{Db, DbUrl, Options, Sql, sql};

use super::{random, rounds};
use crate::postgres::Schema;
use crate::running::{Place, json};

/// Every column of every table but of those beside the schema.
fn columns(url: &DbUrl, query: &'static Sql) -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let db = Db::open(url, Options::default()).await.unwrap();
        let system = db.system();
        let rows = system.read().await.unwrap().all(query, &[]).await.unwrap();
        db.close().await;
        let names = rows.iter().map(|row| row.get::<String>(0).unwrap());
        names.filter(|name| !name.starts_with("nodes.") && !name.starts_with("migration")).collect()
    })
}

/// Brings a database to a version.
fn migrate_to(url: &DbUrl, version: usize) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let db = Db::open(url, Options::default()).await.unwrap();
        db.migrate(&MIGRATIONS[..version], 1).await.unwrap();
        db.close().await;
    });
}

fn columns_in_sqlite(url: &DbUrl) -> Vec<String> {
    let query = sql!(
        "SELECT t.name || '.' || c.name FROM sqlite_schema t, pragma_table_info(t.name) c
         WHERE t.type = 'table' ORDER BY 1"
    );
    columns(url, query)
}

fn columns_in_postgresql(url: &DbUrl) -> Vec<String> {
    let query = sql!(
        "SELECT CAST(table_name AS TEXT) || '.' || CAST(column_name AS TEXT) FROM information_schema.columns
         WHERE table_schema = current_schema() ORDER BY 1"
    );
    columns(url, query)
}

/// What each version of the schema consists of.
fn versions() -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let url = DbUrl::Sqlite(folder.path().join("versions.db"));
    let mut versions = vec![Vec::new()];
    for version in 1..=MIGRATIONS.len() {
        migrate_to(&url, version);
        versions.push(columns_in_sqlite(&url));
    }
    versions
}

/// Kills the migration of a place at a random moment, and asserts that what it leaves is one whole version, from which the next start goes
/// on. Gives that version.
fn kill_one(place: &Place, longest: u64, columns: impl Fn() -> Vec<String>) -> usize {
    let mut child = place.command(&["db", "migrate"]).spawn().unwrap();
    std::thread::sleep(Duration::from_micros(random() % longest));
    let _ = child.kill();
    child.wait().unwrap();
    let status = place.run(&["db", "status", "--json"]);
    let status: Value = json(&String::from_utf8(status.stdout).unwrap());
    let version = usize::try_from(status["schemaVersion"].as_u64().unwrap()).unwrap();
    // Listed alike, whatever the order of an engine's letters.
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    assert_eq!(sorted(columns()), sorted(versions()[version].clone()), "half of {version}");
    place.serve();
    let status = json(&place.done(&["db", "status", "--json"]));
    assert_eq!(status["upToDate"], true, "{status}");
    version
}

/// How long a migration that nobody kills takes, and a little more: microseconds.
fn duration(place: &Place) -> u64 {
    #[allow(clippy::disallowed_methods, reason = "a test may see how long it takes")]
    let begun = std::time::Instant::now();
    place.done(&["db", "migrate"]);
    u64::try_from(begun.elapsed().as_micros()).unwrap() * 11 / 10
}

#[test]
fn a_sqlite_file_whose_migration_was_killed_is_at_a_whole_version() {
    let old = || {
        let place = Place::new();
        std::fs::create_dir(place.path().join("data")).unwrap();
        let url = DbUrl::Sqlite(place.path().join("data/trinco.db"));
        migrate_to(&url, 1);
        let key = MasterKey::generate(&SystemRandomness).to_text();
        std::fs::write(place.path().join("data/master.key"), key.as_bytes()).unwrap();
        (place, url)
    };
    let longest = duration(&old().0);
    let left = (0..rounds()).map(|_| {
        let (place, url) = old();
        kill_one(&place, longest, || columns_in_sqlite(&url))
    });
    println!("SQLite: versions that were left: {:?}", left.collect::<Vec<_>>());
}

#[test]
fn a_postgresql_whose_migration_was_killed_is_at_a_whole_version() {
    let old = |name: &str| {
        let schema = Schema::create(name)?;
        let url: DbUrl = schema.url().parse().unwrap();
        migrate_to(&url, 1);
        Some((schema, url))
    };
    let Some((schema, _)) = old("migrated") else { return };
    let longest = duration(&schema.node("http://id.test"));
    let left = (0..rounds()).map(|round| {
        let (schema, url) = old(&format!("migrated{round}")).unwrap();
        kill_one(&schema.node("http://id.test"), longest, || columns_in_postgresql(&url))
    });
    println!("PostgreSQL: versions that were left: {:?}", left.collect::<Vec<_>>());
}
