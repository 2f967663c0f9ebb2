//! Organizations and their members.

pub(super) mod applications;
pub(super) mod jit;
pub(super) mod users;

use std::collections::HashMap;

use trinco_db::{Conn, Row, Tx, params, sql};

use super::model::{Membership, Organization};
use crate::counts::{self, Kind};
use crate::{Page, Result};

/// How many ids one statement lists at most: engines limit the number of parameters.
const IDS_AT_ONCE: usize = 1000;
/// The pattern that everything is like.
const EVERYTHING: &str = "%%";

/// The organizations whose id or folded name is like `pattern`: a page of them, the newest first, and how many there are in all.
pub(super) async fn list(
    conn: &mut Conn<'_>,
    pattern: &str,
    page: Page,
) -> Result<(Vec<Organization>, i64)> {
    let total = if pattern == EVERYTHING {
        counts::total(conn, Kind::Organizations, counts::OF_TENANT).await?
    } else {
        let row = conn
            .one(
                sql!(
                    "SELECT count(*) FROM organizations WHERE tenant_id = $1
                       AND (id LIKE $2 ESCAPE '\\' OR name_folded LIKE $2 ESCAPE '\\')"
                ),
                params![pattern],
            )
            .await?;
        row.get(0)?
    };
    let tenant = conn.tenant().to_owned();
    let rows = conn
        .all(
            sql!(
                "SELECT id, name, description, custom_data, is_mfa_required, color, branding,
                        custom_css, created_at
                 FROM organizations WHERE tenant_id = $1
                   AND (id LIKE $2 ESCAPE '\\' OR name_folded LIKE $2 ESCAPE '\\')
                 ORDER BY created_at DESC, id LIMIT $3 OFFSET $4"
            ),
            params![pattern, page.limit, page.offset],
        )
        .await?;
    let organizations =
        rows.into_iter().map(|row| organization(&tenant, row)).collect::<Result<_>>()?;
    Ok((organizations, total))
}

pub(super) async fn find(conn: &mut Conn<'_>, id: &str) -> Result<Option<Organization>> {
    let tenant = conn.tenant().to_owned();
    let row = conn
        .optional(
            sql!(
                "SELECT id, name, description, custom_data, is_mfa_required, color, branding,
                        custom_css, created_at
                 FROM organizations WHERE tenant_id = $1 AND id = $2"
            ),
            params![id],
        )
        .await?;
    row.map(|row| organization(&tenant, row)).transpose()
}

/// The organizations a user is a member of, in the order of joining.
pub(super) async fn of_user(conn: &mut Conn<'_>, user_id: &str) -> Result<Vec<Organization>> {
    let tenant = conn.tenant().to_owned();
    let rows = conn
        .all(
            sql!(
                "SELECT o.id, o.name, o.description, o.custom_data, o.is_mfa_required, o.color,
                        o.branding, o.custom_css, o.created_at
                 FROM organization_users m
                 JOIN organizations o ON o.tenant_id = m.tenant_id AND o.id = m.organization_id
                 WHERE m.tenant_id = $1 AND m.user_id = $2 ORDER BY m.created_at, o.id"
            ),
            params![user_id],
        )
        .await?;
    rows.into_iter().map(|row| organization(&tenant, row)).collect()
}

/// The organizations an application is a member of, in the order of joining: a page of them, and how many there are in all.
pub(super) async fn of_application(
    conn: &mut Conn<'_>,
    application_id: &str,
    page: Page,
) -> Result<(Vec<Organization>, i64)> {
    let total = conn
        .one(
            sql!(
                "SELECT count(*) FROM organization_applications
                 WHERE tenant_id = $1 AND application_id = $2"
            ),
            params![application_id],
        )
        .await?
        .get(0)?;
    let tenant = conn.tenant().to_owned();
    let rows = conn
        .all(
            sql!(
                "SELECT o.id, o.name, o.description, o.custom_data, o.is_mfa_required, o.color,
                        o.branding, o.custom_css, o.created_at
                 FROM organization_applications m
                 JOIN organizations o ON o.tenant_id = m.tenant_id AND o.id = m.organization_id
                 WHERE m.tenant_id = $1 AND m.application_id = $2
                 ORDER BY m.created_at, o.id LIMIT $3 OFFSET $4"
            ),
            params![application_id, page.limit, page.offset],
        )
        .await?;
    let organizations =
        rows.into_iter().map(|row| organization(&tenant, row)).collect::<Result<_>>()?;
    Ok((organizations, total))
}

