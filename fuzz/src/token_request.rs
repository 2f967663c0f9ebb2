//! Token requests of every grant, what they narrow a grant to, and the tokens of introspection and revocation.

use trinco_oauth::grant::GrantedScopes;
use trinco_oauth::introspection::PresentedToken;
use trinco_oauth::params::MAX_VALUE;
use trinco_oauth::pkce::CodeChallenge;
use trinco_oauth::scope::{OFFLINE_ACCESS, ORGANIZATIONS_RESOURCE};
use trinco_oauth::token::{
    AccessTokenKind, AuthorizationCodeRequest, ExchangedTarget, IssuedCode, MAX_TOKEN,
    TokenExchangeRequest, TokenRequest, check_code, exchanged_scope, narrow,
};
use trinco_oauth::{Client, ErrorCode, GrantType, Params, Scope, Secret};

use crate::check::{self, MARKER};
use crate::clients;

/// The verifier of the code that is there to be exchanged.
const VERIFIER: &str = "MYqr0KjZe_7S7nK6qgwyw_grQCU7N6CBnz2B5uLosq8";
const REDIRECT_URI: &str = "https://app.example.com/callback?x=1";

/// Reads the input as the request of each application.
pub fn run(data: &[u8]) -> bool {
    let Ok(params) = Params::from_form(data) else { return false };
    let mut accepted = false;
    for client in clients::ALL.iter() {
        match TokenRequest::parse(&params, client) {
            Ok(request) => {
                accepted = true;
                sound(&request, &params, client);
            }
            Err(error) => check::refusal(&error),
        }
    }
    match PresentedToken::parse(&params) {
        Ok(presented) => {
            assert!(presented.token.expose().len() <= MAX_VALUE);
            hides(&presented, &params);
        }
        Err(error) => check::refusal(&error),
    }
    accepted
}

fn sound(request: &TokenRequest, params: &Params, client: &Client) {
    let grant = params.get("grant_type").and_then(GrantType::parse).expect("a known grant");
    assert!(client.allows(grant) && params.resources().len() <= 1);
    hides(request, params);
    let short = |secret: &Secret| assert!((1..=MAX_TOKEN).contains(&secret.expose().len()));
    let resource = match request {
        TokenRequest::AuthorizationCode(request) => {
            short(&request.code);
            code(request, client);
            &request.resource
        }
        TokenRequest::RefreshToken(request) => {
            short(&request.refresh_token);
            assert!(request.organization_id.as_ref().is_none_or(|id| id.len() <= 64));
            let organization = request.organization_id.as_deref();
            refresh(request.scope.as_ref(), request.resource.as_deref(), organization);
            &request.resource
        }
        TokenRequest::ClientCredentials(request) => {
            let (resource, organization) =
                (request.resource.as_deref(), request.organization_id.as_deref());
            assert!(resource.or(organization).is_some());
            match AccessTokenKind::for_machine(resource, organization) {
                Ok(kind) => assert_ne!(kind, AccessTokenKind::Opaque),
                Err(error) => assert_eq!(error.error, ErrorCode::InvalidTarget),
            }
            &request.resource
        }
        TokenRequest::DeviceCode(request) => {
            short(&request.device_code);
            &request.resource
        }
        TokenRequest::TokenExchange(request) => {
            short(&request.subject_token);
            request.actor_token.iter().for_each(short);
            exchange(request);
            &request.resource
        }
    };
    assert_eq!(resource.as_deref(), params.resources().first().map(String::as_str));
}

/// A secret is not printed: where the marker stands in secrets alone, printing does not show it.
fn hides(printed: &impl std::fmt::Debug, params: &Params) {
    const SECRETS: [&str; 7] = [
        "code",
        "code_verifier",
        "refresh_token",
        "device_code",
        "subject_token",
        "actor_token",
        "token",
    ];
    if !params.without(&SECRETS).to_form().contains(MARKER) {
        assert!(!format!("{printed:?}").contains(MARKER));
    }
}

