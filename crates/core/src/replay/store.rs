use trinco_db::{Tx, params, sql};

use crate::{Result, TokenHash};

/// False when it is there already.
pub(super) async fn insert(tx: &mut Tx<'_>, id: &TokenHash, expires_at: i64) -> Result<bool> {
    let inserted = tx
        .execute(
            sql!(
                "INSERT INTO spent_proofs (tenant_id, id_hash, expires_at) VALUES ($1, $2, $3)
                 ON CONFLICT (tenant_id, id_hash) DO NOTHING"
            ),
            params![id.as_str(), expires_at],
        )
        .await?;
    Ok(inserted > 0)
}
