//! Who becomes a member just in time.

use trinco_db::{Conn, Tx, params, sql};

use super::first_column;
use crate::Result;

pub(in crate::organizations) async fn domains(
    conn: &mut Conn<'_>,
    organization_id: &str,
) -> Result<Vec<String>> {
    let select = sql!(
        "SELECT email_domain FROM organization_jit_email_domains
         WHERE tenant_id = $1 AND organization_id = $2 ORDER BY email_domain"
    );
    first_column(&conn.all(select, params![organization_id]).await?)
}

pub(in crate::organizations) async fn insert_domain(
    tx: &mut Tx<'_>,
    organization_id: &str,
    domain: &str,
) -> Result<()> {
    let insert = sql!(
        "INSERT INTO organization_jit_email_domains (tenant_id, organization_id, email_domain)
         VALUES ($1, $2, $3)"
    );
    tx.execute(insert, params![organization_id, domain]).await?;
    Ok(())
}

pub(in crate::organizations) async fn delete_domain(
    tx: &mut Tx<'_>,
    organization_id: &str,
    domain: &str,
) -> Result<bool> {
    let delete = sql!(
        "DELETE FROM organization_jit_email_domains
         WHERE tenant_id = $1 AND organization_id = $2 AND email_domain = $3"
    );
    Ok(tx.execute(delete, params![organization_id, domain]).await? > 0)
}

pub(in crate::organizations) async fn roles(
    conn: &mut Conn<'_>,
    organization_id: &str,
) -> Result<Vec<String>> {
    let select = sql!(
        "SELECT organization_role_id FROM organization_jit_roles
         WHERE tenant_id = $1 AND organization_id = $2 ORDER BY organization_role_id"
    );
    first_column(&conn.all(select, params![organization_id]).await?)
}

pub(in crate::organizations) async fn insert_role(
    tx: &mut Tx<'_>,
    organization_id: &str,
    role: &str,
) -> Result<()> {
    let insert = sql!(
        "INSERT INTO organization_jit_roles (tenant_id, organization_id, organization_role_id)
         VALUES ($1, $2, $3)"
    );
    tx.execute(insert, params![organization_id, role]).await?;
    Ok(())
}

pub(in crate::organizations) async fn delete_role(
    tx: &mut Tx<'_>,
    organization_id: &str,
    role: &str,
) -> Result<bool> {
    let delete = sql!(
        "DELETE FROM organization_jit_roles
         WHERE tenant_id = $1 AND organization_id = $2 AND organization_role_id = $3"
    );
    Ok(tx.execute(delete, params![organization_id, role]).await? > 0)
}

pub(in crate::organizations) async fn connectors(
    conn: &mut Conn<'_>,
    organization_id: &str,
) -> Result<Vec<String>> {
    let select = sql!(
        "SELECT sso_connector_id FROM organization_jit_sso_connectors
         WHERE tenant_id = $1 AND organization_id = $2 ORDER BY sso_connector_id"
    );
    first_column(&conn.all(select, params![organization_id]).await?)
}

pub(in crate::organizations) async fn insert_connector(
    tx: &mut Tx<'_>,
    organization_id: &str,
    connector: &str,
) -> Result<()> {
    let insert = sql!(
        "INSERT INTO organization_jit_sso_connectors (tenant_id, organization_id, sso_connector_id)
         VALUES ($1, $2, $3)"
    );
    tx.execute(insert, params![organization_id, connector]).await?;
    Ok(())
}

pub(in crate::organizations) async fn delete_connector(
    tx: &mut Tx<'_>,
    organization_id: &str,
    connector: &str,
) -> Result<bool> {
    let delete = sql!(
        "DELETE FROM organization_jit_sso_connectors
         WHERE tenant_id = $1 AND organization_id = $2 AND sso_connector_id = $3"
    );
    Ok(tx.execute(delete, params![organization_id, connector]).await? > 0)
}
