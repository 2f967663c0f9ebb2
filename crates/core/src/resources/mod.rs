//! API resources: the APIs that access tokens are issued for, and their scopes.

pub(crate) mod declared;
pub mod management;
mod model;
mod rules;
mod store;

use std::collections::HashMap;
use std::sync::Arc;

use trinco_db::{Conn, Tx};
use trinco_oauth::Params;
use trinco_oauth::protected_resource::ProtectedResource;

pub use model::{
    Catalogue, Entry, NewResource, NewScope, Resource, ResourceChanges, ResourceScope, ScopeChanges,
};

use crate::hooks::{Event, telling};
use crate::{Error, Listing, Page, Result, Section, Tenant, Text};

/// The id of the resource that stands for the tenant's own Management API.
pub const MANAGEMENT_API: &str = "management-api";
/// The id of its scope that allows everything.
pub const MANAGEMENT_API_ALL: &str = "management-api-all";

/// How long an access token lives unless the resource says otherwise: seconds.
pub(crate) const DEFAULT_ACCESS_TOKEN_TTL: i64 = 3600;

/// A scope disappears from roles and organization roles with its resource.
const SECTIONS_WITH_SCOPES: &[Section] =
    &[Section::Resources, Section::Roles, Section::OrganizationTemplate];

/// The resource indicator of a tenant's Management API.
pub fn management_api_indicator(tenant_id: &str) -> String {
    rules::management_api_indicator(tenant_id)
}

/// Whether this is the indicator of some tenant's Management API.
pub(crate) fn is_management_api(indicator: &str) -> bool {
    rules::is_management_api(indicator)
}

/// Where the Management API of a tenant is found: its name among protected resources (RFC 9728 §1.2).
pub fn management_api_url(tenant: &Tenant) -> String {
    format!("{}/api", tenant.origin().base())
}

/// Where userinfo is found.
pub fn userinfo_url(tenant: &Tenant) -> String {
    format!("{}/me", tenant.issuer())
}

/// The parameters with this server's own resources called by the names that tokens call them by. A client that discovered one
/// (RFC 9728) asks by the URL it found; the Management API has an indicator of its own, and userinfo takes the tokens that are for
/// no resource at all. What the tenant itself registered under such a URL is meant as it stands.
pub fn canonical(tenant: &Tenant, params: Params) -> Params {
    let snapshot = tenant.snapshot();
    params.with_resources_renamed(|resource| {
        if snapshot.resources.by_indicator(resource).is_some() {
            Some(resource.to_owned())
        } else if resource == management_api_url(tenant) {
            Some(management_api_indicator(tenant.id()))
        } else {
            Some(resource.to_owned()).filter(|resource| *resource != userinfo_url(tenant))
        }
    })
}

/// The metadata that the API behind a resource publishes about itself (RFC 9728), ready to be served by it.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn protected_resource(tenant: &Tenant, id: &str) -> Result<ProtectedResource> {
    let entry = get(tenant, id).await?;
    let scopes = entry.scopes.iter().map(|scope| scope.name.clone()).collect();
    let resource = &entry.resource;
    Ok(ProtectedResource::new(&resource.indicator, tenant.issuer(), &resource.name, scopes))
}

/// Lists resources with their scopes, the newest first.
pub fn list(tenant: &Tenant, page: Page) -> Listing<Arc<Entry>> {
    let snapshot = tenant.snapshot();
    let mut entries: Vec<&Arc<Entry>> = snapshot.resources.iter().collect();
    entries.sort_by(|one, other| {
        let (one, other) = (&one.resource, &other.resource);
        other.created_at.cmp(&one.created_at).then_with(|| one.id.cmp(&other.id))
    });
    Listing::of(entries.into_iter().cloned(), page)
}

/// The resource with this id.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn get(tenant: &Tenant, id: &str) -> Result<Arc<Entry>> {
    tenant
        .find(|snapshot| snapshot.resources.get(id).cloned())
        .await?
        .ok_or_else(|| Error::not_found("resources", id))
}

