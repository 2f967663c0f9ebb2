use trinco_db::{Conn, Row, Tx, params, sql};

use super::{NewSsoIdentity, SsoIdentity};
use crate::Result;

pub(super) async fn of_user(conn: &mut Conn<'_>, user_id: &str) -> Result<Vec<SsoIdentity>> {
    let tenant = conn.tenant().to_owned();
    let rows = conn
        .all(
            sql!(
                "SELECT id, user_id, issuer, identity_id, detail, created_at, updated_at, sso_connector_id
                 FROM user_sso_identities WHERE tenant_id = $1 AND user_id = $2 ORDER BY created_at, id"
            ),
            params![user_id],
        )
        .await?;
    rows.into_iter().map(|row| identity(&tenant, row)).collect()
}

fn identity(tenant: &str, row: Row) -> Result<SsoIdentity> {
    let mut cols = row.cols();
    Ok(SsoIdentity {
        tenant_id: tenant.to_owned(),
        id: cols.next()?,
        user_id: cols.next()?,
        issuer: cols.next()?,
        identity_id: cols.next()?,
        detail: serde_json::from_str(&cols.next::<String>()?)?,
        created_at: cols.next()?,
        updated_at: cols.next()?,
        sso_connector_id: cols.next()?,
    })
}

/// False when the identity is another user's.
pub(super) async fn put(
    tx: &mut Tx<'_>,
    id: &str,
    user_id: &str,
    new: &NewSsoIdentity,
    now_ms: i64,
) -> Result<bool> {
    let stored = tx
        .execute(
            sql!(
                "INSERT INTO user_sso_identities (tenant_id, id, user_id, sso_connector_id, issuer, identity_id, detail,
                     created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
                 ON CONFLICT (tenant_id, issuer, identity_id) DO UPDATE SET
                     sso_connector_id = $4, detail = $7, updated_at = $8
                 WHERE user_sso_identities.user_id = $3"
            ),
            params![
                id,
                user_id,
                &new.sso_connector_id,
                &new.issuer,
                &new.identity_id,
                serde_json::to_string(&new.detail)?,
                now_ms
            ],
        )
        .await?;
    Ok(stored > 0)
}
