//! Pushed authorization requests (RFC 9126), at the door.

use serde_json::json;
use trinco_db::sql;
use trinco_testkit::{API, Answer, Method, Tokens, USER, World, query_of, text};

/// The authorization request an SDK would send, as a form, with members added, replaced (same name) or removed (empty value).
fn request(world: &World, client_id: &str, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let url = world.server.authorization_url(client_id, "openid offline_access", &[]);
    let mut form: Vec<(String, String)> = query_of(&url)
        .into_iter()
        .filter(|(name, _)| !more.iter().any(|(other, _)| other == name))
        .collect();
    form.extend(
        more.iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    form
}

async fn push(world: &World, client: (&str, &str), form: &[(String, String)]) -> Answer {
    let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    world.server.post_as(client, "/oidc/request", &form).await
}

fn authorization_url(client_id: &str, request_uri: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("client_id", client_id), ("request_uri", request_uri)])
        .finish();
    format!("/oidc/auth?{query}")
}

#[tokio::test]
async fn a_pushed_request_is_answered_with_a_code_and_works_once() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let answer = push(&world, client, &request(&world, client.0, &[])).await.expect(201);
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    assert_eq!(body["expires_in"], 60);
    let uri = text(&body, "/request_uri");
    assert!(uri.starts_with("urn:ietf:params:oauth:request_uri:"), "{uri}");

    // What the browser adds does not count (RFC 9126 §4).
    let url = format!(
        "{}&scope=openid+phone&redirect_uri=https://evil.example",
        authorization_url(client.0, uri)
    );
    let browser = world.server.browser();
    let code = browser.authorize(&url, USER).await;
    let tokens = world.server.exchange(client, &code).await.expect(200).json();
    assert_eq!(tokens["scope"], "openid offline_access");

    let again = browser.get(&authorization_url(client.0, uri)).await.expect(400);
    assert!(again.header("location").is_empty());
}

#[tokio::test]
async fn a_public_client_may_push_without_a_secret() {
    let world = World::start().await;
    let spa = world.admin.single_page("Page").await;
    // `post_as` adds the client_id itself.
    let form = request(&world, &spa, &[("client_id", "")]);
    let body = push(&world, (&spa, ""), &form).await.expect(201).json();
    let url = authorization_url(&spa, text(&body, "/request_uri"));
    let code = world.server.browser().authorize(&url, USER).await;
    world.server.exchange((&spa, ""), &code).await.expect(200);
}

#[tokio::test]
async fn a_pushed_request_is_spent_by_one_of_many_browsers() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let body =
        push(&world, (&app.0, &app.1), &request(&world, &app.0, &[])).await.expect(201).json();
    let url = authorization_url(&app.0, text(&body, "/request_uri"));
    let browsers: Vec<_> = (0..8).map(|_| world.server.browser()).collect();
    let answers =
        futures_util::future::join_all(browsers.iter().map(|browser| browser.get(&url))).await;
    let begun = answers.iter().filter(|answer| answer.status == 303).count();
    assert_eq!(begun, 1);
}

#[tokio::test]
async fn another_clients_request_uri_is_refused_and_not_spent() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let thief = world.admin.traditional("Thief").await;
    let body =
        push(&world, (&app.0, &app.1), &request(&world, &app.0, &[])).await.expect(201).json();
    let uri = text(&body, "/request_uri");
    let browser = world.server.browser();
    browser.get(&authorization_url(&thief.0, uri)).await.expect(400);
    let anonymous = format!("/oidc/auth?request_uri={uri}");
    browser.get(&anonymous).await.expect(400);
    browser.authorize(&authorization_url(&app.0, uri), USER).await;
    // Nor can one client push in the name of another.
    let answer = push(&world, (&thief.0, &thief.1), &request(&world, &app.0, &[])).await;
    assert_eq!(answer.expect(400).json()["error"], "invalid_request");
}

#[tokio::test]
async fn a_pushed_request_waits_for_a_minute() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let body =
        push(&world, (&app.0, &app.1), &request(&world, &app.0, &[])).await.expect(201).json();
    world.server.clock().advance(60);
    let url = authorization_url(&app.0, text(&body, "/request_uri"));
    world.server.browser().get(&url).await.expect(400);
}

