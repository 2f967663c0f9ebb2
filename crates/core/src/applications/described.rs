//! Clients that are known by a document of their own: applications that nobody registered.

use trinco_oauth::client::Provenance;
use trinco_oauth::registration::document::ClientIdUrl;
use trinco_oauth::registration::{AuthMethod, ClientMetadata};
use trinco_oauth::{ApplicationType, ErrorCode, OAuthError};

use super::model::{Application, CustomClientMetadata, OidcClientMetadata, RegisteredClient};
use super::{rules, store};
use crate::consents::ConsentScopes;
use crate::{JsonObject, Result, Tenant, Text};

/// A client known by its document is forgotten a day after it was last seen, unless a grant of it lives: milliseconds.
const FORGOTTEN_AFTER_MS: i64 = 86_400_000;

/// The client that a document describes. What it may ask for, and which grants it may use, is not the document's to say.
///
/// # Errors
/// `invalid_client_metadata` when its keys cannot be used.
pub(crate) fn described(
    tenant: &Tenant,
    client_id: &ClientIdUrl,
    metadata: ClientMetadata,
) -> Result<RegisteredClient, OAuthError> {
    let is_confidential = metadata.auth_method == Some(AuthMethod::PrivateKeyJwt);
    let jwks: Option<JsonObject> = metadata.jwks.filter(|_| is_confidential);
    if let Some(jwks) = &jwks {
        rules::check_key_set(jwks).map_err(|rule| {
            OAuthError::new(ErrorCode::InvalidClientMetadata, format!("jwks {rule}"))
        })?;
    }
    let application = Application {
        tenant_id: tenant.id().to_owned(),
        id: client_id.as_str().to_owned(),
        name: metadata.name.unwrap_or_else(|| client_id.host()),
        description: None,
        // A public one as an application on a device: those may answer at any port of loopback.
        application_type: if is_confidential {
            ApplicationType::Traditional
        } else {
            ApplicationType::Native
        },
        oidc_client_metadata: OidcClientMetadata {
            redirect_uris: metadata
                .redirect_uris
                .into_iter()
                .filter_map(|(uri, _)| Text::new(uri).ok())
                .collect(),
            jwks,
            ..OidcClientMetadata::default()
        },
        custom_client_metadata: CustomClientMetadata {
            dpop_bound_access_tokens: Some(metadata.dpop_bound_access_tokens),
            require_pushed_authorization_requests: Some(
                metadata.require_pushed_authorization_requests,
            ),
            ..CustomClientMetadata::default()
        },
        protected_app_metadata: None,
        custom_data: JsonObject::new(),
        is_third_party: true,
        app_level_access_control_enabled: false,
        provenance: Provenance::Document,
        created_at: tenant.now_ms(),
    };
    Ok(RegisteredClient {
        client: application.to_client(),
        secrets: Vec::new(),
        experience: None,
        consent_scopes: ConsentScopes::default(),
        keys: rules::verifier_of(&application.oidc_client_metadata),
        application,
    })
}

/// Notes that a client known by its document was seen, so that grants can refer to it.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn note_described(tenant: &Tenant, registered: &RegisteredClient) -> Result<()> {
    let seen = Application { created_at: tenant.now_ms(), ..registered.application.clone() };
    // No section: the row is not part of the configuration.
    tenant.configure(&[], seen, |tx, bumped, seen| Box::pin(store::insert(tx, bumped, seen))).await
}

/// How many there are.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn count_described(tenant: &Tenant) -> Result<i64> {
    store::count_documents(&mut tenant.read().await?).await
}

/// Forgets up to `batch` clients of which nothing is left but that they were seen; returns how many.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn forget_unused(tenant: &Tenant, batch: u32) -> Result<u64> {
    let before = tenant.now_ms() - FORGOTTEN_AFTER_MS;
    tenant
        .configure(&[], (before, batch), |tx, bumped, (before, batch)| {
            Box::pin(store::delete_unused_documents(tx, bumped, *before, *batch))
        })
        .await
}
