//! A device and the browser session that allowed it, at the door.

mod television;

use serde_json::json;
use television::{allow, begin, begin_with, device_application, poll, television};
use trinco_db::sql;
use trinco_testkit::{Tokens, World, hidden};

/// The logout tokens that wait to be delivered.
async fn queued(world: &World) -> i64 {
    let mut conn = world.server.tenant().read().await.expect("a connection");
    let count = sql!("SELECT count(*) FROM deliveries WHERE tenant_id = $1");
    conn.one(count, &[]).await.expect("a row").get(0).expect("a number")
}

/// OpenID Connect Back-Channel Logout 1.0 §2.1: a client whose ID token names a session is told of its end.
#[tokio::test]
async fn a_device_takes_part_in_the_session_that_allowed_it() {
    let world = World::start().await;
    let metadata = json!({
        "redirectUris": [], "postLogoutRedirectUris": [],
        "backchannelLogoutUri": "https://tv.example/logout", "backchannelLogoutSessionRequired": true,
    });
    let told = json!({ "name": "Television", "oidcClientMetadata": metadata });
    let told = device_application(&world, told).await;
    let silent = device_application(&world, json!({ "name": "Radio" })).await;
    let browser = world.server.browser();
    for app in [&told, &silent] {
        let codes = begin(&world.server, app).await;
        allow(&browser, &codes).await;
        let tokens = Tokens(poll(&world.server, app, &codes).await.expect(200).json());
        assert_eq!(Tokens::claims(tokens.id())["sid"].is_string(), app == &told);
    }
    let page = browser.get("/oidc/session/end").await.expect(200);
    let form = [("xsrf", hidden(&page.text, "xsrf")), ("logout", "yes".to_owned())];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, &**value)).collect();
    browser.submit("/oidc/session/end/confirm", &form).await.expect(200);
    assert_eq!(queued(&world).await, 1, "the television is told, the radio does not want to be");
}

/// OpenID Connect Core §2: `auth_time` is required when `max_age` was asked for.
#[tokio::test]
async fn a_device_that_asks_for_max_age_learns_when_the_person_signed_in() {
    let (world, app) = television().await;
    let browser = world.server.browser();
    let signed_in_at = world.server.clock().now();
    for (form, expected) in [
        (vec![("scope", "openid"), ("max_age", "600")], json!(signed_in_at)),
        (vec![("scope", "openid")], json!(null)),
    ] {
        let codes = begin_with(&world.server, &app, &form).await;
        allow(&browser, &codes).await;
        let tokens = Tokens(poll(&world.server, &app, &codes).await.expect(200).json());
        assert_eq!(Tokens::claims(tokens.id())["auth_time"], expected, "{form:?}");
        world.server.clock().advance(60);
    }
}
