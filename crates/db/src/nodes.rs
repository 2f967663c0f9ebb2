//! The servers on a database that several share: each notes which schema it was built for, and shows that it lives. A migration that
//! older programs cannot work with does not go ahead while one of them does.

use crate::standing::{compare, floors};
use crate::{Conn, Db, Error, Migration, Tx, dialect, params, sql, standing};

/// A server as the database knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Random, new for each start.
    pub id: String,
    /// What people know it by: host, port and process.
    pub label: String,
    /// The version of the schema that its program was built for.
    pub schema_version: i64,
    /// Unix milliseconds, by the node's clock.
    pub started_at: i64,
    /// When it last showed that it lives: Unix milliseconds, by the node's clock.
    pub seen_at: i64,
    /// How often it has done so. Whether a node lives is seen from this number moving, which no clock can get wrong.
    pub beats: i64,
}

/// A node that has been silent for this long is gone, whatever is written about it. Milliseconds.
const FORGOTTEN_AFTER: i64 = 24 * 60 * 60 * 1000;

pub(crate) const CREATE: &str = "CREATE TABLE IF NOT EXISTS nodes (
    id TEXT NOT NULL, label TEXT NOT NULL, schema_version BIGINT NOT NULL,
    started_at BIGINT NOT NULL, seen_at BIGINT NOT NULL, beats BIGINT NOT NULL,
    CONSTRAINT nodes_id PRIMARY KEY (id))";

/// All of them, by their labels.
pub(crate) async fn list(conn: &mut Conn<'_>) -> Result<Vec<Node>, Error> {
    let query = sql!(
        "SELECT id, label, schema_version, started_at, seen_at, beats FROM nodes ORDER BY label, id"
    );
    conn.all(query, &[]).await?.into_iter().map(node).collect()
}

fn node(row: crate::Row) -> Result<Node, Error> {
    let mut cols = row.cols();
    Ok(Node {
        id: cols.next()?,
        label: cols.next()?,
        schema_version: cols.next()?,
        started_at: cols.next()?,
        seen_at: cols.next()?,
        beats: cols.next()?,
    })
}

/// A server's place among the nodes.
#[derive(Clone)]
pub struct Presence {
    db: Db,
    id: String,
    label: String,
    migrations: &'static [Migration],
    started_at: i64,
}

impl Presence {
    /// Announces a server built for `migrations`, with a random `id`. From here on no migration that it cannot work with is applied
    /// unless it is forced.
    ///
    /// # Errors
    /// [`Error::Migration`], with a sentence, when such a migration has been applied already.
    pub async fn announce(
        db: &Db,
        migrations: &'static [Migration],
        id: String,
        label: String,
        now_ms: i64,
    ) -> Result<Presence, Error> {
        let presence = Presence { db: db.clone(), id, label, migrations, started_at: now_ms };
        presence.beat(now_ms).await?;
        db.system().write(now_ms, |tx, now_ms| Box::pin(forget_the_gone(tx, *now_ms))).await?;
        Ok(presence)
    }

    /// Shows that the server lives, and sees whether it can go on.
    ///
    /// # Errors
    /// [`Error::Migration`], with a sentence, when the schema has moved on to where this program cannot follow: it must stop serving.
    pub async fn beat(&self, now_ms: i64) -> Result<(), Error> {
        let input = (self.clone(), now_ms);
        self.db
            .system()
            .write(input, |tx, (presence, now_ms)| Box::pin(note(tx, presence, *now_ms)))
            .await
    }

    /// Takes leave.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn leave(&self) -> Result<(), Error> {
        self.db
            .system()
            .write(self.id.clone(), |tx, id| {
                Box::pin(async move {
                    tx.execute(sql!("DELETE FROM nodes WHERE id = $1"), params![id]).await?;
                    Ok(())
                })
            })
            .await
    }
}

/// Migrations wait for this transaction, and it for them: a node is seen by whoever changes the schema, or sees that it was changed.
async fn note(tx: &mut Tx<'_>, presence: &Presence, now_ms: i64) -> Result<(), Error> {
    dialect::share_schema(tx).await?;
    let applied = standing::applied(tx).await?;
    let floors = floors(tx).await?;
    let program = compare(presence.migrations, &applied, &floors)?.program;
    tx.execute(
        sql!(
            "INSERT INTO nodes (id, label, schema_version, started_at, seen_at, beats)
             VALUES ($1, $2, $3, $4, $5, 0)
             ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, beats = nodes.beats + 1"
        ),
        params![&presence.id, &presence.label, program, presence.started_at, now_ms],
    )
    .await?;
    Ok(())
}

async fn forget_the_gone(tx: &mut Tx<'_>, now_ms: i64) -> Result<(), Error> {
    tx.execute(sql!("DELETE FROM nodes WHERE seen_at < $1"), params![now_ms - FORGOTTEN_AFTER])
        .await?;
    Ok(())
}
