use trinco_db::{Conn, Row, Tx, params, sql};

use super::model::{OrganizationRole, OrganizationScope};
use crate::roles::RoleType;
use crate::{Bumped, Result};

pub(super) async fn roles(conn: &mut Conn<'_>) -> Result<Vec<OrganizationRole>> {
    let tenant = conn.tenant().to_owned();
    let rows = conn
        .all(
            sql!(
                "SELECT id, name, description, type, created_at
                 FROM organization_roles WHERE tenant_id = $1"
            ),
            &[],
        )
        .await?;
    rows.into_iter().map(|row| role(&tenant, row)).collect()
}

pub(super) async fn find_role(conn: &mut Conn<'_>, id: &str) -> Result<Option<OrganizationRole>> {
    let tenant = conn.tenant().to_owned();
    let row = conn
        .optional(
            sql!(
                "SELECT id, name, description, type, created_at
                 FROM organization_roles WHERE tenant_id = $1 AND id = $2"
            ),
            params![id],
        )
        .await?;
    row.map(|row| role(&tenant, row)).transpose()
}

fn role(tenant: &str, row: Row) -> Result<OrganizationRole> {
    let mut cols = row.cols();
    Ok(OrganizationRole {
        tenant_id: tenant.to_owned(),
        id: cols.next()?,
        name: cols.next()?,
        description: cols.next()?,
        role_type: RoleType::from_stored(&cols.next::<String>()?)?,
        created_at: cols.next()?,
    })
}

pub(super) async fn insert_role(
    tx: &mut Tx<'_>,
    _: &Bumped,
    role: &OrganizationRole,
) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO organization_roles (tenant_id, id, name, description, type, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)"
        ),
        params![
            role.id.as_str(),
            role.name.as_str(),
            &role.description,
            role.role_type.as_str(),
            role.created_at
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn update_role(
    tx: &mut Tx<'_>,
    _: &Bumped,
    role: &OrganizationRole,
) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE organization_roles SET name = $3, description = $4
             WHERE tenant_id = $1 AND id = $2"
        ),
        params![role.id.as_str(), role.name.as_str(), &role.description],
    )
    .await?;
    Ok(())
}

pub(super) async fn delete_role(tx: &mut Tx<'_>, _: &Bumped, id: &str) -> Result<bool> {
    let delete = sql!("DELETE FROM organization_roles WHERE tenant_id = $1 AND id = $2");
    Ok(tx.execute(delete, params![id]).await? > 0)
}

pub(super) async fn scopes(conn: &mut Conn<'_>) -> Result<Vec<OrganizationScope>> {
    let tenant = conn.tenant().to_owned();
    let rows = conn
        .all(
            sql!(
                "SELECT id, name, description, created_at
                 FROM organization_scopes WHERE tenant_id = $1"
            ),
            &[],
        )
        .await?;
    rows.into_iter().map(|row| scope(&tenant, row)).collect()
}

pub(super) async fn find_scope(conn: &mut Conn<'_>, id: &str) -> Result<Option<OrganizationScope>> {
    let tenant = conn.tenant().to_owned();
    let row = conn
        .optional(
            sql!(
                "SELECT id, name, description, created_at
                 FROM organization_scopes WHERE tenant_id = $1 AND id = $2"
            ),
            params![id],
        )
        .await?;
    row.map(|row| scope(&tenant, row)).transpose()
}

fn scope(tenant: &str, row: Row) -> Result<OrganizationScope> {
    let mut cols = row.cols();
    Ok(OrganizationScope {
        tenant_id: tenant.to_owned(),
        id: cols.next()?,
        name: cols.next()?,
        description: cols.next()?,
        created_at: cols.next()?,
    })
}

pub(super) async fn insert_scope(
    tx: &mut Tx<'_>,
    _: &Bumped,
    scope: &OrganizationScope,
) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO organization_scopes (tenant_id, id, name, description, created_at)
             VALUES ($1, $2, $3, $4, $5)"
        ),
        params![scope.id.as_str(), scope.name.as_str(), &scope.description, scope.created_at],
    )
    .await?;
    Ok(())
}

