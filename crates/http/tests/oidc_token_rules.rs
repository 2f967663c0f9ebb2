//! Rules of the endpoints where clients authenticate: token (RFC 6749 §3.2, §5, §6), introspection (RFC 7662) and revocation
//! (RFC 7009). At the door.

use serde_json::json;
use trinco_testkit::{API, Answer, Browser, Method, REDIRECT_URI, Tokens, USER, World, text};

const INTROSPECTION: &str = "/oidc/token/introspection";
const REVOCATION: &str = "/oidc/token/revocation";

struct Shop {
    world: World,
    app: (String, String),
    browser: Browser,
}

impl Shop {
    async fn start() -> Self {
        let world = World::start().await;
        let app = world.admin.traditional("Shop").await;
        let browser = world.server.browser();
        Self { world, app, browser }
    }

    fn client(&self) -> (&str, &str) {
        (&self.app.0, &self.app.1)
    }

    async fn sign_in(&self, client: (&str, &str)) -> Tokens {
        let scope = "openid offline_access profile read:orders";
        let more = [("resource", API)];
        self.world.server.sign_in(&self.browser, client, USER, scope, &more).await
    }

    async fn post(&self, client: (&str, &str), path: &str, form: &[(&str, &str)]) -> Answer {
        self.world.server.post_as(client, path, form).await
    }

    async fn is_active(&self, client: (&str, &str), token: &str) -> bool {
        let answer = self.post(client, INTROSPECTION, &[("token", token)]).await.expect(200);
        let body = answer.json();
        // What is not active is nothing else either (RFC 7662 §2.2).
        assert!(body["active"] == true || body == json!({ "active": false }), "{body}");
        body["active"] == true
    }
}

#[tokio::test]
async fn what_holds_tokens_is_cached_by_nobody() {
    let shop = Shop::start().await;
    let tokens = shop.sign_in(shop.client()).await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())];
    let refreshed = shop.post(shop.client(), "/oidc/token", &form).await.expect(200);
    let token = [("token", tokens.access())];
    let seen = shop.post(shop.client(), INTROSPECTION, &token).await.expect(200);
    let refused = shop.post(shop.client(), "/oidc/token", &form[..1]).await.expect(400);
    for answer in [&refreshed, &seen, &refused] {
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("content-type"), "application/json");
    }
    assert_eq!(refreshed.header("pragma"), "no-cache");
}

#[tokio::test]
async fn these_endpoints_take_requests_by_post_only() {
    let shop = Shop::start().await;
    for path in ["/oidc/token", INTROSPECTION, REVOCATION, "/oidc/request", "/oidc/device/auth"] {
        let query = format!("{path}?grant_type=refresh_token&token=x&client_id={}", shop.app.0);
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
            let request = shop.browser.request(method.clone(), &query);
            let answer = Answer::to(request.basic_auth(&shop.app.0, Some(&shop.app.1))).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert!(answer.header("allow").contains("POST"), "{}", answer.header("allow"));
        }
    }
}

#[tokio::test]
async fn credentials_and_parameters_in_the_url_are_not_read() {
    let shop = Shop::start().await;
    let tokens = shop.sign_in(shop.client()).await;
    let secret = format!("client_id={}&client_secret={}", shop.app.0, shop.app.1);
    let form = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())];
    let in_url = shop.browser.request(Method::POST, &format!("/oidc/token?{secret}")).form(&form);
    assert_eq!(Answer::to(in_url).await.expect(400).json()["error"], "invalid_request");
    let path = format!("/oidc/token?grant_type=refresh_token&refresh_token={}", tokens.refresh());
    let request = shop.browser.request(Method::POST, &path);
    let request = request.basic_auth(&shop.app.0, Some(&shop.app.1)).form(&form[..1]);
    assert_eq!(Answer::to(request).await.expect(400).json()["error"], "invalid_request");
}

