use trinco_db::{Conn, Sql, Tx, params, sql};

use super::model::{AccessControl, OrganizationRoleRule};
use crate::Result;

pub(super) async fn find(conn: &mut Conn<'_>, application_id: &str) -> Result<AccessControl> {
    let users = sql!(
        "SELECT user_id FROM application_access_users
         WHERE tenant_id = $1 AND application_id = $2 ORDER BY user_id"
    );
    let user_roles = sql!(
        "SELECT role_id FROM application_access_user_roles
         WHERE tenant_id = $1 AND application_id = $2 ORDER BY role_id"
    );
    let organizations = sql!(
        "SELECT organization_id FROM application_access_organizations
         WHERE tenant_id = $1 AND application_id = $2 ORDER BY organization_id"
    );
    let organization_roles = sql!(
        "SELECT organization_id, organization_role_id FROM application_access_organization_roles
         WHERE tenant_id = $1 AND application_id = $2 ORDER BY organization_id, organization_role_id"
    );
    let mut organization_role_rules: Vec<OrganizationRoleRule> = Vec::new();
    for row in conn.all(organization_roles, params![application_id]).await? {
        let organization_id: String = row.get(0)?;
        match organization_role_rules.last_mut() {
            Some(rule) if rule.organization_id == organization_id => {
                rule.organization_role_ids.push(row.get(1)?);
            }
            _ => organization_role_rules.push(OrganizationRoleRule {
                organization_id,
                organization_role_ids: vec![row.get(1)?],
            }),
        }
    }
    Ok(AccessControl {
        user_ids: ids(conn, users, application_id).await?,
        user_role_ids: ids(conn, user_roles, application_id).await?,
        organization_ids: ids(conn, organizations, application_id).await?,
        organization_role_rules,
    })
}

async fn ids(
    conn: &mut Conn<'_>,
    select: &'static Sql,
    application_id: &str,
) -> Result<Vec<String>> {
    let rows = conn.all(select, params![application_id]).await?;
    rows.iter().map(|row| Ok(row.get(0)?)).collect()
}

pub(super) async fn clear(tx: &mut Tx<'_>, application_id: &str) -> Result<()> {
    for delete in [
        sql!("DELETE FROM application_access_users WHERE tenant_id = $1 AND application_id = $2"),
        sql!(
            "DELETE FROM application_access_user_roles WHERE tenant_id = $1 AND application_id = $2"
        ),
        sql!(
            "DELETE FROM application_access_organizations WHERE tenant_id = $1 AND application_id = $2"
        ),
        sql!(
            "DELETE FROM application_access_organization_roles WHERE tenant_id = $1 AND application_id = $2"
        ),
    ] {
        tx.execute(delete, params![application_id]).await?;
    }
    Ok(())
}

pub(super) async fn insert(
    tx: &mut Tx<'_>,
    application_id: &str,
    rules: &AccessControl,
) -> Result<()> {
    let user = sql!(
        "INSERT INTO application_access_users (tenant_id, application_id, user_id) VALUES ($1, $2, $3)"
    );
    for id in &rules.user_ids {
        tx.execute(user, params![application_id, id]).await?;
    }
    let role = sql!(
        "INSERT INTO application_access_user_roles (tenant_id, application_id, role_id) VALUES ($1, $2, $3)"
    );
    for id in &rules.user_role_ids {
        tx.execute(role, params![application_id, id]).await?;
    }
    let organization = sql!(
        "INSERT INTO application_access_organizations (tenant_id, application_id, organization_id)
         VALUES ($1, $2, $3)"
    );
    for id in &rules.organization_ids {
        tx.execute(organization, params![application_id, id]).await?;
    }
    let organization_role = sql!(
        "INSERT INTO application_access_organization_roles
             (tenant_id, application_id, organization_id, organization_role_id)
         VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
    );
    for rule in &rules.organization_role_rules {
        for role in &rule.organization_role_ids {
            tx.execute(organization_role, params![application_id, &rule.organization_id, role])
                .await?;
        }
    }
    Ok(())
}

/// Whether a rule fits the user.
pub(super) async fn is_listed(
    conn: &mut Conn<'_>,
    application_id: &str,
    user_id: &str,
) -> Result<bool> {
    let row = conn
        .optional(
            sql!(
                "SELECT user_id FROM application_access_users
                 WHERE tenant_id = $1 AND application_id = $2 AND user_id = $3
                 UNION ALL
                 SELECT r.user_id FROM application_access_user_roles a
                 JOIN user_roles r ON r.tenant_id = a.tenant_id AND r.role_id = a.role_id
                 WHERE a.tenant_id = $1 AND a.application_id = $2 AND r.user_id = $3
                 UNION ALL
                 SELECT m.user_id FROM application_access_organizations a
                 JOIN organization_users m ON m.tenant_id = a.tenant_id AND m.organization_id = a.organization_id
                 WHERE a.tenant_id = $1 AND a.application_id = $2 AND m.user_id = $3
                 UNION ALL
                 SELECT r.user_id FROM application_access_organization_roles a
                 JOIN organization_user_roles r ON r.tenant_id = a.tenant_id
                     AND r.organization_id = a.organization_id AND r.organization_role_id = a.organization_role_id
                 WHERE a.tenant_id = $1 AND a.application_id = $2 AND r.user_id = $3
                 LIMIT 1"
            ),
            params![application_id, user_id],
        )
        .await?;
    Ok(row.is_some())
}
