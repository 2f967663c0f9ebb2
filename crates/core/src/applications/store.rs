use trinco_db::{Conn, Row, Tx, params, sql};
use trinco_oauth::ApplicationType;
use trinco_oauth::client::Provenance;

use super::model::{Application, SecretHash};
use crate::{Bumped, Error, Result, TokenHash};

pub(super) async fn all(conn: &mut Conn<'_>) -> Result<Vec<Application>> {
    let tenant = conn.tenant().to_owned();
    let rows = conn
        .all(
            sql!(
                "SELECT id, name, description, type, oidc_client_metadata, custom_client_metadata, protected_app_metadata,
                        custom_data, is_third_party, app_level_access_control_enabled, created_at, provenance
                 FROM applications WHERE tenant_id = $1 AND provenance <> 'document'"
            ),
            &[],
        )
        .await?;
    rows.iter().map(|row| application(&tenant, row)).collect()
}

pub(super) async fn find(conn: &mut Conn<'_>, id: &str) -> Result<Option<Application>> {
    let tenant = conn.tenant().to_owned();
    let row = conn
        .optional(
            sql!(
                "SELECT id, name, description, type, oidc_client_metadata, custom_client_metadata, protected_app_metadata,
                        custom_data, is_third_party, app_level_access_control_enabled, created_at, provenance
                 FROM applications WHERE tenant_id = $1 AND id = $2 AND provenance <> 'document'"
            ),
            params![id],
        )
        .await?;
    row.map(|row| application(&tenant, &row)).transpose()
}

fn application(tenant: &str, row: &Row) -> Result<Application> {
    let application_type: String = row.get(3)?;
    Ok(Application {
        tenant_id: tenant.to_owned(),
        id: row.get(0)?,
        name: row.get(1)?,
        description: row.get(2)?,
        application_type: type_from(&application_type)?,
        oidc_client_metadata: serde_json::from_str(&row.get::<String>(4)?)?,
        custom_client_metadata: serde_json::from_str(&row.get::<String>(5)?)?,
        protected_app_metadata: row
            .get::<Option<String>>(6)?
            .map(|json| serde_json::from_str(&json))
            .transpose()?,
        custom_data: serde_json::from_str(&row.get::<String>(7)?)?,
        is_third_party: row.get(8)?,
        app_level_access_control_enabled: row.get(9)?,
        created_at: row.get(10)?,
        provenance: provenance_from(&row.get::<String>(11)?)?,
    })
}

fn type_from(text: &str) -> Result<ApplicationType> {
    serde_json::from_value(text.into())
        .map_err(|_| Error::Internal(format!("a stored application has the unknown type {text}")))
}

fn provenance_from(text: &str) -> Result<Provenance> {
    match text {
        "operator" => Ok(Provenance::Operator),
        "registration" => Ok(Provenance::Registration),
        "document" => Ok(Provenance::Document),
        _ => Err(Error::Internal(format!("a stored application has the unknown origin {text}"))),
    }
}

const fn provenance_name(provenance: Provenance) -> &'static str {
    match provenance {
        Provenance::Operator => "operator",
        Provenance::Registration => "registration",
        Provenance::Document => "document",
    }
}

