//! What the answers of the protocol have in common (RFC 6749 §3.1, §5.1, Appendix A, RFC 7636 §4.4), and where none is given, at the
//! door.

mod attack;

use attack::altered;
use serde_json::json;
use trinco_testkit::{
    API, Answer, Browser, Tokens, USER, World, challenge_of, hidden, query_of, text,
};

const VERIFIER: &str = "MYqr0KjZe_7S7nK6qgwyw_grQCU7N6CBnz2B5uLosq8";

async fn post(world: &World, client: (&str, &str), path: &str, form: &[(&str, &str)]) -> Answer {
    world.server.post_as(client, path, form).await
}

/// Fills the sign-in page in, and returns where the browser goes on.
async fn sign_in(browser: &Browser, page: &str) -> String {
    let xsrf = hidden(&browser.get(page).await.expect(200).text, "xsrf");
    let form = [("xsrf", xsrf.as_str()), ("identifier", USER.0), ("password", USER.1)];
    browser.submit(page, &form).await.location().to_owned()
}

#[tokio::test]
async fn what_holds_a_secret_is_kept_by_no_cache_however_old() {
    let world = World::start().await;
    let server = &world.server;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let tv = json!({
        "name": "Television", "type": "Native",
        "oidcClientMetadata": { "redirectUris": [], "postLogoutRedirectUris": [] },
        "customClientMetadata": { "isDeviceFlow": true },
    });
    let tv = text(&world.admin.create("/api/applications", tv).await, "/id").to_owned();
    let browser = server.browser();
    let url = server.authorization_url(client.0, "openid offline_access", &[]);
    let to_sign_in = browser.get(&url).await;
    let resume = sign_in(&browser, to_sign_in.location()).await;
    let callback = browser.get(&resume).await;
    let code = query_of(callback.location()).remove("code").expect("a code");
    let issued = server.exchange(client, &code).await.expect(200);
    let tokens = Tokens(issued.json());
    let token = [("token", tokens.access())];
    let request: Vec<(String, String)> = query_of(&url).into_iter().collect();
    let request: Vec<(&str, &str)> =
        request.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let secrets = format!("/api/applications/{}/secrets", client.0);
    for (what, answer) in [
        ("the way to the page", to_sign_in),
        ("code", callback),
        ("code in a form", browser.get(&altered(&url, &[("response_mode", "form_post")])).await),
        ("tokens", issued),
        ("refusal", server.exchange(client, &code).await.expect(400)),
        ("introspection", post(&world, client, "/oidc/token/introspection", &token).await),
        ("pushed request", post(&world, client, "/oidc/request", &request).await.expect(201)),
        ("device code", post(&world, (&tv, ""), "/oidc/device/auth", &[("scope", "openid")]).await),
        ("new client secret", world.admin.post(&secrets, json!({ "name": "two" })).await),
        ("client secrets", world.admin.get(&secrets).await.expect(200)),
        ("person", world.admin.get(&format!("/api/users/{}", world.user_id)).await.expect(200)),
    ] {
        assert!(answer.status.as_u16() < 500, "{what}: {}", answer.status);
        assert_eq!(answer.header("cache-control"), "no-store", "{what}");
        assert_eq!(answer.header("pragma"), "no-cache", "{what}");
    }
    let public = browser.get("/oidc/jwks").await.expect(200);
    assert_eq!(public.header("pragma"), "", "what is for everybody may be kept");
}

#[tokio::test]
async fn what_is_issued_is_visible_ascii() {
    let world = World::start().await;
    let (app, page) =
        (world.admin.traditional("Shop").await, world.admin.single_page("Page").await);
    for client in [(app.0.as_str(), app.1.as_str()), (page.as_str(), "")] {
        let scope = "openid offline_access read:orders";
        let url = world.server.authorization_url(client.0, scope, &[("resource", API)]);
        let code = world.server.browser().authorize(&url, USER).await;
        let tokens = Tokens(world.server.exchange(client, &code).await.expect(200).json());
        let more = [("resource", API)];
        let signed = world.refresh(client, tokens.refresh(), &more).await.expect(200).json();
        for (what, value) in [
            ("client_id", client.0),
            ("code", &code),
            ("access token", tokens.access()),
            ("refresh token", tokens.refresh()),
            ("JWT", text(&signed, "/access_token")),
        ] {
            assert!(!value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic()), "{what}");
        }
        assert!(client.1.bytes().all(|b| b.is_ascii_graphic()));
        assert_eq!(signed["token_type"], "Bearer");
        assert!(signed["expires_in"].as_u64().is_some_and(|seconds| seconds > 0));
    }
}

