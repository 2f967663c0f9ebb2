//! Applications as members, and their roles.

use std::collections::HashMap;

use trinco_db::{Conn, Sql, Tx, params, sql};

use super::{IDS_AT_ONCE, first_column, grouped, held};
use crate::Result;

pub(in crate::organizations) async fn ids(
    conn: &mut Conn<'_>,
    organization_id: &str,
) -> Result<Vec<String>> {
    let select = sql!(
        "SELECT application_id FROM organization_applications
         WHERE tenant_id = $1 AND organization_id = $2"
    );
    first_column(&conn.all(select, params![organization_id]).await?)
}

/// Returns who was no member before.
pub(in crate::organizations) async fn insert(
    tx: &mut Tx<'_>,
    organization_id: &str,
    application_ids: &[String],
    now_ms: i64,
) -> Result<Vec<String>> {
    let insert = sql!(
        "INSERT INTO organization_applications
             (tenant_id, organization_id, application_id, created_at)
         VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
    );
    let mut added = Vec::with_capacity(application_ids.len());
    for id in application_ids {
        if tx.execute(insert, params![organization_id, id, now_ms]).await? > 0 {
            added.push(id.clone());
        }
    }
    Ok(added)
}

/// Returns how many were members.
pub(in crate::organizations) async fn delete(
    tx: &mut Tx<'_>,
    organization_id: &str,
    application_ids: &[String],
) -> Result<u64> {
    let mut deleted = 0;
    for some in application_ids.chunks(IDS_AT_ONCE) {
        let delete = Sql::from(sql!(
            "DELETE FROM organization_applications WHERE tenant_id = $1 AND organization_id = $2"
        ))
        .in_list(sql!(" AND application_id IN "), some);
        deleted += tx.execute(&delete, params![organization_id]).await?;
    }
    Ok(deleted)
}

/// Takes the row of a membership, so that nobody else changes the member's roles until the transaction ends. False when the
/// application is not a member.
pub(in crate::organizations) async fn take(
    tx: &mut Tx<'_>,
    organization_id: &str,
    application_id: &str,
) -> Result<bool> {
    let take = sql!(
        "UPDATE organization_applications SET created_at = created_at
         WHERE tenant_id = $1 AND organization_id = $2 AND application_id = $3"
    );
    Ok(tx.execute(take, params![organization_id, application_id]).await? > 0)
}

/// The roles of one member; `None` when the application is not a member.
pub(in crate::organizations) async fn roles(
    conn: &mut Conn<'_>,
    organization_id: &str,
    application_id: &str,
) -> Result<Option<Vec<String>>> {
    let rows = conn
        .all(
            sql!(
                "SELECT r.organization_role_id FROM organization_applications m
                 LEFT JOIN organization_application_roles r ON r.tenant_id = m.tenant_id
                   AND r.organization_id = m.organization_id
                   AND r.application_id = m.application_id
                 WHERE m.tenant_id = $1 AND m.organization_id = $2 AND m.application_id = $3"
            ),
            params![organization_id, application_id],
        )
        .await?;
    held(&rows)
}

/// The roles of every member, by member.
pub(in crate::organizations) async fn roles_of_all(
    conn: &mut Conn<'_>,
    organization_id: &str,
) -> Result<HashMap<String, Vec<String>>> {
    let select = sql!(
        "SELECT application_id, organization_role_id FROM organization_application_roles
         WHERE tenant_id = $1 AND organization_id = $2"
    );
    grouped(conn.all(select, params![organization_id]).await?)
}

/// The roles of one member in every organization, by organization.
pub(in crate::organizations) async fn roles_by_organization(
    conn: &mut Conn<'_>,
    application_id: &str,
) -> Result<HashMap<String, Vec<String>>> {
    let select = sql!(
        "SELECT r.organization_id, r.organization_role_id FROM organization_applications m
         JOIN organization_application_roles r ON r.tenant_id = m.tenant_id
           AND r.organization_id = m.organization_id AND r.application_id = m.application_id
         WHERE m.tenant_id = $1 AND m.application_id = $2"
    );
    grouped(conn.all(select, params![application_id]).await?)
}

pub(in crate::organizations) async fn insert_roles(
    tx: &mut Tx<'_>,
    organization_id: &str,
    application_ids: &[String],
    role_id: &str,
) -> Result<()> {
    let insert = sql!(
        "INSERT INTO organization_application_roles
             (tenant_id, organization_id, application_id, organization_role_id)
         VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
    );
    for id in application_ids {
        tx.execute(insert, params![organization_id, id, role_id]).await?;
    }
    Ok(())
}

pub(in crate::organizations) async fn delete_role(
    tx: &mut Tx<'_>,
    organization_id: &str,
    application_id: &str,
    role_id: &str,
) -> Result<bool> {
    let delete = sql!(
        "DELETE FROM organization_application_roles WHERE tenant_id = $1 AND organization_id = $2
           AND application_id = $3 AND organization_role_id = $4"
    );
    Ok(tx.execute(delete, params![organization_id, application_id, role_id]).await? > 0)
}