pub(super) async fn insert(tx: &mut Tx<'_>, _: &Bumped, application: &Application) -> Result<()> {
    let oidc = serde_json::to_string(&application.oidc_client_metadata)?;
    let custom = serde_json::to_string(&application.custom_client_metadata)?;
    let protected =
        application.protected_app_metadata.as_ref().map(serde_json::to_string).transpose()?;
    let data = serde_json::to_string(&application.custom_data)?;
    let statement = match application.provenance {
        Provenance::Operator | Provenance::Registration => sql!(
            "INSERT INTO applications (tenant_id, id, name, description, type, oidc_client_metadata,
                 custom_client_metadata, protected_app_metadata, custom_data, is_third_party,
                 app_level_access_control_enabled, created_at, provenance)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        ),
        // Seen again.
        Provenance::Document => sql!(
            "INSERT INTO applications (tenant_id, id, name, description, type, oidc_client_metadata,
                 custom_client_metadata, protected_app_metadata, custom_data, is_third_party,
                 app_level_access_control_enabled, created_at, provenance)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
             ON CONFLICT (tenant_id, id) DO UPDATE SET name = $3, type = $5, oidc_client_metadata = $6, created_at = $12"
        ),
    };
    tx.execute(
        statement,
        params![
            &application.id,
            &application.name,
            &application.description,
            format!("{:?}", application.application_type),
            oidc,
            custom,
            protected,
            data,
            &application.is_third_party,
            &application.app_level_access_control_enabled,
            &application.created_at,
            provenance_name(application.provenance)
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn count_documents(conn: &mut Conn<'_>) -> Result<i64> {
    let row = conn
        .optional(
            sql!(
                "SELECT COUNT(*) FROM applications WHERE tenant_id = $1 AND provenance = 'document'"
            ),
            &[],
        )
        .await?;
    Ok(row.map_or(Ok(0), |row| row.get(0))?)
}

/// Deletes up to `limit` clients known by a document that were last seen at `before` or earlier and of which nothing is left, and what
/// users allowed them once. Returns how many.
pub(super) async fn delete_unused_documents(
    tx: &mut Tx<'_>,
    _: &Bumped,
    before: i64,
    limit: u32,
) -> Result<u64> {
    Ok(tx
        .execute(
            sql!(
                "DELETE FROM applications WHERE tenant_id = $1 AND provenance = 'document' AND created_at <= $2 AND id IN
                 (SELECT id FROM applications a WHERE a.tenant_id = $1 AND a.provenance = 'document' AND a.created_at <= $2
                  AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.tenant_id = $1 AND g.client_id = a.id)
                  ORDER BY a.created_at LIMIT $3)"
            ),
            params![before, limit],
        )
        .await?)
}

pub(super) async fn update(tx: &mut Tx<'_>, _: &Bumped, application: &Application) -> Result<()> {
    let oidc = serde_json::to_string(&application.oidc_client_metadata)?;
    let custom = serde_json::to_string(&application.custom_client_metadata)?;
    let data = serde_json::to_string(&application.custom_data)?;
    tx.execute(
        sql!(
            "UPDATE applications SET name = $3, description = $4, oidc_client_metadata = $5, custom_client_metadata = $6,
                 custom_data = $7, app_level_access_control_enabled = $8
             WHERE tenant_id = $1 AND id = $2 AND provenance <> 'document'"
        ),
        params![
            &application.id,
            &application.name,
            &application.description,
            oidc,
            custom,
            data,
            &application.app_level_access_control_enabled
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx<'_>, _: &Bumped, id: &str) -> Result<bool> {
    Ok(tx
        .execute(sql!("DELETE FROM applications WHERE tenant_id = $1 AND id = $2 AND provenance <> 'document'"), params![id])
        .await?
        > 0)
}

/// A secret as it is stored.
pub(super) struct StoredSecret {
    pub(super) name: String,
    pub(super) sealed: String,
    pub(super) created_at: i64,
    pub(super) expires_at: Option<i64>,
}

pub(super) async fn secrets(
    conn: &mut Conn<'_>,
    application_id: &str,
) -> Result<Vec<StoredSecret>> {
    let rows = conn
        .all(
            sql!(
                "SELECT name, value_sealed, created_at, expires_at FROM application_secrets
                 WHERE tenant_id = $1 AND application_id = $2 ORDER BY created_at, name"
            ),
            params![application_id],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(StoredSecret {
                name: row.get(0)?,
                sealed: row.get(1)?,
                created_at: row.get(2)?,
                expires_at: row.get(3)?,
            })
        })
        .collect()
}

pub(super) async fn secret_hashes(conn: &mut Conn<'_>) -> Result<Vec<(String, SecretHash)>> {
    let rows = conn
        .all(
            sql!("SELECT application_id, value_hash, expires_at FROM application_secrets WHERE tenant_id = $1"),
            &[],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let hash = TokenHash::from_stored(row.get(1)?);
            Ok((row.get(0)?, SecretHash { hash, expires_at: row.get(2)? }))
        })
        .collect()
}

pub(super) async fn insert_secret(
    tx: &mut Tx<'_>,
    _: &Bumped,
    application_id: &str,
    secret: &StoredSecret,
    hash: &TokenHash,
) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO application_secrets
                 (tenant_id, application_id, name, value_sealed, value_hash, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)"
        ),
        params![
            application_id,
            &secret.name,
            &secret.sealed,
            hash.as_str(),
            &secret.created_at,
            &secret.expires_at
        ],
    )
    .await?;
    Ok(())
}

/// Renames a secret; false when there is none of that name.
pub(super) async fn rename_secret(
    tx: &mut Tx<'_>,
    _: &Bumped,
    application_id: &str,
    name: &str,
    new_name: &str,
) -> Result<bool> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE application_secrets SET name = $4 WHERE tenant_id = $1 AND application_id = $2 AND name = $3"
            ),
            params![application_id, name, new_name],
        )
        .await?;
    Ok(changed > 0)
}

pub(super) async fn delete_secret(
    tx: &mut Tx<'_>,
    _: &Bumped,
    application_id: &str,
    name: &str,
) -> Result<bool> {
    let deleted = tx
        .execute(
            sql!("DELETE FROM application_secrets WHERE tenant_id = $1 AND application_id = $2 AND name = $3"),
            params![application_id, name],
        )
        .await?;
    Ok(deleted > 0)
}
