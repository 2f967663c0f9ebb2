use super::*;
use crate::{client::ApplicationType, grant::GrantedScopes, pkce::CodeChallenge};

const API: &str = "https://api.example.com";
const ORGS: &str = "urn:logto:resource:organizations";

fn client(application_type: ApplicationType) -> Client {
    Client::new("app", application_type)
}

fn parse(kind: ApplicationType, body: &str) -> Result<TokenRequest, OAuthError> {
    TokenRequest::parse(&Params::from_query(body).unwrap(), &client(kind))
}

fn refusal(kind: ApplicationType, body: &str) -> ErrorCode {
    parse(kind, body).unwrap_err().error
}

fn granted(scope: &str, resources: &[(&str, &str)]) -> GrantedScopes {
    let scoped =
        |(indicator, scope): &(&str, &str)| ((*indicator).to_owned(), Scope::parse(scope).unwrap());
    GrantedScopes {
        scope: Scope::parse(scope).unwrap(),
        resources: resources.iter().map(scoped).collect(),
    }
}

#[test]
fn an_unknown_grant_is_unsupported_and_a_foreign_one_is_an_invalid_request() {
    use ApplicationType::{MachineToMachine, SPA};
    assert_eq!(refusal(SPA, "a=b"), ErrorCode::InvalidRequest);
    assert_eq!(refusal(SPA, "grant_type=password"), ErrorCode::UnsupportedGrantType);
    let error = parse(SPA, "grant_type=client_credentials").unwrap_err();
    assert_eq!((error.error, error.status()), (ErrorCode::InvalidRequest, 400));
    assert_eq!(
        refusal(MachineToMachine, "grant_type=authorization_code&code=c"),
        ErrorCode::InvalidRequest
    );
}

#[test]
fn each_grant_is_read_with_its_parameters() {
    let web = ApplicationType::Traditional;
    let body =
        "grant_type=authorization_code&code=c&redirect_uri=https://a.example/cb&code_verifier=v";
    let TokenRequest::AuthorizationCode(request) = parse(web, body).unwrap() else { panic!() };
    assert_eq!(
        (request.code.expose(), request.redirect_uri.as_str()),
        ("c", "https://a.example/cb")
    );
    assert_eq!(request.code_verifier.unwrap().expose(), "v");

    let body = "grant_type=refresh_token&refresh_token=r&scope=a+b&resource=https://api.example.com&organization_id=o";
    let TokenRequest::RefreshToken(request) = parse(web, body).unwrap() else { panic!() };
    assert_eq!(request.scope.unwrap().to_string(), "a b");
    assert_eq!(
        (request.resource.as_deref(), request.organization_id.as_deref()),
        (Some(API), Some("o"))
    );

    for missing in [
        "grant_type=authorization_code&redirect_uri=https://a.example/cb",
        "grant_type=authorization_code&code=c",
        "grant_type=refresh_token",
    ] {
        assert_eq!(refusal(web, missing), ErrorCode::InvalidRequest, "{missing}");
    }
}

#[test]
fn a_machine_must_name_a_resource_or_an_organization() {
    let machine = ApplicationType::MachineToMachine;
    let bare = "grant_type=client_credentials&scope=all";
    assert_eq!(refusal(machine, bare), ErrorCode::InvalidTarget);
    assert!(parse(machine, &format!("{bare}&organization_id=o")).is_ok());
    assert!(parse(machine, &format!("{bare}&resource={API}")).is_ok());
}

#[test]
fn at_most_one_resource_is_read_at_the_token_endpoint() {
    let body =
        "grant_type=refresh_token&refresh_token=r&resource=https://a.example,https://b.example";
    assert_eq!(refusal(ApplicationType::SPA, body), ErrorCode::InvalidTarget);
}

