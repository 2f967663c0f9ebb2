use trinco_db::{Conn, Row, Tx, params, sql};

use super::model::InitialAccessToken;
use super::terms::Terms;
use crate::{Result, TokenHash};

/// A registration as it is kept beside its application.
#[derive(Clone, Debug)]
pub(super) struct StoredRegistration {
    pub(super) application_id: String,
    pub(super) auth_method: &'static str,
    pub(super) token_hash: TokenHash,
    pub(super) created_at: i64,
    pub(super) terms: Terms,
}

pub(super) async fn insert(tx: &mut Tx<'_>, registration: &StoredRegistration) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO client_registrations (tenant_id, application_id, auth_method, token_hash, created_at, terms)
             VALUES ($1, $2, $3, $4, $5, $6)"
        ),
        params![
            &registration.application_id,
            registration.auth_method,
            registration.token_hash.as_str(),
            &registration.created_at,
            serde_json::to_string(&registration.terms)?
        ],
    )
    .await?;
    Ok(())
}

/// How the client authenticates, when this token opens its registration.
pub(super) async fn find_auth_method(
    conn: &mut Conn<'_>,
    application_id: &str,
    token: &TokenHash,
) -> Result<Option<String>> {
    let row = conn
        .optional(
            sql!(
                "SELECT auth_method FROM client_registrations
                 WHERE tenant_id = $1 AND application_id = $2 AND token_hash = $3"
            ),
            params![application_id, token.as_str()],
        )
        .await?;
    Ok(row.map(|row| row.get(0)).transpose()?)
}

pub(super) async fn find_terms(conn: &mut Conn<'_>, application_id: &str) -> Result<Option<Terms>> {
    let row = conn
        .optional(
            sql!(
                "SELECT terms FROM client_registrations WHERE tenant_id = $1 AND application_id = $2"
            ),
            params![application_id],
        )
        .await?;
    let stored = row.map(|row| row.get::<Option<String>>(0)).transpose()?.flatten();
    Ok(stored.map(|json| serde_json::from_str(&json)).transpose()?)
}

/// Sets what a registration that was made anew remembers.
pub(super) async fn set_renewed(
    tx: &mut Tx<'_>,
    application_id: &str,
    auth_method: &str,
    terms: &Terms,
) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE client_registrations SET auth_method = $3, terms = $4
             WHERE tenant_id = $1 AND application_id = $2"
        ),
        params![application_id, auth_method, serde_json::to_string(terms)?],
    )
    .await?;
    Ok(())
}

pub(super) async fn set_used(tx: &mut Tx<'_>, application_id: &str, now_ms: i64) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE client_registrations SET used_at = $3 WHERE tenant_id = $1 AND application_id = $2"
        ),
        params![application_id, now_ms],
    )
    .await?;
    Ok(())
}

pub(super) async fn count(conn: &mut Conn<'_>) -> Result<i64> {
    let row = conn
        .optional(sql!("SELECT COUNT(*) FROM client_registrations WHERE tenant_id = $1"), &[])
        .await?;
    Ok(row.map_or(Ok(0), |row| row.get(0))?)
}

/// Counts one more registration in an hour, and returns how many that makes.
pub(super) async fn count_in_hour(tx: &mut Tx<'_>, hour: i64) -> Result<i64> {
    tx.execute(
        sql!(
            "INSERT INTO registration_hours (tenant_id, hour, registrations) VALUES ($1, $2, 1)
             ON CONFLICT (tenant_id, hour) DO UPDATE SET registrations = registration_hours.registrations + 1"
        ),
        params![hour],
    )
    .await?;
    let row = tx
        .optional(
            sql!("SELECT registrations FROM registration_hours WHERE tenant_id = $1 AND hour = $2"),
            params![hour],
        )
        .await?;
    Ok(row.map_or(Ok(0), |row| row.get(0))?)
}

pub(super) async fn delete_hours_before(tx: &mut Tx<'_>, hour: i64) -> Result<u64> {
    Ok(tx
        .execute(
            sql!("DELETE FROM registration_hours WHERE tenant_id = $1 AND hour < $2"),
            params![hour],
        )
        .await?)
}

/// Up to `limit` applications that registered or were last used at `before` or earlier, and of which no grant lives.
pub(super) async fn unused(conn: &mut Conn<'_>, before: i64, limit: u32) -> Result<Vec<String>> {
    let rows = conn
        .all(
            sql!(
                "SELECT r.application_id FROM client_registrations r
                 WHERE r.tenant_id = $1 AND COALESCE(r.used_at, r.created_at) <= $2
                 AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.tenant_id = $1 AND g.client_id = r.application_id)
                 LIMIT $3"
            ),
            params![before, limit],
        )
        .await?;
    rows.iter().map(|row| Ok(row.get(0)?)).collect()
}

fn token(row: &Row) -> Result<InitialAccessToken> {
    Ok(InitialAccessToken {
        id: row.get(0)?,
        name: row.get(1)?,
        uses: row.get(2)?,
        max_uses: row.get(3)?,
        created_at: row.get(4)?,
        expires_at: row.get(5)?,
    })
}

pub(super) async fn tokens(conn: &mut Conn<'_>) -> Result<Vec<InitialAccessToken>> {
    let rows = conn
        .all(
            sql!(
                "SELECT id, name, uses, max_uses, created_at, expires_at FROM initial_access_tokens
                 WHERE tenant_id = $1 ORDER BY created_at DESC, id"
            ),
            &[],
        )
        .await?;
    rows.iter().map(token).collect()
}

pub(super) async fn insert_token(
    tx: &mut Tx<'_>,
    token: &InitialAccessToken,
    hash: &TokenHash,
) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO initial_access_tokens (tenant_id, id, name, token_hash, uses, max_uses, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        ),
        params![
            &token.id,
            &token.name,
            hash.as_str(),
            &token.uses,
            &token.max_uses,
            &token.created_at,
            &token.expires_at
        ],
    )
    .await?;
    Ok(())
}

/// Uses a token once more; false when there is none that is good for it.
pub(super) async fn use_token(tx: &mut Tx<'_>, hash: &TokenHash, now_ms: i64) -> Result<bool> {
    let used = tx
        .execute(
            sql!(
                "UPDATE initial_access_tokens SET uses = uses + 1
                 WHERE tenant_id = $1 AND token_hash = $2 AND (expires_at IS NULL OR expires_at > $3)
                 AND (max_uses IS NULL OR uses < max_uses)"
            ),
            params![hash.as_str(), now_ms],
        )
        .await?;
    Ok(used > 0)
}

pub(super) async fn delete_token(tx: &mut Tx<'_>, id: &str) -> Result<bool> {
    let deleted = tx
        .execute(
            sql!("DELETE FROM initial_access_tokens WHERE tenant_id = $1 AND id = $2"),
            params![id],
        )
        .await?;
    Ok(deleted > 0)
}
