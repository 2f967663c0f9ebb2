//! What is allowed of an application.

use serde_json::Value;
use trinco_jose::{Jwk, JwkSet, Verifier, VerifyingKey};
use trinco_oauth::{ApplicationType, fapi};
use url::Url;

use super::assertion::ALGORITHMS;
use super::model::{
    Application, ApplicationChanges, CustomClientMetadata, ID_TOKEN_TTL, NewApplication,
    OidcClientMetadata,
};
use crate::keys::FAPI_ALGORITHMS;
use crate::{Error, JsonObject, Result};

/// Schemes that a browser would execute or read locally: never a place to send a code to.
const FORBIDDEN_SCHEMES: [&str; 7] =
    ["javascript", "data", "vbscript", "file", "blob", "about", "ftp"];

/// More keys than this no client rotates through.
const MAX_KEYS: usize = 16;

pub(super) fn check_new(new: &NewApplication) -> Result<()> {
    match new.application_type {
        ApplicationType::SAML => return Err(Error::refused("application.saml.use_saml_app_api")),
        ApplicationType::Protected => {
            return Err(Error::refused("application.protected_app_metadata_is_required"));
        }
        _ => {}
    }
    let may_be_third_party = matches!(
        new.application_type,
        ApplicationType::Traditional | ApplicationType::SPA | ApplicationType::Native
    );
    if new.is_third_party && !may_be_third_party {
        return Err(Error::refused("application.invalid_third_party_application_type"));
    }
    if new.custom_client_metadata.is_device_flow == Some(true)
        && new.application_type != ApplicationType::Native
    {
        return Err(Error::refused("application.device_flow_native_only"));
    }
    check_token_exchange(new.is_third_party, &new.custom_client_metadata)?;
    check_bounds(&new.custom_client_metadata)?;
    check_uris(&new.oidc_client_metadata)?;
    check_keys(new.application_type, &new.oidc_client_metadata)?;
    check_origins(&new.custom_client_metadata)
}

pub(super) fn apply(changes: &ApplicationChanges, application: &mut Application) -> Result<()> {
    if let Some(name) = &changes.name {
        name.as_str().clone_into(&mut application.name);
    }
    if let Some(description) = &changes.description {
        application.description = description.as_ref().map(|text| text.as_str().to_owned());
    }
    if let Some(metadata) = &changes.oidc_client_metadata {
        check_uris(metadata)?;
        check_keys(application.application_type, metadata)?;
        application.oidc_client_metadata = metadata.clone();
    }
    if let Some(metadata) = &changes.custom_client_metadata {
        check_token_exchange(application.is_third_party, metadata)?;
        check_bounds(metadata)?;
        check_origins(metadata)?;
        let was = application.custom_client_metadata.is_device_flow.unwrap_or(false);
        if metadata.is_device_flow.is_some_and(|is| is != was) {
            return Err(Error::refused("application.device_flow_not_changeable"));
        }
        let kept = application.custom_client_metadata.is_device_flow;
        application.custom_client_metadata =
            CustomClientMetadata { is_device_flow: kept, ..metadata.clone() };
    }
    if let Some(data) = &changes.custom_data {
        application.custom_data = data.clone();
    }
    if changes.is_admin == Some(true)
        && application.application_type != ApplicationType::MachineToMachine
    {
        return Err(Error::refused("application.invalid_type"));
    }
    if let Some(enabled) = changes.app_level_access_control_enabled {
        application.app_level_access_control_enabled = enabled;
    }
    check_profile(application)
}

/// Whether applications of this kind authenticate with secrets.
pub(super) const fn has_secrets(kind: ApplicationType) -> bool {
    matches!(
        kind,
        ApplicationType::MachineToMachine
            | ApplicationType::Traditional
            | ApplicationType::Protected
    )
}

/// The keys a client authenticates with.
pub(super) fn verifier_of(metadata: &OidcClientMetadata) -> Verifier {
    key_set(metadata).map(|keys| keys.verifier()).unwrap_or_default()
}

fn key_set(metadata: &OidcClientMetadata) -> Option<JwkSet> {
    JwkSet::from_json(&serde_json::to_vec(metadata.jwks.as_ref()?).ok()?).ok()
}

fn check_keys(kind: ApplicationType, metadata: &OidcClientMetadata) -> Result<()> {
    let Some(jwks) = &metadata.jwks else { return Ok(()) };
    let checked = if has_secrets(kind) {
        check_key_set(jwks)
    } else {
        Err("is for applications with a server")
    };
    checked.map_err(|rule| Error::invalid_field("oidcClientMetadata.jwks", rule))
}

/// A key set that could verify nothing would lock the client out, and a private key has no business here.
pub(super) fn check_key_set(jwks: &JsonObject) -> Result<(), &'static str> {
    let stated = jwks.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if stated.len() > MAX_KEYS {
        return Err("must hold 16 keys at most");
    }
    let is_private = |key: &Value| ["d", "k"].iter().any(|name| key.get(name).is_some());
    if stated.iter().any(is_private) {
        return Err("must hold public keys only");
    }
    let is_usable =
        |key: &&Jwk| ALGORITHMS.contains(&key.algorithm()) && VerifyingKey::from_jwk(key).is_ok();
    let usable = serde_json::to_vec(jwks)
        .ok()
        .and_then(|json| JwkSet::from_json(&json).ok())
        .map(|set| set.keys().iter().filter(is_usable).count());
    match usable {
        Some(usable) if usable > 0 && usable == stated.len() => Ok(()),
        _ => Err("must be a JWK set of RSA, P-256, P-384 or Ed25519 keys for signatures"),
    }
}

