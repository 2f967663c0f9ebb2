//! A key that one node has just made, seen at another that has not heard of it yet.

use serde_json::json;
use trinco_testkit::{API, Answer, Method, Server, Tokens, USER, World, query_of, text};

const SCOPE: &str = "openid offline_access read:orders";

/// Tokens that the first node signs with a key the second has not read.
async fn signed_anew(world: &World, client: (&str, &str), old: &Tokens) -> Tokens {
    let rotate = json!({ "rotationGracePeriod": 0 });
    let path = "/api/configs/oidc/private-keys/rotate";
    world.admin.post(path, rotate).await.expect(200);
    let more = [("resource", API)];
    Tokens(world.refresh(client, old.refresh(), &more).await.expect(200).json())
}

#[tokio::test]
async fn a_fresh_token_is_known_at_every_node_right_after_a_rotation() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let allowed = json!({ "customClientMetadata": { "allowTokenExchange": true } });
    world.admin.patch(&format!("/api/applications/{}", app.0), allowed).await.expect(200);
    let client = (app.0.as_str(), app.1.as_str());
    let resource = [("resource", API)];
    let browser = world.server.browser();
    let tokens = world.server.sign_in(&browser, client, USER, SCOPE, &resource).await;
    let node = || async { Server::second_node(&world.server).await };

    // As a hint at the end of a session.
    let other = node().await;
    let fresh = signed_anew(&world, client, &tokens).await;
    let end = format!("/oidc/session/end?id_token_hint={}", fresh.id());
    other.browser().get(&end).await.expect(200);

    // As a hint at an authorization: nobody is signed in there, and that is all that is wrong.
    let other = node().await;
    let fresh = signed_anew(&world, client, &tokens).await;
    let hint = [("prompt", "none"), ("id_token_hint", fresh.id())];
    let url = other.authorization_url(client.0, "openid", &hint);
    let answer = query_of(other.browser().get(&url).await.location());
    assert_eq!(answer["error"], "login_required");

    // As a token to exchange.
    let other = node().await;
    let fresh = signed_anew(&world, client, &tokens).await;
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", fresh.access()),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("resource", API),
    ];
    let exchanged = other.token(client, &form).await.expect(200).json();
    assert_eq!(Tokens::claims(text(&exchanged, "/access_token"))["sub"], world.user_id.as_str());
}

/// Parallel requests of one application reach several nodes, of which the second has not heard of the rotation key that the chain went
/// on with at the first. Nobody has stolen anything.
#[tokio::test]
async fn a_refresh_within_the_reuse_window_finds_the_newest_token_at_every_node_across_a_rotation()
{
    let world = World::start().await;
    let app = world.admin.single_page("Shop").await;
    let client = (app.as_str(), "");
    for algorithm in ["EC", "RSA"] {
        let browser = world.server.browser();
        let first =
            world.server.sign_in(&browser, client, USER, "openid offline_access", &[]).await;
        let other = Server::second_node(&world.server).await;
        let rotate = json!({ "rotationGracePeriod": 0, "signingKeyAlgorithm": algorithm });
        world.admin.post("/api/configs/oidc/private-keys/rotate", rotate).await.expect(200);
        let mut newest = first.refresh().to_owned();
        for _ in 0..3 {
            newest = Tokens(world.refresh(client, &newest, &[]).await.expect(200).json())
                .refresh()
                .to_owned();
        }
        let form = [("grant_type", "refresh_token"), ("refresh_token", first.refresh())];
        let late = Tokens(other.token(client, &form).await.expect(200).json());
        assert_eq!(late.refresh(), newest);
        world.refresh(client, &newest, &[]).await.expect(200);
    }
}

/// A rotation that is over is none in progress, wherever it was asked for.
#[tokio::test]
async fn a_rotation_right_after_one_at_another_node_is_carried_out() {
    let world = World::start().await;
    let other = Server::second_node(&world.server).await;
    let admin = other.admin().await;
    for path in ["/api/configs/oidc/private-keys/rotate", "/api/configs/oidc/cookie-keys/rotate"] {
        let is_cookie = path.contains("cookie");
        let rotate = if is_cookie { json!({}) } else { json!({ "rotationGracePeriod": 0 }) };
        for _ in 0..3 {
            world.admin.post(path, rotate.clone()).await.expect(200);
            admin.post(path, rotate.clone()).await.expect(200);
        }
    }
}

/// A cookie is signed with a key that every node knows by now, however often the keys were rotated in between.
#[tokio::test]
async fn cookies_are_read_at_every_node_while_their_keys_are_rotated_twice() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    world.server.clock().advance(60);
    let other = Server::second_node(&world.server).await;
    let path = "/api/configs/oidc/cookie-keys/rotate";
    for _ in 0..2 {
        world.admin.post(path, json!({})).await.expect(200);
        world.server.clock().advance(2);
    }
    let url = world.server.authorization_url(&app.0, "openid", &[]);
    let begun = world.server.browser().get(&url).await;
    let page = begun.location().to_owned();
    let cookies: Vec<&str> = begun
        .headers
        .get_all("set-cookie")
        .iter()
        .filter_map(|cookie| cookie.to_str().ok()?.split(';').next())
        .collect();
    let page = page.replace(world.server.base(), "");
    let request = other.browser().request(Method::GET, &page).header("cookie", cookies.join("; "));
    Answer::to(request).await.expect(200);
}
