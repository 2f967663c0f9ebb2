use trinco_db::{Conn, Row, Tx, params, sql};

use super::model::{NewTokenSet, Provider, TokenSet};
use crate::{Error, Result};

/// The one type there is.
pub(super) const TOKEN_SET: &str = "federated_token_set";

pub(super) async fn of_user(conn: &mut Conn<'_>, user_id: &str) -> Result<Vec<TokenSet>> {
    let rows = conn
        .all(
            sql!(
                "SELECT id, user_id, provider, connector_id, name, identity_id, metadata, created_at, updated_at
                 FROM secrets WHERE tenant_id = $1 AND user_id = $2 ORDER BY created_at, id"
            ),
            params![user_id],
        )
        .await?;
    rows.into_iter().map(token_set).collect()
}

fn token_set(row: Row) -> Result<TokenSet> {
    let mut cols = row.cols();
    let (id, user_id) = (cols.next()?, cols.next()?);
    let (kind, connector, name): (String, String, String) =
        (cols.next()?, cols.next()?, cols.next()?);
    let provider = match kind.as_str() {
        "social" => Provider::Social { connector_id: connector, target: name },
        "enterprise" => Provider::Enterprise { sso_connector_id: connector, issuer: name },
        other => return Err(Error::Internal(format!("no provider of tokens is {other}"))),
    };
    Ok(TokenSet {
        id,
        user_id,
        provider,
        identity_id: cols.next()?,
        metadata: serde_json::from_str(&cols.next::<String>()?)?,
        created_at: cols.next()?,
        updated_at: cols.next()?,
    })
}

/// Stores tokens in place of those there were of the same account.
pub(super) async fn put(
    tx: &mut Tx<'_>,
    id: &str,
    user_id: &str,
    new: &NewTokenSet,
    sealed: &str,
    now_ms: i64,
) -> Result<()> {
    let (provider, connector_id, name) = new.provider.columns();
    // The id is part of what seals the value, so the row goes with it.
    tx.execute(
        sql!(
            "DELETE FROM secrets WHERE tenant_id = $1 AND provider = $2 AND name = $3 AND identity_id = $4"
        ),
        params![provider, name, &new.identity_id],
    )
    .await?;
    tx.execute(
        sql!(
            "INSERT INTO secrets (tenant_id, id, user_id, type, provider, connector_id, name, identity_id, value_sealed,
                 metadata, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)"
        ),
        params![
            id,
            user_id,
            TOKEN_SET,
            provider,
            connector_id,
            name,
            &new.identity_id,
            sealed,
            serde_json::to_string(&new.metadata)?,
            now_ms
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn sealed(conn: &mut Conn<'_>, id: &str) -> Result<Option<String>> {
    let row = conn
        .optional(
            sql!("SELECT value_sealed FROM secrets WHERE tenant_id = $1 AND id = $2"),
            params![id],
        )
        .await?;
    Ok(row.map(|row| row.get(0)).transpose()?)
}

/// False when there is none.
pub(super) async fn delete(tx: &mut Tx<'_>, id: &str) -> Result<bool> {
    let delete = sql!("DELETE FROM secrets WHERE tenant_id = $1 AND id = $2");
    Ok(tx.execute(delete, params![id]).await? > 0)
}

/// Deletes the tokens of a user's account at a social provider.
pub(super) async fn delete_of_target(tx: &mut Tx<'_>, user_id: &str, target: &str) -> Result<()> {
    tx.execute(
        sql!(
            "DELETE FROM secrets WHERE tenant_id = $1 AND user_id = $2 AND provider = 'social' AND name = $3"
        ),
        params![user_id, target],
    )
    .await?;
    Ok(())
}