/// What an application lacks for the security profile it is to be held to.
pub(super) fn check_profile(application: &Application) -> Result<()> {
    let client = application.to_client();
    if !client.is_fapi2() {
        return Ok(());
    }
    let is_usable = |key: &Jwk| FAPI_ALGORITHMS.contains(&key.algorithm());
    let has_usable_key = key_set(&application.oidc_client_metadata)
        .is_some_and(|set| set.keys().iter().any(is_usable));
    fapi::check_registration(&client, has_usable_key)
        .map_err(|rule| Error::invalid_field("customClientMetadata.securityProfile", rule))
}

fn check_token_exchange(is_third_party: bool, metadata: &CustomClientMetadata) -> Result<()> {
    if is_third_party && metadata.allow_token_exchange == Some(true) {
        return Err(Error::refused(
            "application.third_party_application_cannot_enable_token_exchange",
        ));
    }
    Ok(())
}

/// A retired signing key is published as long as the longest ID token lives, so that must end some day.
fn check_bounds(metadata: &CustomClientMetadata) -> Result<()> {
    if metadata.id_token_ttl.is_some_and(|ttl| !ID_TOKEN_TTL.contains(&ttl)) {
        return Err(Error::invalid_field(
            "customClientMetadata.idTokenTtl",
            "must be from 1 to 31536000 seconds",
        ));
    }
    if metadata.max_allowed_grants == Some(0) {
        return Err(Error::invalid_field(
            "customClientMetadata.maxAllowedGrants",
            "must be at least 1; leave it out for no limit",
        ));
    }
    Ok(())
}

fn check_uris(metadata: &OidcClientMetadata) -> Result<()> {
    for uri in &metadata.redirect_uris {
        check_uri("oidcClientMetadata.redirectUris", uri.as_str())?;
    }
    for uri in &metadata.post_logout_redirect_uris {
        check_uri("oidcClientMetadata.postLogoutRedirectUris", uri.as_str())?;
    }
    if let Some(uri) = &metadata.backchannel_logout_uri {
        // Back-Channel Logout §2.2: no fragment.
        let is_web = Url::parse(uri.as_str()).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none()
        });
        if !is_web {
            return Err(Error::invalid_field(
                "oidcClientMetadata.backchannelLogoutUri",
                "must be an http or https URL without a fragment or credentials",
            ));
        }
    }
    Ok(())
}

/// An absolute URI without a fragment (RFC 6749 §3.1.2): http, https, or a private-use scheme of a native app (RFC 8252 §7.1).
/// `*` may stand in an http(s) host or path; where exactly is decided when a request is matched.
fn check_uri(path: &'static str, uri: &str) -> Result<()> {
    let refuse = |rule| Err(Error::invalid_field(path, rule));
    let Ok(url) = Url::parse(&uri.replace('*', "wildcard")) else {
        return refuse("must hold absolute URIs");
    };
    if url.fragment().is_some() {
        return refuse("must hold URIs without a fragment");
    }
    if FORBIDDEN_SCHEMES.contains(&url.scheme()) {
        return refuse("must hold http, https or private-use URIs");
    }
    if has_misplaced_wildcard(uri) {
        return refuse(
            "must not hold * in the last two labels of a host, nor outside host and path",
        );
    }
    if uri.chars().any(char::is_whitespace) {
        return refuse("must hold URIs without white space");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("must hold URIs without user information");
    }
    Ok(())
}

/// `https://*.com` would let anyone in; a `*` in scheme, port or query would never match.
fn has_misplaced_wildcard(uri: &str) -> bool {
    if !uri.contains('*') {
        return false;
    }
    let Some((scheme, rest)) = uri.split_once("://") else { return true };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let in_last_labels = host.rsplit('.').take(2).any(|label| label.contains('*'));
    // With an empty label, as in `*.com.`, the last two are one.
    let has_empty_label = host.split('.').any(str::is_empty);
    !matches!(scheme, "http" | "https")
        || in_last_labels
        || has_empty_label
        || port.contains('*')
        || query.contains('*')
}

fn check_origins(metadata: &CustomClientMetadata) -> Result<()> {
    for origin in metadata.cors_allowed_origins.iter().flatten() {
        if !origin.as_str().contains("://")
            || Url::parse(&origin.as_str().replace('*', "wildcard")).is_err()
        {
            return Err(Error::invalid_field(
                "customClientMetadata.corsAllowedOrigins",
                "must hold origins",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uris_that_a_browser_would_run_are_refused() {
        for uri in [
            "javascript:alert(1)",
            "data:text/html,x",
            "https://a.example/#x",
            "/relative",
            "https://u:p@a.example/",
            "https://*.com/x",
            "https://*/x",
            "https://a.example/x?next=*",
            "https://a.example/ b",
        ] {
            assert!(check_uri("redirectUris", uri).is_err(), "{uri}");
        }
        for uri in [
            "https://a.example/cb",
            "http://localhost:3000/callback",
            "com.example.app://cb",
            "https://*.a.example/x/*",
        ] {
            assert!(check_uri("redirectUris", uri).is_ok(), "{uri}");
        }
    }
}
