//! What becomes of grants: how many an application keeps for a user, what a replay does to one, and what introspection tells of one
//! that has lost something since. At the door.

mod guest;

use guest::{Guest, answer};
use serde_json::{Value, json};
use trinco_core::retention;
use trinco_db::sql;
use trinco_testkit::{
    Answer, Browser, Method, ProofKey, REDIRECT_URI, Tokens, USER, World, changed, hidden, text,
};

const SCOPE: &str = "openid offline_access";
const VERIFIER: &str = "MYqr0KjZe_7S7nK6qgwyw_grQCU7N6CBnz2B5uLosq8";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// An application with a limit.
async fn limited(world: &World, most: u32) -> (String, String) {
    let app = world.admin.traditional("Shop").await;
    let metadata = json!({ "maxAllowedGrants": most, "allowTokenExchange": true });
    let metadata = json!({ "customClientMetadata": metadata });
    world.admin.patch(&format!("/api/applications/{}", app.0), metadata).await.expect(200);
    app
}

async fn sign_in(world: &World, browser: &Browser, client: (&str, &str)) -> Tokens {
    world.server.clock().advance(1);
    world.server.sign_in(browser, client, USER, SCOPE, &[]).await
}

async fn is_live(world: &World, client: (&str, &str), tokens: &Tokens) -> bool {
    world.refresh(client, tokens.refresh(), &[]).await.status == 200
}

async fn grants(world: &World) -> i64 {
    let mut conn = world.server.tenant().read().await.expect("a connection");
    let count = sql!("SELECT count(*) FROM grants WHERE tenant_id = $1");
    conn.one(count, &[]).await.expect("a row").get(0).expect("a number")
}

#[tokio::test]
async fn authorizations_in_one_browser_session_count_as_one() {
    let world = World::start().await;
    let app = limited(&world, 2).await;
    let client = (app.0.as_str(), app.1.as_str());
    let laptop = world.server.browser();
    let phone = sign_in(&world, &world.server.browser(), client).await;
    let one = sign_in(&world, &laptop, client).await;
    let two = sign_in(&world, &laptop, client).await;
    let three = sign_in(&world, &laptop, client).await;
    assert!(is_live(&world, client, &phone).await, "the laptop takes one place, not three");
    for tokens in [&one, &two, &three] {
        assert!(is_live(&world, client, tokens).await);
    }
    // The phone is the oldest now; then the laptop, with all it has.
    let tablet = sign_in(&world, &world.server.browser(), client).await;
    assert!(!is_live(&world, client, &phone).await);
    assert!(is_live(&world, client, &one).await && is_live(&world, client, &tablet).await);
    let watch = sign_in(&world, &world.server.browser(), client).await;
    for tokens in [&one, &two, &three] {
        assert!(!is_live(&world, client, tokens).await);
    }
    assert!(is_live(&world, client, &tablet).await && is_live(&world, client, &watch).await);
}

#[tokio::test]
async fn what_was_never_redeemed_and_what_was_exchanged_takes_no_place() {
    let world = World::start().await;
    let app = limited(&world, 1).await;
    let client = (app.0.as_str(), app.1.as_str());
    let tokens = sign_in(&world, &world.server.browser(), client).await;
    let url = world.server.authorization_url(client.0, SCOPE, &[]);
    for _ in 0..3 {
        world.server.clock().advance(1);
        world.server.browser().authorize(&url, USER).await;
        let form = [
            ("grant_type", EXCHANGE),
            ("subject_token", tokens.access()),
            ("subject_token_type", ACCESS_TOKEN),
        ];
        world.server.token(client, &form).await.expect(200);
    }
    assert!(is_live(&world, client, &tokens).await);
    // Nor does it stay: what is left after two hours is the grant that has tokens.
    assert_eq!(grants(&world).await, 7);
    world.server.clock().advance(7200);
    retention::sweep(world.server.tenant(), &retention::Policy::default(), 500)
        .await
        .expect("a sweep");
    assert_eq!(grants(&world).await, 1);
    assert!(is_live(&world, client, &tokens).await);
}

