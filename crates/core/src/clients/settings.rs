//! The settings of clients that are known by a document.

use super::model::{DocumentChanges, DocumentSettings};
use crate::consents::{self, ListedConsentScopes, NewConsentScopes, ScopeType};
use crate::oidc_settings::{self, OidcSettings};
use crate::{Error, Result, Tenant};

/// Whether such clients are let in.
pub fn is_enabled(tenant: &Tenant) -> bool {
    tenant.snapshot().oidc_settings.documents.enabled
}

/// Lets such clients in, or shuts them out: their grants stay, and are worth nothing until they are let in again.
///
/// # Errors
/// When the database does not answer.
pub async fn update(tenant: &Tenant, changes: DocumentChanges) -> Result<bool> {
    change(tenant, changes, |settings, changes| {
        settings.enabled = changes.enabled.unwrap_or(settings.enabled);
        Ok(())
    })
    .await?;
    Ok(is_enabled(tenant))
}

/// What such clients may ask users for.
pub fn consent_scopes(tenant: &Tenant) -> ListedConsentScopes {
    let snapshot = tenant.snapshot();
    consents::listed(&snapshot.oidc_settings.documents.consent_scopes, &snapshot)
}

/// Lets such clients ask for more; what is on the list already stays.
///
/// # Errors
/// `application.user_consent_scopes_not_found`; `application.consent_management_api_scopes_not_allowed`.
pub async fn add_consent_scopes(tenant: &Tenant, new: NewConsentScopes) -> Result<()> {
    consents::check_new(tenant, &new).await?;
    change(tenant, new, |settings, new| {
        settings.consent_scopes.add(new);
        Ok(())
    })
    .await
}

/// Takes a scope off the list. Tokens issued from now on are without it.
///
/// # Errors
/// `entity.not_found` when it is not on the list.
pub async fn remove_consent_scope(
    tenant: &Tenant,
    scope_type: ScopeType,
    scope_id: &str,
) -> Result<()> {
    let input = (scope_type, scope_id.to_owned());
    change(tenant, input, |settings, (scope_type, scope_id)| {
        if settings.consent_scopes.remove(*scope_type, scope_id) {
            Ok(())
        } else {
            Err(Error::refused("entity.not_found"))
        }
    })
    .await
}

async fn change<I: Send + Sync + 'static>(
    tenant: &Tenant,
    input: I,
    apply: fn(&mut DocumentSettings, &I) -> Result<()>,
) -> Result<()> {
    let input = (input, apply);
    oidc_settings::change(tenant, input, |settings: &mut OidcSettings, (input, apply)| {
        apply(&mut settings.documents, input)
    })
    .await
}
