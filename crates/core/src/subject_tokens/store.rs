use trinco_db::{Conn, Tx, params, sql};

use crate::{JsonObject, Result, TokenHash};

/// A subject token as it is kept: times in Unix milliseconds.
#[derive(Clone, Debug)]
pub(super) struct StoredSubjectToken {
    pub(super) hash: TokenHash,
    pub(super) user_id: String,
    pub(super) context: String,
    pub(super) created_at: i64,
    pub(super) expires_at: i64,
}

pub(super) async fn insert(tx: &mut Tx<'_>, token: &StoredSubjectToken) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO subject_tokens (tenant_id, hash, user_id, context, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6)"
        ),
        params![
            token.hash.as_str(),
            &token.user_id,
            &token.context,
            &token.created_at,
            &token.expires_at
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn find(
    conn: &mut Conn<'_>,
    hash: &TokenHash,
    now_ms: i64,
) -> Result<Option<(String, JsonObject)>> {
    let row = conn
        .optional(
            sql!(
                "SELECT user_id, context FROM subject_tokens
                 WHERE tenant_id = $1 AND hash = $2 AND expires_at > $3 AND consumed_at IS NULL"
            ),
            params![hash.as_str(), now_ms],
        )
        .await?;
    row.map(|row| Ok((row.get(0)?, serde_json::from_str(&row.get::<String>(1)?)?))).transpose()
}

/// Spends a token; false when it was spent before or has expired.
pub(super) async fn spend(tx: &mut Tx<'_>, hash: &TokenHash, now_ms: i64) -> Result<bool> {
    let spent = tx
        .execute(
            sql!(
                "UPDATE subject_tokens SET consumed_at = $3
                 WHERE tenant_id = $1 AND hash = $2 AND consumed_at IS NULL AND expires_at > $3"
            ),
            params![hash.as_str(), now_ms],
        )
        .await?;
    Ok(spent > 0)
}
