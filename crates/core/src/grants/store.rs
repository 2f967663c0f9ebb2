use trinco_db::{Conn, Row, Tx, params, sql};
use trinco_oauth::Scope;
use trinco_oauth::claims::RequestedClaims;
use trinco_oauth::grant::GrantedScopes;

use super::administration::{
    GrantDetails, GrantKind, GrantPayload, GrantedApplication, SessionGrant,
};
use super::model::{Grant, Redeemed, StoredAccessToken, StoredCode, StoredRefreshToken};
use crate::{Error, Result, TokenHash};

pub(super) async fn insert_grant(tx: &mut Tx<'_>, grant: &Grant) -> Result<()> {
    let resources = serde_json::to_string(&grant.scopes.resources)?;
    let claims = match grant.claims.is_empty() {
        true => None,
        false => Some(serde_json::to_string(&grant.claims)?),
    };
    tx.execute(
        sql!(
            "INSERT INTO grants (tenant_id, id, user_id, client_id, session_id, scope, resources, authenticated_at,
                 nonce, created_at, expires_at, with_auth_time, claims)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        ),
        params![
            &grant.id,
            &grant.user_id,
            &grant.client_id,
            &grant.session_id,
            grant.scopes.scope.to_string(),
            resources,
            &grant.authenticated_at,
            &grant.nonce,
            &grant.created_at,
            &grant.expires_at,
            &grant.with_auth_time,
            claims
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn find_grant(conn: &mut Conn<'_>, id: &str) -> Result<Option<Grant>> {
    let row = conn
        .optional(
            sql!(
                "SELECT id, user_id, client_id, session_id, scope, resources, authenticated_at, nonce, created_at,
                        expires_at, with_auth_time, claims
                 FROM grants WHERE tenant_id = $1 AND id = $2"
            ),
            params![id],
        )
        .await?;
    row.map(|row| grant(&row, 0)).transpose()
}

pub(super) async fn any_lives(conn: &mut Conn<'_>, client_id: &str, now_ms: i64) -> Result<bool> {
    let row = conn
        .optional(
            sql!(
                "SELECT 1 FROM grants WHERE tenant_id = $1 AND client_id = $2 AND expires_at > $3 LIMIT 1"
            ),
            params![client_id, now_ms],
        )
        .await?;
    Ok(row.is_some())
}

pub(super) async fn delete_grant(tx: &mut Tx<'_>, id: &str) -> Result<()> {
    tx.execute(sql!("DELETE FROM grants WHERE tenant_id = $1 AND id = $2"), params![id]).await?;
    Ok(())
}

/// Takes the user's row until the transaction ends.
pub(super) async fn take_user(tx: &mut Tx<'_>, user_id: &str) -> Result<()> {
    tx.execute(
        sql!("UPDATE users SET updated_at = updated_at WHERE tenant_id = $1 AND id = $2"),
        params![user_id],
    )
    .await?;
    Ok(())
}

/// Makes a grant one that lasts and counts.
pub(super) async fn set_redeemed(tx: &mut Tx<'_>, redeemed: &Redeemed) -> Result<()> {
    tx.execute(
        sql!("UPDATE grants SET expires_at = $3, counts_as = $4 WHERE tenant_id = $1 AND id = $2"),
        params![&redeemed.grant.id, &redeemed.grant.expires_at, &redeemed.counts_as],
    )
    .await?;
    Ok(())
}

/// The ids of the live grants of the same user and client that count as something else, but for those that count as one of the `kept`
/// newest.
pub(super) async fn others_beyond(
    conn: &mut Conn<'_>,
    redeemed: &Redeemed,
    kept: i64,
    now_ms: i64,
) -> Result<Vec<String>> {
    let grant = &redeemed.grant;
    let rows = conn
        .all(
            sql!(
                "SELECT id FROM grants WHERE tenant_id = $1 AND user_id = $2 AND client_id = $3 AND expires_at > $4
                     AND counts_as IN
                     (SELECT counts_as FROM grants WHERE tenant_id = $1 AND user_id = $2 AND client_id = $3
                          AND expires_at > $4 AND counts_as IS NOT NULL AND counts_as <> $5
                      GROUP BY counts_as ORDER BY MAX(created_at) DESC, counts_as LIMIT 1000000 OFFSET $6)"
            ),
            params![&grant.user_id, &grant.client_id, now_ms, &redeemed.counts_as, kept],
        )
        .await?;
    rows.iter().map(|row| Ok(row.get(0)?)).collect()
}

/// What a user has granted and has not ended, the newest first.
pub(super) async fn of_user(
    conn: &mut Conn<'_>,
    user_id: &str,
    now_ms: i64,
) -> Result<Vec<GrantDetails>> {
    let rows = conn
        .all(
            sql!(
                "SELECT g.id, g.client_id, a.name, g.created_at, g.expires_at FROM grants g
                 JOIN applications a ON a.tenant_id = g.tenant_id AND a.id = g.client_id
                 WHERE g.tenant_id = $1 AND g.user_id = $2 AND g.expires_at > $3
                 ORDER BY g.created_at DESC, g.id"
            ),
            params![user_id, now_ms],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let (id, client_id): (String, String) = (row.get(0)?, row.get(1)?);
            let (created_at, expires_at): (i64, i64) = (row.get(3)?, row.get(4)?);
            Ok(GrantDetails {
                payload: GrantPayload {
                    exp: expires_at.div_euclid(1000),
                    iat: created_at.div_euclid(1000),
                    jti: id.clone(),
                    kind: GrantKind::Grant,
                    client_id: client_id.clone(),
                    account_id: user_id.to_owned(),
                },
                application: GrantedApplication { id: client_id, name: row.get(2)? },
                id,
                expires_at,
            })
        })
        .collect()
}

/// The grants of a session that end after `after_ms`, the newest last.
pub(super) async fn of_session(
    conn: &mut Conn<'_>,
    session_id: &str,
    after_ms: i64,
) -> Result<Vec<SessionGrant>> {
    let rows = conn
        .all(
            sql!(
                "SELECT client_id, id, scope FROM grants
                 WHERE tenant_id = $1 AND session_id = $2 AND expires_at > $3 ORDER BY created_at, id"
            ),
            params![session_id, after_ms],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let scope: String = row.get(2)?;
            Ok(SessionGrant {
                client_id: row.get(0)?,
                grant_id: row.get(1)?,
                outlives_session: scope.split(' ').any(|name| name == "offline_access"),
            })
        })
        .collect()
}

