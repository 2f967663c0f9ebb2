//! Roles, their scopes and the applications that hold them: the tables of the snapshot section.

pub(super) mod users;

use trinco_db::{Conn, Row, Tx, params, sql};

use super::model::{Role, RoleType};
use crate::{Bumped, Result};

/// How many ids one statement lists at most: engines limit the number of parameters.
const IDS_AT_ONCE: usize = 1000;

pub(super) async fn all(conn: &mut Conn<'_>) -> Result<Vec<Role>> {
    let tenant = conn.tenant().to_owned();
    let rows = conn
        .all(
            sql!(
                "SELECT id, name, description, type, is_default, created_at
                 FROM roles WHERE tenant_id = $1"
            ),
            &[],
        )
        .await?;
    rows.into_iter().map(|row| role(&tenant, row)).collect()
}

pub(super) async fn find(conn: &mut Conn<'_>, id: &str) -> Result<Option<Role>> {
    let tenant = conn.tenant().to_owned();
    let row = conn
        .optional(
            sql!(
                "SELECT id, name, description, type, is_default, created_at
                 FROM roles WHERE tenant_id = $1 AND id = $2"
            ),
            params![id],
        )
        .await?;
    row.map(|row| role(&tenant, row)).transpose()
}

fn role(tenant: &str, row: Row) -> Result<Role> {
    let mut cols = row.cols();
    Ok(Role {
        tenant_id: tenant.to_owned(),
        id: cols.next()?,
        name: cols.next()?,
        description: cols.next()?,
        role_type: RoleType::from_stored(&cols.next::<String>()?)?,
        is_default: cols.next()?,
        created_at: cols.next()?,
    })
}

pub(super) async fn insert(tx: &mut Tx<'_>, _: &Bumped, role: &Role) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO roles (tenant_id, id, name, description, type, is_default, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)"
        ),
        params![
            role.id.as_str(),
            role.name.as_str(),
            role.description.as_str(),
            role.role_type.as_str(),
            role.is_default,
            role.created_at
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn update(tx: &mut Tx<'_>, _: &Bumped, role: &Role) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE roles SET name = $3, description = $4, is_default = $5
             WHERE tenant_id = $1 AND id = $2"
        ),
        params![role.id.as_str(), role.name.as_str(), role.description.as_str(), role.is_default],
    )
    .await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx<'_>, _: &Bumped, id: &str) -> Result<()> {
    tx.execute(sql!("DELETE FROM roles WHERE tenant_id = $1 AND id = $2"), params![id]).await?;
    Ok(())
}

/// Pairs of role and scope.
pub(super) async fn scopes(conn: &mut Conn<'_>) -> Result<Vec<(String, String)>> {
    let select = sql!("SELECT role_id, scope_id FROM role_scopes WHERE tenant_id = $1");
    conn.all(select, &[]).await?.into_iter().map(pair).collect()
}

/// The ids of the scopes of a role.
pub(super) async fn scopes_of(conn: &mut Conn<'_>, role_id: &str) -> Result<Vec<String>> {
    let select = sql!("SELECT scope_id FROM role_scopes WHERE tenant_id = $1 AND role_id = $2");
    let rows = conn.all(select, params![role_id]).await?;
    rows.iter().map(|row| Ok(row.get(0)?)).collect()
}

/// Returns how many were not there yet.
pub(super) async fn insert_scopes(
    tx: &mut Tx<'_>,
    _: &Bumped,
    role_id: &str,
    scope_ids: &[String],
) -> Result<u64> {
    let insert = sql!(
        "INSERT INTO role_scopes (tenant_id, role_id, scope_id) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING"
    );
    let mut inserted = 0;
    for scope_id in scope_ids {
        inserted += tx.execute(insert, params![role_id, scope_id]).await?;
    }
    Ok(inserted)
}

pub(super) async fn delete_scope(
    tx: &mut Tx<'_>,
    _: &Bumped,
    role_id: &str,
    scope_id: &str,
) -> Result<bool> {
    let delete =
        sql!("DELETE FROM role_scopes WHERE tenant_id = $1 AND role_id = $2 AND scope_id = $3");
    Ok(tx.execute(delete, params![role_id, scope_id]).await? > 0)
}

/// Pairs of application and role.
pub(super) async fn applications(conn: &mut Conn<'_>) -> Result<Vec<(String, String)>> {
    let select = sql!("SELECT application_id, role_id FROM application_roles WHERE tenant_id = $1");
    conn.all(select, &[]).await?.into_iter().map(pair).collect()
}

pub(super) async fn of_application(conn: &mut Conn<'_>, application_id: &str) -> Result<Vec<Role>> {
    let tenant = conn.tenant().to_owned();
    let rows = conn
        .all(
            sql!(
                "SELECT r.id, r.name, r.description, r.type, r.is_default, r.created_at
                 FROM application_roles h
                 JOIN roles r ON r.tenant_id = h.tenant_id AND r.id = h.role_id
                 WHERE h.tenant_id = $1 AND h.application_id = $2"
            ),
            params![application_id],
        )
        .await?;
    rows.into_iter().map(|row| role(&tenant, row)).collect()
}

/// Each pair is an application and a role it is to hold. Returns how many were not there yet.
pub(super) async fn insert_holders(
    tx: &mut Tx<'_>,
    _: &Bumped,
    pairs: &[(&str, &str)],
) -> Result<u64> {
    let insert = sql!(
        "INSERT INTO application_roles (tenant_id, application_id, role_id) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING"
    );
    let mut inserted = 0;
    for (application_id, role_id) in pairs {
        inserted += tx.execute(insert, params![*application_id, *role_id]).await?;
    }
    Ok(inserted)
}

pub(super) async fn delete_holder(
    tx: &mut Tx<'_>,
    _: &Bumped,
    application_id: &str,
    role_id: &str,
) -> Result<bool> {
    let delete = sql!(
        "DELETE FROM application_roles
         WHERE tenant_id = $1 AND application_id = $2 AND role_id = $3"
    );
    Ok(tx.execute(delete, params![application_id, role_id]).await? > 0)
}

fn pair(row: Row) -> Result<(String, String)> {
    let mut cols = row.cols();
    Ok((cols.next()?, cols.next()?))
}
