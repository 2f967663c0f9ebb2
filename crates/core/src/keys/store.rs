use trinco_db::{Conn, Tx, params, sql};
use trinco_jose::{Algorithm, KeyState};

use super::model::{Purpose, SealedKey};
use crate::{Bumped, Error, Result};

/// Every key: the current ones first, then the newest first.
pub(super) async fn all(conn: &mut Conn<'_>) -> Result<Vec<SealedKey>> {
    let rows = conn
        .all(
            sql!(
                "SELECT id, purpose, algorithm, state, material, created_at FROM keys WHERE tenant_id = $1
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
            })
        })
        .collect()
}

pub(super) async fn insert(tx: &mut Tx<'_>, _: &Bumped, key: &SealedKey) -> Result<()> {
    let (purpose, algorithm) = match key.purpose {
        Purpose::Signing(algorithm) => ("signing", Some(algorithm.to_string())),
        Purpose::Cookie => ("cookie", None),
        Purpose::Rotation => ("rotation", None),
    };
    let state = match key.state {
        KeyState::Next => "next",
        KeyState::Current => "current",
        KeyState::Previous => "previous",
    };
    tx.execute(
        sql!(
            "INSERT INTO keys (tenant_id, id, purpose, algorithm, state, material, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)"
        ),
        params![&key.id, purpose, algorithm, state, &key.material, &key.created_at],
    )
    .await?;
    Ok(())
}

fn purpose(name: &str, algorithm: Option<&str>) -> Result<Purpose> {
    let signing =
        || algorithm.and_then(|name| name.parse::<Algorithm>().ok()).map(Purpose::Signing);
    match name {
        "signing" => signing(),
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
