use std::sync::LazyLock;

use super::*;
use crate::{
    authorization::{
        Hints, Prompts, RequestedResource, ResponseMode, ResponseTarget, ResponseType,
    },
    claims::RequestedClaims,
    client::ApplicationType,
    redirect_uri::RedirectUri,
    scope::Scope,
};

const NOW: i64 = 1_000_000;
const SESSION: Session<'_> = Session { id: "s1", subject: "ana", auth_time: NOW - 100 };

fn request(prompt: &str) -> AuthorizationRequest {
    AuthorizationRequest {
        client_id: "app".into(),
        target: ResponseTarget {
            redirect_uri: RedirectUri::try_from("https://app.example.com/cb".to_owned()).unwrap(),
            response_mode: ResponseMode::Query,
            state: None,
        },
        response_type: ResponseType::Code,
        scope: Scope::parse("openid profile").unwrap(),
        resources: vec![RequestedResource {
            indicator: "https://a.example".into(),
            scope: Scope::parse("read").unwrap(),
        }],
        nonce: None,
        prompt: Prompts::parse(prompt).unwrap(),
        max_age: None,
        id_token_hint: None,
        code_challenge: None,
        dpop_jkt: None,
        claims: RequestedClaims::default(),
        hints: Hints::default(),
        is_pushed: false,
    }
}

fn client(is_third_party: bool) -> Client {
    Client { is_third_party, ..Client::new("app", ApplicationType::SPA) }
}

fn facts<'a>(request: &'a AuthorizationRequest, client: &'a Client) -> Facts<'a> {
    Facts {
        request,
        client,
        session: Some(SESSION),
        id_token_hint: IdTokenHint::Absent,
        granted: None,
        progress: &NOTHING,
    }
}

fn failure(step: NextStep) -> ErrorCode {
    match step {
        NextStep::Fail(error) => error.error,
        step => panic!("{step:?}"),
    }
}

fn login(reasons: &[LoginReason]) -> NextStep {
    NextStep::Login { reasons: reasons.to_vec() }
}

static NOTHING: Progress = Progress { login_session: None, consented: false };

static LOGGED_IN: LazyLock<Progress> =
    LazyLock::new(|| Progress { login_session: Some("s1".into()), consented: false });

#[test]
fn without_a_session_the_user_signs_in_unless_no_page_is_allowed() {
    let client = client(false);
    let (plain, none) = (request(""), request("none"));
    let step = |request| next_step(&Facts { session: None, ..facts(request, &client) }, NOW);
    assert_eq!(step(&plain), login(&[LoginReason::NoSession]));
    assert_eq!(failure(step(&none)), ErrorCode::LoginRequired);
}

#[test]
fn a_first_party_client_gets_its_code_without_a_page() {
    let client = client(false);
    for prompt in ["", "none", "consent"] {
        assert_eq!(next_step(&facts(&request(prompt), &client), NOW), NextStep::Issue, "{prompt}");
    }
}

#[test]
fn prompts_for_a_sign_in_are_satisfied_by_one_within_the_interaction() {
    let client = client(false);
    let request = request("login select_account");
    let before = facts(&request, &client);
    let reasons = [LoginReason::PromptLogin, LoginReason::SelectAccount];
    assert_eq!(next_step(&before, NOW), login(&reasons));
    assert_eq!(next_step(&Facts { progress: &LOGGED_IN, ..before }, NOW), NextStep::Issue);
    // Somebody else's session has not signed in here, whoever has.
    let other = Some(Session { id: "s2", ..SESSION });
    let stolen = Facts { session: other, progress: &LOGGED_IN, ..before };
    assert_eq!(next_step(&stolen, NOW), login(&reasons));
}

#[test]
fn an_authentication_older_than_max_age_is_repeated_once() {
    let client = client(false);
    let step = |max_age, progress| {
        let request = AuthorizationRequest { max_age: Some(max_age), ..request("") };
        next_step(&Facts { progress, ..facts(&request, &client) }, NOW)
    };
    assert_eq!(step(99, &NOTHING), login(&[LoginReason::MaxAge]));
    assert_eq!(step(100, &NOTHING), NextStep::Issue);
    assert_eq!(step(0, &NOTHING), login(&[LoginReason::MaxAge]));
    assert_eq!(step(0, &LOGGED_IN), NextStep::Issue);

    let zero = AuthorizationRequest { max_age: Some(0), ..request("") };
    let just_now = Some(Session { auth_time: NOW, ..SESSION });
    let step = next_step(&Facts { session: just_now, ..facts(&zero, &client) }, NOW);
    assert_eq!(step, login(&[LoginReason::MaxAge]));

    let silent = AuthorizationRequest { max_age: Some(99), ..request("none") };
    assert_eq!(failure(next_step(&facts(&silent, &client), NOW)), ErrorCode::LoginRequired);
}