/// A code is good for its client, redirect URI and verifier, and for nothing else.
fn code(request: &AuthorizationCodeRequest, client: &Client) {
    let challenge = CodeChallenge::of(VERIFIER);
    let code = IssuedCode {
        client_id: "web",
        redirect_uri: REDIRECT_URI,
        code_challenge: Some(&challenge),
        expires_at: 100,
        consumed_at: None,
    };
    let verifier = request.code_verifier.as_ref().map(Secret::expose);
    let fits = client.client_id == "web"
        && request.redirect_uri == REDIRECT_URI
        && verifier == Some(VERIFIER);
    assert_eq!(check_code(request, client, &code, 99).is_ok(), fits);
    assert!(check_code(request, client, &code, 100).is_err());
    let used = IssuedCode { consumed_at: Some(1), ..code };
    let refused = check_code(request, client, &used, 99).expect_err("a replay");
    // Neither a stranger revokes anything nor whoever has the code alone.
    assert_eq!(refused.revoke_grant, fits);
    let unbound = IssuedCode { code_challenge: None, ..code };
    assert!(verifier.is_none() || check_code(request, client, &unbound, 99).is_err());
}

fn granted() -> GrantedScopes {
    GrantedScopes {
        scope: Scope::from_iter(["openid", "offline_access", "profile"]),
        resources: [
            (clients::API.to_owned(), Scope::from_iter(["read", "write"])),
            (ORGANIZATIONS_RESOURCE.to_owned(), Scope::from_iter(["invoices:read"])),
        ]
        .into(),
    }
}

/// Nothing that is refreshed exceeds what was granted on its target, nor what was asked for.
fn refresh(asked: Option<&Scope>, resource: Option<&str>, organization: Option<&str>) {
    let granted = granted();
    let narrowed = match narrow(&granted, asked) {
        Ok(narrowed) => narrowed,
        Err(error) => {
            assert_eq!(error.error, ErrorCode::InvalidScope);
            assert!(!asked.expect("the whole grant is granted").is_subset_of(&granted.all()));
            return;
        }
    };
    assert!(narrowed.is_subset_of(&granted.all()));
    assert!(asked.is_none_or(|asked| narrowed == *asked));
    let Ok(kind) = AccessTokenKind::for_user(resource, organization, &granted) else { return };
    let permitted = Scope::from_iter(["read", "invoices:read"]);
    let scope = kind.scope(&granted, &narrowed, &permitted);
    assert!(scope.is_subset_of(&narrowed));
    match &kind {
        AccessTokenKind::Opaque => assert!(scope.is_subset_of(&granted.scope)),
        AccessTokenKind::Resource { indicator, .. } => {
            assert!(scope.is_subset_of(&granted.resources[indicator]));
            assert!(scope.is_subset_of(&permitted));
        }
        AccessTokenKind::Organization { .. } => {
            assert!(scope.is_subset_of(&granted.resources[ORGANIZATIONS_RESOURCE]));
        }
    }
}

/// An exchange gives what was asked for at most, no refresh token, and nothing the subject token did not have on its target.
fn exchange(request: &TokenExchangeRequest) {
    let (resource, organization) =
        (request.resource.as_deref(), request.organization_id.as_deref());
    let Ok(kind) = AccessTokenKind::for_exchange(resource, organization) else { return };
    let permitted = Scope::from_iter(["read", "write"]);
    let own = Scope::from_iter(["read"]);
    for subject in [
        ExchangedTarget::User,
        ExchangedTarget::Opaque { scope: own.clone(), granted: granted() },
        ExchangedTarget::Jwt {
            audience: clients::API.to_owned(),
            organization_id: None,
            scope: own.clone(),
        },
    ] {
        let scope = exchanged_scope(&kind, &request.scope, &permitted, &subject);
        assert!(scope.is_subset_of(&request.scope) && !scope.contains(OFFLINE_ACCESS));
        assert!(kind == AccessTokenKind::Opaque || scope.is_subset_of(&permitted));
        let same = kind.audience().as_deref() == Some(clients::API) && organization.is_none();
        if matches!(subject, ExchangedTarget::Jwt { .. }) && same {
            assert!(scope.is_subset_of(&own));
        }
    }
}
