//! The organization template: the roles that users and applications can hold in any organization, and what the roles allow.

pub(crate) mod declared;
mod model;
mod rules;
pub mod scopes;
mod store;

use trinco_db::{Conn, Tx};

pub use model::{
    Named, NamedResourceScope, NewOrganizationRole, NewOrganizationScope, OrganizationRole,
    OrganizationRoleChanges, OrganizationRoleSummary, OrganizationScope, OrganizationScopeChanges,
    Template,
};

use crate::hooks::{Event, News, telling};
use crate::resources::ResourceScope;
use crate::roles::{RoleType, distinct};
use crate::{Error, Listing, Page, Result, Section, Snapshot, Tenant, Text};

const SECTION: &[Section] = &[Section::OrganizationTemplate];

/// Whether some organization role allows something at a Management API.
pub fn some_role_manages(snapshot: &Snapshot) -> bool {
    let template = &snapshot.organization_template;
    template
        .roles()
        .flat_map(|role| template.resource_scope_ids(&role.id))
        .filter_map(|scope_id| snapshot.resources.scope(scope_id))
        .any(|(resource, _)| resource.is_management_api())
}

/// Lists organization roles with what they allow, the newest first: those whose id, name or description contains `containing`, in
/// any case.
pub fn list_roles(
    tenant: &Tenant,
    containing: Option<&str>,
    page: Page,
) -> Listing<OrganizationRoleSummary> {
    let snapshot = tenant.snapshot();
    let wanted = containing.map(str::to_lowercase);
    let mut found: Vec<&OrganizationRole> = snapshot
        .organization_template
        .roles()
        .filter(|role| {
            matches(wanted.as_deref(), &role.id, &role.name, role.description.as_deref())
        })
        .collect();
    found.sort_by(|one, other| {
        other.created_at.cmp(&one.created_at).then_with(|| one.id.cmp(&other.id))
    });
    Listing::of(found.into_iter().map(|role| summary(&snapshot, role)), page)
}

/// The organization role with this id.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn get_role(tenant: &Tenant, id: &str) -> Result<OrganizationRole> {
    find_in_snapshot(tenant, id).await?.ok_or_else(|| Error::not_found("organization_roles", id))
}

/// Creates an organization role with what it allows at first.
///
/// # Errors
/// `entity.unique_integrity_violation` when the name is taken; `entity.relation_foreign_key_not_found` for an unknown scope;
/// `role.management_api_scopes_not_assignable_to_user_role`.
pub async fn create_role(tenant: &Tenant, new: NewOrganizationRole) -> Result<OrganizationRole> {
    let scope_ids = distinct(new.organization_scope_ids);
    let resource_scope_ids = distinct(new.resource_scope_ids);
    check_resource_scopes(tenant, new.role_type, &resource_scope_ids).await?;
    let role = OrganizationRole {
        tenant_id: tenant.id().to_owned(),
        id: tenant.new_id(),
        name: new.name.into_string(),
        description: new.description.map(Text::into_string),
        role_type: new.role_type,
        created_at: tenant.now_ms(),
    };
    let mut telling = telling(tenant, Event::OrganizationRoleCreated).about(&role);
    if !scope_ids.is_empty() || !resource_scope_ids.is_empty() {
        let news = News::of(tenant, Event::OrganizationRoleScopesUpdated);
        telling = telling.and(news.fact("organizationRoleId", &role.id));
    }
    let input = (role.clone(), scope_ids, resource_scope_ids);
    telling
        .configure(SECTION, input, |tx, bumped, (role, scope_ids, resource_scope_ids)| {
            Box::pin(async move {
                store::insert_role(tx, bumped, role).await.map_err(role_name_taken)?;
                store::insert_role_scopes(tx, bumped, &role.id, scope_ids).await.map_err(gone)?;
                store::insert_role_resource_scopes(tx, bumped, &role.id, resource_scope_ids)
                    .await
                    .map_err(gone)
            })
        })
        .await?;
    Ok(role)
}

/// Changes an organization role.
///
/// # Errors
/// `entity.not_exists_with_id`; `entity.unique_integrity_violation`; `entity.db_constraint_violated` when the type would change.
pub async fn update_role(
    tenant: &Tenant,
    id: &str,
    changes: OrganizationRoleChanges,
) -> Result<OrganizationRole> {
    telling(tenant, Event::OrganizationRoleDataUpdated)
        .configure(SECTION, (id.to_owned(), changes), |tx, bumped, (id, changes)| {
            Box::pin(async move {
                let mut role = store::find_role(tx, id)
                    .await?
                    .ok_or_else(|| Error::not_found("organization_roles", id))?;
                rules::apply(changes, &mut role)?;
                store::update_role(tx, bumped, &role).await.map_err(role_name_taken)?;
                Ok(role)
            })
        })
        .await
}