/// Deletes a grant of a user, and returns its client; `None` when the user has given no such grant.
pub(super) async fn delete_grant_of_user(
    tx: &mut Tx<'_>,
    user_id: &str,
    id: &str,
) -> Result<Option<String>> {
    let row = tx
        .optional(
            sql!(
                "DELETE FROM grants WHERE tenant_id = $1 AND id = $2 AND user_id = $3 RETURNING client_id"
            ),
            params![id, user_id],
        )
        .await?;
    Ok(row.map(|row| row.get(0)).transpose()?)
}

/// Deletes the session's grants without `offline_access`, and every one of `client_id`.
pub(super) async fn delete_of_session(
    tx: &mut Tx<'_>,
    session_id: &str,
    client_id: Option<&str>,
) -> Result<()> {
    tx.execute(
        sql!(
            "DELETE FROM grants WHERE tenant_id = $1 AND session_id = $2
                 AND (client_id = $3 OR ' ' || scope || ' ' NOT LIKE '% offline\\_access %' ESCAPE '\\')"
        ),
        params![session_id, client_id],
    )
    .await?;
    Ok(())
}

pub(super) async fn delete_of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<()> {
    tx.execute(sql!("DELETE FROM grants WHERE tenant_id = $1 AND user_id = $2"), params![user_id])
        .await?;
    Ok(())
}

/// The columns of [`Grant`], from column `first` on.
fn grant(row: &Row, first: usize) -> Result<Grant> {
    let scope: String = row.get(first + 4)?;
    let unreadable = |_| Error::Internal("a stored scope is unreadable".to_owned());
    Ok(Grant {
        id: row.get(first)?,
        user_id: row.get(first + 1)?,
        client_id: row.get(first + 2)?,
        session_id: row.get(first + 3)?,
        scopes: GrantedScopes {
            scope: Scope::parse(&scope).map_err(unreadable)?,
            resources: serde_json::from_str(&row.get::<String>(first + 5)?)?,
        },
        authenticated_at: row.get(first + 6)?,
        nonce: row.get(first + 7)?,
        created_at: row.get(first + 8)?,
        expires_at: row.get(first + 9)?,
        with_auth_time: row.get(first + 10)?,
        claims: match row.get::<Option<String>>(first + 11)? {
            Some(claims) => serde_json::from_str(&claims)?,
            None => RequestedClaims::default(),
        },
    })
}

