use std::collections::BTreeMap;

use trinco_db::{Conn, Sql, Tx, params, sql};
use trinco_oauth::Scope;
use trinco_oauth::grant::GrantedScopes;

use super::model::{ConsentScopes, ScopeType};
use crate::{Bumped, Error, Result};

/// One of the four lists.
type ListOf = fn(&mut ConsentScopes) -> &mut Vec<String>;

pub(super) async fn all_scopes(conn: &mut Conn<'_>) -> Result<BTreeMap<String, ConsentScopes>> {
    let mut found: BTreeMap<String, ConsentScopes> = BTreeMap::new();
    let lists: [(&'static Sql, ListOf); 4] = [
        (
            sql!(
                "SELECT application_id, user_scope FROM application_user_consent_user_scopes WHERE tenant_id = $1"
            ),
            |scopes| &mut scopes.user_scopes,
        ),
        (
            sql!(
                "SELECT application_id, scope_id FROM application_user_consent_resource_scopes
                 WHERE tenant_id = $1"
            ),
            |scopes| &mut scopes.resource_scopes,
        ),
        (
            sql!(
                "SELECT application_id, organization_scope_id FROM application_user_consent_organization_scopes
                 WHERE tenant_id = $1"
            ),
            |scopes| &mut scopes.organization_scopes,
        ),
        (
            sql!(
                "SELECT application_id, scope_id FROM application_user_consent_organization_resource_scopes
                 WHERE tenant_id = $1"
            ),
            |scopes| &mut scopes.organization_resource_scopes,
        ),
    ];
    for (select, list) in lists {
        for row in conn.all(select, &[]).await? {
            list(found.entry(row.get(0)?).or_default()).push(row.get(1)?);
        }
    }
    Ok(found)
}

pub(super) async fn scopes_of(conn: &mut Conn<'_>, application_id: &str) -> Result<ConsentScopes> {
    let mut found = ConsentScopes::default();
    let lists: [(&'static Sql, ListOf); 4] = [
        (
            sql!(
                "SELECT user_scope FROM application_user_consent_user_scopes
                 WHERE tenant_id = $1 AND application_id = $2"
            ),
            |scopes| &mut scopes.user_scopes,
        ),
        (
            sql!(
                "SELECT scope_id FROM application_user_consent_resource_scopes
                 WHERE tenant_id = $1 AND application_id = $2"
            ),
            |scopes| &mut scopes.resource_scopes,
        ),
        (
            sql!(
                "SELECT organization_scope_id FROM application_user_consent_organization_scopes
                 WHERE tenant_id = $1 AND application_id = $2"
            ),
            |scopes| &mut scopes.organization_scopes,
        ),
        (
            sql!(
                "SELECT scope_id FROM application_user_consent_organization_resource_scopes
                 WHERE tenant_id = $1 AND application_id = $2"
            ),
            |scopes| &mut scopes.organization_resource_scopes,
        ),
    ];
    for (select, list) in lists {
        for row in conn.all(select, params![application_id]).await? {
            list(&mut found).push(row.get(0)?);
        }
    }
    Ok(found)
}

pub(super) async fn insert_scopes(
    tx: &mut Tx<'_>,
    _: &Bumped,
    application_id: &str,
    new: &ConsentScopes,
) -> Result<()> {
    let lists: [(&'static Sql, &[String]); 4] = [
        (
            sql!(
                "INSERT INTO application_user_consent_user_scopes (tenant_id, application_id, user_scope)
                 VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
            ),
            &new.user_scopes,
        ),
        (
            sql!(
                "INSERT INTO application_user_consent_resource_scopes (tenant_id, application_id, scope_id)
                 VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
            ),
            &new.resource_scopes,
        ),
        (
            sql!(
                "INSERT INTO application_user_consent_organization_scopes
                     (tenant_id, application_id, organization_scope_id)
                 VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
            ),
            &new.organization_scopes,
        ),
        (
            sql!(
                "INSERT INTO application_user_consent_organization_resource_scopes
                     (tenant_id, application_id, scope_id)
                 VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
            ),
            &new.organization_resource_scopes,
        ),
    ];
    for (insert, scopes) in lists {
        for scope in scopes {
            tx.execute(insert, params![application_id, scope]).await?;
        }
    }
    Ok(())
}

pub(super) async fn delete_scopes(tx: &mut Tx<'_>, _: &Bumped, application_id: &str) -> Result<()> {
    for delete in [
        sql!(
            "DELETE FROM application_user_consent_user_scopes WHERE tenant_id = $1 AND application_id = $2"
        ),
        sql!(
            "DELETE FROM application_user_consent_resource_scopes
             WHERE tenant_id = $1 AND application_id = $2"
        ),
        sql!(
            "DELETE FROM application_user_consent_organization_scopes
             WHERE tenant_id = $1 AND application_id = $2"
        ),
        sql!(
            "DELETE FROM application_user_consent_organization_resource_scopes
             WHERE tenant_id = $1 AND application_id = $2"
        ),
    ] {
        tx.execute(delete, params![application_id]).await?;
    }
    Ok(())
}

/// False when the scope was not on the list.
pub(super) async fn delete_scope(
    tx: &mut Tx<'_>,
    _: &Bumped,
    application_id: &str,
    scope_type: ScopeType,
    scope: &str,
) -> Result<bool> {
    let delete = match scope_type {
        ScopeType::UserScopes => sql!(
            "DELETE FROM application_user_consent_user_scopes
             WHERE tenant_id = $1 AND application_id = $2 AND user_scope = $3"
        ),
        ScopeType::ResourceScopes => sql!(
            "DELETE FROM application_user_consent_resource_scopes
             WHERE tenant_id = $1 AND application_id = $2 AND scope_id = $3"
        ),
        ScopeType::OrganizationScopes => sql!(
            "DELETE FROM application_user_consent_organization_scopes
             WHERE tenant_id = $1 AND application_id = $2 AND organization_scope_id = $3"
        ),
        ScopeType::OrganizationResourceScopes => sql!(
            "DELETE FROM application_user_consent_organization_resource_scopes
             WHERE tenant_id = $1 AND application_id = $2 AND scope_id = $3"
        ),
    };
    Ok(tx.execute(delete, params![application_id, scope]).await? > 0)
}

pub(super) async fn find(
    conn: &mut Conn<'_>,
    user_id: &str,
    application_id: &str,
) -> Result<Option<GrantedScopes>> {
    let row = conn
        .optional(
            sql!(
                "SELECT scope, resources FROM consents
                 WHERE tenant_id = $1 AND user_id = $2 AND application_id = $3"
            ),
            params![user_id, application_id],
        )
        .await?;
    row.map(|row| {
        let scope: String = row.get(0)?;
        let unreadable = |_| Error::Internal("a stored scope is unreadable".to_owned());
        Ok(GrantedScopes {
            scope: Scope::parse(&scope).map_err(unreadable)?,
            resources: serde_json::from_str(&row.get::<String>(1)?)?,
        })
    })
    .transpose()
}

pub(super) async fn save(
    tx: &mut Tx<'_>,
    user_id: &str,
    application_id: &str,
    granted: &GrantedScopes,
    now_ms: i64,
) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO consents (tenant_id, user_id, application_id, scope, resources, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (tenant_id, user_id, application_id)
             DO UPDATE SET scope = $4, resources = $5, updated_at = $6"
        ),
        params![
            user_id,
            application_id,
            granted.scope.to_string(),
            serde_json::to_string(&granted.resources)?,
            now_ms
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn organization_ids(
    conn: &mut Conn<'_>,
    application_id: &str,
    user_id: &str,
) -> Result<Vec<String>> {
    let rows = conn
        .all(
            sql!(
                "SELECT organization_id FROM application_user_consent_organizations
                 WHERE tenant_id = $1 AND application_id = $2 AND user_id = $3"
            ),
            params![application_id, user_id],
        )
        .await?;
    rows.iter().map(|row| Ok(row.get(0)?)).collect()
}

/// Violates a foreign key when the user is not a member.
pub(super) async fn insert_organization(
    tx: &mut Tx<'_>,
    application_id: &str,
    organization_id: &str,
    user_id: &str,
) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO application_user_consent_organizations
                 (tenant_id, application_id, organization_id, user_id)
             VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
        ),
        params![application_id, organization_id, user_id],
    )
    .await?;
    Ok(())
}

/// Does nothing when the user is not, or no longer, a member.
pub(super) async fn insert_organization_of_member(
    tx: &mut Tx<'_>,
    application_id: &str,
    organization_id: &str,
    user_id: &str,
) -> Result<()> {
    tx.execute(
        sql!(
            "INSERT INTO application_user_consent_organizations
                 (tenant_id, application_id, organization_id, user_id)
             SELECT m.tenant_id, a.id, m.organization_id, m.user_id FROM organization_users m
             JOIN applications a ON a.tenant_id = m.tenant_id AND a.id = $2
             WHERE m.tenant_id = $1 AND m.organization_id = $3 AND m.user_id = $4
             ON CONFLICT DO NOTHING"
        ),
        params![application_id, organization_id, user_id],
    )
    .await?;
    Ok(())
}

pub(super) async fn delete_organizations(
    tx: &mut Tx<'_>,
    application_id: &str,
    user_id: &str,
) -> Result<()> {
    tx.execute(
        sql!(
            "DELETE FROM application_user_consent_organizations
             WHERE tenant_id = $1 AND application_id = $2 AND user_id = $3"
        ),
        params![application_id, user_id],
    )
    .await?;
    Ok(())
}

pub(super) async fn delete_organization(
    tx: &mut Tx<'_>,
    application_id: &str,
    organization_id: &str,
    user_id: &str,
) -> Result<bool> {
    let deleted = tx
        .execute(
            sql!(
                "DELETE FROM application_user_consent_organizations
                 WHERE tenant_id = $1 AND application_id = $2 AND organization_id = $3 AND user_id = $4"
            ),
            params![application_id, organization_id, user_id],
        )
        .await?;
    Ok(deleted > 0)
}