pub(super) async fn update_scope(
    tx: &mut Tx<'_>,
    _: &Bumped,
    scope: &OrganizationScope,
) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE organization_scopes SET name = $3, description = $4
             WHERE tenant_id = $1 AND id = $2"
        ),
        params![scope.id.as_str(), scope.name.as_str(), &scope.description],
    )
    .await?;
    Ok(())
}

pub(super) async fn delete_scope(tx: &mut Tx<'_>, _: &Bumped, id: &str) -> Result<bool> {
    let delete = sql!("DELETE FROM organization_scopes WHERE tenant_id = $1 AND id = $2");
    Ok(tx.execute(delete, params![id]).await? > 0)
}

/// Pairs of role and organization scope.
pub(super) async fn role_scopes(conn: &mut Conn<'_>) -> Result<Vec<(String, String)>> {
    let select = sql!(
        "SELECT organization_role_id, organization_scope_id
         FROM organization_role_scopes WHERE tenant_id = $1"
    );
    conn.all(select, &[]).await?.into_iter().map(pair).collect()
}

pub(super) async fn insert_role_scopes(
    tx: &mut Tx<'_>,
    _: &Bumped,
    role_id: &str,
    scope_ids: &[String],
) -> Result<()> {
    let insert = sql!(
        "INSERT INTO organization_role_scopes (tenant_id, organization_role_id, organization_scope_id)
         VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
    );
    for scope_id in scope_ids {
        tx.execute(insert, params![role_id, scope_id]).await?;
    }
    Ok(())
}

pub(super) async fn clear_role_scopes(tx: &mut Tx<'_>, _: &Bumped, role_id: &str) -> Result<()> {
    let delete = sql!(
        "DELETE FROM organization_role_scopes WHERE tenant_id = $1 AND organization_role_id = $2"
    );
    tx.execute(delete, params![role_id]).await?;
    Ok(())
}

pub(super) async fn delete_role_scope(
    tx: &mut Tx<'_>,
    _: &Bumped,
    role_id: &str,
    scope_id: &str,
) -> Result<bool> {
    let delete = sql!(
        "DELETE FROM organization_role_scopes
         WHERE tenant_id = $1 AND organization_role_id = $2 AND organization_scope_id = $3"
    );
    Ok(tx.execute(delete, params![role_id, scope_id]).await? > 0)
}

/// Pairs of role and scope of an API resource.
pub(super) async fn role_resource_scopes(conn: &mut Conn<'_>) -> Result<Vec<(String, String)>> {
    let select = sql!(
        "SELECT organization_role_id, scope_id
         FROM organization_role_resource_scopes WHERE tenant_id = $1"
    );
    conn.all(select, &[]).await?.into_iter().map(pair).collect()
}

pub(super) async fn insert_role_resource_scopes(
    tx: &mut Tx<'_>,
    _: &Bumped,
    role_id: &str,
    scope_ids: &[String],
) -> Result<()> {
    let insert = sql!(
        "INSERT INTO organization_role_resource_scopes (tenant_id, organization_role_id, scope_id)
         VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
    );
    for scope_id in scope_ids {
        tx.execute(insert, params![role_id, scope_id]).await?;
    }
    Ok(())
}

pub(super) async fn clear_role_resource_scopes(
    tx: &mut Tx<'_>,
    _: &Bumped,
    role_id: &str,
) -> Result<()> {
    let delete = sql!(
        "DELETE FROM organization_role_resource_scopes
         WHERE tenant_id = $1 AND organization_role_id = $2"
    );
    tx.execute(delete, params![role_id]).await?;
    Ok(())
}

pub(super) async fn delete_role_resource_scope(
    tx: &mut Tx<'_>,
    _: &Bumped,
    role_id: &str,
    scope_id: &str,
) -> Result<bool> {
    let delete = sql!(
        "DELETE FROM organization_role_resource_scopes
         WHERE tenant_id = $1 AND organization_role_id = $2 AND scope_id = $3"
    );
    Ok(tx.execute(delete, params![role_id, scope_id]).await? > 0)
}

fn pair(row: Row) -> Result<(String, String)> {
    let mut cols = row.cols();
    Ok((cols.next()?, cols.next()?))
}
