//! Attacks on authorization codes: injection, replay, mix-up and PKCE downgrade (RFC 9700 §4.4, §4.5, §4.8), at the door.

mod attack;

use attack::{altered, as_form, pairs};
use serde_json::Value;
use trinco_testkit::{
    Answer, Method, REDIRECT_URI, Tokens, USER, World, challenge_of, hidden, query_of, text,
};

/// The verifier of the attacker's own sign-in.
const ATTACKERS: &str = "attacker-attacker-attacker-attacker-attacker";

async fn exchange_with(
    world: &World,
    client: (&str, &str),
    code: &str,
    verifier: Option<&str>,
) -> Answer {
    let mut form =
        vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT_URI)];
    form.extend(verifier.map(|verifier| ("code_verifier", verifier)));
    world.server.token(client, &form).await
}

fn error_of(answer: Answer) -> String {
    text(&answer.expect(400).json(), "/error").to_owned()
}

async fn userinfo(world: &World, token: &str) -> u16 {
    let request = world.server.browser().request(Method::GET, "/oidc/me").bearer_auth(token);
    Answer::to(request).await.status.as_u16()
}

#[tokio::test]
async fn code_injection_into_the_attackers_own_sign_in_fails_at_the_verifier() {
    let world = World::start().await;
    let spa = world.admin.single_page("Page").await;
    let web = world.admin.traditional("Shop").await;
    for client in [(spa.as_str(), ""), (web.0.as_str(), web.1.as_str())] {
        let url = world.server.authorization_url(client.0, "openid", &[]);
        let stolen = world.server.browser().authorize(&url, USER).await;
        // The application's session is the attacker's: it adds the attacker's verifier to whatever code it is brought.
        let injected = exchange_with(&world, client, &stolen, Some(ATTACKERS)).await;
        assert_eq!(error_of(injected), "invalid_grant");
        // The person whose code it was is not harmed.
        world.server.exchange(client, &stolen).await.expect(200);
    }
}

#[tokio::test]
async fn code_injection_without_a_challenge_shows_in_the_nonce() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let url = world.server.authorization_url(client.0, "openid", &[]);
    let bare = [("code_challenge", ""), ("code_challenge_method", ""), ("nonce", "victims")];
    let stolen = world.server.browser().authorize(&altered(&url, &bare), USER).await;
    let tokens = exchange_with(&world, client, &stolen, None).await.expect(200).json();
    assert_eq!(Tokens::claims(text(&tokens, "/id_token"))["nonce"], "victims");
}

#[tokio::test]
async fn code_injection_at_another_client_or_redirect_uri_is_refused() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let (thief, page) =
        (world.admin.traditional("Thief").await, world.admin.single_page("Page").await);
    let client = (app.0.as_str(), app.1.as_str());
    let url = world.server.authorization_url(client.0, "openid", &[]);
    let code = world.server.browser().authorize(&url, USER).await;
    for other in [(thief.0.as_str(), thief.1.as_str()), (page.as_str(), "")] {
        assert_eq!(error_of(world.server.exchange(other, &code).await), "invalid_grant");
    }
    for uri in ["http://localhost:9999/callback/", "http://localhost:9999/callback?", ""] {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", uri),
            ("code_verifier", "MYqr0KjZe_7S7nK6qgwyw_grQCU7N6CBnz2B5uLosq8"),
        ];
        world.server.token(client, &form).await.expect(400);
    }
    world.server.exchange(client, &code).await.expect(200);
}

#[tokio::test]
async fn code_replay_after_thirty_seconds_and_a_refresh_takes_every_descendant_with_it() {
    let world = World::start().await;
    let spa = world.admin.single_page("Page").await;
    let client = (spa.as_str(), "");
    let url = world.server.authorization_url(&spa, "openid offline_access", &[]);
    let code = world.server.browser().authorize(&url, USER).await;
    let first = Tokens(world.server.exchange(client, &code).await.expect(200).json());
    let second = Tokens(world.refresh(client, first.refresh(), &[]).await.expect(200).json());
    world.server.clock().advance(30);
    assert_eq!(error_of(world.server.exchange(client, &code).await), "invalid_grant");
    assert_eq!(error_of(world.refresh(client, second.refresh(), &[]).await), "invalid_grant");
    for tokens in [&first, &second] {
        assert_eq!(userinfo(&world, tokens.access()).await, 401);
    }
    // Who has the code alone, and not what it is bound to, cannot even have it revoked.
    let code = world.server.browser().authorize(&url, USER).await;
    let tokens = Tokens(world.server.exchange(client, &code).await.expect(200).json());
    assert_eq!(error_of(exchange_with(&world, client, &code, None).await), "invalid_grant");
    assert_eq!(userinfo(&world, tokens.access()).await, 200);
}

#[tokio::test]
async fn code_replay_by_a_stranger_harms_nobody() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let thief = world.admin.traditional("Thief").await;
    let client = (app.0.as_str(), app.1.as_str());
    let url = world.server.authorization_url(client.0, "openid", &[]);
    let code = world.server.browser().authorize(&url, USER).await;
    let tokens = Tokens(world.server.exchange(client, &code).await.expect(200).json());
    world.server.exchange((&thief.0, &thief.1), &code).await.expect(400);
    world.server.exchange((&app.0, "wrong"), &code).await.expect(401);
    assert_eq!(userinfo(&world, tokens.access()).await, 200);
}