#[tokio::test]
async fn what_the_authorization_endpoint_would_refuse_is_refused_at_the_push() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    for (member, error) in [
        (("redirect_uri", "https://evil.example/"), "invalid_redirect_uri"),
        (("redirect_uri", ""), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
        (("response_mode", "carrier_pigeon"), "unsupported_response_mode"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("resource", "https://nowhere.example"), "invalid_target"),
        (("request_uri", "urn:ietf:params:oauth:request_uri:x"), "invalid_request"),
        (("request", "eyJhbGciOiJub25lIn0.e30."), "request_not_supported"),
    ] {
        let answer = push(&world, client, &request(&world, client.0, &[member])).await.expect(400);
        assert_eq!(answer.json()["error"], error, "{member:?}");
    }
    let wrong = push(&world, (client.0, "wrong"), &request(&world, client.0, &[])).await;
    assert_eq!(wrong.expect(401).json()["error"], "invalid_client");
    // `%` takes three bytes once it is kept.
    let long = "%".repeat(4096);
    let scope = "%".repeat(15_000);
    let form = request(
        &world,
        client.0,
        &[("state", &long), ("login_hint", ""), ("x", &scope), ("y", "1")],
    );
    assert_eq!(push(&world, client, &form).await.expect(400).json()["error"], "invalid_request");
    // With `client_id`, which stands in the header, there are more parameters to keep than are read.
    let mut form = request(&world, client.0, &[("client_id", "")]);
    form.extend((form.len()..100).map(|at| (format!("p{at}"), "1".to_owned())));
    assert_eq!(push(&world, client, &form).await.expect(400).json()["error"], "invalid_request");
    form.pop();
    push(&world, client, &form).await.expect(201);
}

/// What is kept of a posted request is what the GET that follows reads: a request that would be too long then is refused at once.
#[tokio::test]
async fn a_posted_request_that_cannot_be_read_back_is_refused() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let browser = world.server.browser();
    for (length, status) in [(8_000, 303), (12_000, 400)] {
        // One byte as it is sent, three as it is kept.
        let dots = ".".repeat(length);
        let form = request(&world, &app.0, &[("x", &dots), ("y", &dots)]);
        let fields: Vec<_> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let answer = browser.submit("/oidc/auth", &fields).await.expect(status);
        if status == 303 {
            let found = browser.get(answer.location()).await;
            assert!(found.location().contains("/sign-in?"), "{}", found.text);
        }
    }
}

#[tokio::test]
async fn an_application_that_pushes_every_request_takes_none_from_a_browser() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let metadata =
        json!({ "customClientMetadata": { "requirePushedAuthorizationRequests": true } });
    let changed =
        world.admin.patch(&format!("/api/applications/{}", app.0), metadata).await.expect(200);
    assert_eq!(changed.json()["customClientMetadata"]["requirePushedAuthorizationRequests"], true);
    let browser = world.server.browser();
    let plain = world.server.authorization_url(client.0, "openid", &[]);
    let refused = browser.request(Method::GET, &plain);
    assert_eq!(Answer::to(refused).await.expect(400).json()["error"], "invalid_request");
    // By POST, the same.
    let form = request(&world, client.0, &[]);
    let fields: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    browser.submit("/oidc/auth", &fields).await.expect(400);

    let body = push(&world, client, &form).await.expect(201).json();
    let uri = text(&body, "/request_uri").to_owned();
    // A browser may bring its reference by POST.
    let posted =
        browser.submit("/oidc/auth", &[("client_id", client.0), ("request_uri", &uri)]).await;
    let code = browser.authorize(posted.location(), USER).await;
    world.server.exchange(client, &code).await.expect(200);
}

