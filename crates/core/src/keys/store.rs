use trinco_db::{Conn, Tx, params, sql};
use trinco_jose::{Algorithm, KeyState};

use super::model::{Purpose, SealedKey};
use crate::{Bumped, Error, Result};

/// Every key: the current ones first, then the newest first.
pub(super) async fn all(conn: &mut Conn<'_>) -> Result<Vec<SealedKey>> {
    let rows = conn
        .all(
            sql!(
                "SELECT id, purpose, algorithm, state, material, created_at, effective_at, expires_at
                 FROM keys WHERE tenant_id = $1
                 ORDER BY CASE state WHEN 'current' THEN 0 WHEN 'next' THEN 1 ELSE 2 END, created_at DESC, id"
            ),
            &[],
        )
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(SealedKey {
                id: row.get(0)?,
                purpose: purpose(&row.get::<String>(1)?, row.get::<Option<String>>(2)?.as_deref())?,
                state: state(&row.get::<String>(3)?)?,
                material: row.get(4)?,
                created_at: row.get(5)?,
                effective_at: row.get(6)?,
                expires_at: row.get(7)?,
            })
        })
        .collect()
}

pub(super) async fn insert(tx: &mut Tx<'_>, _: &Bumped, key: &SealedKey) -> Result<()> {
    let algorithm = match key.purpose {
        Purpose::Signing(algorithm) | Purpose::FapiSigning(algorithm) => {
            Some(algorithm.to_string())
        }
        Purpose::Cookie | Purpose::Rotation => None,
    };
    let state = match key.state {
        KeyState::Next => "next",
        KeyState::Current => "current",
        KeyState::Previous => "previous",
    };
    tx.execute(
        sql!(
            "INSERT INTO keys (tenant_id, id, purpose, algorithm, state, material, created_at, effective_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        ),
        params![
            &key.id,
            purpose_name(key.purpose),
            algorithm,
            state,
            &key.material,
            &key.created_at,
            &key.effective_at,
            &key.expires_at
        ],
    )
    .await?;
    Ok(())
}

/// Whether a signing key is staged.
pub(super) async fn has_next(conn: &mut Conn<'_>) -> Result<bool> {
    let statement =
        sql!("SELECT id FROM keys WHERE tenant_id = $1 AND purpose = 'signing' AND state = 'next'");
    Ok(conn.optional(statement, &[]).await?.is_some())
}

/// The staged keys whose time has come.
pub(super) async fn next_due(conn: &mut Conn<'_>, now_ms: i64) -> Result<Vec<(String, Purpose)>> {
    let rows = conn
        .all(
            sql!(
                "SELECT id, purpose, algorithm FROM keys
                 WHERE tenant_id = $1 AND state = 'next' AND effective_at <= $2"
            ),
            params![now_ms],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let algorithm = row.get::<Option<String>>(2)?;
            Ok((row.get(0)?, purpose(&row.get::<String>(1)?, algorithm.as_deref())?))
        })
        .collect()
}

/// Stores a new key, unless some key of its purpose, whatever its algorithm, is current. The version of the section was moved first, so
/// two of these follow one another.
pub(super) async fn insert_if_none_is_current(
    tx: &mut Tx<'_>,
    bumped: &Bumped,
    key: &SealedKey,
) -> Result<()> {
    let statement =
        sql!("SELECT id FROM keys WHERE tenant_id = $1 AND purpose = $2 AND state = 'current'");
    match tx.optional(statement, params![purpose_name(key.purpose)]).await? {
        Some(_) => Ok(()),
        None => insert(tx, bumped, key).await,
    }
}

/// Makes the current key `id` previous; false when it is not current any more.
pub(super) async fn retire(tx: &mut Tx<'_>, _: &Bumped, id: &str, expires_at: i64) -> Result<bool> {
    let retired = tx
        .execute(
            sql!(
                "UPDATE keys SET state = 'previous', expires_at = $3
                 WHERE tenant_id = $1 AND id = $2 AND state = 'current'"
            ),
            params![id, expires_at],
        )
        .await?;
    Ok(retired > 0)
}

/// Makes the current key of `purpose`, whatever its algorithm, previous.
pub(super) async fn retire_current(
    tx: &mut Tx<'_>,
    _: &Bumped,
    purpose: Purpose,
    expires_at: i64,
) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE keys SET state = 'previous', expires_at = $3
             WHERE tenant_id = $1 AND purpose = $2 AND state = 'current'"
        ),
        params![purpose_name(purpose), expires_at],
    )
    .await?;
    Ok(())
}

/// Deletes the staged key of `purpose`, whatever its algorithm, if there is one.
pub(super) async fn discard_next(tx: &mut Tx<'_>, _: &Bumped, purpose: Purpose) -> Result<()> {
    tx.execute(
        sql!("DELETE FROM keys WHERE tenant_id = $1 AND purpose = $2 AND state = 'next'"),
        params![purpose_name(purpose)],
    )
    .await?;
    Ok(())
}

/// Makes the staged key `id` current.
pub(super) async fn promote(tx: &mut Tx<'_>, _: &Bumped, id: &str) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE keys SET state = 'current' WHERE tenant_id = $1 AND id = $2 AND state = 'next'"
        ),
        params![id],
    )
    .await?;
    Ok(())
}

/// False when there is no such previous key.
pub(super) async fn delete_previous(tx: &mut Tx<'_>, _: &Bumped, id: &str) -> Result<bool> {
    let deleted = tx
        .execute(
            sql!("DELETE FROM keys WHERE tenant_id = $1 AND id = $2 AND state = 'previous'"),
            params![id],
        )
        .await?;
    Ok(deleted > 0)
}

pub(super) async fn delete_expired(tx: &mut Tx<'_>, _: &Bumped, now_ms: i64) -> Result<()> {
    tx.execute(
        sql!("DELETE FROM keys WHERE tenant_id = $1 AND state = 'previous' AND expires_at <= $2"),
        params![now_ms],
    )
    .await?;
    Ok(())
}

const fn purpose_name(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Signing(_) => "signing",
        Purpose::FapiSigning(_) => "signing_fapi2",
        Purpose::Cookie => "cookie",
        Purpose::Rotation => "rotation",
    }
}

fn purpose(name: &str, algorithm: Option<&str>) -> Result<Purpose> {
    let algorithm = || algorithm.and_then(|name| name.parse::<Algorithm>().ok());
    match name {
        "signing" => algorithm().map(Purpose::Signing),
        "signing_fapi2" => algorithm().map(Purpose::FapiSigning),
        "cookie" => Some(Purpose::Cookie),
        "rotation" => Some(Purpose::Rotation),
        _ => None,
    }
    .ok_or_else(|| Error::Internal(format!("a stored key has the unknown purpose {name}")))
}

fn state(name: &str) -> Result<KeyState> {
    match name {
        "next" => Ok(KeyState::Next),
        "current" => Ok(KeyState::Current),
        "previous" => Ok(KeyState::Previous),
        _ => Err(Error::Internal(format!("a stored key has the unknown state {name}"))),
    }
}
