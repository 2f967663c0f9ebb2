//! Refresh tokens: when they come, rotate and end, at the door.

use serde_json::json;
use trinco_testkit::{Tokens, USER, World};

#[tokio::test]
async fn a_public_clients_refresh_token_rotates_and_parallel_use_cannot_fork_it() {
    let world = World::start().await;
    let spa = world.admin.single_page("Page").await;
    let client = (spa.as_str(), "");
    let browser = world.server.browser();
    let tokens = world.server.sign_in(&browser, client, USER, "openid offline_access", &[]).await;
    let first = tokens.refresh().to_owned();
    let refreshed = || async {
        Tokens(world.refresh(client, &first, &[]).await.expect(200).json()).refresh().to_owned()
    };
    let second = refreshed().await;
    assert_ne!(first, second);
    assert_eq!(second.len(), 43);
    assert_eq!(refreshed().await, second, "within the window the successor is the same");
    let third =
        Tokens(world.refresh(client, &second, &[]).await.expect(200).json()).refresh().to_owned();
    assert_eq!(refreshed().await, third, "the newest member of the chain");

    world.server.clock().advance(4);
    let replay = world.refresh(client, &first, &[]).await.expect(400).json();
    assert_eq!(replay["error"], "invalid_grant");
    world.refresh(client, &third, &[]).await.expect(400);
}

#[tokio::test]
async fn parallel_refreshes_of_one_token_agree_on_one_successor() {
    let world = World::start().await;
    let spa = world.admin.single_page("Page").await;
    let client = (spa.as_str(), "");
    let tokens = world
        .server
        .sign_in(&world.server.browser(), client, USER, "openid offline_access", &[])
        .await;
    let answers = futures_util::future::join_all(
        (0..30).map(|_| world.refresh(client, tokens.refresh(), &[])),
    )
    .await;
    let successors: std::collections::BTreeSet<String> = answers
        .into_iter()
        .map(|answer| Tokens(answer.expect(200).json()).refresh().to_owned())
        .collect();
    assert_eq!(successors.len(), 1);
}

#[tokio::test]
async fn a_confidential_clients_refresh_token_rotates_late_and_expires() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let tokens = world
        .server
        .sign_in(&world.server.browser(), client, USER, "openid offline_access", &[])
        .await;
    let same = Tokens(world.refresh(client, tokens.refresh(), &[]).await.expect(200).json());
    assert_eq!(same.refresh(), tokens.refresh());
    let id = Tokens::claims(same.id());
    assert_eq!(id["sub"], world.user_id.as_str());
    world.server.clock().advance(10 * 86_400);
    let rotated = Tokens(world.refresh(client, tokens.refresh(), &[]).await.expect(200).json());
    assert_ne!(rotated.refresh(), tokens.refresh());
    world.server.clock().advance(14 * 86_400);
    world.refresh(client, rotated.refresh(), &[]).await.expect(400);
}

#[tokio::test]
async fn without_offline_access_there_is_no_refresh_token() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let tokens = world.server.sign_in(&world.server.browser(), client, USER, "openid", &[]).await;
    assert!(tokens.0.get("refresh_token").is_none());
    let metadata = json!({ "customClientMetadata": { "alwaysIssueRefreshToken": true } });
    world.admin.patch(&format!("/api/applications/{}", app.0), metadata).await.expect(200);
    let tokens = world.server.sign_in(&world.server.browser(), client, USER, "openid", &[]).await;
    assert!(tokens.0.get("refresh_token").is_some());
}
