//! The servers on a database that several share: each notes which schema it was built for, and shows that it lives. A migration that
//! older programs cannot work with does not go ahead while one of them does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::migrate::refuse;
use crate::standing::{INCOMPLETE_COPY, IS_INCOMPLETE, compare, floors};
use crate::stopwatch::Stopwatch;
use crate::waiting::Waiting;
use crate::{Conn, Db, Error, Migration, SystemDb, Tx, dialect, params, sql, standing};

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

/// A node whose row says that it was seen so long ago is gone when another starts. Milliseconds.
const FORGOTTEN_AFTER: i64 = 24 * 60 * 60 * 1000;
/// A node that another one has seen silent for this long is gone.
const GONE_AFTER: Duration = Duration::from_secs(10 * 60);
const WATCH_PAUSE: Duration = Duration::from_millis(250);

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

/// As [`list`], also of a database that has no such table yet.
pub(crate) async fn list_if_any(conn: &mut Conn<'_>) -> Result<Vec<Node>, Error> {
    let tables = standing::tables(conn).await?;
    if tables.iter().any(|table| table == "nodes") { list(conn).await } else { Ok(Vec::new()) }
}

/// Watches these nodes until all have been silent for long enough, or have taken leave. The first that shows that it lives ends it.
/// While the schema is somebody's own no node can show that it lives, so that silence counts only from when it is nobody's again.
pub(crate) async fn watch(
    db: &SystemDb,
    watched: &[Node],
    silence: Duration,
) -> Result<Option<Node>, Error> {
    if watched.is_empty() {
        return Ok(None);
    }
    let mut waiting = Waiting::begin();
    let mut silent = Stopwatch::start();
    loop {
        let nodes = match list_while_they_can_beat(db).await {
            Ok(nodes) => nodes,
            Err(error) => {
                waiting.after(error).await?;
                silent = Stopwatch::start();
                continue;
            }
        };
        let now = |old: &Node| nodes.iter().find(|now| now.id == old.id);
        if let Some(node) =
            watched.iter().find(|old| now(old).is_some_and(|n| n.beats != old.beats))
        {
            return Ok(Some(node.clone()));
        }
        if watched.iter().all(|old| now(old).is_none()) || silent.elapsed() >= silence {
            return Ok(None);
        }
        tokio::time::sleep(WATCH_PAUSE).await;
    }
}

/// [`Error::Busy`] while somebody changes the schema, or waits for that.
async fn list_while_they_can_beat(db: &SystemDb) -> Result<Vec<Node>, Error> {
    db.scan((), |conn, ()| {
        Box::pin(async move {
            dialect::share_schema_reading(conn).await?;
            list(conn).await
        })
    })
    .await
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
    /// The beats of all nodes as they were last seen to move, by their ids.
    others: Arc<Mutex<HashMap<String, (i64, Stopwatch)>>>,
    gone_after: Duration,
}

impl Presence {
    /// Announces a server built for `migrations`, with a random `id`. From here on no migration that it cannot work with is applied
    /// unless it is forced. Waits while somebody changes the schema, or another one of the same database.
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
        let (others, gone_after) = (Arc::default(), GONE_AFTER);
        let presence = Presence {
            db: db.clone(),
            id,
            label,
            migrations,
            started_at: now_ms,
            others,
            gone_after,
        };
        let mut waiting = Waiting::begin();
        while let Err(error) = presence.beat(now_ms).await {
            waiting.after(error).await?;
        }
        db.system().write(now_ms, |tx, now_ms| Box::pin(forget_the_gone(tx, *now_ms))).await?;
        Ok(presence)
    }

    /// Takes other nodes for gone when their beats have not moved for so long, instead of ten minutes.
    #[must_use]
    pub fn with_gone_after(mut self, silence: Duration) -> Presence {
        self.gone_after = silence;
        self
    }

    /// Shows that the server lives, and sees whether it can go on. The rows of nodes that have been killed go after a while.
    ///
    /// # Errors
    /// [`Error::Migration`], with a sentence, when the schema has moved on to where this program cannot follow, or the database is
    /// being replaced by a copy of another one: it must stop serving.
    pub async fn beat(&self, now_ms: i64) -> Result<(), Error> {
        let input = (self.clone(), now_ms);
        let nodes = self
            .db
            .system()
            .write(input, |tx, (presence, now_ms)| Box::pin(note(tx, presence, *now_ms)))
            .await?;
        let system = self.db.system();
        for node in self.silent(nodes) {
            let forgotten = system.write(node, |tx, node| {
                Box::pin(async move {
                    let forget = sql!("DELETE FROM nodes WHERE id = $1 AND beats = $2");
                    tx.execute(forget, params![&node.id, node.beats]).await?;
                    Ok::<_, Error>(())
                })
            });
            forgotten.await?;
        }
        Ok(())
    }

    /// Those that this node has seen do nothing for long enough.
    fn silent(&self, nodes: Vec<Node>) -> Vec<Node> {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        others.retain(|id, _| nodes.iter().any(|node| node.id == *id));
        let is_silent = |node: &Node| match others.get(&node.id) {
            Some((beats, since)) if *beats == node.beats => since.elapsed() >= self.gone_after,
            _ => {
                others.insert(node.id.clone(), (node.beats, Stopwatch::start()));
                false
            }
        };
        nodes.into_iter().filter(is_silent).collect()
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
/// Gives all nodes there are.
async fn note(tx: &mut Tx<'_>, presence: &Presence, now_ms: i64) -> Result<Vec<Node>, Error> {
    dialect::share_schema(tx).await?;
    if standing::tables(tx).await?.iter().any(|table| table == INCOMPLETE_COPY) {
        return refuse(IS_INCOMPLETE.to_owned());
    }
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
    list(tx).await
}

async fn forget_the_gone(tx: &mut Tx<'_>, now_ms: i64) -> Result<(), Error> {
    tx.execute(sql!("DELETE FROM nodes WHERE seen_at < $1"), params![now_ms - FORGOTTEN_AFTER])
        .await?;
    Ok(())
}
