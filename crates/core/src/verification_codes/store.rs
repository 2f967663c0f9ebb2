use trinco_db::{Tx, params, sql};

use crate::{Result, TokenHash};

/// A code as it is kept: sealed.
#[derive(Clone, Debug)]
pub(super) struct StoredCode {
    pub(super) target: TokenHash,
    pub(super) id: String,
    pub(super) code: String,
    pub(super) expires_at: i64,
}

/// Puts a code in the place of the one before.
pub(super) async fn put(tx: &mut Tx<'_>, code: &StoredCode) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO verification_codes (tenant_id, target, id, code, attempts, expires_at)
             VALUES ($1, $2, $3, $4, 0, $5)
             ON CONFLICT (tenant_id, target) DO UPDATE SET id = $3, code = $4, attempts = 0, expires_at = $5"
        ),
        params![code.target.as_str(), &code.id, &code.code, code.expires_at],
    )
    .await?;
    Ok(())
}

/// Counts a try of a code that is still good; false when there is none, or it was tried `most` times.
pub(super) async fn count(
    tx: &mut Tx<'_>,
    target: &TokenHash,
    now: i64,
    most: i64,
) -> Result<bool> {
    let counted = tx
        .execute(
            sql!(
                "UPDATE verification_codes SET attempts = attempts + 1
                 WHERE tenant_id = $1 AND target = $2 AND expires_at > $3 AND attempts < $4"
            ),
            params![target.as_str(), now, most],
        )
        .await?;
    Ok(counted > 0)
}

pub(super) async fn find(tx: &mut Tx<'_>, target: &TokenHash) -> Result<Option<StoredCode>> {
    let row = tx
        .optional(
            sql!(
                "SELECT id, code, expires_at FROM verification_codes WHERE tenant_id = $1 AND target = $2"
            ),
            params![target.as_str()],
        )
        .await?;
    row.map(|row| {
        Ok(StoredCode {
            target: target.clone(),
            id: row.get(0)?,
            code: row.get(1)?,
            expires_at: row.get(2)?,
        })
    })
    .transpose()
}

/// False when another request has spent the code, or another code has taken its place.
pub(super) async fn delete(tx: &mut Tx<'_>, target: &TokenHash, id: &str) -> Result<bool> {
    let delete =
        sql!("DELETE FROM verification_codes WHERE tenant_id = $1 AND target = $2 AND id = $3");
    Ok(tx.execute(delete, params![target.as_str(), id]).await? > 0)
}
