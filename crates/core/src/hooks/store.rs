use trinco_db::{Conn, Row, Tx, params, sql};

use super::event::Event;
use crate::{Bumped, Error, Listing, Page, Result};

/// A webhook as it is kept: where it is and its key are sealed.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) event: Option<Event>,
    pub(super) events: Vec<Event>,
    pub(super) config: String,
    pub(super) signing_key: String,
    pub(super) enabled: bool,
    pub(super) created_at: i64,
}

pub(super) async fn list(conn: &mut Conn<'_>, page: Page) -> Result<Listing<Stored>> {
    let total = count(conn).await?;
    let rows = conn
        .all(
            sql!(
                "SELECT id, name, event, events, config, signing_key, enabled, created_at FROM hooks
                 WHERE tenant_id = $1 ORDER BY created_at DESC, id LIMIT $2 OFFSET $3"
            ),
            params![page.limit, page.offset],
        )
        .await?;
    Ok(Listing { rows: rows.into_iter().map(stored).collect::<Result<_>>()?, total })
}

pub(super) async fn count(conn: &mut Conn<'_>) -> Result<i64> {
    let row = conn.one(sql!("SELECT COUNT(*) FROM hooks WHERE tenant_id = $1"), &[]).await?;
    Ok(row.get(0)?)
}

pub(super) async fn find(conn: &mut Conn<'_>, id: &str) -> Result<Option<Stored>> {
    let row = conn
        .optional(
            sql!(
                "SELECT id, name, event, events, config, signing_key, enabled, created_at FROM hooks
                 WHERE tenant_id = $1 AND id = $2"
            ),
            params![id],
        )
        .await?;
    row.map(stored).transpose()
}

fn stored(row: Row) -> Result<Stored> {
    let mut cols = row.cols();
    let (id, name) = (cols.next()?, cols.next()?);
    let event = cols.next::<Option<String>>()?.map(|name| known(&name)).transpose()?;
    Ok(Stored {
        id,
        name,
        event,
        events: serde_json::from_str(&cols.next::<String>()?)?,
        config: cols.next()?,
        signing_key: cols.next()?,
        enabled: cols.next()?,
        created_at: cols.next()?,
    })
}

fn known(name: &str) -> Result<Event> {
    Event::named(name)
        .ok_or_else(|| Error::Internal(format!("a webhook is about the unknown event {name}")))
}

pub(super) async fn insert(tx: &mut Tx<'_>, _: &Bumped, hook: &Stored) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO hooks (tenant_id, id, name, event, events, config, signing_key, enabled, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        ),
        params![
            &hook.id,
            &hook.name,
            hook.event.map(Event::name),
            serde_json::to_string(&hook.events)?,
            &hook.config,
            &hook.signing_key,
            hook.enabled,
            hook.created_at
        ],
    )
    .await?;
    Ok(())
}

/// Takes the webhook's row, so that nobody else changes it until the transaction ends. False when there is none.
pub(super) async fn take(tx: &mut Tx<'_>, _: &Bumped, id: &str) -> Result<bool> {
    let take = sql!("UPDATE hooks SET created_at = created_at WHERE tenant_id = $1 AND id = $2");
    Ok(tx.execute(take, params![id]).await? > 0)
}

pub(super) async fn update(tx: &mut Tx<'_>, _: &Bumped, hook: &Stored) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE hooks SET name = $3, event = $4, events = $5, config = $6, signing_key = $7, enabled = $8
             WHERE tenant_id = $1 AND id = $2"
        ),
        params![
            &hook.id,
            &hook.name,
            hook.event.map(Event::name),
            serde_json::to_string(&hook.events)?,
            &hook.config,
            &hook.signing_key,
            hook.enabled
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx<'_>, _: &Bumped, id: &str) -> Result<bool> {
    let delete = sql!("DELETE FROM hooks WHERE tenant_id = $1 AND id = $2");
    Ok(tx.execute(delete, params![id]).await? > 0)
}
