//! Organization scopes: the permissions that organization roles are made of.

use super::model::{NewOrganizationScope, OrganizationScope, OrganizationScopeChanges};
use super::{SECTION, matches, rules, store};
use crate::hooks::{Event, telling};
use crate::{Error, Listing, Page, Result, Tenant, Text};

/// Lists organization scopes by name: those whose id, name or description contains `containing`, in any case.
pub fn list(tenant: &Tenant, containing: Option<&str>, page: Page) -> Listing<OrganizationScope> {
    let snapshot = tenant.snapshot();
    let wanted = containing.map(str::to_lowercase);
    let mut found: Vec<&OrganizationScope> = snapshot
        .organization_template
        .scopes()
        .filter(|scope| {
            matches(wanted.as_deref(), &scope.id, &scope.name, scope.description.as_deref())
        })
        .collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Listing::of(found.into_iter().cloned(), page)
}

/// The organization scope with this id.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn get(tenant: &Tenant, id: &str) -> Result<OrganizationScope> {
    tenant
        .find(|snapshot| snapshot.organization_template.scope(id).cloned())
        .await?
        .ok_or_else(|| Error::not_found("organization_scopes", id))
}

/// Creates an organization scope.
///
/// # Errors
/// `entity.unique_integrity_violation` when the name is taken; `scope.name_with_space`.
pub async fn create(tenant: &Tenant, new: NewOrganizationScope) -> Result<OrganizationScope> {
    rules::check_scope_name(new.name.as_str())?;
    let scope = OrganizationScope {
        tenant_id: tenant.id().to_owned(),
        id: tenant.new_id(),
        name: new.name.into_string(),
        description: new.description.map(Text::into_string),
        created_at: tenant.now_ms(),
    };
    telling(tenant, Event::OrganizationScopeCreated)
        .about(&scope)
        .configure(SECTION, scope.clone(), |tx, bumped, scope| {
            Box::pin(async move {
                store::insert_scope(tx, bumped, scope).await.map_err(scope_name_taken)
            })
        })
        .await?;
    Ok(scope)
}

/// Refuses a name that no organization scope can have.
///
/// # Errors
/// `scope.name_with_space`.
pub(crate) fn check_name(name: &str) -> Result<()> {
    rules::check_scope_name(name)
}

/// Changes an organization scope.
///
/// # Errors
/// `entity.not_exists_with_id`, or as [`create`].
pub async fn update(
    tenant: &Tenant,
    id: &str,
    changes: OrganizationScopeChanges,
) -> Result<OrganizationScope> {
    telling(tenant, Event::OrganizationScopeDataUpdated)
        .configure(SECTION, (id.to_owned(), changes), |tx, bumped, (id, changes)| {
            Box::pin(async move {
                let mut scope = store::find_scope(tx, id)
                    .await?
                    .ok_or_else(|| Error::not_found("organization_scopes", id))?;
                rules::apply_to_scope(changes, &mut scope)?;
                store::update_scope(tx, bumped, &scope).await.map_err(scope_name_taken)?;
                Ok(scope)
            })
        })
        .await
}

/// Deletes an organization scope, which organization roles lose.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn delete(tenant: &Tenant, id: &str) -> Result<()> {
    telling(tenant, Event::OrganizationScopeDeleted)
        .configure(SECTION, id.to_owned(), |tx, bumped, id| {
            Box::pin(async move {
                if store::delete_scope(tx, bumped, id).await? {
                    Ok(())
                } else {
                    Err(Error::not_found("organization_scopes", id))
                }
            })
        })
        .await
}

fn scope_name_taken(error: Error) -> Error {
    error.if_taken("organization_scopes_name", "entity.unique_integrity_violation")
}
