//! When the user authenticated (OpenID Connect Core §2, §3.1.2.1), at the door.

use trinco_testkit::{Tokens, USER, World};

#[tokio::test]
async fn with_max_age_every_id_token_says_when_the_user_signed_in() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let browser = world.server.browser();
    let signed_in_at = world.server.clock().now();
    let scope = "openid offline_access";
    let tokens = world.server.sign_in(&browser, client, USER, scope, &[("max_age", "600")]).await;
    assert_eq!(Tokens::claims(tokens.id())["auth_time"], signed_in_at);

    // The session is young enough: the time stays that of the sign-in, and stays so when refreshed.
    world.server.clock().advance(600);
    let tokens = world.server.sign_in(&browser, client, USER, scope, &[("max_age", "600")]).await;
    assert_eq!(Tokens::claims(tokens.id())["auth_time"], signed_in_at);
    world.server.clock().advance(100);
    let later = Tokens(world.refresh(client, tokens.refresh(), &[]).await.expect(200).json());
    assert_eq!(Tokens::claims(later.id())["auth_time"], signed_in_at);

    // Now it is too old: the person signs in again.
    let again = world.server.clock().now();
    let tokens = world.server.sign_in(&browser, client, USER, scope, &[("max_age", "600")]).await;
    assert_eq!(Tokens::claims(tokens.id())["auth_time"], again);
}

#[tokio::test]
async fn without_max_age_an_id_token_does_not_say_it() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let tokens = world.server.sign_in(&world.server.browser(), client, USER, "openid", &[]).await;
    assert!(Tokens::claims(tokens.id()).get("auth_time").is_none());
}

/// OpenID Connect Core §3.1.2.1: a voluntary wish. No context class is promised, so no token has `acr`.
#[tokio::test]
async fn acr_values_are_accepted_and_promise_nothing() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let wish = [("acr_values", "urn:mace:incommon:iap:silver phr")];
    let tokens = world.server.sign_in(&world.server.browser(), client, USER, "openid", &wish).await;
    assert!(Tokens::claims(tokens.id()).get("acr").is_none());
}
