use serde_json::Value;
use trinco_db::{Tx, params, sql};

use super::Entry;
use crate::Result;

pub(super) async fn insert(tx: &mut Tx<'_>, entry: &Entry) -> Result<()> {
    let payload = Value::Object(entry.payload.clone()).to_string();
    tx.execute(
        sql!(
            "INSERT INTO logs (tenant_id, id, key, payload, user_id, application_id, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)"
        ),
        params![
            &entry.id,
            entry.key,
            payload,
            &entry.user_id,
            &entry.application_id,
            &entry.created_at
        ],
    )
    .await?;
    Ok(())
}