#[tokio::test]
async fn codes_redeemed_at_once_keep_to_the_limit() {
    let world = World::start().await;
    let app = limited(&world, 2).await;
    let client = (app.0.as_str(), app.1.as_str());
    let url = world.server.authorization_url(client.0, SCOPE, &[]);
    let mut codes = Vec::new();
    for _ in 0..6 {
        codes.push(world.server.browser().authorize(&url, USER).await);
    }
    let answers = futures_util::future::join_all(
        codes.iter().map(|code| world.server.exchange(client, code)),
    )
    .await;
    let mut live = 0;
    for answer in answers {
        live += usize::from(is_live(&world, client, &Tokens(answer.expect(200).json())).await);
    }
    assert_eq!(live, 2);
}

/// A device that its user has allowed; the browser is signed in from the first time on.
async fn device(world: &World, browser: &Browser, app: &str) -> Value {
    let form = [("scope", SCOPE)];
    let codes =
        world.server.post_as((app, ""), "/oidc/device/auth", &form).await.expect(200).json();
    let page = browser.get("/device").await.expect(200);
    let xsrf = hidden(&page.text, "xsrf");
    let form = [("xsrf", xsrf.as_str()), ("user_code", text(&codes, "/user_code"))];
    let resume = browser.submit("/device", &form).await.location().to_owned();
    let mut target = browser.get(&resume).await.location().to_owned();
    if target.contains("/sign-in?") {
        let xsrf = hidden(&browser.get(&target).await.expect(200).text, "xsrf");
        let form = [("xsrf", xsrf.as_str()), ("identifier", USER.0), ("password", USER.1)];
        let resume = browser.submit(&target, &form).await.location().to_owned();
        target = browser.get(&resume).await.location().to_owned();
    }
    let xsrf = hidden(&browser.get(&target).await.expect(200).text, "xsrf");
    browser.submit(&target, &[("xsrf", &xsrf), ("decision", "allow")]).await.expect(200);
    codes
}

#[tokio::test]
async fn each_device_takes_a_place_and_the_oldest_goes() {
    let world = World::start().await;
    let body = json!({
        "name": "Television", "type": "Native",
        "oidcClientMetadata": { "redirectUris": [], "postLogoutRedirectUris": [] },
        "customClientMetadata": { "isDeviceFlow": true, "maxAllowedGrants": 1 }
    });
    let id = text(&world.admin.create("/api/applications", body).await, "/id").to_owned();
    let client = (id.as_str(), "");
    let browser = world.server.browser();
    let mut held = Vec::new();
    for _ in 0..2 {
        world.server.clock().advance(1);
        let codes = device(&world, &browser, &id).await;
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", text(&codes, "/device_code")),
        ];
        held.push(Tokens(world.server.token(client, &form).await.expect(200).json()));
    }
    assert!(!is_live(&world, client, &held[0]).await);
    assert!(is_live(&world, client, &held[1]).await);
    // One that was allowed and never asks for its tokens leaves nothing.
    device(&world, &browser, &id).await;
    assert_eq!(grants(&world).await, 2);
    world.server.clock().advance(7200);
    retention::sweep(world.server.tenant(), &retention::Policy::default(), 500)
        .await
        .expect("a sweep");
    assert_eq!(grants(&world).await, 1);
}

