//! The `claims` parameter (OpenID Connect Core §5.5), at the door.

mod guest;

use guest::{Guest, answer};
use serde_json::Value;
use trinco_testkit::{Browser, REDIRECT_URI, Tokens, USER, World, query_of};

async fn userinfo(browser: &Browser, token: &str) -> Value {
    let request = browser.request(trinco_testkit::Method::GET, "/oidc/me").bearer_auth(token);
    trinco_testkit::Answer::to(request).await.expect(200).json()
}

#[tokio::test]
async fn single_claims_arrive_in_the_token_or_from_userinfo_and_survive_a_refresh() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let browser = world.server.browser();
    let asked = r#"{"id_token": {"username": {"essential": true}, "auth_time": null, "unknown": null},
                    "userinfo": {"custom_data": null}}"#;
    let signed_in_at = world.server.clock().now();
    let scope = "openid offline_access";
    let tokens = world.server.sign_in(&browser, client, USER, scope, &[("claims", asked)]).await;
    let claims = Tokens::claims(tokens.id());
    assert_eq!(claims["username"], USER.0);
    assert_eq!(claims["auth_time"], signed_in_at);
    assert!(claims.get("name").is_none() && claims.get("unknown").is_none(), "{claims}");

    let info = userinfo(&browser, tokens.access()).await;
    assert!(info["custom_data"].is_object(), "{info}");
    assert!(info.get("username").is_none(), "it was asked for elsewhere: {info}");

    let later = Tokens(world.refresh(client, tokens.refresh(), &[]).await.expect(200).json());
    assert_eq!(Tokens::claims(later.id())["username"], USER.0);
    assert!(userinfo(&browser, later.access()).await["custom_data"].is_object());
}

#[tokio::test]
async fn sub_with_a_value_asks_for_that_user_and_no_other() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let browser = world.server.browser();
    world.server.sign_in(&browser, client, USER, "openid", &[]).await;
    let wish = |sub: &str| format!(r#"{{"id_token": {{"sub": {{"value": "{sub}"}}}}}}"#);
    let silently = async |sub: &str| {
        let wish = wish(sub);
        let more = [("prompt", "none"), ("claims", wish.as_str())];
        let url = world.server.authorization_url(client.0, "openid", &more);
        query_of(browser.get(&url).await.location())
    };
    assert!(silently(&world.user_id).await.contains_key("code"));
    assert_eq!(silently("someoneelse1").await["error"], "login_required");
}

#[tokio::test]
async fn what_cannot_be_met_or_read_is_refused_at_the_redirect_uri() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let browser = world.server.browser();
    let long = format!(r#"{{"x": "{}"}}"#, "a".repeat(9000));
    for (claims, error) in [
        (
            r#"{"id_token": {"acr": {"essential": true, "values": ["phr"]}}}"#,
            "unmet_authentication_requirements",
        ),
        (r#"{"id_token": ["#, "invalid_request"),
        (r#"{"userinfo": {"email": 1}}"#, "invalid_request"),
        (&long, "invalid_request"),
    ] {
        let url = world.server.authorization_url(&app.0, "openid", &[("claims", claims)]);
        let target = browser.get(&url).await.location().to_owned();
        assert!(target.starts_with(REDIRECT_URI), "{target}");
        assert_eq!(query_of(&target)["error"], error, "{claims}");
    }
}

#[tokio::test]
async fn a_third_party_application_learns_no_more_than_its_user_was_shown() {
    let guest = Guest::start().await;
    guest.may_ask_for_everything().await;
    let browser = guest.server().browser();
    let asked = r#"{"id_token": {"username": null, "email": null, "custom_data": null}}"#;
    let page = guest.arrive(&browser, "openid profile", &[("claims", asked)]).await;
    let target = answer(&browser, &page, "allow", &[]).await.location().to_owned();
    let claims = Tokens::claims(guest.exchange(&target).await.id());
    assert_eq!(claims["username"], USER.0);
    assert!(claims.get("email").is_none() && claims.get("custom_data").is_none(), "{claims}");
}

/// OpenID Connect Core §5.5.1: a value that is asked for is compared, and a claim with another one is left out.
#[tokio::test]
async fn a_claim_that_is_asked_for_with_another_value_is_left_out() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let browser = world.server.browser();
    let asked = format!(
        r#"{{"id_token": {{"username": {{"value": "somebody"}}, "auth_time": {{"essential": true, "other": 1}}}},
            "userinfo": {{"username": {{"values": ["somebody", "{}"]}}, "email": {{"essential": true, "value": "x@y.z"}}}}}}"#,
        USER.0
    );
    let more = [("claims", asked.as_str())];
    let scope = "openid email profile offline_access";
    let tokens = world.server.sign_in(&browser, client, USER, scope, &more).await;
    let later = Tokens(world.refresh(client, tokens.refresh(), &[]).await.expect(200).json());
    for tokens in [tokens, later] {
        let claims = Tokens::claims(tokens.id());
        assert!(claims.get("username").is_none(), "{claims}");
        assert!(claims.get("email").is_some(), "nothing was said of it here: {claims}");
        assert!(claims["auth_time"].is_i64(), "{claims}");
        let info = userinfo(&browser, tokens.access()).await;
        assert_eq!(info["username"], USER.0, "it is one of those");
        assert!(info.get("email").is_none(), "it is another: {info}");
    }
}
