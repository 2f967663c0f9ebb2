//! The consent scopes of third-party applications.

use std::sync::Arc;

use super::model::{ConsentScopes, ListedConsentScopes, NewConsentScopes, ScopeType};
use super::{rules, store};
use crate::applications::{self, RegisteredClient};
use crate::{Error, Result, Section, Tenant};

/// The consent scopes of an application.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn list(tenant: &Tenant, application_id: &str) -> Result<ListedConsentScopes> {
    let registered = find(tenant, application_id).await?;
    Ok(rules::listed(&registered.consent_scopes, &tenant.snapshot()))
}

/// Adds consent scopes; those it has already stay.
///
/// # Errors
/// `entity.not_exists_with_id`; `application.third_party_application_only`; `application.user_consent_scopes_not_found`;
/// `application.consent_management_api_scopes_not_allowed`.
pub async fn add(tenant: &Tenant, application_id: &str, new: NewConsentScopes) -> Result<()> {
    let registered = find(tenant, application_id).await?;
    check_third_party(&registered)?;
    super::check_new(tenant, &new).await?;
    let mut added = ConsentScopes::default();
    added.add(&new);
    tenant
        .configure(
            &[Section::Applications],
            (application_id.to_owned(), added),
            |tx, bumped, (id, new)| {
                Box::pin(async move {
                    store::insert_scopes(tx, bumped, id, new).await.map_err(|error| {
                        error.if_missing("application.user_consent_scopes_not_found")
                    })
                })
            },
        )
        .await
}

/// Takes a consent scope away. Tokens issued from now on are without it.
///
/// # Errors
/// `entity.not_exists_with_id`; `entity.not_found` when it is not on the list.
pub async fn remove(
    tenant: &Tenant,
    application_id: &str,
    scope_type: ScopeType,
    scope_id: &str,
) -> Result<()> {
    find(tenant, application_id).await?;
    let input = (application_id.to_owned(), scope_type, scope_id.to_owned());
    tenant
        .configure(&[Section::Applications], input, |tx, bumped, (id, scope_type, scope)| {
            Box::pin(async move {
                if store::delete_scope(tx, bumped, id, *scope_type, scope).await? {
                    Ok(())
                } else {
                    Err(Error::refused("entity.not_found"))
                }
            })
        })
        .await
}

async fn find(tenant: &Tenant, application_id: &str) -> Result<Arc<RegisteredClient>> {
    applications::find(tenant, application_id)
        .await?
        .ok_or_else(|| Error::not_found("applications", application_id))
}

pub(super) fn check_third_party(registered: &RegisteredClient) -> Result<()> {
    if registered.client.is_third_party {
        Ok(())
    } else {
        Err(Error::refused("application.third_party_application_only"))
    }
}