#[test]
fn a_code_is_accepted_once_by_its_client_in_time_with_its_uri_and_verifier() {
    let verifier = "v".repeat(43);
    let challenge = CodeChallenge::of(&verifier);
    let request = AuthorizationCodeRequest {
        code: Secret::new("c"),
        redirect_uri: "https://a.example/cb".into(),
        code_verifier: Some(Secret::new(verifier)),
        resource: None,
    };
    let good = IssuedCode {
        client_id: "app",
        redirect_uri: "https://a.example/cb",
        code_challenge: Some(&challenge),
        expires_at: 60,
        consumed_at: None,
    };
    let app = client(ApplicationType::SPA);
    let check = |code, now| check_code(&request, &app, &code, now);
    assert_eq!(check(good, 59), Ok(()));

    let other = CodeChallenge::of("other");
    for (code, now) in [
        (IssuedCode { client_id: "b", ..good }, 0),
        (good, 60),
        (IssuedCode { redirect_uri: "https://a.example/cb2", ..good }, 0),
        (IssuedCode { code_challenge: Some(&other), ..good }, 0),
        (IssuedCode { code_challenge: None, ..good }, 0),
    ] {
        let refused = check(code, now).unwrap_err();
        assert_eq!((refused.error.error, refused.revoke_grant), (ErrorCode::InvalidGrant, false));
        assert_eq!(refused.error.description, "grant request is invalid");
    }
}

#[test]
fn a_replayed_code_revokes_its_grant_unless_a_stranger_presents_it() {
    let request = AuthorizationCodeRequest {
        code: Secret::new("c"),
        redirect_uri: "https://a.example/cb".into(),
        code_verifier: None,
        resource: None,
    };
    let spent = IssuedCode {
        client_id: "app",
        redirect_uri: "https://a.example/cb",
        code_challenge: None,
        expires_at: 60,
        consumed_at: Some(1),
    };
    let revokes = |id: &str, now| {
        let client = Client::new(id, ApplicationType::Traditional);
        check_code(&request, &client, &spent, now).unwrap_err().revoke_grant
    };
    assert!(revokes("app", 2) && revokes("app", 1000));
    assert!(!revokes("b", 2));
    // Nor one who has read the used code somewhere, but not what it is bound to.
    let app = Client::new("app", ApplicationType::Traditional);
    let elsewhere = AuthorizationCodeRequest {
        redirect_uri: "https://a.example/cb2".into(),
        ..request.clone()
    };
    assert!(!check_code(&elsewhere, &app, &spent, 2).unwrap_err().revoke_grant);
    let challenge = CodeChallenge::of("verifier");
    let bound = IssuedCode { code_challenge: Some(&challenge), ..spent };
    assert!(!check_code(&request, &app, &bound, 2).unwrap_err().revoke_grant);
}

#[test]
fn the_kind_of_token_follows_resource_and_organization() {
    let grant = granted("openid", &[(API, "read"), (ORGS, "org:read")]);
    let kind = |resource, organization| AccessTokenKind::for_user(resource, organization, &grant);
    let (api, orgs) = (Some(API), Some(ORGS));

    assert_eq!(kind(None, None), Ok(AccessTokenKind::Opaque));
    assert_eq!(kind(api, None).unwrap().audience().as_deref(), api);
    let both = kind(api, Some("o1")).unwrap();
    assert_eq!((both.audience().as_deref(), both.organization_id_claim()), (api, Some("o1")));
    for organization in [kind(None, Some("o1")).unwrap(), kind(orgs, Some("o1")).unwrap()] {
        assert_eq!(organization.audience().unwrap(), "urn:logto:organization:o1");
        assert_eq!(organization.organization_id_claim(), None);
        assert_eq!(organization.organization_id(), Some("o1"));
    }
    for refused in [kind(orgs, None), kind(Some("https://other.example"), None)] {
        assert_eq!(refused.unwrap_err().error, ErrorCode::InvalidTarget);
    }
    assert_eq!(
        AccessTokenKind::for_machine(None, None).unwrap_err().error,
        ErrorCode::InvalidTarget
    );
    assert_eq!(AccessTokenKind::for_machine(api, None).unwrap().audience().as_deref(), api);
}