#[tokio::test]
async fn a_refresh_token_is_its_clients_alone() {
    let shop = Shop::start().await;
    let thief = shop.world.admin.traditional("Thief").await;
    let page = shop.world.admin.single_page("Page").await;
    let tokens = shop.sign_in(shop.client()).await;
    let pages = shop.sign_in((&page, "")).await;
    for (client, stolen) in [
        ((thief.0.as_str(), thief.1.as_str()), tokens.refresh()),
        ((page.as_str(), ""), tokens.refresh()),
        (shop.client(), pages.refresh()),
    ] {
        let refused = shop.world.refresh(client, stolen, &[]).await.expect(400).json();
        assert_eq!(refused["error"], "invalid_grant");
    }
    // Unauthenticated, it is worth as little; and none of that has harmed its owner.
    shop.world.refresh((&shop.app.0, ""), tokens.refresh(), &[]).await.expect(401);
    shop.world.refresh((&shop.app.0, "wrong"), tokens.refresh(), &[]).await.expect(401);
    shop.world.refresh(shop.client(), tokens.refresh(), &[]).await.expect(200);
    shop.world.refresh((&page, ""), pages.refresh(), &[]).await.expect(200);
}

#[tokio::test]
async fn a_narrowed_refresh_does_not_narrow_the_refresh_token() {
    let shop = Shop::start().await;
    let tokens = shop.sign_in(shop.client()).await;
    let narrow = [("scope", "openid")];
    let answer =
        shop.world.refresh(shop.client(), tokens.refresh(), &narrow).await.expect(200).json();
    assert_eq!(answer["scope"], "openid");
    let again = text(&answer, "/refresh_token");
    let answer = shop.world.refresh(shop.client(), again, &[]).await.expect(200).json();
    assert_eq!(answer["scope"], "openid offline_access profile");
}

#[tokio::test]
async fn a_code_needs_the_redirect_uri_it_was_sent_to_and_its_grant_type_in_full() {
    let shop = Shop::start().await;
    let url = shop.world.server.authorization_url(&shop.app.0, "openid", &[]);
    let code = shop.browser.authorize(&url, USER).await;
    let good = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", "MYqr0KjZe_7S7nK6qgwyw_grQCU7N6CBnz2B5uLosq8"),
    ];
    for missing in ["grant_type", "code", "redirect_uri"] {
        let form: Vec<_> = good.iter().copied().filter(|(name, _)| *name != missing).collect();
        let answer = shop.world.server.token(shop.client(), &form).await.expect(400).json();
        assert_eq!(answer["error"], "invalid_request", "{missing}");
    }
    // What is not understood is ignored, what is empty is absent.
    let mut form = good.to_vec();
    form.extend([("extra", "1"), ("resource", ""), ("scope", "")]);
    shop.world.server.token(shop.client(), &form).await.expect(200);
}

#[tokio::test]
async fn public_clients_and_people_get_no_client_credentials() {
    let shop = Shop::start().await;
    let page = shop.world.admin.single_page("Page").await;
    let form = [("grant_type", "client_credentials"), ("resource", API)];
    for client in [(page.as_str(), ""), shop.client()] {
        let answer = shop.world.server.token(client, &form).await.expect(400).json();
        assert_eq!(answer["error"], "invalid_request");
    }
}

#[tokio::test]
async fn secrets_are_long_random_and_never_the_same() {
    let shop = Shop::start().await;
    let path = format!("/api/applications/{}/secrets", shop.app.0);
    let mut seen = std::collections::BTreeSet::from([shop.app.1.clone()]);
    for name in ["one", "two", "three"] {
        let secret = shop.world.admin.create(&path, json!({ "name": name, "value": "1234" })).await;
        let value = text(&secret, "/value").to_owned();
        assert!(value.len() == 32 && value.bytes().all(|b| b.is_ascii_alphanumeric()), "{value}");
        assert!(seen.insert(value));
    }
}

#[tokio::test]
async fn only_an_authenticated_client_looks_at_tokens_or_revokes_them() {
    let shop = Shop::start().await;
    let tokens = shop.sign_in(shop.client()).await;
    for path in [INTROSPECTION, REVOCATION] {
        let form = [("token", tokens.refresh())];
        shop.post((&shop.app.0, ""), path, &form).await.expect(401);
        let wrong = shop.post((&shop.app.0, "wrong"), path, &form).await.expect(401);
        assert!(wrong.header("www-authenticate").starts_with("Basic "));
        let nobody = Answer::to(shop.browser.request(Method::POST, path).form(&form)).await;
        nobody.expect(400);
        let none = shop.post(shop.client(), path, &[]).await.expect(400).json();
        assert_eq!(none["error"], "invalid_request");
    }
    assert!(shop.is_active(shop.client(), tokens.refresh()).await);
}

