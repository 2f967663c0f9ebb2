use trinco_db::{Conn, Row, Tx, params, sql};

use super::model::{Resource, ResourceScope};
use crate::{Bumped, Result};

pub(super) async fn all(conn: &mut Conn<'_>) -> Result<Vec<Resource>> {
    let tenant = conn.tenant().to_owned();
    let rows = conn
        .all(
            sql!(
                "SELECT id, name, indicator, is_default, access_token_ttl, created_at
                 FROM resources WHERE tenant_id = $1"
            ),
            &[],
        )
        .await?;
    rows.into_iter().map(|row| resource(&tenant, row)).collect()
}

pub(super) async fn find(conn: &mut Conn<'_>, id: &str) -> Result<Option<Resource>> {
    let tenant = conn.tenant().to_owned();
    let row = conn
        .optional(
            sql!(
                "SELECT id, name, indicator, is_default, access_token_ttl, created_at
                 FROM resources WHERE tenant_id = $1 AND id = $2"
            ),
            params![id],
        )
        .await?;
    row.map(|row| resource(&tenant, row)).transpose()
}

fn resource(tenant: &str, row: Row) -> Result<Resource> {
    let mut cols = row.cols();
    Ok(Resource {
        tenant_id: tenant.to_owned(),
        id: cols.next()?,
        name: cols.next()?,
        indicator: cols.next()?,
        is_default: cols.next()?,
        access_token_ttl: cols.next()?,
        created_at: cols.next()?,
    })
}

pub(super) async fn insert(tx: &mut Tx<'_>, _: &Bumped, resource: &Resource) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO resources
                 (tenant_id, id, name, indicator, is_default, access_token_ttl, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)"
        ),
        params![
            resource.id.as_str(),
            resource.name.as_str(),
            resource.indicator.as_str(),
            resource.is_default,
            resource.access_token_ttl,
            resource.created_at
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn update(tx: &mut Tx<'_>, _: &Bumped, resource: &Resource) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE resources SET name = $3, access_token_ttl = $4
             WHERE tenant_id = $1 AND id = $2"
        ),
        params![resource.id.as_str(), resource.name.as_str(), resource.access_token_ttl],
    )
    .await?;
    Ok(())
}

/// Makes this resource the only default one.
pub(super) async fn set_default(tx: &mut Tx<'_>, _: &Bumped, id: &str) -> Result<()> {
    let update = sql!("UPDATE resources SET is_default = (id = $2) WHERE tenant_id = $1");
    tx.execute(update, params![id]).await?;
    Ok(())
}

pub(super) async fn unset_default(tx: &mut Tx<'_>, _: &Bumped, id: &str) -> Result<()> {
    let update = sql!("UPDATE resources SET is_default = FALSE WHERE tenant_id = $1 AND id = $2");
    tx.execute(update, params![id]).await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx<'_>, _: &Bumped, id: &str) -> Result<()> {
    let delete = sql!("DELETE FROM resources WHERE tenant_id = $1 AND id = $2");
    tx.execute(delete, params![id]).await?;
    Ok(())
}

pub(super) async fn scopes(conn: &mut Conn<'_>) -> Result<Vec<ResourceScope>> {
    let tenant = conn.tenant().to_owned();
    let rows = conn
        .all(
            sql!(
                "SELECT id, resource_id, name, description, created_at FROM scopes
                 WHERE tenant_id = $1 ORDER BY name COLLATE BYTES"
            ),
            &[],
        )
        .await?;
    rows.into_iter().map(|row| scope(&tenant, row)).collect()
}

pub(super) async fn find_scope(
    conn: &mut Conn<'_>,
    resource_id: &str,
    id: &str,
) -> Result<Option<ResourceScope>> {
    let tenant = conn.tenant().to_owned();
    let row = conn
        .optional(
            sql!(
                "SELECT id, resource_id, name, description, created_at FROM scopes
                 WHERE tenant_id = $1 AND resource_id = $2 AND id = $3"
            ),
            params![resource_id, id],
        )
        .await?;
    row.map(|row| scope(&tenant, row)).transpose()
}

fn scope(tenant: &str, row: Row) -> Result<ResourceScope> {
    let mut cols = row.cols();
    Ok(ResourceScope {
        tenant_id: tenant.to_owned(),
        id: cols.next()?,
        resource_id: cols.next()?,
        name: cols.next()?,
        description: cols.next()?,
        created_at: cols.next()?,
    })
}

pub(super) async fn insert_scope(tx: &mut Tx<'_>, _: &Bumped, scope: &ResourceScope) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO scopes (tenant_id, id, resource_id, name, description, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)"
        ),
        params![
            scope.id.as_str(),
            scope.resource_id.as_str(),
            scope.name.as_str(),
            &scope.description,
            scope.created_at
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn update_scope(tx: &mut Tx<'_>, _: &Bumped, scope: &ResourceScope) -> Result<()> {
    tx.execute(
        sql!("UPDATE scopes SET name = $3, description = $4 WHERE tenant_id = $1 AND id = $2"),
        params![scope.id.as_str(), scope.name.as_str(), &scope.description],
    )
    .await?;
    Ok(())
}

pub(super) async fn delete_scope(
    tx: &mut Tx<'_>,
    _: &Bumped,
    resource_id: &str,
    id: &str,
) -> Result<bool> {
    let delete = sql!("DELETE FROM scopes WHERE tenant_id = $1 AND resource_id = $2 AND id = $3");
    Ok(tx.execute(delete, params![resource_id, id]).await? > 0)
}
