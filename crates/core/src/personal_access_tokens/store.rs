use trinco_db::{Conn, Row, Tx, params, sql};

use crate::{Result, TokenHash};

/// A token as it is stored: times in Unix milliseconds.
#[derive(Clone, Debug)]
pub(super) struct StoredToken {
    pub(super) name: String,
    pub(super) sealed: String,
    pub(super) created_at: i64,
    pub(super) expires_at: Option<i64>,
}

fn token(row: &Row) -> Result<StoredToken> {
    Ok(StoredToken {
        name: row.get(0)?,
        sealed: row.get(1)?,
        created_at: row.get(2)?,
        expires_at: row.get(3)?,
    })
}

pub(super) async fn all_of_user(conn: &mut Conn<'_>, user_id: &str) -> Result<Vec<StoredToken>> {
    let rows = conn
        .all(
            sql!(
                "SELECT name, value_sealed, created_at, expires_at FROM personal_access_tokens
                 WHERE tenant_id = $1 AND user_id = $2 ORDER BY created_at, name"
            ),
            params![user_id],
        )
        .await?;
    rows.iter().map(token).collect()
}

pub(super) async fn find(
    conn: &mut Conn<'_>,
    user_id: &str,
    name: &str,
) -> Result<Option<StoredToken>> {
    let row = conn
        .optional(
            sql!(
                "SELECT name, value_sealed, created_at, expires_at FROM personal_access_tokens
                 WHERE tenant_id = $1 AND user_id = $2 AND name = $3"
            ),
            params![user_id, name],
        )
        .await?;
    row.as_ref().map(token).transpose()
}

pub(super) async fn find_user(
    conn: &mut Conn<'_>,
    hash: &TokenHash,
    now_ms: i64,
) -> Result<Option<String>> {
    let row = conn
        .optional(
            sql!(
                "SELECT user_id FROM personal_access_tokens
                 WHERE tenant_id = $1 AND value_hash = $2 AND (expires_at IS NULL OR expires_at > $3)"
            ),
            params![hash.as_str(), now_ms],
        )
        .await?;
    Ok(row.map(|row| row.get(0)).transpose()?)
}

pub(super) async fn insert(
    tx: &mut Tx<'_>,
    user_id: &str,
    token: &StoredToken,
    hash: &TokenHash,
) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO personal_access_tokens
                 (tenant_id, user_id, name, value_sealed, value_hash, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)"
        ),
        params![
            user_id,
            &token.name,
            &token.sealed,
            hash.as_str(),
            &token.created_at,
            &token.expires_at
        ],
    )
    .await?;
    Ok(())
}

/// Renames a token; false when there is none of that name.
pub(super) async fn rename(
    tx: &mut Tx<'_>,
    user_id: &str,
    name: &str,
    new_name: &str,
) -> Result<bool> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE personal_access_tokens SET name = $4 WHERE tenant_id = $1 AND user_id = $2 AND name = $3"
            ),
            params![user_id, name, new_name],
        )
        .await?;
    Ok(changed > 0)
}

pub(super) async fn delete(tx: &mut Tx<'_>, user_id: &str, name: &str) -> Result<bool> {
    let deleted = tx
        .execute(
            sql!("DELETE FROM personal_access_tokens WHERE tenant_id = $1 AND user_id = $2 AND name = $3"),
            params![user_id, name],
        )
        .await?;
    Ok(deleted > 0)
}