#[tokio::test]
async fn a_posted_request_is_kept_without_credentials_it_should_not_have_had() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let stray = [("client_secret", app.1.as_str()), ("client_assertion", "stray-assertion")];
    let form = request(&world, &app.0, &stray);
    let fields: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let browser = world.server.browser();
    let posted = browser.submit("/oidc/auth", &fields).await;
    let mut conn = world.server.tenant().read().await.expect("a connection");
    let kept = sql!("SELECT parameters FROM authorization_requests WHERE tenant_id = $1");
    let kept: String = conn.one(kept, &[]).await.expect("a row").get(0).expect("the parameters");
    drop(conn);
    assert!(kept.contains("scope=openid") && !kept.contains(&app.1), "{kept}");
    assert!(!kept.contains("stray") && !kept.contains("secret"), "{kept}");
    let code = browser.authorize(posted.location(), USER).await;
    world.server.exchange((&app.0, &app.1), &code).await.expect(200);
}

#[tokio::test]
async fn discovery_names_the_endpoint() {
    let world = World::start().await;
    let document =
        world.server.browser().get("/oidc/.well-known/openid-configuration").await.json();
    let endpoint = format!("{}/request", world.server.issuer());
    assert_eq!(document["pushed_authorization_request_endpoint"], endpoint);
}

/// RFC 9126 §2, §2.3: what the authorization endpoint understands may be pushed, and no person is there to be missed.
#[tokio::test]
async fn every_parameter_may_be_pushed_and_no_error_of_a_person_is_an_answer() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let more = [
        ("scope", "openid read:orders"),
        ("resource", API),
        ("nonce", "n-1"),
        ("claims", r#"{"id_token":{"username":null}}"#),
        ("login_hint", USER.0),
        ("ui_locales", "pt-BR en"),
        ("max_age", "600"),
    ];
    let silent = [&more[..], &[("prompt", "none"), ("response_mode", "fragment")]].concat();
    let answer = push(&world, client, &request(&world, client.0, &silent)).await.expect(201);
    assert_eq!(answer.header("content-type"), "application/json");
    let url = authorization_url(client.0, text(&answer.json(), "/request_uri"));
    let browser = world.server.browser();
    let refused = browser.get(&url).await.location().replacen('#', "?", 1);
    assert_eq!(query_of(&refused)["error"], "login_required");

    let answer = push(&world, client, &request(&world, client.0, &more)).await.expect(201);
    let url = authorization_url(client.0, text(&answer.json(), "/request_uri"));
    let code = browser.authorize(&url, USER).await;
    let part = [("resource", API)];
    let tokens = Tokens(world.server.exchange_for(client, &code, &part).await.expect(200).json());
    let access = Tokens::claims(tokens.access());
    assert_eq!((&access["aud"], &access["scope"]), (&json!(API), &json!("read:orders")));
    let id = Tokens::claims(tokens.id());
    assert_eq!((&id["nonce"], &id["username"]), (&json!("n-1"), &json!(USER.0)));
    assert!(id["auth_time"].is_i64(), "{id}");
}

/// RFC 9126 §4, §7.4: what the application may do when the browser comes counts, and not what it might when it pushed.
#[tokio::test]
async fn a_pushed_request_is_held_against_what_the_application_is_when_the_browser_comes() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let pushed = async || {
        let answer = push(&world, client, &request(&world, client.0, &[])).await.expect(201);
        authorization_url(client.0, text(&answer.json(), "/request_uri"))
    };
    let change = async |body: serde_json::Value| {
        let path = format!("/api/applications/{}", app.0);
        world.admin.patch(&path, body).await.expect(200);
    };
    let browser = world.server.browser();
    let before = pushed().await;
    let elsewhere = json!(["https://shop.example/callback"]);
    let metadata = |uris: serde_json::Value| json!({ "oidcClientMetadata": { "redirectUris": uris, "postLogoutRedirectUris": [] } });
    change(metadata(elsewhere)).await;
    let refused = browser.get(&before).await.expect(400);
    assert_eq!(refused.header("location"), "");
    change(metadata(json!([trinco_testkit::REDIRECT_URI]))).await;
    let after = pushed().await;
    let code = browser.authorize(&after, USER).await;
    world.server.exchange(client, &code).await.expect(200);

    let before = pushed().await;
    world.admin.delete(&format!("/api/applications/{}", app.0)).await.expect(204);
    let refused = browser.get(&before).await.expect(400);
    assert_eq!(refused.header("location"), "");
}
