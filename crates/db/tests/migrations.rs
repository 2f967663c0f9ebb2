//! What both engines promise about migrations. See `contract.rs` for how it runs.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use support::{MIGRATIONS, Place, on_both};
use trinco_db::{Error, Migration, sql};

/// What a refusal says, on an empty database brought to `applied` first.
async fn refusal(place: &Place, migrations: &[Migration]) -> String {
    let error = place.open_empty().await.migrate(migrations, 2).await.unwrap_err();
    assert!(matches!(error, Error::Migration(_)), "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn each_migration_is_applied_once() {
    on_both(async |place| {
        let db = place.open_empty().await;
        assert_eq!(db.migrate(&MIGRATIONS[..1], 5).await.unwrap(), ["groups"]);
        assert_eq!(db.migrate(MIGRATIONS, 6).await.unwrap(), ["items"]);
        assert!(db.migrate(MIGRATIONS, 7).await.unwrap().is_empty());
        let system = db.system();
        let mut conn = system.read().await.unwrap();
        let query = sql!("SELECT version, name, applied_at FROM migrations ORDER BY version");
        let rows = conn.all(query, &[]).await.unwrap();
        let applied: Vec<(i64, String, i64)> = rows
            .into_iter()
            .map(|row| row.cols())
            .map(|mut c| (c.next().unwrap(), c.next().unwrap(), c.next().unwrap()))
            .collect();
        assert_eq!(applied, [(1, "groups".to_owned(), 5), (2, "items".to_owned(), 6)]);
    })
    .await;
}

#[tokio::test]
async fn a_database_that_does_not_fit_is_refused() {
    on_both(async |place| {
        place.open().await;
        let changed =
            [Migration { sql: "CREATE TABLE groups (id TEXT);", ..MIGRATIONS[0] }, MIGRATIONS[1]];
        assert_eq!(
            refusal(place, &changed).await,
            "migration 1 (groups) was changed after this database applied it"
        );
        assert_eq!(
            refusal(place, &MIGRATIONS[..1]).await,
            "the database is newer than this program: its schema 2 has migration 2 (items), which needs programs of \
             schema 2 or newer, and this one is of schema 1; start a newer program"
        );
        assert_eq!(
            refusal(place, &[MIGRATIONS[0], Migration { version: 3, ..MIGRATIONS[1] }]).await,
            "migration 3 (items) is out of order: version 2 was expected"
        );
        let db = place.open_empty().await;
        let removed: Result<u64, Error> = db
            .system()
            .write((), |tx, ()| {
                Box::pin(async move {
                    tx.execute(sql!("DELETE FROM migrations WHERE version = 1"), &[]).await
                })
            })
            .await;
        assert_eq!(removed.unwrap(), 1);
        assert_eq!(
            refusal(place, MIGRATIONS).await,
            "the database has migration 2 (items) but lacks 1 (groups)"
        );
    })
    .await;
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_behind() {
    on_both(async |place| {
        let broken = Migration {
            version: 3,
            name: "broken",
            oldest_program: 3,
            sql: "CREATE TABLE half (tenant_id TEXT); CREATE TABLE items (tenant_id TEXT);",
        };
        let db = place.open().await;
        let all = [MIGRATIONS[0], MIGRATIONS[1], broken];
        assert!(matches!(db.migrate(&all, 2).await, Err(Error::Other { .. })));
        let fixed = Migration { sql: "CREATE TABLE half (tenant_id TEXT);", ..broken };
        let all = [MIGRATIONS[0], MIGRATIONS[1], fixed];
        assert_eq!(db.migrate(&all, 3).await.unwrap(), ["broken"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_may_migrate_at_once() {
    on_both(async |place| {
        let nodes = [place.open_empty().await, place.open_empty().await];
        let tasks = nodes.map(|db| tokio::spawn(async move { db.migrate(MIGRATIONS, 1).await }));
        let mut applied = Vec::new();
        for task in tasks {
            applied.extend(task.await.unwrap().unwrap());
        }
        // Each by one of them, whoever it was.
        applied.sort_unstable();
        assert_eq!(applied, ["groups", "items"]);
    })
    .await;
}

#[tokio::test]
async fn a_program_can_tell_whether_the_schema_is_the_one_it_works_with() {
    on_both(async |place| {
        let db = place.open().await;
        db.check_schema(MIGRATIONS).await.unwrap();
        let further = Migration {
            version: 3,
            name: "further",
            oldest_program: 2,
            sql: "CREATE TABLE t (id TEXT);",
        };
        let newer = [MIGRATIONS[0], MIGRATIONS[1], further];
        let error = db.check_schema(&newer).await.unwrap_err();
        assert_eq!(error.to_string(), "the database lacks migration 3 (further)");
        // A newer program has added to it: an older one still serves, and one that is older still does not.
        db.migrate(&newer, 2).await.unwrap();
        db.check_schema(MIGRATIONS).await.unwrap();
        assert!(db.check_schema(&MIGRATIONS[..1]).await.is_err());
        let changed = Migration { sql: "CREATE TABLE groups (id TEXT);", ..MIGRATIONS[0] };
        let error = db.check_schema(&[changed, MIGRATIONS[1], further]).await.unwrap_err();
        assert!(matches!(error, Error::Migration(_)), "{error:?}");
        assert_eq!(
            error.to_string(),
            "migration 1 (groups) was changed after this database applied it"
        );
        db.close().await;
    })
    .await;
}
