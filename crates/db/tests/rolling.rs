//! Upgrading a node at a time, with a pair of migrations that only tests have: the notes of items move to a table of their own
//! (*expand*), and later the old column goes (*contract*). See `contract.rs` for how it runs.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::time::Duration;

use support::{MIGRATIONS, OWNS_SCHEMA, Place, on_both, on_postgres, raw};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use trinco_db::{Db, Error, Migrating, Migration, Options, Presence, params, sql};

/// Programs of schema 2 know nothing of it and go on.
const EXPAND: Migration = Migration {
    version: 3,
    name: "notes",
    oldest_program: 2,
    sql: "CREATE TABLE notes (
              tenant_id TEXT NOT NULL, item_id TEXT NOT NULL, text TEXT NOT NULL,
              CONSTRAINT notes_item_id PRIMARY KEY (tenant_id, item_id));
          INSERT INTO notes SELECT tenant_id, id, note FROM items WHERE note IS NOT NULL;",
};
/// Programs of schema 2 still wrote the old column, so what they wrote is fetched first; they cannot go on without it.
const CONTRACT: Migration = Migration {
    version: 4,
    name: "no_old_notes",
    oldest_program: 3,
    sql: "INSERT INTO notes SELECT tenant_id, id, note FROM items WHERE note IS NOT NULL
              ON CONFLICT (tenant_id, item_id) DO NOTHING;
          ALTER TABLE items DROP COLUMN note;",
};
const EXPANDED: &[Migration] = &[MIGRATIONS[0], MIGRATIONS[1], EXPAND];
const CONTRACTED: &[Migration] = &[MIGRATIONS[0], MIGRATIONS[1], EXPAND, CONTRACT];

/// For tests: who is silent for this long is gone.
const WATCH: Duration = Duration::from_millis(400);

fn watching(force: bool) -> Migrating {
    Migrating { force, watch: WATCH }
}

/// What a program of schema 2 does.
mod old {
    use super::{Db, Error, params, sql};

    pub(super) async fn write(db: &Db, id: &'static str, note: &'static str) -> Result<(), Error> {
        let input = (id, note);
        db.tenant("a")
            .write(input, |tx, (id, note)| {
                Box::pin(async move {
                    let insert =
                        sql!("INSERT INTO items (tenant_id, id, note) VALUES ($1, $2, $3)");
                    tx.execute(insert, params![*id, *note]).await.map(drop)
                })
            })
            .await
    }

    pub(super) async fn read(db: &Db, id: &str) -> Result<String, Error> {
        let tenant = db.tenant("a");
        let select = sql!("SELECT note FROM items WHERE tenant_id = $1 AND id = $2");
        tenant.read().await?.one(select, params![id]).await?.get(0)
    }
}

/// What a program of schema 3 does, beside older ones: it writes both places, and what has only an old note is read there.
mod new {
    use super::{Db, Error, params, sql};

    pub(super) async fn write(db: &Db, id: &'static str, note: &'static str) -> Result<(), Error> {
        let input = (id, note);
        db.tenant("a")
            .write(input, |tx, (id, note)| {
                Box::pin(async move {
                    let insert =
                        sql!("INSERT INTO items (tenant_id, id, note) VALUES ($1, $2, $3)");
                    tx.execute(insert, params![*id, *note]).await?;
                    let insert =
                        sql!("INSERT INTO notes (tenant_id, item_id, text) VALUES ($1, $2, $3)");
                    tx.execute(insert, params![*id, *note]).await.map(drop)
                })
            })
            .await
    }

    pub(super) async fn read(db: &Db, id: &str) -> Result<String, Error> {
        let tenant = db.tenant("a");
        let select = sql!(
            "SELECT COALESCE(notes.text, items.note) FROM items LEFT JOIN notes
                 ON notes.tenant_id = items.tenant_id AND notes.item_id = items.id
             WHERE items.tenant_id = $1 AND items.id = $2"
        );
        tenant.read().await?.one(select, params![id]).await?.get(0)
    }
}

async fn announce(db: &Db, migrations: &'static [Migration], id: &str) -> Presence {
    Presence::announce(db, migrations, id.to_owned(), format!("node {id}"), 1).await.unwrap()
}