pub(super) async fn insert_code(tx: &mut Tx<'_>, grant_id: &str, code: &StoredCode) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO authorization_codes
                 (tenant_id, hash, grant_id, client_id, redirect_uri, code_challenge, expires_at, dpop_jkt)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        ),
        params![
            code.hash.as_str(),
            grant_id,
            &code.client_id,
            &code.redirect_uri,
            &code.code_challenge,
            &code.expires_at,
            &code.dpop_jkt
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn find_code(
    conn: &mut Conn<'_>,
    hash: &TokenHash,
) -> Result<Option<(StoredCode, Grant)>> {
    let row = conn
        .optional(
            sql!(
                "SELECT c.client_id, c.redirect_uri, c.code_challenge, c.expires_at, c.consumed_at, c.dpop_jkt,
                        g.id, g.user_id, g.client_id, g.session_id, g.scope, g.resources, g.authenticated_at, g.nonce,
                        g.created_at, g.expires_at, g.with_auth_time, g.claims
                 FROM authorization_codes c JOIN grants g ON g.tenant_id = c.tenant_id AND g.id = c.grant_id
                 WHERE c.tenant_id = $1 AND c.hash = $2"
            ),
            params![hash.as_str()],
        )
        .await?;
    row.map(|row| {
        let code = StoredCode {
            hash: hash.clone(),
            client_id: row.get(0)?,
            redirect_uri: row.get(1)?,
            code_challenge: row.get(2)?,
            expires_at: row.get(3)?,
            consumed_at: row.get(4)?,
            dpop_jkt: row.get(5)?,
        };
        Ok((code, grant(&row, 6)?))
    })
    .transpose()
}

/// Spends a code; false when it was spent before.
pub(super) async fn spend_code(tx: &mut Tx<'_>, hash: &TokenHash, now_ms: i64) -> Result<bool> {
    let spent = tx
        .execute(
            sql!(
                "UPDATE authorization_codes SET consumed_at = $3
                 WHERE tenant_id = $1 AND hash = $2 AND consumed_at IS NULL"
            ),
            params![hash.as_str(), now_ms],
        )
        .await?;
    Ok(spent > 0)
}

pub(super) async fn insert_access_token(tx: &mut Tx<'_>, token: &StoredAccessToken) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO access_tokens (tenant_id, hash, grant_id, scope, created_at, expires_at, dpop_jkt, actor_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        ),
        params![
            token.hash.as_str(),
            &token.grant_id,
            &token.scope,
            &token.created_at,
            &token.expires_at,
            &token.dpop_jkt,
            &token.actor_id
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn find_access_token(
    conn: &mut Conn<'_>,
    hash: &TokenHash,
) -> Result<Option<(StoredAccessToken, Grant)>> {
    let row = conn
        .optional(
            sql!(
                "SELECT t.scope, t.created_at, t.expires_at, t.dpop_jkt, t.actor_id,
                        g.id, g.user_id, g.client_id, g.session_id, g.scope, g.resources, g.authenticated_at, g.nonce,
                        g.created_at, g.expires_at, g.with_auth_time, g.claims
                 FROM access_tokens t JOIN grants g ON g.tenant_id = t.tenant_id AND g.id = t.grant_id
                 WHERE t.tenant_id = $1 AND t.hash = $2"
            ),
            params![hash.as_str()],
        )
        .await?;
    row.map(|row| {
        let grant = grant(&row, 5)?;
        let token = StoredAccessToken {
            hash: hash.clone(),
            grant_id: grant.id.clone(),
            scope: row.get(0)?,
            created_at: row.get(1)?,
            expires_at: row.get(2)?,
            dpop_jkt: row.get(3)?,
            actor_id: row.get(4)?,
        };
        Ok((token, grant))
    })
    .transpose()
}

/// Stores a refresh token. A token that is there already is the same one: two requests derived it from one predecessor.
pub(super) async fn insert_refresh_token(
    tx: &mut Tx<'_>,
    token: &StoredRefreshToken,
) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO refresh_tokens
                 (tenant_id, hash, grant_id, rotation_key_id, chain_started_at, created_at, expires_at, dpop_jkt)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant_id, hash) DO NOTHING"
        ),
        params![
            token.hash.as_str(),
            &token.grant_id,
            &token.rotation_key_id,
            &token.chain_started_at,
            &token.created_at,
            &token.expires_at,
            &token.dpop_jkt
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn find_refresh_token(
    conn: &mut Conn<'_>,
    hash: &TokenHash,
) -> Result<Option<(StoredRefreshToken, Grant)>> {
    let row = conn
        .optional(
            sql!(
                "SELECT t.rotation_key_id, t.chain_started_at, t.created_at, t.expires_at, t.consumed_at, t.dpop_jkt,
                        g.id, g.user_id, g.client_id, g.session_id, g.scope, g.resources, g.authenticated_at, g.nonce,
                        g.created_at, g.expires_at, g.with_auth_time, g.claims
                 FROM refresh_tokens t JOIN grants g ON g.tenant_id = t.tenant_id AND g.id = t.grant_id
                 WHERE t.tenant_id = $1 AND t.hash = $2"
            ),
            params![hash.as_str()],
        )
        .await?;
    row.map(|row| {
        let grant = grant(&row, 6)?;
        let token = StoredRefreshToken {
            hash: hash.clone(),
            grant_id: grant.id.clone(),
            rotation_key_id: row.get(0)?,
            chain_started_at: row.get(1)?,
            created_at: row.get(2)?,
            expires_at: row.get(3)?,
            consumed_at: row.get(4)?,
            dpop_jkt: row.get(5)?,
        };
        Ok((token, grant))
    })
    .transpose()
}

/// Spends a refresh token; false when it was spent before.
pub(super) async fn spend_refresh_token(
    tx: &mut Tx<'_>,
    hash: &TokenHash,
    now_ms: i64,
) -> Result<bool> {
    let spent = tx
        .execute(
            sql!(
                "UPDATE refresh_tokens SET consumed_at = $3 WHERE tenant_id = $1 AND hash = $2 AND consumed_at IS NULL"
            ),
            params![hash.as_str(), now_ms],
        )
        .await?;
    Ok(spent > 0)
}
