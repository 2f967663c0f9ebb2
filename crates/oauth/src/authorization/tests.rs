use super::*;
use crate::{
    client::ApplicationType,
    error::ErrorCode::{self, *},
};

const GOOD: [(&str, &str); 7] = [
    ("client_id", "app"),
    ("redirect_uri", "https://app.example.com/cb"),
    ("response_type", "code"),
    ("scope", "openid profile offline_access read:things unknown"),
    ("state", "st"),
    ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
    ("code_challenge_method", "S256"),
];

fn client(application_type: ApplicationType) -> Client {
    Client {
        redirect_uris: vec!["https://app.example.com/cb".into()],
        ..Client::new("app", application_type)
    }
}

fn resource_scopes(indicator: &str) -> Option<Scope> {
    match indicator {
        "https://api.example.com" => Some(Scope::from_iter(["read:things", "write:things"])),
        "urn:logto:resource:organizations" => Some(Scope::from_iter(["org:read"])),
        _ => None,
    }
}

/// A good request of a public client with some parameters replaced; an empty value removes one.
fn run(changes: &[(&str, &str)]) -> Result<AuthorizationRequest, AuthorizationError> {
    run_as(&client(ApplicationType::SPA), changes)
}

fn run_as(
    client: &Client,
    changes: &[(&str, &str)],
) -> Result<AuthorizationRequest, AuthorizationError> {
    let kept = GOOD.iter().filter(|(name, _)| !changes.iter().any(|(n, _)| n == name));
    let query: String =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(kept.chain(changes)).finish();
    let params = Params::from_query(&query).unwrap();
    let context = Context {
        client: Some(client),
        resource_scopes: &resource_scopes,
        default_resource: None,
        is_pushed: false,
    };
    validate(&params, &context)
}

fn redirected(changes: &[(&str, &str)]) -> ErrorCode {
    match run(changes).unwrap_err() {
        AuthorizationError::Redirect { error, target } => {
            assert_eq!(target.state.as_deref(), Some("st"));
            error.error
        }
        AuthorizationError::Show { error, .. } => panic!("shown: {error}"),
    }
}

fn shown(changes: &[(&str, &str)]) -> ErrorCode {
    match run(changes).unwrap_err() {
        AuthorizationError::Show { error, .. } => error.error,
        AuthorizationError::Redirect { error, .. } => panic!("redirected: {error}"),
    }
}

#[test]
fn a_good_request_keeps_reserved_scopes_and_drops_what_nobody_offers() {
    let request = run(&[("prompt", "consent")]).unwrap();
    assert_eq!(request.scope.to_string(), "openid profile offline_access");
    assert_eq!(request.resources, []);
    assert_eq!(request.target.response_mode, ResponseMode::Query);
}

#[test]
fn an_unknown_client_or_a_foreign_redirect_uri_is_shown_and_never_redirected() {
    assert_eq!(shown(&[("client_id", "")]), InvalidRequest);
    assert_eq!(shown(&[("client_id", "other")]), InvalidClient);
    assert_eq!(shown(&[("redirect_uri", "")]), InvalidRequest);
    assert_eq!(shown(&[("redirect_uri", "https://evil.example/cb")]), InvalidRedirectUri);
    assert_eq!(shown(&[("state", &"s".repeat(4097))]), InvalidRequest);
}

#[test]
fn the_client_is_checked_before_the_redirect_uri_and_both_before_anything_else() {
    let all = [
        ("client_id", "other"),
        ("redirect_uri", "https://evil.example/cb"),
        ("response_mode", "x"),
        ("response_type", "x"),
    ];
    assert_eq!(shown(&all), InvalidClient);
    assert_eq!(shown(&all[1..]), InvalidRedirectUri);
    assert_eq!(redirected(&all[2..]), UnsupportedResponseMode);
    assert_eq!(redirected(&all[3..]), UnsupportedResponseType);
}

#[test]
fn the_order_of_checks_decides_which_error_wins() {
    let mut changes = vec![
        ("response_mode", "web_message"),
        ("request", "x"),
        ("request_uri", "x"),
        ("registration", "x"),
        ("response_type", "id_token"),
        ("prompt", "none login"),
        ("scope", "a\"b"),
        ("code_challenge_method", "plain"),
        ("resource", "https://unknown.example"),
        ("max_age", "-1"),
    ];
    for expected in [
        UnsupportedResponseMode,
        RequestNotSupported,
        RequestUriNotSupported,
        RegistrationNotSupported,
        UnsupportedResponseType,
        InvalidRequest,
        InvalidScope,
        InvalidRequest,
        InvalidTarget,
        InvalidRequest,
    ] {
        assert_eq!(redirected(&changes), expected, "{changes:?}");
        changes.remove(0);
    }
    assert!(run(&changes).is_ok());
}

#[test]
fn response_types_that_do_not_work_are_refused() {
    for kind in ["none", "id_token", "code id_token", "token"] {
        assert_eq!(redirected(&[("response_type", kind)]), UnsupportedResponseType);
    }
    assert_eq!(redirected(&[("response_type", "")]), InvalidRequest);
}