#[tokio::test]
async fn what_an_answer_says_it_says_once() {
    let world = World::start().await;
    let uri = "http://localhost:9999/callback?shop=1&code=own&st%61te=own&iss";
    let metadata = json!({ "redirectUris": [uri], "postLogoutRedirectUris": [] });
    let body = json!({ "name": "Shop", "type": "Traditional", "oidcClientMetadata": metadata });
    let id = text(&world.admin.create("/api/applications", body).await, "/id").to_owned();
    let secret = world.admin.secret_of(&id).await;
    let browser = world.server.browser();
    let url = world.server.authorization_url(&id, "openid", &[]);
    let url = altered(&url, &[("redirect_uri", uri)]);
    let resume = sign_in(&browser, browser.get(&url).await.location()).await;
    let callback = browser.get(&resume).await.location().to_owned();
    let (start, query) = callback.split_once('?').expect("a query");
    assert_eq!(start, "http://localhost:9999/callback");
    let said: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let names: Vec<&str> = said.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["shop", "code", "state", "iss"], "{callback}");
    // The redirect URI that the code is bound to is the one that was asked for.
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &*said[1].1),
        ("redirect_uri", uri),
        ("code_verifier", VERIFIER),
    ];
    world.server.token((&id, &secret), &form).await.expect(200);
}

#[tokio::test]
async fn a_public_client_that_registered_no_redirect_uri_is_answered_nowhere() {
    let world = World::start().await;
    let browser = world.server.browser();
    for kind in ["SPA", "Native"] {
        let metadata = json!({ "redirectUris": [], "postLogoutRedirectUris": [] });
        let body = json!({ "name": "Page", "type": kind, "oidcClientMetadata": metadata });
        let id = text(&world.admin.create("/api/applications", body).await, "/id").to_owned();
        let url = world.server.authorization_url(&id, "openid", &[]);
        for url in [altered(&url, &[("redirect_uri", "")]), url] {
            let refused = browser.get(&url).await.expect(400);
            assert_eq!(refused.header("location"), "", "{kind}");
        }
    }
}

/// RFC 7636 §4.4: what a browser is told on its way, and those who read along.
#[tokio::test]
async fn the_challenge_stays_with_the_server() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let browser = world.server.browser();
    let url = world.server.authorization_url(&app.0, "openid", &[]);
    let challenge = challenge_of(VERIFIER);
    assert!(url.contains(&challenge));
    let tells = |answer: &Answer| {
        let mut headers = answer.headers.values();
        let in_headers =
            headers.any(|value| value.to_str().unwrap_or_default().contains(&challenge));
        in_headers || answer.text.contains(&challenge)
    };
    let start = browser.get(&url).await;
    let page = browser.get(start.location()).await.expect(200);
    let resume = sign_in(&browser, start.location()).await;
    let callback = browser.get(&resume).await;
    let request: Vec<(String, String)> = query_of(&url).into_iter().collect();
    let request: Vec<(&str, &str)> =
        request.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let posted = browser.submit("/oidc/auth", &request).await;
    let code = query_of(callback.location()).remove("code").expect("a code");
    for (what, answer) in [
        ("the way to the page", &start),
        ("page", &page),
        ("code", &callback),
        ("code in a form", &browser.get(&altered(&url, &[("response_mode", "form_post")])).await),
        ("posted request", &posted),
        ("refusal", &browser.get(&altered(&url, &[("max_age", "soon")])).await),
        ("tokens", &world.server.exchange((&app.0, &app.1), &code).await.expect(200)),
    ] {
        assert!(!tells(answer), "{what}");
    }
}

#[tokio::test]
async fn a_challenge_that_no_verifier_meets_is_refused_to_the_application() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let browser = world.server.browser();
    let url = world.server.authorization_url(&app.0, "openid", &[]);
    let good = challenge_of(VERIFIER);
    for challenge in
        [&good[..40], &format!("{good}A"), &format!("{good}="), &good.replace('M', "+")]
    {
        assert_ne!(challenge, good);
        let answer = browser.get(&altered(&url, &[("code_challenge", challenge)])).await;
        assert_eq!(query_of(answer.location())["error"], "invalid_request", "{challenge}");
    }
    // A method without a challenge is a request that has lost something on its way.
    let answer = browser.get(&altered(&url, &[("code_challenge", "")])).await;
    assert_eq!(query_of(answer.location())["error"], "invalid_request");
}

/// RFC 7009 §2.2.1: who takes a JWT back learns that it lives on.
#[tokio::test]
async fn a_jwt_cannot_be_revoked_which_is_said() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let scope = "openid offline_access read:orders";
    let more = [("resource", API)];
    let browser = world.server.browser();
    let tokens = world.server.sign_in(&browser, client, USER, scope, &more).await;
    let signed = world.refresh(client, tokens.refresh(), &more).await.expect(200).json();
    for token in [text(&signed, "/access_token"), tokens.id()] {
        for hint in ["access_token", "refresh_token", "nosuchtype"] {
            let form = [("token", token), ("token_type_hint", hint)];
            let refused = post(&world, client, "/oidc/token/revocation", &form).await.expect(400);
            assert_eq!(refused.json()["error"], "unsupported_token_type", "{hint}");
        }
    }
    world.refresh(client, tokens.refresh(), &[]).await.expect(200);
}
