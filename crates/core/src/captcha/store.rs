use trinco_db::{Conn, Tx, params, sql};

use super::model::CaptchaProvider;
use crate::{Bumped, Error, Result};

/// The provider without its secret, and the secret as it is sealed.
pub(super) async fn find(conn: &mut Conn<'_>) -> Result<Option<(CaptchaProvider, String)>> {
    let tenant_id = conn.tenant().to_owned();
    let row = conn
        .optional(
            sql!(
                "SELECT id, config, created_at, updated_at, secret_sealed
                 FROM captcha_providers WHERE tenant_id = $1"
            ),
            &[],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let provider = CaptchaProvider {
        tenant_id,
        id: row.get(0)?,
        config: serde_json::from_str(&row.get::<String>(1)?)?,
        created_at: row.get(2)?,
        updated_at: row.get(3)?,
    };
    Ok(Some((provider, row.get(4)?)))
}

/// Returns the id and the time of creation that are kept.
pub(super) async fn put(
    tx: &mut Tx<'_>,
    _: &Bumped,
    provider: &CaptchaProvider,
    sealed: &str,
) -> Result<(String, i64)> {
    let config = serde_json::to_string(&provider.config.without_secret())?;
    let row = tx
        .optional(
            sql!(
                "INSERT INTO captcha_providers
                     (tenant_id, id, config, secret_sealed, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (tenant_id) DO UPDATE SET
                     config = $3, secret_sealed = $4, updated_at = $6
                 RETURNING id, created_at"
            ),
            params![provider.id.as_str(), config, sealed, provider.created_at, provider.updated_at],
        )
        .await?;
    let row = row.ok_or_else(|| Error::Internal("a captcha provider was not kept".to_owned()))?;
    Ok((row.get(0)?, row.get(1)?))
}

/// False when there was none.
pub(super) async fn delete(tx: &mut Tx<'_>, _: &Bumped) -> Result<bool> {
    let delete = sql!("DELETE FROM captcha_providers WHERE tenant_id = $1");
    Ok(tx.execute(delete, &[]).await? > 0)
}