/// A node that shows that it lives, until told to stop; it takes its leave then.
fn beating(presence: Presence, mut stop: oneshot::Receiver<()>) -> JoinHandle<()> {
    tokio::spawn(async move {
        while stop.try_recv().is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
            presence.beat(2).await.unwrap();
        }
        presence.leave().await.unwrap();
    })
}

async fn refusal(place: &Place, migrations: &[Migration]) -> String {
    let error = place.open_empty().await.migrate_with(migrations, watching(false), 3).await;
    let error = error.unwrap_err();
    assert!(matches!(error, Error::Migration(_)), "{error:?}");
    error.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn old_and_new_nodes_serve_at_once_until_the_contract() {
    on_both(async |place| {
        let old = place.open().await;
        let presence = announce(&old, MIGRATIONS, "old").await;
        old::write(&old, "1", "before").await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let node = beating(presence, stopped);

        let new = place.open_empty().await;
        assert_eq!(new.migrate(EXPANDED, 2).await.unwrap(), ["notes"]);
        let newer = announce(&new, EXPANDED, "new").await;
        new::write(&new, "2", "by the new one").await.unwrap();
        old::write(&old, "3", "by the old one").await.unwrap();
        for (id, note) in [("1", "before"), ("2", "by the new one"), ("3", "by the old one")] {
            assert_eq!(old::read(&old, id).await.unwrap(), note);
            assert_eq!(new::read(&new, id).await.unwrap(), note);
        }

        // An old node may even start anew.
        let again = place.open_empty().await;
        assert!(again.migrate(MIGRATIONS, 2).await.unwrap().is_empty());
        let standing = again.standing(MIGRATIONS).await.unwrap();
        assert_eq!((standing.database, standing.program, standing.oldest_program), (3, 2, 2));
        assert_eq!(standing.newer, [(3, "notes".to_owned())]);
        assert!(standing.is_up_to_date());
        assert_eq!(standing.nodes.len(), 2);
        announce(&again, MIGRATIONS, "again").await.leave().await.unwrap();

        // While one runs, what it needs is not taken away.
        assert_eq!(
            refusal(place, CONTRACTED).await,
            "migration 4 (no_old_notes) needs every node to run a program of schema 3 or newer, and node old still runs \
             one of schema 2; upgrade it first (or stop it), then run `trinco db migrate`"
        );
        assert_eq!(old::read(&old, "1").await.unwrap(), "before");
        stop.send(()).unwrap();
        node.await.unwrap();
        assert_eq!(new.migrate(CONTRACTED, 3).await.unwrap(), ["no_old_notes"]);

        let select = sql!("SELECT text FROM notes WHERE tenant_id = $1 ORDER BY item_id");
        let tenant = new.tenant("a");
        let rows = tenant.read().await.unwrap().all(select, &[]).await.unwrap();
        let notes: Vec<String> = rows.iter().map(|row| row.get(0).unwrap()).collect();
        assert_eq!(notes, ["before", "by the new one", "by the old one"]);
        newer.beat(4).await.unwrap();
        assert_eq!(
            refusal(place, MIGRATIONS).await,
            "the database is newer than this program: its schema 4 has migration 4 (no_old_notes), which needs programs of \
             schema 3 or newer, and this one is of schema 2; start a newer program"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_killed_holds_up_a_contract_no_longer_than_the_watch() {
    on_both(async |place| {
        let db = place.open().await;
        let killed = announce(&db, MIGRATIONS, "killed").await;
        let applied = db.migrate_with(CONTRACTED, watching(false), 2).await.unwrap();
        assert_eq!(applied, ["notes", "no_old_notes"]);
        assert!(db.standing(CONTRACTED).await.unwrap().nodes.is_empty());
        // It was only paused, and finds out.
        let error = killed.beat(3).await.unwrap_err();
        assert!(error.to_string().contains("schema 4"), "{error}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_killed_is_forgotten_by_those_that_go_on() {
    on_both(async |place| {
        let db = place.open().await;
        // Its clock was an hour fast: by the time of day it is alive for another hour.
        let label = "node killed".to_owned();
        Presence::announce(&db, MIGRATIONS, "killed".to_owned(), label, 3_600_000).await.unwrap();
        let living = announce(&db, MIGRATIONS, "living").await.with_gone_after(WATCH);
        let other = announce(&db, MIGRATIONS, "other").await;
        living.beat(2).await.unwrap();
        tokio::time::sleep(WATCH / 2).await;
        other.beat(3).await.unwrap();
        living.beat(3).await.unwrap();
        assert_eq!(db.standing(MIGRATIONS).await.unwrap().nodes.len(), 3);
        tokio::time::sleep(WATCH / 2 + Duration::from_millis(50)).await;
        living.beat(4).await.unwrap();
        let left = db.standing(MIGRATIONS).await.unwrap().nodes;
        let left: Vec<&str> = left.iter().map(|node| node.id.as_str()).collect();
        assert_eq!(left, ["living", "other"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forced_contract_is_noticed_by_the_old_node() {
    on_both(async |place| {
        let db = place.open().await;
        let old = announce(&db, MIGRATIONS, "old").await;
        let applied = db.migrate_with(CONTRACTED, watching(true), 2).await.unwrap();
        assert_eq!(applied, ["notes", "no_old_notes"]);
        let error = old.beat(3).await.unwrap_err();
        assert!(matches!(error, Error::Migration(_)), "{error:?}");
    })
    .await;
}

#[tokio::test]
async fn a_database_of_a_program_that_noted_no_floors_goes_on() {
    on_both(async |place| {
        let db = place.open().await;
        db.system()
            .write((), |tx, ()| {
                Box::pin(async move {
                    for drop_table in
                        [sql!("DROP TABLE nodes"), sql!("DROP TABLE migration_floors")]
                    {
                        tx.execute(drop_table, &[]).await?;
                    }
                    Ok::<_, Error>(())
                })
            })
            .await
            .unwrap();
        let standing = db.standing(MIGRATIONS).await.unwrap();
        assert!(standing.pending.is_empty() && !standing.is_up_to_date());
        // What nothing is known about serves only those who know it.
        assert_eq!(standing.oldest_program, 2);
        assert!(db.migrate(MIGRATIONS, 2).await.unwrap().is_empty());
        assert!(db.standing(MIGRATIONS).await.unwrap().is_up_to_date());
        announce(&db, MIGRATIONS, "one").await;
    })
    .await;
}

/// Another schema of the same database is migrated for three seconds.
async fn others_migrate(place: &Place) {
    let url = place.postgres.as_deref().unwrap();
    raw(url, &format!("BEGIN; {OWNS_SCHEMA}; SELECT pg_sleep(3); COMMIT")).await;
}

/// Gives up waiting for the schema soon.
async fn impatient(place: &Place) -> Db {
    let statement_timeout = Duration::from_millis(250);
    Db::open(&place.url, Options { statement_timeout, ..place.options.clone() }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_contract_is_applied_because_others_kept_an_old_node_from_showing_that_it_lives() {
    on_postgres(async |place| {
        let db = place.open().await;
        db.migrate(EXPANDED, 1).await.unwrap();
        let old = announce(&impatient(place).await, MIGRATIONS, "old").await;
        let beating = tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                // It waits for the schema as all do, and gives up until the next time.
                let _ = old.beat(2).await;
            }
        });
        let watching = Migrating { force: false, watch: Duration::from_secs(2) };
        let others = async {
            // Once the watching has begun.
            tokio::time::sleep(Duration::from_millis(250)).await;
            others_migrate(place).await;
        };
        let (applied, ()) = tokio::join!(db.migrate_with(CONTRACTED, watching, 2), others);
        beating.abort();
        let error = applied.unwrap_err().to_string();
        assert!(error.contains("node old still runs one of schema 2"), "{error}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_starts_while_others_migrate_waits_for_them() {
    on_postgres(async |place| {
        let db = place.open().await;
        let impatient = impatient(place).await;
        let starting = async {
            tokio::time::sleep(Duration::from_millis(250)).await;
            announce(&impatient, MIGRATIONS, "new").await;
        };
        tokio::join!(others_migrate(place), starting);
        assert_eq!(db.standing(MIGRATIONS).await.unwrap().nodes.len(), 1);
    })
    .await;
}
