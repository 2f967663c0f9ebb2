use trinco_db::{Conn, Tx, params, sql};

use super::model::AccountCenter;
use crate::{Bumped, Result};

pub(super) async fn find(conn: &mut Conn<'_>) -> Result<Option<AccountCenter>> {
    let row =
        conn.optional(sql!("SELECT value FROM account_centers WHERE tenant_id = $1"), &[]).await?;
    row.map(|row| Ok(serde_json::from_str(&row.get::<String>(0)?)?)).transpose()
}

pub(super) async fn save(tx: &mut Tx<'_>, _: &Bumped, settings: &AccountCenter) -> Result<()> {
    let value = serde_json::to_string(settings)?;
    tx.execute(
        sql!(
            "INSERT INTO account_centers (tenant_id, value) VALUES ($1, $2)
             ON CONFLICT (tenant_id) DO UPDATE SET value = $2"
        ),
        params![value],
    )
    .await?;
    Ok(())
}