#[tokio::test]
async fn mix_up_is_seen_because_every_answer_names_its_issuer() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let browser = world.server.browser();
    let issuer = world.server.issuer();
    let url = |more: &[(&str, &str)]| world.server.authorization_url(&app.0, "openid", more);
    world.server.sign_in(&browser, (&app.0, &app.1), USER, "openid", &[]).await;
    for more in [&[][..], &[("resource", "https://nowhere.example")]] {
        let query = browser.get(&url(more)).await.location().to_owned();
        assert_eq!(query_of(&query)["iss"], issuer, "{query}");
        let in_fragment = [more, &[("response_mode", "fragment")]].concat();
        let fragment = browser.get(&url(&in_fragment)).await.location().replacen('#', "?", 1);
        assert_eq!(query_of(&fragment)["iss"], issuer, "{fragment}");
        let in_form = [more, &[("response_mode", "form_post")]].concat();
        let page = browser.get(&url(&in_form)).await.expect(200);
        assert_eq!(hidden(&page.text, "iss"), issuer);
    }
    let discovery = browser.get("/oidc/.well-known/openid-configuration").await.json();
    assert_eq!(discovery["issuer"], issuer);
    assert_eq!(discovery["authorization_response_iss_parameter_supported"], true);
    let other = browser.get("/admin/oidc/.well-known/openid-configuration").await.json();
    assert_ne!(other["issuer"], discovery["issuer"], "two issuers are told apart");
}

#[tokio::test]
async fn mix_up_brings_a_code_of_one_issuer_to_another_in_vain() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let url = world.server.authorization_url(client.0, "openid", &[]);
    let code = world.server.browser().authorize(&url, USER).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", "MYqr0KjZe_7S7nK6qgwyw_grQCU7N6CBnz2B5uLosq8"),
    ];
    let elsewhere = world.server.post_as(client, "/admin/oidc/token", &form).await.expect(401);
    assert_eq!(elsewhere.json()["error"], "invalid_client");
    let tokens = Tokens(world.server.exchange(client, &code).await.expect(200).json());
    // Nor are the tokens of one issuer good at the other.
    let request = world.server.browser().request(Method::GET, "/admin/oidc/me");
    Answer::to(request.bearer_auth(tokens.access())).await.expect(401);
}

#[tokio::test]
async fn pkce_downgrade_by_stripping_the_challenge_is_refused_to_public_clients() {
    let world = World::start().await;
    let spa = world.admin.single_page("Page").await;
    let browser = world.server.browser();
    let url = world.server.authorization_url(&spa, "openid", &[]);
    let stripped = altered(&url, &[("code_challenge", ""), ("code_challenge_method", "")]);
    let empty = format!("{stripped}&code_challenge=&code_challenge_method=");
    for url in [&stripped, &empty] {
        let answer = query_of(browser.get(url).await.location());
        assert_eq!(answer["error"], "invalid_request");
        assert!(!answer.contains_key("code"));
    }
    // Neither by POST nor pushed.
    let form = as_form(&stripped);
    let posted = browser.submit("/oidc/auth", &pairs(&form)).await;
    assert_eq!(query_of(posted.location())["error"], "invalid_request");
    let form: Vec<_> = form.into_iter().filter(|(name, _)| name != "client_id").collect();
    let pushed = world.server.post_as((&spa, ""), "/oidc/request", &pairs(&form)).await;
    assert_eq!(error_of(pushed), "invalid_request");
}

/// RFC 9700 §2.1.1: the attacker strips the challenge from the request of an honest client, which then sends its verifier.
#[tokio::test]
async fn pkce_downgrade_of_a_confidential_client_is_seen_by_the_verifier_it_sends() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let url = world.server.authorization_url(client.0, "openid", &[]);
    let stripped = altered(&url, &[("code_challenge", ""), ("code_challenge_method", "")]);
    let code = world.server.browser().authorize(&stripped, USER).await;
    assert_eq!(error_of(world.server.exchange(client, &code).await), "invalid_grant");
}

#[tokio::test]
async fn pkce_downgrade_to_plain_or_to_no_method_is_refused() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let url = world.server.authorization_url(&app.0, "openid", &[]);
    for method in ["plain", "s256", "S512", "none", ""] {
        let changes = [("code_challenge_method", method), ("code_challenge", ATTACKERS)];
        let answer = world.server.browser().get(&altered(&url, &changes)).await;
        assert_eq!(query_of(answer.location())["error"], "invalid_request", "{method}");
    }
}

#[tokio::test]
async fn pkce_downgrade_at_the_token_endpoint_is_refused() {
    let world = World::start().await;
    let spa = world.admin.single_page("Page").await;
    let client = (spa.as_str(), "");
    let verifier = "MYqr0KjZe_7S7nK6qgwyw_grQCU7N6CBnz2B5uLosq8";
    let challenge = challenge_of(verifier);
    let url = world.server.authorization_url(&spa, "openid", &[]);
    let code = world.server.browser().authorize(&url, USER).await;
    let longer = format!("{verifier}A");
    for wrong in [None, Some(""), Some(challenge.as_str()), Some(longer.as_str())] {
        let refused = exchange_with(&world, client, &code, wrong).await;
        assert_eq!(error_of(refused), "invalid_grant", "{wrong:?}");
    }
    exchange_with(&world, client, &code, Some(verifier)).await.expect(200);

    // A verifier that could be guessed does not count though it fits (RFC 7636 §4.1).
    let short = "a".repeat(42);
    let weak = altered(&url, &[("code_challenge", &challenge_of(&short))]);
    let code = world.server.browser().authorize(&weak, USER).await;
    assert_eq!(error_of(exchange_with(&world, client, &code, Some(&short)).await), "invalid_grant");
}

#[tokio::test]
async fn pkce_is_advertised_with_the_one_method_that_works() {
    let world = World::start().await;
    let browser = world.server.browser();
    let discovery: Value = browser.get("/oidc/.well-known/openid-configuration").await.json();
    assert_eq!(discovery["code_challenge_methods_supported"], serde_json::json!(["S256"]));
}
