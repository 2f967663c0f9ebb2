//! What a client that registers itself becomes, by what it says and what the policy allows.

use serde_json::{Map, Value};
use trinco_oauth::registration::redirect_uri::Destination;
use trinco_oauth::registration::{AuthMethod, ClientMetadata};
use trinco_oauth::{ErrorCode, OAuthError, Scope};

use super::model::{Policy, PolicyChanges, RegistrableGrant, RegistrableType};
use crate::applications::{CustomClientMetadata, OidcClientMetadata};
use crate::consents::ConsentScopes;
use crate::{Error, Result, Text};

/// Entries of the list of redirect URI hosts.
const MAX_HOSTS: usize = 100;

/// What is registered.
#[derive(Clone, Debug)]
pub(super) struct Registrable {
    pub(super) kind: RegistrableType,
    pub(super) auth_method: AuthMethod,
    pub(super) name: Text<1, 256>,
    pub(super) oidc: OidcClientMetadata,
    pub(super) custom: CustomClientMetadata,
    /// The scopes it wants to ask for, when it says so.
    pub(super) scope: Option<Scope>,
}

/// Reads what a client says about itself, and decides what it becomes. What the policy leaves out is left out, and the answer says so;
/// what makes no sense without it is refused.
///
/// # Errors
/// `invalid_redirect_uri`, `invalid_client_metadata`, `unapproved_software_statement`.
pub(super) fn decide(
    members: &Map<String, Value>,
    policy: &Policy,
) -> Result<Registrable, OAuthError> {
    if members.get("software_statement").is_some_and(|statement| !statement.is_null()) {
        return Err(OAuthError::new(
            ErrorCode::UnapprovedSoftwareStatement,
            "no software statement is approved here, register without one",
        ));
    }
    let metadata = ClientMetadata::read(members)?;
    if metadata.jwks_uri.is_some() {
        return Err(invalid("a jwks_uri is not read here, send the keys themselves as jwks"));
    }
    let (kind, auth_method) = kind_of(&metadata);
    if !policy.application_types.contains(&kind) {
        return Err(invalid(format!(
            "{} applications of this kind cannot register here",
            kind.as_str()
        )));
    }
    for (_, destination) in metadata.redirect_uris.iter().chain(&metadata.post_logout_redirect_uris)
    {
        check_destination(destination, policy)?;
    }
    let grants = grants_of(&metadata, policy)?;
    let jwks = match (auth_method, metadata.jwks) {
        (AuthMethod::PrivateKeyJwt, None) => {
            return Err(invalid("private_key_jwt needs jwks"));
        }
        (AuthMethod::PrivateKeyJwt, jwks) => jwks,
        _ => None,
    };
    let name = metadata.name.unwrap_or_else(|| name_of(&metadata.redirect_uris));
    let texts = |uris: Vec<(String, Destination)>| {
        uris.into_iter().filter_map(|(uri, _)| Text::new(uri).ok()).collect()
    };
    Ok(Registrable {
        kind,
        auth_method,
        name: Text::new(name).map_err(invalid)?,
        oidc: OidcClientMetadata {
            redirect_uris: texts(metadata.redirect_uris),
            post_logout_redirect_uris: texts(metadata.post_logout_redirect_uris),
            jwks,
            ..OidcClientMetadata::default()
        },
        custom: CustomClientMetadata {
            allow_refresh_token: Some(grants.contains(&RegistrableGrant::RefreshToken)),
            dpop_bound_access_tokens: Some(metadata.dpop_bound_access_tokens),
            require_pushed_authorization_requests: Some(
                metadata.require_pushed_authorization_requests,
            ),
            ..CustomClientMetadata::default()
        },
        scope: metadata.scope,
    })
}

/// What it is, and how it authenticates. An application on a device can keep no secret (RFC 8252 §8.5), so it is a public one whatever
/// it asks for.
fn kind_of(metadata: &ClientMetadata) -> (RegistrableType, AuthMethod) {
    let leads_to_device =
        metadata.redirect_uris.iter().any(|(_, destination)| destination.is_native());
    let default = if metadata.leads_to_native_only() {
        AuthMethod::None
    } else {
        // RFC 7591 §2.
        AuthMethod::ClientSecretBasic
    };
    match (metadata.is_native, metadata.auth_method.unwrap_or(default)) {
        (Some(true), _) => (RegistrableType::Native, AuthMethod::None),
        (None, AuthMethod::None) if leads_to_device => (RegistrableType::Native, AuthMethod::None),
        (_, AuthMethod::None) => (RegistrableType::SPA, AuthMethod::None),
        (_, method) => (RegistrableType::Traditional, method),
    }
}