#[tokio::test]
async fn a_token_is_active_as_long_as_it_works() {
    let shop = Shop::start().await;
    let tokens = shop.sign_in(shop.client()).await;
    let page = shop.world.admin.single_page("Page").await;
    let pages = shop.sign_in((&page, "")).await;
    let body = shop.post(shop.client(), INTROSPECTION, &[("token", tokens.access())]).await.json();
    let now = shop.world.server.clock().now();
    assert_eq!((&body["iat"], &body["exp"]), (&json!(now), &json!(now + 3600)));
    assert_eq!(
        (&body["iss"], &body["client_id"]),
        (&json!(shop.world.server.issuer()), &json!(shop.app.0))
    );
    // A hint that is wrong or unknown changes nothing.
    for hint in ["refresh_token", "access_token", "saml2"] {
        let form = [("token", tokens.access()), ("token_type_hint", hint)];
        assert_eq!(shop.post(shop.client(), INTROSPECTION, &form).await.json()["active"], true);
    }
    // A public client, which proves nothing, learns of its own tokens alone.
    assert!(shop.is_active((&page, ""), pages.access()).await);
    assert!(!shop.is_active((&page, ""), tokens.access()).await);
    // Spent, then expired, then revoked.
    let spent = pages.refresh().to_owned();
    let next = Tokens(shop.world.refresh((&page, ""), &spent, &[]).await.expect(200).json());
    assert!(!shop.is_active((&page, ""), &spent).await);
    assert!(shop.is_active((&page, ""), next.refresh()).await);
    shop.world.server.clock().advance(3600);
    assert!(!shop.is_active(shop.client(), tokens.access()).await);
    assert!(shop.is_active(shop.client(), tokens.refresh()).await);
    shop.post(shop.client(), REVOCATION, &[("token", tokens.refresh())]).await.expect(200);
    assert!(!shop.is_active(shop.client(), tokens.refresh()).await);
    let suspend = format!("/api/users/{}/is-suspended", shop.world.user_id);
    let mut admin = shop.world.admin.clone();
    admin.renew().await;
    admin.patch(&suspend, json!({ "isSuspended": true })).await.expect(200);
    assert!(!shop.is_active((&page, ""), next.refresh()).await);
}

#[tokio::test]
async fn revoking_a_token_ends_the_grant_at_once_and_is_always_answered_the_same() {
    let shop = Shop::start().await;
    let me = |token: String| {
        let request = shop.browser.request(Method::GET, "/oidc/me").bearer_auth(token);
        async move { Answer::to(request).await.status.as_u16() }
    };
    for which in ["access_token", "refresh_token"] {
        let tokens = shop.sign_in(shop.client()).await;
        let token = text(&tokens.0, &format!("/{which}")).to_owned();
        assert_eq!(me(tokens.access().to_owned()).await, 200);
        // The hint is wrong on purpose.
        let hint = if which == "access_token" { "refresh_token" } else { "access_token" };
        let form = [("token", token.as_str()), ("token_type_hint", hint)];
        assert_eq!(shop.post(shop.client(), REVOCATION, &form).await.expect(200).text, "");
        assert_eq!(me(tokens.access().to_owned()).await, 401);
        shop.world.refresh(shop.client(), tokens.refresh(), &[]).await.expect(400);
        // Again, unknown, or with a hint that does not exist: the same.
        for form in [
            &form[..],
            &[("token", "unknown")],
            &[("token", "unknown"), ("token_type_hint", "nosuchtype")],
        ] {
            assert_eq!(shop.post(shop.client(), REVOCATION, form).await.expect(200).text, "");
        }
    }
    // A public client revokes its own; another client's token stays.
    let page = shop.world.admin.single_page("Page").await;
    let pages = shop.sign_in((&page, "")).await;
    shop.post(shop.client(), REVOCATION, &[("token", pages.refresh())]).await.expect(200);
    assert_eq!(me(pages.access().to_owned()).await, 200);
    shop.post((&page, ""), REVOCATION, &[("token", pages.refresh())]).await.expect(200);
    assert_eq!(me(pages.access().to_owned()).await, 401);
}