/// Creates a resource without scopes.
///
/// # Errors
/// `resource.resource_identifier_in_use`; `guard.invalid_input` when the body breaks a rule.
pub async fn create(tenant: &Tenant, new: NewResource) -> Result<Resource> {
    let resource = prepare(tenant, new)?;
    tenant
        .configure(&[Section::Resources], resource.clone(), |tx, bumped, resource| {
            Box::pin(
                async move { store::insert(tx, bumped, resource).await.map_err(indicator_taken) },
            )
        })
        .await?;
    Ok(resource)
}

fn prepare(tenant: &Tenant, new: NewResource) -> Result<Resource> {
    rules::check_new(&new)?;
    Ok(Resource {
        tenant_id: tenant.id().to_owned(),
        id: tenant.new_id(),
        name: new.name.into_string(),
        indicator: new.indicator.into_string(),
        is_default: false,
        access_token_ttl: new.access_token_ttl.map_or(DEFAULT_ACCESS_TOKEN_TTL, i64::from),
        created_at: tenant.now_ms(),
    })
}

/// Refuses a resource or scope that [`create`] or [`create_scope`] would refuse by itself, before anything is written.
///
/// # Errors
/// `guard.invalid_input`; `scope.name_with_space`.
pub(crate) fn check(new: &NewResource, scope_names: &[&str]) -> Result<()> {
    rules::check_new(new)?;
    scope_names.iter().try_for_each(|name| rules::check_scope_name(name))
}

/// Changes a resource.
///
/// # Errors
/// `entity.not_exists_with_id`; `resource.cannot_modify_management_api`; `guard.invalid_input`.
pub async fn update(tenant: &Tenant, id: &str, changes: ResourceChanges) -> Result<Resource> {
    let input = (id.to_owned(), changes);
    tenant
        .configure(&[Section::Resources], input, |tx, bumped, (id, changes)| {
            Box::pin(async move {
                let mut resource = find(tx, id).await?;
                rules::apply(changes, &mut resource)?;
                store::update(tx, bumped, &resource).await?;
                Ok(resource)
            })
        })
        .await
}

/// Makes a resource the tenant's only default one, or no longer the default.
///
/// # Errors
/// `entity.not_exists_with_id`; `resource.cannot_modify_management_api`: a client that asks for nothing must not get a token for
/// the Management API.
pub async fn set_default(tenant: &Tenant, id: &str, is_default: bool) -> Result<Resource> {
    let input = (id.to_owned(), is_default);
    tenant
        .configure(&[Section::Resources], input, |tx, bumped, (id, is_default)| {
            Box::pin(async move {
                let resource = find(tx, id).await?;
                rules::check_may_change(&resource)?;
                if *is_default {
                    store::set_default(tx, bumped, id).await?;
                } else {
                    store::unset_default(tx, bumped, id).await?;
                }
                Ok(Resource { is_default: *is_default, ..resource })
            })
        })
        .await
}

/// Deletes a resource with its scopes, which roles and organization roles lose.
///
/// # Errors
/// `entity.not_exists_with_id`; `resource.cannot_delete_management_api`.
pub async fn delete(tenant: &Tenant, id: &str) -> Result<()> {
    tenant
        .configure(SECTIONS_WITH_SCOPES, id.to_owned(), |tx, bumped, id| {
            Box::pin(async move {
                rules::check_may_delete(&find(tx, id).await?)?;
                store::delete(tx, bumped, id).await
            })
        })
        .await
}

/// Lists the scopes of a resource by name: those whose name contains `containing`, in any case. An unknown resource has none.
///
/// # Errors
/// When the database does not answer.
pub async fn scopes(
    tenant: &Tenant,
    resource_id: &str,
    containing: Option<&str>,
    page: Page,
) -> Result<Listing<ResourceScope>> {
    let entry = tenant.find(|snapshot| snapshot.resources.get(resource_id).cloned()).await?;
    let wanted = containing.map(str::to_lowercase);
    let found = entry
        .iter()
        .flat_map(|entry| &entry.scopes)
        .filter(|scope| wanted.as_ref().is_none_or(|text| scope.name.to_lowercase().contains(text)))
        .cloned();
    Ok(Listing::of(found, page))
}

