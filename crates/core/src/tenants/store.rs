use trinco_db::{Conn, Tx, params, sql};

use crate::Result;

pub(super) async fn exists(conn: &mut Conn<'_>) -> Result<bool> {
    Ok(conn
        .optional(sql!("SELECT created_at FROM tenants WHERE tenant_id = $1"), &[])
        .await?
        .is_some())
}

/// False when the tenant exists already.
pub(super) async fn insert(tx: &mut Tx<'_>, now_ms: i64) -> Result<bool> {
    let inserted = tx
        .execute(
            sql!("INSERT INTO tenants (tenant_id, created_at) VALUES ($1, $2) ON CONFLICT (tenant_id) DO NOTHING"),
            params![now_ms],
        )
        .await?;
    Ok(inserted > 0)
}