fn check_destination(destination: &Destination, policy: &Policy) -> Result<(), OAuthError> {
    let is_allowed = match &policy.redirect_uri_hosts {
        Some(hosts) => hosts.iter().any(|entry| destination.is_named_by(entry.as_str())),
        None => destination.is_claimable(),
    };
    if is_allowed {
        return Ok(());
    }
    Err(OAuthError::new(
        ErrorCode::UnregistrableRedirectUri,
        "a redirect URI leads to a host or scheme that is not allowed here",
    ))
}

/// RFC 7591 §2: `authorization_code` unless it says otherwise.
fn grants_of(
    metadata: &ClientMetadata,
    policy: &Policy,
) -> Result<Vec<RegistrableGrant>, OAuthError> {
    let default = vec![RegistrableGrant::AuthorizationCode.as_str().to_owned()];
    let wanted = metadata.grant_types.as_ref().unwrap_or(&default);
    let grants: Vec<RegistrableGrant> = policy
        .grant_types
        .iter()
        .copied()
        .filter(|grant| wanted.iter().any(|wanted| wanted == grant.as_str()))
        .collect();
    if grants.contains(&RegistrableGrant::AuthorizationCode) {
        return Ok(grants);
    }
    Err(invalid("grant_types must hold authorization_code, and the policy here allow it"))
}

/// A client that does not say what it is called is called by where it leads.
fn name_of(redirect_uris: &[(String, Destination)]) -> String {
    match redirect_uris.first() {
        Some((_, Destination::Web { host } | Destination::Loopback { host })) => host.clone(),
        Some((_, Destination::Private { scheme })) => scheme.clone(),
        None => "?".to_owned(),
    }
}

/// `invalid_client_metadata`.
pub(super) fn invalid(description: impl Into<std::borrow::Cow<'static, str>>) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClientMetadata, description)
}

/// RFC 7592 §2.2: a client that updates its registration names itself, and states nothing that only the server decides.
///
/// # Errors
/// `invalid_client_metadata`.
pub(super) fn check_update(
    members: &Map<String, Value>,
    client_id: &str,
    is_own_secret: impl Fn(&str) -> bool,
) -> Result<(), OAuthError> {
    if members.get("client_id").and_then(Value::as_str) != Some(client_id) {
        return Err(invalid("client_id must be the one of the registration"));
    }
    for name in [
        "registration_access_token",
        "registration_client_uri",
        "client_secret_expires_at",
        "client_id_issued_at",
    ] {
        if members.contains_key(name) {
            return Err(invalid(format!("{name} must not be sent back")));
        }
    }
    match members.get("client_secret") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(secret)) if is_own_secret(secret) => Ok(()),
        Some(_) => Err(invalid("client_secret must be the one of the registration")),
    }
}

