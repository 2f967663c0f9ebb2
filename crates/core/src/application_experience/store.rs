use std::collections::BTreeMap;

use trinco_db::{Conn, Tx, params, sql};

use super::model::ApplicationSignInExperience;
use crate::{Bumped, Result};

pub(super) async fn all(
    conn: &mut Conn<'_>,
) -> Result<BTreeMap<String, ApplicationSignInExperience>> {
    let rows = conn
        .all(
            sql!("SELECT application_id, value FROM application_sign_in_experiences WHERE tenant_id = $1"),
            &[],
        )
        .await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, serde_json::from_str(&row.get::<String>(1)?)?)))
        .collect()
}

pub(super) async fn save(
    tx: &mut Tx<'_>,
    _: &Bumped,
    experience: &ApplicationSignInExperience,
) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO application_sign_in_experiences (tenant_id, application_id, value) VALUES ($1, $2, $3)
             ON CONFLICT (tenant_id, application_id) DO UPDATE SET value = $3"
        ),
        params![&experience.application_id, serde_json::to_string(experience)?],
    )
    .await?;
    Ok(())
}
