use trinco_db::{Conn, Tx, params, sql};

use super::model::SignInExperience;
use crate::{Bumped, Result};

pub(super) async fn find(conn: &mut Conn<'_>) -> Result<Option<SignInExperience>> {
    let row = conn
        .optional(sql!("SELECT value FROM sign_in_experiences WHERE tenant_id = $1"), &[])
        .await?;
    row.map(|row| Ok(serde_json::from_str(&row.get::<String>(0)?)?)).transpose()
}

pub(super) async fn save(tx: &mut Tx<'_>, _: &Bumped, experience: &SignInExperience) -> Result<()> {
    let value = serde_json::to_string(experience)?;
    tx.execute(
        sql!(
            "INSERT INTO sign_in_experiences (tenant_id, value) VALUES ($1, $2)
             ON CONFLICT (tenant_id) DO UPDATE SET value = $2"
        ),
        params![value],
    )
    .await?;
    Ok(())
}
