//! A key that one node has just made, seen at another that has not heard of it yet.

use serde_json::json;
use trinco_testkit::{API, Server, Tokens, USER, World, query_of, text};

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