/// As [`Membership`]s, in the order of joining: one statement, for it runs at every sign-in.
pub(super) async fn memberships(conn: &mut Conn<'_>, user_id: &str) -> Result<Vec<Membership>> {
    let rows = conn
        .all(
            sql!(
                "SELECT o.id, o.name, o.description, o.is_mfa_required, r.organization_role_id
                 FROM organization_users m
                 JOIN organizations o ON o.tenant_id = m.tenant_id AND o.id = m.organization_id
                 LEFT JOIN organization_user_roles r ON r.tenant_id = m.tenant_id
                   AND r.organization_id = m.organization_id AND r.user_id = m.user_id
                 WHERE m.tenant_id = $1 AND m.user_id = $2
                 ORDER BY m.created_at, o.id, r.organization_role_id"
            ),
            params![user_id],
        )
        .await?;
    let mut memberships: Vec<Membership> = Vec::new();
    for row in rows {
        let mut cols = row.cols();
        let id: String = cols.next()?;
        if memberships.last().is_none_or(|last| last.id != id) {
            let (name, description, is_mfa_required) = (cols.next()?, cols.next()?, cols.next()?);
            memberships.push(Membership {
                id,
                name,
                description,
                is_mfa_required,
                role_ids: Vec::new(),
            });
        } else {
            let (_, _, _) =
                (cols.next::<String>()?, cols.next::<Option<String>>()?, cols.next::<bool>()?);
        }
        if let Some(membership) = memberships.last_mut() {
            membership.role_ids.extend(cols.next::<Option<String>>()?);
        }
    }
    Ok(memberships)
}

fn organization(tenant: &str, row: Row) -> Result<Organization> {
    let mut cols = row.cols();
    Ok(Organization {
        tenant_id: tenant.to_owned(),
        id: cols.next()?,
        name: cols.next()?,
        description: cols.next()?,
        custom_data: serde_json::from_str(&cols.next::<String>()?)?,
        is_mfa_required: cols.next()?,
        color: serde_json::from_str(&cols.next::<String>()?)?,
        branding: serde_json::from_str(&cols.next::<String>()?)?,
        custom_css: cols.next()?,
        created_at: cols.next()?,
    })
}

pub(super) async fn insert(tx: &mut Tx<'_>, organization: &Organization) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO organizations (tenant_id, id, name, name_folded, description, custom_data,
                 is_mfa_required, color, branding, custom_css, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        ),
        params![
            organization.id.as_str(),
            organization.name.as_str(),
            organization.name.to_lowercase(),
            &organization.description,
            serde_json::to_string(&organization.custom_data)?,
            organization.is_mfa_required,
            serde_json::to_string(&organization.color)?,
            serde_json::to_string(&organization.branding)?,
            &organization.custom_css,
            organization.created_at
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn update(tx: &mut Tx<'_>, organization: &Organization) -> Result<()> {
    tx.execute(
        sql!(
            "UPDATE organizations SET name = $3, name_folded = $4, description = $5,
                 custom_data = $6, is_mfa_required = $7, color = $8, branding = $9, custom_css = $10
             WHERE tenant_id = $1 AND id = $2"
        ),
        params![
            organization.id.as_str(),
            organization.name.as_str(),
            organization.name.to_lowercase(),
            &organization.description,
            serde_json::to_string(&organization.custom_data)?,
            organization.is_mfa_required,
            serde_json::to_string(&organization.color)?,
            serde_json::to_string(&organization.branding)?,
            &organization.custom_css
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx<'_>, id: &str) -> Result<bool> {
    let delete = sql!("DELETE FROM organizations WHERE tenant_id = $1 AND id = $2");
    Ok(tx.execute(delete, params![id]).await? > 0)
}

/// Takes the organization's row, so that nobody else changes it or replaces its members until the transaction ends. False when
/// there is no such organization.
pub(super) async fn take(tx: &mut Tx<'_>, id: &str) -> Result<bool> {
    let take =
        sql!("UPDATE organizations SET created_at = created_at WHERE tenant_id = $1 AND id = $2");
    Ok(tx.execute(take, params![id]).await? > 0)
}

/// Rows of a member and a role, as a map from the member to the roles.
fn grouped(rows: Vec<Row>) -> Result<HashMap<String, Vec<String>>> {
    let mut roles: HashMap<String, Vec<String>> = HashMap::new();
    for row in rows {
        let mut cols = row.cols();
        roles.entry(cols.next()?).or_default().push(cols.next()?);
    }
    Ok(roles)
}

/// Rows of one role each, `NULL` for a member without roles; no row when there is no such member.
fn held(rows: &[Row]) -> Result<Option<Vec<String>>> {
    if rows.is_empty() {
        return Ok(None);
    }
    let mut roles = Vec::new();
    for row in rows {
        roles.extend(row.get::<Option<String>>(0)?);
    }
    Ok(Some(roles))
}

fn first_column(rows: &[Row]) -> Result<Vec<String>> {
    rows.iter().map(|row| Ok(row.get(0)?)).collect()
}