#[test]
fn errors_travel_by_the_mode_that_was_asked_for() {
    let error = run(&[("response_mode", "form_post"), ("response_type", "token")]).unwrap_err();
    let AuthorizationError::Redirect { target, .. } = error else { panic!("shown") };
    assert_eq!(target.response_mode, ResponseMode::FormPost);
}

#[test]
fn offline_access_needs_prompt_consent() {
    assert!(!run(&[]).unwrap().scope.contains("offline_access"));
    assert!(run(&[("prompt", "login consent")]).unwrap().scope.contains("offline_access"));
}

#[test]
fn each_resource_gets_the_permissions_it_defines() {
    let request = run(&[
        ("scope", "openid read:things org:read"),
        ("resource", "https://api.example.com"),
        ("resource", "urn:logto:resource:organizations"),
    ])
    .unwrap();
    let found: Vec<_> = request
        .resources
        .iter()
        .map(|resource| (resource.indicator.as_str(), resource.scope.to_string()))
        .collect();
    assert_eq!(
        found,
        [
            ("https://api.example.com", "read:things".to_owned()),
            ("urn:logto:resource:organizations", "org:read".to_owned()),
        ]
    );
    assert_eq!(request.all_scopes().to_string(), "openid read:things org:read");
    assert_eq!(redirected(&[("resource", "https://other.example")]), InvalidTarget);
}

#[test]
fn the_default_resource_is_meant_when_none_is_named() {
    let params = |extra: &str| {
        Params::from_query(&format!(
            "client_id=app&redirect_uri=https://app.example.com/cb&response_type=code&scope=read:things{extra}"
        ))
        .unwrap()
    };
    let web = client(ApplicationType::Traditional);
    let context = Context {
        is_pushed: false,
        client: Some(&web),
        resource_scopes: &resource_scopes,
        default_resource: Some("https://api.example.com"),
    };
    let resources = |extra| validate(&params(extra), &context).unwrap().resources;
    assert_eq!(resources("")[0].indicator, "https://api.example.com");
    let named = resources("&resource=urn:logto:resource:organizations");
    assert_eq!(named.len(), 1);
    assert_eq!(named[0].indicator, "urn:logto:resource:organizations");
}

#[test]
fn a_public_client_without_a_challenge_is_refused_and_a_confidential_one_is_not() {
    let bare = [("code_challenge", ""), ("code_challenge_method", "")];
    assert_eq!(redirected(&bare), InvalidRequest);
    assert!(run_as(&client(ApplicationType::Traditional), &bare).is_ok());
}

#[test]
fn a_machine_has_no_business_here() {
    let error = run_as(&client(ApplicationType::MachineToMachine), &[]).unwrap_err();
    assert_eq!(error.error().error, UnauthorizedClient);
}

#[test]
fn prompt_none_stands_alone_and_unknown_prompts_are_refused() {
    assert!(run(&[("prompt", "none")]).unwrap().prompt.none);
    assert_eq!(redirected(&[("prompt", "none consent")]), InvalidRequest);
    assert_eq!(redirected(&[("prompt", "create")]), InvalidRequest);
}

#[test]
fn max_age_is_a_whole_number_of_seconds() {
    assert_eq!(run(&[("max_age", "0")]).unwrap().max_age, Some(0));
    for text in ["-1", "+1", "1.5", "x", "99999999999"] {
        assert_eq!(redirected(&[("max_age", text)]), InvalidRequest, "{text}");
    }
}

#[test]
fn hints_are_read_and_unknown_ones_ignored() {
    let hints = run(&[
        ("first_screen", "identifier:register"),
        ("identifier", "email phone fax"),
        ("direct_sign_in", "social:github"),
        ("ui_locales", "pt-BR en"),
        ("login_hint", "ana@example.com"),
        ("something_else", "x"),
    ])
    .unwrap()
    .hints;
    assert_eq!(hints.first_screen, Some(FirstScreen::IdentifierRegister));
    assert_eq!(hints.identifier, [Identifier::Email, Identifier::Phone]);
    assert_eq!(hints.direct_sign_in, Some(DirectSignIn::Social("github".into())));
    assert_eq!(hints.ui_locales, ["pt-BR", "en"]);

    let hints = run(&[
        ("interaction_mode", "signUp"),
        ("direct_sign_in", "carrier-pigeon:x"),
        ("identifier", ""),
    ])
    .unwrap()
    .hints;
    assert_eq!(hints.first_screen, Some(FirstScreen::Register));
    assert_eq!((hints.direct_sign_in, hints.identifier), (None, vec![]));
}

#[test]
fn values_over_their_limit_are_refused() {
    for (name, limit) in [("nonce", 512), ("login_hint", 256), ("ui_locales", 256), ("prompt", 128)]
    {
        assert_eq!(redirected(&[(name, &"x".repeat(limit + 1))]), InvalidRequest, "{name}");
    }
}

#[test]
fn a_request_is_stored_and_read_back_unchanged() {
    let request = run(&[
        ("prompt", "consent"),
        ("resource", "https://api.example.com"),
        ("max_age", "60"),
        ("direct_sign_in", "sso:abc"),
    ])
    .unwrap();
    let json = serde_json::to_string(&request).unwrap();
    assert_eq!(serde_json::from_str::<AuthorizationRequest>(&json).unwrap(), request);
}
