//! What a client is told of its registration (RFC 7591 §3.2.1, RFC 7592 §3).

use serde_json::{Map, Value, json};
use trinco_oauth::Scope;
use trinco_oauth::registration::AuthMethod;
use trinco_oauth::scope::{OFFLINE_ACCESS, OPENID};

use super::model::{Information, RegistrableGrant, RegistrableType};
use crate::applications::{self, Application, ApplicationSecret};
use crate::consents::{self, ConsentScopes};
use crate::{Result, Secret, Snapshot, Tenant};

/// What is told later: the token, of which only the hash is kept, is the one that was presented.
pub(super) async fn information(
    tenant: &Tenant,
    application: &Application,
    auth_method: &str,
    token: &str,
) -> Result<Information> {
    let snapshot = tenant.snapshot();
    let scopes = snapshot
        .applications
        .get(&application.id)
        .map(|registered| registered.consent_scopes.clone())
        .unwrap_or_default();
    let scopes = scopes.intersection(&snapshot.oidc_settings.registration.consent_scopes);
    let has_secret = [AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost]
        .iter()
        .any(|method| method.as_str() == auth_method);
    let client_secret = if has_secret {
        let secrets = applications::secrets(tenant, &application.id).await?;
        let now = tenant.now_ms();
        let is_live = |secret: &ApplicationSecret| secret.expires_at.is_none_or(|at| now < at);
        secrets.into_iter().rfind(is_live).map(|secret| (secret.value, secret.expires_at))
    } else {
        None
    };
    Ok(Information {
        metadata: described(tenant, &snapshot, application, auth_method, &scopes),
        client_secret,
        registration_access_token: Secret::new(token.to_owned()),
    })
}

/// The metadata as it is registered, and nothing that was left out (RFC 7591 §3.2.1).
pub(super) fn described(
    tenant: &Tenant,
    snapshot: &Snapshot,
    application: &Application,
    auth_method: &str,
    scopes: &ConsentScopes,
) -> Map<String, Value> {
    let client = application.to_client();
    let mut grants = vec![RegistrableGrant::AuthorizationCode.as_str()];
    let mut always = vec![OPENID];
    if client.allows_refresh_tokens {
        grants.push(RegistrableGrant::RefreshToken.as_str());
        always.push(OFFLINE_ACCESS);
    }
    let scope = Scope::from_iter(always).union(&consents::names(scopes, snapshot));
    let kind = match application.application_type {
        trinco_oauth::ApplicationType::Native => RegistrableType::Native,
        _ => RegistrableType::Traditional,
    };
    let mut metadata = Map::new();
    let mut set = |name: &str, value: Value| metadata.insert(name.to_owned(), value);
    set("client_id", json!(application.id));
    set("client_id_issued_at", json!(application.created_at.div_euclid(1000)));
    set("client_name", json!(application.name));
    set("application_type", json!(kind.as_str()));
    set("redirect_uris", json!(client.redirect_uris));
    if !client.post_logout_redirect_uris.is_empty() {
        set("post_logout_redirect_uris", json!(client.post_logout_redirect_uris));
    }
    set("token_endpoint_auth_method", json!(auth_method));
    set("grant_types", json!(grants));
    set("response_types", json!(["code"]));
    set("scope", json!(scope.to_string()));
    // OpenID Connect Dynamic Client Registration §3.2: said, because clients expect RS256 otherwise.
    set("id_token_signed_response_alg", json!(snapshot.keys.algorithm().name()));
    if let Some(jwks) = &application.oidc_client_metadata.jwks {
        set("jwks", json!(jwks));
    }
    set("dpop_bound_access_tokens", json!(client.dpop_bound_access_tokens));
    set("require_pushed_authorization_requests", json!(client.require_pushed_requests));
    let uri = format!("{}/register/{}", tenant.issuer(), application.id);
    set("registration_client_uri", json!(uri));
    metadata
}
