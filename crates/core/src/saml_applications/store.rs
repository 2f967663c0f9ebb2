use trinco_db::{Conn, Row, Tx, params, sql};

use super::model::SamlConfig;
use crate::{Error, Result};

pub(super) async fn find_config(
    conn: &mut Conn<'_>,
    application_id: &str,
) -> Result<Option<SamlConfig>> {
    let row = conn
        .optional(
            sql!(
                "SELECT attribute_mapping, entity_id, acs_url, encryption, name_id_format
                 FROM saml_application_configs WHERE tenant_id = $1 AND application_id = $2"
            ),
            params![application_id],
        )
        .await?;
    row.map(config).transpose()
}

fn config(row: Row) -> Result<SamlConfig> {
    let mut cols = row.cols();
    let json = |text: Option<String>| text.unwrap_or_else(|| "null".to_owned());
    Ok(SamlConfig {
        attribute_mapping: serde_json::from_str(&cols.next::<String>()?)?,
        entity_id: cols.next()?,
        acs_url: serde_json::from_str(&json(cols.next()?))?,
        encryption: serde_json::from_str(&json(cols.next()?))?,
        name_id_format: serde_json::from_value(cols.next::<String>()?.into())?,
    })
}

pub(super) async fn put_config(
    tx: &mut Tx<'_>,
    application_id: &str,
    config: &SamlConfig,
) -> Result<()> {
    let acs_url = config.acs_url.as_ref().map(serde_json::to_string).transpose()?;
    let encryption = config.encryption.as_ref().map(serde_json::to_string).transpose()?;
    tx.execute(
        sql!(
            "INSERT INTO saml_application_configs (tenant_id, application_id, attribute_mapping,
                 entity_id, acs_url, encryption, name_id_format)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (tenant_id, application_id) DO UPDATE SET
                 attribute_mapping = $3, entity_id = $4, acs_url = $5, encryption = $6,
                 name_id_format = $7"
        ),
        params![
            application_id,
            serde_json::to_string(&config.attribute_mapping)?,
            &config.entity_id,
            acs_url,
            encryption,
            config.name_id_format.as_str()
        ],
    )
    .await?;
    Ok(())
}

/// A signing key and its certificate as they are kept.
#[derive(Clone, Debug)]
pub(super) struct StoredCertificate {
    pub(super) id: String,
    /// Written, and read by whoever signs.
    pub(super) private_key_sealed: String,
    pub(super) certificate: String,
    pub(super) active: bool,
    pub(super) created_at: i64,
    pub(super) expires_at: i64,
}

/// The certificates of an application, the newest first.
pub(super) async fn certificates(
    conn: &mut Conn<'_>,
    application_id: &str,
) -> Result<Vec<StoredCertificate>> {
    let rows = conn
        .all(
            sql!(
                "SELECT id, private_key_sealed, certificate, active, created_at, expires_at
                 FROM saml_application_secrets WHERE tenant_id = $1 AND application_id = $2
                 ORDER BY created_at DESC, id"
            ),
            params![application_id],
        )
        .await?;
    rows.into_iter()
        .map(|row| {
            let mut cols = row.cols();
            Ok(StoredCertificate {
                id: cols.next()?,
                private_key_sealed: cols.next()?,
                certificate: cols.next()?,
                active: cols.next()?,
                created_at: cols.next()?,
                expires_at: cols.next()?,
            })
        })
        .collect()
}

pub(super) async fn insert_certificate(
    tx: &mut Tx<'_>,
    application_id: &str,
    certificate: &StoredCertificate,
) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO saml_application_secrets (tenant_id, id, application_id,
                 private_key_sealed, certificate, active, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        ),
        params![
            certificate.id.as_str(),
            application_id,
            certificate.private_key_sealed.as_str(),
            certificate.certificate.as_str(),
            certificate.active,
            certificate.created_at,
            certificate.expires_at
        ],
    )
    .await?;
    Ok(())
}

/// Makes a certificate the active one of its application: the only one, because one statement says so of all.
pub(super) async fn activate(tx: &mut Tx<'_>, application_id: &str, id: &str) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE saml_application_secrets SET active = (id = $3)
             WHERE tenant_id = $1 AND application_id = $2"
        ),
        params![application_id, id],
    )
    .await?;
    Ok(())
}

pub(super) async fn deactivate(tx: &mut Tx<'_>, application_id: &str, id: &str) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE saml_application_secrets SET active = FALSE
             WHERE tenant_id = $1 AND application_id = $2 AND id = $3"
        ),
        params![application_id, id],
    )
    .await?;
    Ok(())
}

/// False when it is active, or there is none.
pub(super) async fn delete_inactive(
    tx: &mut Tx<'_>,
    application_id: &str,
    id: &str,
) -> Result<bool> {
    let delete = sql!(
        "DELETE FROM saml_application_secrets
         WHERE tenant_id = $1 AND application_id = $2 AND id = $3 AND active = FALSE"
    );
    Ok(tx.execute(delete, params![application_id, id]).await? > 0)
}

/// Waits for whoever changes the certificates of an application at once. False when it is no SAML application.
pub(super) async fn take(tx: &mut Tx<'_>, application_id: &str) -> Result<bool> {
    let update = sql!(
        "UPDATE saml_application_configs SET name_id_format = name_id_format
         WHERE tenant_id = $1 AND application_id = $2"
    );
    match tx.execute(update, params![application_id]).await? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::Internal("an application has two SAML configurations".to_owned())),
    }
}
