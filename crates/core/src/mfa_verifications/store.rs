use trinco_db::{Conn, Tx, params, sql};

use super::model::Kept;
use crate::Result;

/// `None` when there is no such user.
pub(super) async fn find(conn: &mut Conn<'_>, user_id: &str) -> Result<Option<Vec<Kept>>> {
    let row = conn
        .optional(
            sql!("SELECT mfa_verifications FROM users WHERE tenant_id = $1 AND id = $2"),
            params![user_id],
        )
        .await?;
    row.map(|row| Ok(serde_json::from_str(&row.get::<String>(0)?)?)).transpose()
}

/// As [`find`], and takes the user's row until the transaction ends, so that nobody else changes them meanwhile.
pub(super) async fn take(tx: &mut Tx<'_>, user_id: &str, now_ms: i64) -> Result<Option<Vec<Kept>>> {
    let row = tx
        .optional(
            sql!(
                "UPDATE users SET updated_at = $3 WHERE tenant_id = $1 AND id = $2 RETURNING mfa_verifications"
            ),
            params![user_id, now_ms],
        )
        .await?;
    row.map(|row| Ok(serde_json::from_str(&row.get::<String>(0)?)?)).transpose()
}

pub(super) async fn set(tx: &mut Tx<'_>, user_id: &str, kept: &[Kept]) -> Result<()> {
    tx.execute(
        sql!("UPDATE users SET mfa_verifications = $3 WHERE tenant_id = $1 AND id = $2"),
        params![user_id, serde_json::to_string(kept)?],
    )
    .await?;
    Ok(())
}
