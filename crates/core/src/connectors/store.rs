use trinco_db::{Conn, Row, Tx, params, sql};

use crate::{Bumped, Result};

/// A connector as it is kept: its configuration is sealed.
#[derive(Clone, Debug)]
pub(super) struct StoredConnector {
    pub(super) id: String,
    pub(super) connector_id: String,
    pub(super) slot: String,
    pub(super) config: String,
    pub(super) metadata: String,
    pub(super) sync_profile: bool,
    pub(super) enable_token_storage: bool,
    pub(super) created_at: i64,
}

pub(super) async fn all(conn: &mut Conn<'_>) -> Result<Vec<StoredConnector>> {
    let rows = conn
        .all(
            sql!(
                "SELECT id, connector_id, slot, config, metadata, sync_profile, enable_token_storage, created_at
                 FROM connectors WHERE tenant_id = $1 ORDER BY created_at, id"
            ),
            &[],
        )
        .await?;
    rows.into_iter().map(read).collect()
}

pub(super) async fn find(conn: &mut Conn<'_>, id: &str) -> Result<Option<StoredConnector>> {
    let row = conn
        .optional(
            sql!(
                "SELECT id, connector_id, slot, config, metadata, sync_profile, enable_token_storage, created_at
                 FROM connectors WHERE tenant_id = $1 AND id = $2"
            ),
            params![id],
        )
        .await?;
    row.map(read).transpose()
}

fn read(row: Row) -> Result<StoredConnector> {
    let mut cols = row.cols();
    Ok(StoredConnector {
        id: cols.next()?,
        connector_id: cols.next()?,
        slot: cols.next()?,
        config: cols.next()?,
        metadata: cols.next()?,
        sync_profile: cols.next()?,
        enable_token_storage: cols.next()?,
        created_at: cols.next()?,
    })
}

/// The factory of whoever occupies a slot.
pub(super) async fn factory_in_slot(conn: &mut Conn<'_>, slot: &str) -> Result<Option<String>> {
    let row = conn
        .optional(
            sql!("SELECT connector_id FROM connectors WHERE tenant_id = $1 AND slot = $2"),
            params![slot],
        )
        .await?;
    Ok(row.map(|row| row.get(0)).transpose()?)
}

pub(super) async fn insert(tx: &mut Tx<'_>, _: &Bumped, connector: &StoredConnector) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO connectors
                 (tenant_id, id, connector_id, slot, config, metadata, sync_profile, enable_token_storage, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        ),
        params![
            &connector.id,
            &connector.connector_id,
            &connector.slot,
            &connector.config,
            &connector.metadata,
            connector.sync_profile,
            connector.enable_token_storage,
            connector.created_at
        ],
    )
    .await?;
    Ok(())
}

/// What a connector is made by, and what it occupies, never changes.
pub(super) async fn update(tx: &mut Tx<'_>, _: &Bumped, connector: &StoredConnector) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE connectors SET config = $3, metadata = $4, sync_profile = $5, enable_token_storage = $6
             WHERE tenant_id = $1 AND id = $2"
        ),
        params![
            &connector.id,
            &connector.config,
            &connector.metadata,
            connector.sync_profile,
            connector.enable_token_storage
        ],
    )
    .await?;
    Ok(())
}

/// False when there is none.
pub(super) async fn delete(tx: &mut Tx<'_>, _: &Bumped, id: &str) -> Result<bool> {
    let delete = sql!("DELETE FROM connectors WHERE tenant_id = $1 AND id = $2");
    Ok(tx.execute(delete, params![id]).await? > 0)
}

pub(super) async fn clear_slot(tx: &mut Tx<'_>, _: &Bumped, slot: &str) -> Result<()> {
    tx.execute(sql!("DELETE FROM connectors WHERE tenant_id = $1 AND slot = $2"), params![slot])
        .await?;
    Ok(())
}
