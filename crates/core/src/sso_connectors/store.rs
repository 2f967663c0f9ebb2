use trinco_db::{Conn, Row, Tx, params, sql};

use super::model::SigningKey;
use crate::{Bumped, Result};

/// An enterprise connector as it is kept: its configuration is sealed.
#[derive(Clone, Debug)]
pub(super) struct StoredConnector {
    pub(super) id: String,
    pub(super) provider_name: String,
    pub(super) connector_name: String,
    pub(super) config: String,
    pub(super) branding: String,
    pub(super) sync_profile: bool,
    pub(super) enable_token_storage: bool,
    pub(super) created_at: i64,
}

/// The newest first.
pub(super) async fn all(conn: &mut Conn<'_>) -> Result<Vec<StoredConnector>> {
    let rows = conn
        .all(
            sql!(
                "SELECT id, provider_name, connector_name, config, branding, sync_profile, enable_token_storage, created_at
                 FROM sso_connectors WHERE tenant_id = $1 ORDER BY created_at DESC, id"
            ),
            &[],
        )
        .await?;
    rows.into_iter().map(read).collect()
}

pub(super) async fn find(conn: &mut Conn<'_>, id: &str) -> Result<Option<StoredConnector>> {
    let row = conn
        .optional(
            sql!(
                "SELECT id, provider_name, connector_name, config, branding, sync_profile, enable_token_storage, created_at
                 FROM sso_connectors WHERE tenant_id = $1 AND id = $2"
            ),
            params![id],
        )
        .await?;
    row.map(read).transpose()
}

fn read(row: Row) -> Result<StoredConnector> {
    let mut cols = row.cols();
    Ok(StoredConnector {
        id: cols.next()?,
        provider_name: cols.next()?,
        connector_name: cols.next()?,
        config: cols.next()?,
        branding: cols.next()?,
        sync_profile: cols.next()?,
        enable_token_storage: cols.next()?,
        created_at: cols.next()?,
    })
}

/// Pairs of connector and domain, in the order they were given in.
pub(super) async fn domains(conn: &mut Conn<'_>) -> Result<Vec<(String, String)>> {
    let rows = conn
        .all(
            sql!(
                "SELECT connector_id, domain FROM sso_connector_domains WHERE tenant_id = $1
                 ORDER BY connector_id, position"
            ),
            &[],
        )
        .await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// The domains of a connector.
pub(super) async fn domains_of(conn: &mut Conn<'_>, id: &str) -> Result<Vec<String>> {
    let rows = conn
        .all(
            sql!(
                "SELECT domain FROM sso_connector_domains WHERE tenant_id = $1 AND connector_id = $2
                 ORDER BY position"
            ),
            params![id],
        )
        .await?;
    rows.iter().map(|row| Ok(row.get(0)?)).collect()
}

/// Puts domains in the place of those a connector has. Returns those that are another's: then nothing is to be kept.
pub(super) async fn put_domains(
    tx: &mut Tx<'_>,
    _: &Bumped,
    id: &str,
    domains: &[String],
) -> Result<Vec<String>> {
    tx.execute(
        sql!("DELETE FROM sso_connector_domains WHERE tenant_id = $1 AND connector_id = $2"),
        params![id],
    )
    .await?;
    let insert = sql!(
        "INSERT INTO sso_connector_domains (tenant_id, domain, connector_id, position)
         VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
    );
    let mut taken = Vec::new();
    for (position, domain) in domains.iter().enumerate() {
        if tx.execute(insert, params![domain, id, position as i64]).await? == 0 {
            taken.push(domain.clone());
        }
    }
    Ok(taken)
}

pub(super) async fn insert(tx: &mut Tx<'_>, _: &Bumped, connector: &StoredConnector) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO sso_connectors
                 (tenant_id, id, provider_name, connector_name, config, branding, sync_profile, enable_token_storage, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        ),
        params![
            &connector.id,
            &connector.provider_name,
            &connector.connector_name,
            &connector.config,
            &connector.branding,
            connector.sync_profile,
            connector.enable_token_storage,
            connector.created_at
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn update(tx: &mut Tx<'_>, _: &Bumped, connector: &StoredConnector) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE sso_connectors SET connector_name = $3, config = $4, branding = $5, sync_profile = $6,
                 enable_token_storage = $7
             WHERE tenant_id = $1 AND id = $2"
        ),
        params![
            &connector.id,
            &connector.connector_name,
            &connector.config,
            &connector.branding,
            connector.sync_profile,
            connector.enable_token_storage
        ],
    )
    .await?;
    Ok(())
}

/// Takes its domains and keys along. False when there is none.
pub(super) async fn delete(tx: &mut Tx<'_>, _: &Bumped, id: &str) -> Result<bool> {
    let delete = sql!("DELETE FROM sso_connectors WHERE tenant_id = $1 AND id = $2");
    Ok(tx.execute(delete, params![id]).await? > 0)
}

/// The keys of a connector, the newest first.
pub(super) async fn keys(conn: &mut Conn<'_>, connector_id: &str) -> Result<Vec<SigningKey>> {
    let rows = conn
        .all(
            sql!(
                "SELECT id, private_key, certificate, active, created_at, expires_at FROM sso_signing_keys
                 WHERE tenant_id = $1 AND connector_id = $2 ORDER BY created_at DESC, id"
            ),
            params![connector_id],
        )
        .await?;
    rows.into_iter()
        .map(|row| {
            let mut cols = row.cols();
            Ok(SigningKey {
                id: cols.next()?,
                private_key: cols.next()?,
                certificate: cols.next()?,
                active: cols.next()?,
                created_at: cols.next()?,
                expires_at: cols.next()?,
            })
        })
        .collect()
}

pub(super) async fn insert_key(
    tx: &mut Tx<'_>,
    _: &Bumped,
    connector_id: &str,
    key: &SigningKey,
) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO sso_signing_keys
                 (tenant_id, connector_id, id, private_key, certificate, active, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        ),
        params![
            connector_id,
            &key.id,
            &key.private_key,
            &key.certificate,
            key.active,
            key.created_at,
            key.expires_at
        ],
    )
    .await?;
    Ok(())
}

/// Makes none of a connector's keys the one that signs.
pub(super) async fn deactivate_all(tx: &mut Tx<'_>, _: &Bumped, connector_id: &str) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE sso_signing_keys SET active = FALSE WHERE tenant_id = $1 AND connector_id = $2"
        ),
        params![connector_id],
    )
    .await?;
    Ok(())
}

pub(super) async fn activate(
    tx: &mut Tx<'_>,
    _: &Bumped,
    connector_id: &str,
    key_id: &str,
) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE sso_signing_keys SET active = TRUE
             WHERE tenant_id = $1 AND connector_id = $2 AND id = $3"
        ),
        params![connector_id, key_id],
    )
    .await?;
    Ok(())
}

pub(super) async fn delete_key(
    tx: &mut Tx<'_>,
    _: &Bumped,
    connector_id: &str,
    key_id: &str,
) -> Result<()> {
    tx.execute(
        sql!("DELETE FROM sso_signing_keys WHERE tenant_id = $1 AND connector_id = $2 AND id = $3"),
        params![connector_id, key_id],
    )
    .await?;
    Ok(())
}