#[test]
fn without_openid_the_only_granted_resource_is_meant() {
    let kind = |resources: &[(&str, &str)]| {
        AccessTokenKind::for_user(None, None, &granted("profile", resources))
    };
    assert_eq!(kind(&[(ORGS, "org:read")]), Ok(AccessTokenKind::Opaque));
    assert_eq!(kind(&[(API, "read"), (ORGS, "x")]).unwrap().audience().as_deref(), Some(API));
    assert!(kind(&[(API, "read"), ("https://b.example", "read")]).is_err());
}

#[test]
fn a_token_holds_what_was_granted_on_its_target_and_is_permitted_there() {
    let grant = granted("openid profile", &[(API, "read write"), (ORGS, "org:read org:write")]);
    let permitted = Scope::parse("write admin org:read openid").unwrap();
    let all = narrow(&grant, None).unwrap();
    let scope = |resource, organization| {
        let kind = AccessTokenKind::for_user(resource, organization, &grant).unwrap();
        kind.scope(&grant, &all, &permitted).to_string()
    };
    assert_eq!(scope(None, None), "openid profile");
    assert_eq!(scope(Some(API), None), "write");
    assert_eq!(scope(Some(API), Some("o")), "write");
    assert_eq!(scope(None, Some("o")), "org:read");
    let fewer = Scope::parse("profile read").unwrap();
    assert_eq!(AccessTokenKind::Opaque.scope(&grant, &fewer, &permitted).to_string(), "profile");
}

#[test]
fn a_refresh_may_narrow_but_never_widen() {
    let grant = granted("openid", &[(API, "read")]);
    let scope = |text| Scope::parse(text).unwrap();
    assert_eq!(narrow(&grant, Some(&scope("read"))), Ok(scope("read")));
    let error = narrow(&grant, Some(&scope("read write"))).unwrap_err();
    assert_eq!((error.error, error.scope.as_deref()), (ErrorCode::InvalidScope, Some("write")));
}

#[test]
fn an_organization_token_needs_the_scope_then_membership_then_the_second_factor() {
    let with = granted("openid urn:logto:scope:organizations", &[]);
    let without = granted("openid", &[]);
    let member = Membership { is_member: true, mfa_satisfied: true };
    let stranger = Membership { is_member: false, ..member };
    let unprotected = Membership { mfa_satisfied: false, ..member };
    let status = |grant, membership| {
        check_user_organization(grant, membership).map_err(|error| (error.error, error.status()))
    };
    assert_eq!(status(&with, member), Ok(()));
    assert_eq!(status(&without, stranger), Err((ErrorCode::InsufficientScope, 403)));
    assert_eq!(status(&with, stranger), Err((ErrorCode::AccessDenied, 403)));
    assert_eq!(status(&with, unprotected), Err((ErrorCode::AccessDenied, 403)));
    assert!(check_machine_organization(true).is_ok());
    assert_eq!(check_machine_organization(false).unwrap_err().status(), 403);
}

#[test]
fn the_answer_has_the_members_of_the_trace_in_its_order() {
    let mut response = TokenResponse {
        access_token: "a".into(),
        expires_in: 3600,
        id_token: Some("i".into()),
        refresh_token: Some("r".into()),
        scope: Scope::parse("openid email").unwrap(),
        token_type: TokenType::Bearer,
    };
    assert_eq!(
        serde_json::to_string(&response).unwrap(),
        r#"{"access_token":"a","expires_in":3600,"id_token":"i","refresh_token":"r","scope":"openid email","token_type":"Bearer"}"#
    );
    (response.id_token, response.refresh_token, response.scope) = (None, None, Scope::empty());
    assert_eq!(
        serde_json::to_string(&response).unwrap(),
        r#"{"access_token":"a","expires_in":3600,"scope":"","token_type":"Bearer"}"#
    );
}

#[test]
fn a_request_is_printed_without_its_secrets() {
    let body = "grant_type=refresh_token&refresh_token=verysecret";
    let request = parse(ApplicationType::SPA, body).unwrap();
    assert!(!format!("{request:?}").contains("verysecret"));
}