/// RFC 9700 §4.5: only whoever could have redeemed a code shows by a replay that someone else has it.
#[tokio::test]
async fn a_replay_that_would_be_refused_anyway_revokes_nothing() {
    let world = World::start().await;
    let spa = world.admin.single_page("Page").await;
    let key = ProofKey::new();
    let thumbprint = key.thumbprint();
    let more = [("dpop_jkt", thumbprint.as_str())];
    let url = world.server.authorization_url(&spa, SCOPE, &more);
    let code = world.server.browser().authorize(&url, USER).await;
    let redeem = async |changes: Value, key: Option<&ProofKey>| {
        let form = json!({
            "grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER, "client_id": spa,
        });
        let request = world.server.browser().request(Method::POST, "/oidc/token");
        let request = request.json(&changed(form, changes));
        Answer::to(match key {
            Some(key) => request.header("dpop", proof(&world, key)),
            None => request,
        })
        .await
    };
    let tokens = Tokens(redeem(json!({}), Some(&key)).await.expect(200).json());
    let is_live = async || {
        let request = world.server.browser().request(Method::POST, "/oidc/token");
        let form = json!({
            "grant_type": "refresh_token", "refresh_token": tokens.refresh(), "client_id": spa,
        });
        let request = request.header("dpop", proof(&world, &key)).json(&form);
        Answer::to(request).await.status == 200
    };
    let other = ProofKey::new();
    for (changes, key) in [
        (json!({ "code_verifier": null }), Some(&key)),
        (json!({ "code_verifier": "A".repeat(43) }), Some(&key)),
        (json!({ "redirect_uri": "http://localhost:9999/elsewhere" }), Some(&key)),
        (json!({}), None),
        (json!({}), Some(&other)),
    ] {
        redeem(changes.clone(), key).await.expect(400);
        assert!(is_live().await, "{changes}");
    }
    let replay = redeem(json!({}), Some(&key)).await.expect(400).json();
    assert_eq!(replay["error"], "invalid_grant");
    assert!(!is_live().await, "a replay that was right revokes the grant");
}

fn proof(world: &World, key: &ProofKey) -> String {
    let mut jti = [0; 16];
    aws_lc_rs::rand::fill(&mut jti).expect("randomness");
    key.proof(&json!({
        "jti": trinco_jose::base64url_encode(jti), "htm": "POST",
        "htu": format!("{}/oidc/token", world.server.base()), "iat": world.server.clock().now(),
    }))
}

async fn introspect(world: &World, client: (&str, &str), token: &str) -> Value {
    let form = [("token", token)];
    world.server.post_as(client, "/oidc/token/introspection", &form).await.expect(200).json()
}

#[tokio::test]
async fn introspection_does_not_tell_of_scopes_the_application_has_lost() {
    let guest = Guest::start().await;
    guest.may_ask(json!({ "userScopes": ["profile", "email"] })).await;
    let browser = guest.server().browser();
    let page = guest.arrive(&browser, "openid offline_access profile email", &[]).await;
    let target = answer(&browser, &page, "allow", &[]).await.location().to_owned();
    let tokens = guest.exchange(&target).await;
    let world = &guest.world;
    for (token, before, after) in [
        (tokens.access(), "openid offline_access profile email", "openid offline_access profile"),
        (tokens.refresh(), "openid offline_access profile", "openid offline_access profile"),
    ] {
        assert_eq!(introspect(world, guest.client(), token).await["scope"], before);
        let off = guest.path("user-consent-scopes/user-scopes/email");
        let _ = world.admin.delete(&off).await;
        assert_eq!(introspect(world, guest.client(), token).await["scope"], after);
    }
}

#[tokio::test]
async fn the_tokens_of_a_user_who_may_not_use_the_application_any_more_are_inactive() {
    let world = World::start().await;
    let app = world.admin.traditional("Vault").await;
    let client = (app.0.as_str(), app.1.as_str());
    let tokens = world.server.sign_in(&world.server.browser(), client, USER, SCOPE, &[]).await;
    let me = async || {
        let request = world.server.browser().request(Method::GET, "/oidc/me");
        Answer::to(request.bearer_auth(tokens.access())).await.status.as_u16()
    };
    let path = format!("/api/applications/{}", app.0);
    for (closed, status) in [(false, 200), (true, 401), (false, 200)] {
        let switch = json!({ "appLevelAccessControlEnabled": closed });
        world.admin.patch(&path, switch).await.expect(200);
        for token in [tokens.access(), tokens.refresh()] {
            assert_eq!(introspect(&world, client, token).await["active"], !closed);
        }
        assert_eq!(me().await, status, "userinfo says the same");
    }
}