/// Deletes an organization role: whoever holds it loses it.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn delete_role(tenant: &Tenant, id: &str) -> Result<()> {
    telling(tenant, Event::OrganizationRoleDeleted)
        .configure(SECTION, id.to_owned(), |tx, bumped, id| {
            Box::pin(async move {
                if store::delete_role(tx, bumped, id).await? {
                    Ok(())
                } else {
                    Err(Error::not_found("organization_roles", id))
                }
            })
        })
        .await
}

/// Lists the organization scopes of a role by name.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn role_scopes(
    tenant: &Tenant,
    role_id: &str,
    page: Page,
) -> Result<Listing<OrganizationScope>> {
    get_role(tenant, role_id).await?;
    let snapshot = tenant.snapshot();
    let mut scopes: Vec<_> = snapshot.organization_template.scopes_of(role_id).collect();
    scopes.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Listing::of(scopes.into_iter().cloned(), page))
}

/// Lists the scopes of API resources that a role holds, by name.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn role_resource_scopes(
    tenant: &Tenant,
    role_id: &str,
    page: Page,
) -> Result<Listing<ResourceScope>> {
    get_role(tenant, role_id).await?;
    let snapshot = tenant.snapshot();
    let mut scopes: Vec<&ResourceScope> = snapshot
        .organization_template
        .resource_scope_ids(role_id)
        .filter_map(|id| snapshot.resources.scope(id))
        .map(|(_, scope)| scope)
        .collect();
    scopes.sort_by(|one, other| one.name.cmp(&other.name).then_with(|| one.id.cmp(&other.id)));
    Ok(Listing::of(scopes.into_iter().cloned(), page))
}

/// Adds organization scopes to a role, or with `replace` gives it these in place of those it has.
///
/// # Errors
/// `entity.relation_foreign_key_not_found` when the role or a scope does not exist.
pub async fn set_role_scopes(
    tenant: &Tenant,
    role_id: &str,
    scope_ids: Vec<String>,
    replace: bool,
) -> Result<()> {
    let input = (role_id.to_owned(), distinct(scope_ids), replace);
    telling(tenant, Event::OrganizationRoleScopesUpdated)
        .configure(SECTION, input, |tx, bumped, (role_id, scope_ids, replace)| {
            Box::pin(async move {
                check_exists(tx, role_id).await?;
                if *replace {
                    store::clear_role_scopes(tx, bumped, role_id).await?;
                }
                store::insert_role_scopes(tx, bumped, role_id, scope_ids).await.map_err(gone)
            })
        })
        .await
}

/// Adds scopes of API resources to a role, or with `replace` gives it these in place of those it has.
///
/// # Errors
/// As [`set_role_scopes`], and `role.management_api_scopes_not_assignable_to_user_role`.
pub async fn set_role_resource_scopes(
    tenant: &Tenant,
    role_id: &str,
    scope_ids: Vec<String>,
    replace: bool,
) -> Result<()> {
    let role = find_in_snapshot(tenant, role_id).await?.ok_or_else(unknown)?;
    let scope_ids = distinct(scope_ids);
    check_resource_scopes(tenant, role.role_type, &scope_ids).await?;
    let input = (role_id.to_owned(), scope_ids, replace);
    tenant
        .configure(SECTION, input, |tx, bumped, (role_id, scope_ids, replace)| {
            Box::pin(async move {
                check_exists(tx, role_id).await?;
                if *replace {
                    store::clear_role_resource_scopes(tx, bumped, role_id).await?;
                }
                store::insert_role_resource_scopes(tx, bumped, role_id, scope_ids)
                    .await
                    .map_err(gone)
            })
        })
        .await
}

/// Takes an organization scope from a role.
///
/// # Errors
/// `entity.not_found` when it does not have the scope.
pub async fn remove_role_scope(tenant: &Tenant, role_id: &str, scope_id: &str) -> Result<()> {
    let input = (role_id.to_owned(), scope_id.to_owned());
    telling(tenant, Event::OrganizationRoleScopesUpdated)
        .configure(SECTION, input, |tx, bumped, (role_id, scope_id)| {
            Box::pin(async move {
                found(store::delete_role_scope(tx, bumped, role_id, scope_id).await?)
            })
        })
        .await
}