/// The scope with this id, and its resource.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn scope(tenant: &Tenant, scope_id: &str) -> Result<(Resource, ResourceScope)> {
    tenant
        .find(|snapshot| {
            let (resource, scope) = snapshot.resources.scope(scope_id)?;
            Some((resource.clone(), scope.clone()))
        })
        .await?
        .ok_or_else(|| Error::not_found("scopes", scope_id))
}

/// Creates a scope.
///
/// # Errors
/// `scope.name_with_space`; `scope.name_exists`; `entity.not_exists_with_id`; `resource.cannot_modify_management_api`.
pub async fn create_scope(
    tenant: &Tenant,
    resource_id: &str,
    new: NewScope,
) -> Result<ResourceScope> {
    rules::check_scope_name(new.name.as_str())?;
    let scope = ResourceScope {
        tenant_id: tenant.id().to_owned(),
        id: tenant.new_id(),
        resource_id: resource_id.to_owned(),
        name: new.name.into_string(),
        description: new.description.map(Text::into_string),
        created_at: tenant.now_ms(),
    };
    telling(tenant, Event::ScopeCreated)
        .about(&scope)
        .configure(&[Section::Resources], scope.clone(), |tx, bumped, scope| {
            Box::pin(async move {
                rules::check_may_change(&find(tx, &scope.resource_id).await?)?;
                store::insert_scope(tx, bumped, scope).await.map_err(scope_name_taken)
            })
        })
        .await?;
    Ok(scope)
}

/// Changes a scope.
///
/// # Errors
/// As [`create_scope`].
pub async fn update_scope(
    tenant: &Tenant,
    resource_id: &str,
    scope_id: &str,
    changes: ScopeChanges,
) -> Result<ResourceScope> {
    let input = (resource_id.to_owned(), scope_id.to_owned(), changes);
    telling(tenant, Event::ScopeDataUpdated)
        .configure(&[Section::Resources], input, |tx, bumped, (resource_id, scope_id, changes)| {
            Box::pin(async move {
                rules::check_may_change(&find(tx, resource_id).await?)?;
                let mut scope = store::find_scope(tx, resource_id, scope_id)
                    .await?
                    .ok_or_else(|| Error::not_found("scopes", scope_id))?;
                rules::apply_to_scope(changes, &mut scope)?;
                store::update_scope(tx, bumped, &scope).await.map_err(scope_name_taken)?;
                Ok(scope)
            })
        })
        .await
}

/// Deletes a scope, which roles and organization roles lose.
///
/// # Errors
/// `entity.not_exists_with_id`; `resource.cannot_modify_management_api`.
pub async fn delete_scope(tenant: &Tenant, resource_id: &str, scope_id: &str) -> Result<()> {
    let input = (resource_id.to_owned(), scope_id.to_owned());
    telling(tenant, Event::ScopeDeleted)
        .configure(SECTIONS_WITH_SCOPES, input, |tx, bumped, (resource_id, scope_id)| {
            Box::pin(async move {
                rules::check_may_change(&find(tx, resource_id).await?)?;
                if store::delete_scope(tx, bumped, resource_id, scope_id).await? {
                    Ok(())
                } else {
                    Err(Error::not_found("scopes", scope_id))
                }
            })
        })
        .await
}

/// Reads every resource of a tenant.
///
/// # Errors
/// When the database does not answer or holds something unreadable.
pub(crate) async fn load(conn: &mut Conn<'_>) -> Result<Catalogue> {
    let resources = store::all(conn).await?;
    let mut scopes: HashMap<String, Vec<ResourceScope>> = HashMap::new();
    for scope in store::scopes(conn).await? {
        scopes.entry(scope.resource_id.clone()).or_default().push(scope);
    }
    Ok(Catalogue::new(resources.into_iter().map(|resource| {
        let scopes = scopes.remove(&resource.id).unwrap_or_default();
        Entry { resource, scopes }
    })))
}

async fn find(tx: &mut Tx<'_>, id: &str) -> Result<Resource> {
    store::find(tx, id).await?.ok_or_else(|| Error::not_found("resources", id))
}

fn indicator_taken(error: Error) -> Error {
    error.if_taken("resources_indicator", "resource.resource_identifier_in_use")
}

fn scope_name_taken(error: Error) -> Error {
    error.if_taken("scopes_resource_id_name", "scope.name_exists")
}
