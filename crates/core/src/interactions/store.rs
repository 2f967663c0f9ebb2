use trinco_db::{Conn, Tx, params, sql};
use trinco_oauth::interaction::Progress;

use super::Interaction;
use crate::{Result, TokenHash};

pub(super) async fn insert(
    tx: &mut Tx<'_>,
    interaction: &Interaction,
    now_ms: i64,
    expires_at: i64,
) -> Result<()> {
    let request = serde_json::to_string(&interaction.request)?;
    let progress = serde_json::to_string(&interaction.progress)?;
    tx.execute(
        sql!(
            "INSERT INTO interactions (tenant_id, id_hash, client_id, request, progress, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)"
        ),
        params![interaction.id_hash.as_str(), &interaction.request.client_id, request, progress, now_ms, expires_at],
    )
    .await?;
    Ok(())
}

pub(super) async fn find(
    conn: &mut Conn<'_>,
    id: &TokenHash,
    now_ms: i64,
) -> Result<Option<Interaction>> {
    let row = conn
        .optional(
            sql!(
                "SELECT request, progress FROM interactions
                 WHERE tenant_id = $1 AND id_hash = $2 AND expires_at > $3"
            ),
            params![id.as_str(), now_ms],
        )
        .await?;
    row.map(|row| {
        Ok(Interaction {
            id_hash: id.clone(),
            request: serde_json::from_str(&row.get::<String>(0)?)?,
            progress: serde_json::from_str(&row.get::<String>(1)?)?,
        })
    })
    .transpose()
}

/// False when the interaction has ended.
pub(super) async fn set_progress(
    tx: &mut Tx<'_>,
    id: &TokenHash,
    progress: &Progress,
) -> Result<bool> {
    let changed = tx
        .execute(
            sql!("UPDATE interactions SET progress = $3 WHERE tenant_id = $1 AND id_hash = $2"),
            params![id.as_str(), serde_json::to_string(progress)?],
        )
        .await?;
    Ok(changed > 0)
}

/// Takes an interaction's row until the transaction ends; false when it has ended.
pub(super) async fn take(tx: &mut Tx<'_>, id: &TokenHash) -> Result<bool> {
    let taken = tx
        .execute(
            sql!(
                "UPDATE interactions SET expires_at = expires_at WHERE tenant_id = $1 AND id_hash = $2"
            ),
            params![id.as_str()],
        )
        .await?;
    Ok(taken > 0)
}

pub(super) async fn delete(tx: &mut Tx<'_>, id: &TokenHash) -> Result<bool> {
    let deleted = tx
        .execute(
            sql!("DELETE FROM interactions WHERE tenant_id = $1 AND id_hash = $2"),
            params![id.as_str()],
        )
        .await?;
    Ok(deleted > 0)
}

pub(super) async fn insert_request(
    tx: &mut Tx<'_>,
    id: &TokenHash,
    form: &str,
    client_id: Option<&str>,
    expires_at: i64,
) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO authorization_requests (tenant_id, id_hash, parameters, client_id, expires_at)
             VALUES ($1, $2, $3, $4, $5)"
        ),
        params![id.as_str(), form, client_id, expires_at],
    )
    .await?;
    Ok(())
}

/// The form of a stored request that waits, and the client that pushed it.
pub(super) async fn find_request(
    conn: &mut Conn<'_>,
    id: &TokenHash,
    now_ms: i64,
) -> Result<Option<(String, Option<String>)>> {
    let row = conn
        .optional(
            sql!(
                "SELECT parameters, client_id FROM authorization_requests
                 WHERE tenant_id = $1 AND id_hash = $2 AND expires_at > $3 AND consumed_at IS NULL"
            ),
            params![id.as_str(), now_ms],
        )
        .await?;
    row.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
}

/// Spends a pushed request; false when it was spent before.
pub(super) async fn spend_request(tx: &mut Tx<'_>, id: &TokenHash, now_ms: i64) -> Result<bool> {
    let spent = tx
        .execute(
            sql!(
                "UPDATE authorization_requests SET consumed_at = $3
                 WHERE tenant_id = $1 AND id_hash = $2 AND consumed_at IS NULL"
            ),
            params![id.as_str(), now_ms],
        )
        .await?;
    Ok(spent > 0)
}