#[test]
fn a_hint_for_someone_else_asks_for_a_sign_in_and_then_fails() {
    let client = client(false);
    let request = request("");
    let hinted = |subject, progress| {
        let id_token_hint = IdTokenHint::Subject(subject);
        next_step(&Facts { id_token_hint, progress, ..facts(&request, &client) }, NOW)
    };
    assert_eq!(hinted("ana", &NOTHING), NextStep::Issue);
    assert_eq!(hinted("bia", &NOTHING), login(&[LoginReason::AnotherUser]));
    assert_eq!(failure(hinted("bia", &LOGGED_IN)), ErrorCode::LoginRequired);

    let asked = RequestedClaims { subject: Some("bia".into()), ..RequestedClaims::default() };
    let request = AuthorizationRequest { claims: asked, ..request };
    let step = next_step(&facts(&request, &client), NOW);
    assert_eq!(step, login(&[LoginReason::AnotherUser]));

    let invalid = Facts { id_token_hint: IdTokenHint::Invalid, ..facts(&request, &client) };
    assert_eq!(failure(next_step(&invalid, NOW)), ErrorCode::InvalidRequest);
}

#[test]
fn a_third_party_client_asks_for_what_was_not_granted_before() {
    let client = client(true);
    let (plain, none, again) = (request(""), request("none"), request("consent"));
    let everything = GrantedScopes::of(&plain);
    let some = GrantedScopes { scope: plain.scope.clone(), ..GrantedScopes::default() };
    let step = |request, granted| next_step(&Facts { granted, ..facts(request, &client) }, NOW);

    assert_eq!(step(&plain, None), NextStep::Consent { missing: everything.clone() });
    assert_eq!(step(&plain, Some(&everything)), NextStep::Issue);
    assert_eq!(step(&none, Some(&everything)), NextStep::Issue);
    assert_eq!(failure(step(&none, Some(&some))), ErrorCode::ConsentRequired);
    assert_eq!(
        step(&again, Some(&everything)),
        NextStep::Consent { missing: GrantedScopes::default() }
    );
    let NextStep::Consent { missing } = step(&plain, Some(&some)) else { panic!() };
    assert_eq!(missing.all(), Scope::parse("read").unwrap());

    let answered = Progress { login_session: None, consented: true };
    let after = Facts { progress: &answered, ..facts(&again, &client) };
    assert_eq!(next_step(&after, NOW), NextStep::Issue);
}

#[test]
fn a_client_that_anyone_may_pose_as_asks_each_time() {
    let public = client(true);
    let device = Client { is_device_flow: true, ..client(true) };
    let confidential =
        Client { is_third_party: true, ..Client::new("app", ApplicationType::Traditional) };
    for (uri, is_assured) in [
        ("https://app.example.com/cb", true),
        ("http://127.0.0.1:51111/cb", false),
        ("http://localhost/cb", false),
        ("com.example.app:/cb", false),
        ("https://localhost:8443/cb", false),
        ("https://127.1.2.3/cb", false),
        ("https://[::1]/cb", false),
    ] {
        let to = |prompt| {
            let mut request = request(prompt);
            request.target.redirect_uri = RedirectUri::try_from(uri.to_owned()).unwrap();
            request
        };
        let (plain, none) = (to(""), to("none"));
        let everything = GrantedScopes::of(&plain);
        let step = |request, client, consented| {
            let progress = Progress { consented, ..Progress::default() };
            let granted = Some(&everything);
            next_step(&Facts { granted, progress: &progress, ..facts(request, client) }, NOW)
        };
        assert_eq!(step(&plain, &confidential, false), NextStep::Issue, "{uri}");
        assert_eq!(step(&plain, &public, true), NextStep::Issue, "{uri}");
        assert_eq!(step(&plain, &device, false), NextStep::Issue, "{uri}");
        if is_assured {
            assert_eq!(step(&none, &public, false), NextStep::Issue, "{uri}");
        } else {
            let asked = NextStep::Consent { missing: everything.clone() };
            assert_eq!(step(&plain, &public, false), asked, "{uri}");
            assert_eq!(failure(step(&none, &public, false)), ErrorCode::ConsentRequired, "{uri}");
        }
    }
}

#[test]
fn a_permission_of_one_api_is_not_the_same_permission_of_another() {
    let client = client(true);
    let request = request("");
    let granted = GrantedScopes {
        scope: request.scope.clone(),
        resources: [("https://b.example".to_owned(), Scope::parse("read").unwrap())].into(),
    };
    let step = next_step(&Facts { granted: Some(&granted), ..facts(&request, &client) }, NOW);
    let NextStep::Consent { missing } = step else { panic!("{step:?}") };
    assert_eq!(missing.resources.keys().collect::<Vec<_>>(), ["https://a.example"]);
    assert!(granted.union(&missing).missing(&request).is_empty());
}

#[test]
fn only_the_permissions_beyond_the_earlier_grant_are_missing() {
    let mut wider = request("");
    wider.resources[0].scope = Scope::parse("read write").unwrap();
    let missing = GrantedScopes::of(&request("")).missing(&wider);
    assert!(missing.scope.is_empty());
    assert_eq!(missing.resources["https://a.example"].to_string(), "write");
}
