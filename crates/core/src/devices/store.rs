use trinco_db::{Conn, Tx, params, sql};
use trinco_oauth::AuthorizationRequest;

use super::model::DeviceCode;
use crate::{Result, TokenHash};

/// A device code about to be stored: times in Unix milliseconds.
#[derive(Clone, Debug)]
pub(super) struct NewDeviceCode {
    pub(super) hash: TokenHash,
    pub(super) user_code_hash: TokenHash,
    pub(super) client_id: String,
    pub(super) request: String,
    pub(super) created_at: i64,
    pub(super) expires_at: i64,
}

pub(super) async fn insert(tx: &mut Tx<'_>, new: &NewDeviceCode) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO device_codes (tenant_id, hash, user_code_hash, client_id, request, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)"
        ),
        params![
            new.hash.as_str(),
            new.user_code_hash.as_str(),
            &new.client_id,
            &new.request,
            &new.created_at,
            &new.expires_at
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn find(conn: &mut Conn<'_>, hash: &TokenHash) -> Result<Option<DeviceCode>> {
    let row = conn
        .optional(
            sql!(
                "SELECT client_id, grant_id, expires_at, polled_at, decided_at, consumed_at FROM device_codes
                 WHERE tenant_id = $1 AND hash = $2"
            ),
            params![hash.as_str()],
        )
        .await?;
    row.map(|row| {
        Ok(DeviceCode {
            client_id: row.get(0)?,
            grant_id: row.get(1)?,
            expires_at: row.get(2)?,
            polled_at: row.get(3)?,
            decided_at: row.get(4)?,
            consumed_at: row.get(5)?,
        })
    })
    .transpose()
}

/// The device that waits under a user code, and what it asked for.
pub(super) async fn find_pending(
    conn: &mut Conn<'_>,
    user_code: &TokenHash,
    now_ms: i64,
) -> Result<Option<(TokenHash, AuthorizationRequest)>> {
    let row = conn
        .optional(
            sql!(
                "SELECT hash, request FROM device_codes
                 WHERE tenant_id = $1 AND user_code_hash = $2 AND expires_at > $3 AND decided_at IS NULL"
            ),
            params![user_code.as_str(), now_ms],
        )
        .await?;
    row.map(|row| {
        let request = serde_json::from_str(&row.get::<String>(1)?)?;
        Ok((TokenHash::from_stored(row.get(0)?), request))
    })
    .transpose()
}

/// Binds a device that waits to the interaction that answers it; false when it no longer waits.
pub(super) async fn set_interaction(
    tx: &mut Tx<'_>,
    hash: &TokenHash,
    interaction: &TokenHash,
    now_ms: i64,
) -> Result<bool> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE device_codes SET interaction_id_hash = $3
                 WHERE tenant_id = $1 AND hash = $2 AND expires_at > $4 AND decided_at IS NULL"
            ),
            params![hash.as_str(), interaction.as_str(), now_ms],
        )
        .await?;
    Ok(changed > 0)
}

/// The hash of the user code under which a device waits for an interaction.
pub(super) async fn waiting(
    conn: &mut Conn<'_>,
    interaction: &TokenHash,
    now_ms: i64,
) -> Result<Option<TokenHash>> {
    let row = conn
        .optional(
            sql!(
                "SELECT user_code_hash FROM device_codes
                 WHERE tenant_id = $1 AND interaction_id_hash = $2 AND expires_at > $3 AND decided_at IS NULL"
            ),
            params![interaction.as_str(), now_ms],
        )
        .await?;
    Ok(row.map(|row| row.get(0)).transpose()?.map(TokenHash::from_stored))
}

/// Notes the answer, once; false when there is one already or the code has expired.
pub(super) async fn decide(
    tx: &mut Tx<'_>,
    interaction: &TokenHash,
    grant_id: Option<&str>,
    now_ms: i64,
) -> Result<bool> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE device_codes SET decided_at = $3, grant_id = $4
                 WHERE tenant_id = $1 AND interaction_id_hash = $2 AND expires_at > $3 AND decided_at IS NULL"
            ),
            params![interaction.as_str(), now_ms, grant_id],
        )
        .await?;
    Ok(changed > 0)
}

pub(super) async fn set_polled(tx: &mut Tx<'_>, hash: &TokenHash, now_ms: i64) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE device_codes SET polled_at = $3 WHERE tenant_id = $1 AND hash = $2 AND decided_at IS NULL"
        ),
        params![hash.as_str(), now_ms],
    )
    .await?;
    Ok(())
}

/// Spends a code; false when it was spent before.
pub(super) async fn spend(tx: &mut Tx<'_>, hash: &TokenHash, now_ms: i64) -> Result<bool> {
    let spent = tx
        .execute(
            sql!(
                "UPDATE device_codes SET consumed_at = $3
                 WHERE tenant_id = $1 AND hash = $2 AND consumed_at IS NULL AND grant_id IS NOT NULL"
            ),
            params![hash.as_str(), now_ms],
        )
        .await?;
    Ok(spent > 0)
}

/// Counts an attempt; false when `most` have been made since the count began. The count begins anew once it has expired.
pub(super) async fn charge(
    tx: &mut Tx<'_>,
    source: &str,
    most: i64,
    now_ms: i64,
    expires_at: i64,
) -> Result<bool> {
    let counted = tx
        .execute(
            sql!(
                "INSERT INTO user_code_attempts (tenant_id, source, attempts, expires_at) VALUES ($1, $2, 1, $3)
                 ON CONFLICT (tenant_id, source) DO UPDATE SET
                     attempts = CASE WHEN user_code_attempts.expires_at <= $4 THEN 1
                                     ELSE user_code_attempts.attempts + 1 END,
                     expires_at = CASE WHEN user_code_attempts.expires_at <= $4 THEN $3
                                       ELSE user_code_attempts.expires_at END
                 WHERE user_code_attempts.expires_at <= $4 OR user_code_attempts.attempts < $5"
            ),
            params![source, expires_at, now_ms, most],
        )
        .await?;
    Ok(counted > 0)
}

/// Takes back the count of an attempt that was right.
pub(super) async fn give_back(tx: &mut Tx<'_>, source: &str) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE user_code_attempts SET attempts = attempts - 1 WHERE tenant_id = $1 AND source = $2"
        ),
        params![source],
    )
    .await?;
    Ok(())
}