/// Takes a scope of an API resource from a role.
///
/// # Errors
/// `entity.not_found` when it does not have the scope.
pub async fn remove_role_resource_scope(
    tenant: &Tenant,
    role_id: &str,
    scope_id: &str,
) -> Result<()> {
    let input = (role_id.to_owned(), scope_id.to_owned());
    tenant
        .configure(SECTION, input, |tx, bumped, (role_id, scope_id)| {
            Box::pin(async move {
                found(store::delete_role_resource_scope(tx, bumped, role_id, scope_id).await?)
            })
        })
        .await
}

/// Reads the organization template of a tenant.
///
/// # Errors
/// When the database does not answer or holds something unreadable.
pub(crate) async fn load(conn: &mut Conn<'_>) -> Result<Template> {
    let roles = store::roles(conn).await?;
    let scopes = store::scopes(conn).await?;
    let role_scopes = store::role_scopes(conn).await?;
    let role_resource_scopes = store::role_resource_scopes(conn).await?;
    Ok(Template::new(roles, scopes, role_scopes, role_resource_scopes))
}

/// The role with this id for a request that refers to it: an unknown one is answered like any broken reference.
///
/// # Errors
/// `entity.relation_foreign_key_not_found`.
pub(crate) async fn referred_role(tenant: &Tenant, id: &str) -> Result<OrganizationRole> {
    find_in_snapshot(tenant, id).await?.ok_or_else(unknown)
}

fn summary(snapshot: &Snapshot, role: &OrganizationRole) -> OrganizationRoleSummary {
    let template = &snapshot.organization_template;
    let mut scopes: Vec<Named> = template
        .scopes_of(&role.id)
        .map(|scope| Named { id: scope.id.clone(), name: scope.name.clone() })
        .collect();
    scopes.sort_by(|one, other| one.name.cmp(&other.name));
    let mut resource_scopes: Vec<NamedResourceScope> = template
        .resource_scope_ids(&role.id)
        .filter_map(|id| snapshot.resources.scope(id))
        .map(|(resource, scope)| NamedResourceScope {
            id: scope.id.clone(),
            name: scope.name.clone(),
            resource: Named { id: resource.id.clone(), name: resource.name.clone() },
        })
        .collect();
    resource_scopes
        .sort_by(|one, other| one.name.cmp(&other.name).then_with(|| one.id.cmp(&other.id)));
    OrganizationRoleSummary { role: role.clone(), scopes, resource_scopes }
}

fn matches(wanted: Option<&str>, id: &str, name: &str, description: Option<&str>) -> bool {
    wanted.is_none_or(|text| {
        id.contains(text)
            || name.to_lowercase().contains(text)
            || description.is_some_and(|description| description.to_lowercase().contains(text))
    })
}

async fn find_in_snapshot(tenant: &Tenant, id: &str) -> Result<Option<OrganizationRole>> {
    tenant.find(|snapshot| snapshot.organization_template.role(id).cloned()).await
}

/// A role's type and a resource's indicator never change, so that what is checked here still holds in the transaction.
async fn check_resource_scopes(
    tenant: &Tenant,
    role_type: RoleType,
    scope_ids: &[String],
) -> Result<()> {
    for id in scope_ids {
        let resource = tenant
            .find(|snapshot| snapshot.resources.scope(id).map(|(resource, _)| resource.clone()))
            .await?
            .ok_or_else(unknown)?;
        rules::check_resource_scope_of(role_type, &resource)?;
    }
    Ok(())
}

async fn check_exists(tx: &mut Tx<'_>, role_id: &str) -> Result<()> {
    store::find_role(tx, role_id).await?.map(drop).ok_or_else(unknown)
}

fn unknown() -> Error {
    Error::refused("entity.relation_foreign_key_not_found")
}

fn gone(error: Error) -> Error {
    error.if_missing("entity.relation_foreign_key_not_found")
}

fn found(found: bool) -> Result<()> {
    if found { Ok(()) } else { Err(Error::refused("entity.not_found")) }
}

fn role_name_taken(error: Error) -> Error {
    error.if_taken("organization_roles_name", "entity.unique_integrity_violation")
}