#[tokio::test]
async fn unknown_and_empty_parameters_are_ignored_by_every_endpoint() {
    let shop = Shop::start().await;
    let tv = json!({
        "name": "Television", "type": "Native",
        "oidcClientMetadata": { "redirectUris": [], "postLogoutRedirectUris": [] },
        "customClientMetadata": { "isDeviceFlow": true },
    });
    let tv = text(&shop.world.admin.create("/api/applications", tv).await, "/id").to_owned();
    let request = shop.world.server.authorization_url(&shop.app.0, "openid", &[]);
    let request = trinco_testkit::query_of(&request);
    let request: Vec<(&str, &str)> =
        request.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for (client, path, form, status) in [
        (shop.client(), "/oidc/request", &request[..], 201),
        (shop.client(), INTROSPECTION, &[("token", "x")], 200),
        (shop.client(), REVOCATION, &[("token", "x")], 200),
        ((tv.as_str(), ""), "/oidc/device/auth", &[("scope", "openid")], 200),
    ] {
        let mut form = form.to_vec();
        form.extend([("extra", "1"), ("nonce", ""), ("request", ""), ("token_type_hint", "")]);
        shop.post(client, path, &form).await.expect(status);
    }
}

#[tokio::test]
async fn a_page_of_another_origin_looks_at_no_token_and_revokes_none() {
    let shop = Shop::start().await;
    let page = shop.world.admin.single_page("Page").await;
    let tokens = shop.sign_in((&page, "")).await;
    let ask = |path: &'static str, origin: &'static str| {
        let form = [("token", tokens.refresh()), ("client_id", page.as_str())];
        let request = shop.browser.request(Method::POST, path).header("origin", origin);
        Answer::to(request.form(&form))
    };
    for path in [INTROSPECTION, REVOCATION] {
        let refused = ask(path, "https://evil.example").await.expect(400);
        assert_eq!(refused.header("access-control-allow-origin"), "");
        assert_eq!(refused.json()["error"], "invalid_request");
    }
    let own = ask(INTROSPECTION, "http://localhost:9999").await.expect(200);
    assert_eq!(own.header("access-control-allow-origin"), "http://localhost:9999");
    assert_eq!(own.json()["active"], true);
    ask(REVOCATION, "http://localhost:9999").await.expect(200);
    assert!(!shop.is_active((&page, ""), tokens.refresh()).await);
}

/// RFC 7662 §2.1, §4, §5: who may ask, about which tokens, and what is told.
#[tokio::test]
async fn the_operators_servers_look_at_any_token_and_a_third_party_at_its_own() {
    let shop = Shop::start().await;
    let api = shop.world.admin.traditional("API").await;
    let partner = json!({
        "name": "Partner", "type": "Traditional", "isThirdParty": true,
        "oidcClientMetadata": { "redirectUris": [REDIRECT_URI], "postLogoutRedirectUris": [] },
    });
    let partner = shop.world.admin.create("/api/applications", partner).await;
    let partner = text(&partner, "/id").to_owned();
    let secret = shop.world.admin.secret_of(&partner).await;
    let page = shop.world.admin.single_page("Page").await;
    let tokens = shop.sign_in(shop.client()).await;
    for token in [tokens.access(), tokens.refresh()] {
        assert!(shop.is_active((&api.0, &api.1), token).await);
        assert!(!shop.is_active((&partner, &secret), token).await);
        assert!(!shop.is_active((&page, ""), token).await);
        // The hint is wrong for one of the two.
        for hint in ["access_token", "refresh_token"] {
            let form = [("token", token), ("token_type_hint", hint)];
            assert_eq!(shop.post(shop.client(), INTROSPECTION, &form).await.json()["active"], true);
        }
        // Names of parameters are case-sensitive.
        let form = [("Token", token)];
        let refused = shop.post(shop.client(), INTROSPECTION, &form).await.expect(400).json();
        assert_eq!(refused["error"], "invalid_request");
        // An access token is no way to authenticate here.
        let request = shop.browser.request(Method::POST, INTROSPECTION);
        let request = request.bearer_auth(tokens.access()).form(&[("token", token)]);
        let refused = Answer::to(request).await.expect(401);
        assert_eq!(refused.json()["error"], "invalid_client");
    }
    // An id, and nothing more about the person.
    let told = shop.post((&api.0, &api.1), INTROSPECTION, &[("token", tokens.access())]).await;
    let told = told.expect(200).json();
    let mut members: Vec<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    let expected = ["active", "client_id", "exp", "iat", "iss", "scope", "sub", "token_type"];
    assert_eq!(members, expected);
    assert_eq!(told["scope"], "openid offline_access profile");
}