/// Applies changes to a policy.
///
/// # Errors
/// `guard.invalid_input`.
pub(super) fn apply(changes: &PolicyChanges, policy: &mut Policy) -> Result<()> {
    let mut changed = policy.clone();
    let PolicyChanges {
        enabled,
        requires_initial_access_token,
        application_types,
        grant_types,
        redirect_uri_hosts,
        consent_scopes,
        max_registrations,
        max_registrations_per_hour,
        unused_ttl_in_days,
    } = changes.clone();
    set(&mut changed.enabled, enabled);
    set(&mut changed.requires_initial_access_token, requires_initial_access_token);
    set(&mut changed.application_types, application_types);
    set(&mut changed.grant_types, grant_types);
    set(&mut changed.redirect_uri_hosts, redirect_uri_hosts);
    set(&mut changed.max_registrations, max_registrations);
    set(&mut changed.max_registrations_per_hour, max_registrations_per_hour);
    set(&mut changed.unused_ttl_in_days, unused_ttl_in_days);
    if let Some(scopes) = consent_scopes {
        changed.consent_scopes = ConsentScopes::default();
        changed.consent_scopes.add(&scopes);
    }
    // With one of these nobody could register, while discovery said that clients can.
    if changed.application_types.is_empty() {
        let rule = "must hold one of Native, SPA and Traditional at least; set enabled to false to let nobody register";
        return Err(Error::invalid_field("applicationTypes", rule));
    }
    if !changed.grant_types.contains(&RegistrableGrant::AuthorizationCode) {
        let rule = "must hold authorization_code, with which every sign-in begins; set enabled to false to let nobody register";
        return Err(Error::invalid_field("grantTypes", rule));
    }
    if let Some(hosts) = &changed.redirect_uri_hosts {
        if hosts.is_empty() {
            let rule = "must hold a host or scheme at least, or be null for any that is sound";
            return Err(Error::invalid_field("redirectUriHosts", rule));
        }
        if hosts.len() > MAX_HOSTS {
            return Err(Error::invalid_field("redirectUriHosts", "has more than 100 entries"));
        }
        if !hosts.iter().all(|entry| is_entry(entry.as_str())) {
            let rule = "must hold hosts such as example.com, *.example.com or localhost, and schemes such as com.example.app:";
            return Err(Error::invalid_field("redirectUriHosts", rule));
        }
    }
    *policy = changed;
    Ok(())
}

fn set<T>(value: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *value = new;
    }
}

/// Whether an entry could ever name something.
fn is_entry(entry: &str) -> bool {
    let is_host = |host: &str| {
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).map_or_else(
            || host.split('.').all(|label| is_label(label.as_bytes())),
            |address| address.parse::<std::net::Ipv6Addr>().is_ok(),
        );
        host && entry.is_ascii()
    };
    match (entry.strip_suffix(':'), entry.strip_prefix("*.")) {
        (Some(scheme), _) => {
            !["http", "https"].contains(&scheme)
                && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        }
        // One label is a whole top-level domain.
        (None, Some(parent)) => parent.contains('.') && is_host(parent),
        (None, None) => is_host(entry),
    }
}

fn is_label(label: &[u8]) -> bool {
    !label.is_empty() && label.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-' || *b == b'_')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn decided(body: Value, policy: &Policy) -> Result<Registrable, ErrorCode> {
        let Value::Object(members) = body else { panic!("an object") };
        decide(&members, policy).map_err(|error| error.error)
    }

    #[test]
    fn what_a_client_becomes_follows_from_what_it_says() {
        let web = json!(["https://agent.example/cb"]);
        let device = json!(["http://127.0.0.1/cb"]);
        let mixed = json!(["https://agent.example/cb", "http://127.0.0.1/cb"]);
        use AuthMethod as A;
        use RegistrableType as T;
        for (uris, method, application_type, kind, registered) in [
            (&web, None, None, T::Traditional, A::ClientSecretBasic),
            (&web, Some("client_secret_post"), None, T::Traditional, A::ClientSecretPost),
            (&web, Some("none"), None, T::SPA, A::None),
            (&device, None, None, T::Native, A::None),
            (&device, Some("none"), None, T::Native, A::None),
            (&mixed, Some("none"), None, T::Native, A::None),
            (&device, Some("none"), Some("web"), T::SPA, A::None),
            (&device, Some("client_secret_post"), None, T::Traditional, A::ClientSecretPost),
            // A secret on a device is none.
            (&device, Some("client_secret_post"), Some("native"), T::Native, A::None),
        ] {
            let body = json!({
                "redirect_uris": uris, "token_endpoint_auth_method": method, "application_type": application_type,
            });
            let found = decided(body.clone(), &Policy::default()).unwrap();
            assert_eq!((found.kind, found.auth_method), (kind, registered), "{body}");
        }
    }

    #[test]
    fn an_entry_names_a_host_a_family_or_a_scheme() {
        for entry in [
            "example.com",
            "*.example.com",
            "localhost",
            "127.0.0.1",
            "[::1]",
            "cursor:",
            "com.example.app:",
        ] {
            assert!(is_entry(entry), "{entry}");
        }
        for entry in [
            "",
            "*",
            "*.com",
            "https://example.com",
            "example.com/x",
            "example.com:80",
            "a b",
            "http:",
            "https:",
            ":",
            "münchen.example",
            "[x]",
        ] {
            assert!(!is_entry(entry), "{entry}");
        }
    }
}
