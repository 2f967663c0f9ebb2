//! Refresh tokens: when they come, rotate and end, at the door.

use serde_json::json;
use trinco_testkit::{Answer, Tokens, USER, World};

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

    world.server.clock().advance(11);
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

async fn window(world: &World, application_id: &str, seconds: i64) -> Answer {
    let metadata = json!({ "customClientMetadata": { "refreshTokenReuseWindow": seconds } });
    world.admin.patch(&format!("/api/applications/{application_id}"), metadata).await
}

#[tokio::test]
async fn within_the_window_any_member_of_a_chain_answers_with_the_newest() {
    let world = World::start().await;
    let spa = world.admin.single_page("Page").await;
    assert_eq!(
        window(&world, &spa, 60).await.expect(200).json()["customClientMetadata"]["refreshTokenReuseWindow"],
        60
    );
    let client = (spa.as_str(), "");
    let browser = world.server.browser();
    let tokens = world.server.sign_in(&browser, client, USER, "openid offline_access", &[]).await;
    let first = tokens.refresh().to_owned();
    let refresh = |token: String| {
        let world = &world;
        async move { Tokens(world.refresh(client, &token, &[]).await.expect(200).json()) }
    };
    let second = refresh(first.clone()).await.refresh().to_owned();
    world.server.clock().advance(30);
    let third = refresh(second.clone()).await.refresh().to_owned();
    world.server.clock().advance(30);
    let again = refresh(first.clone()).await;
    assert_eq!(again.refresh(), third, "T1, 60 seconds after it was rotated");
    assert_ne!(again.access(), tokens.access(), "the access token is a new one");
    assert_eq!(Tokens::claims(again.id())["iat"], world.server.clock().now());
    assert_eq!(refresh(third.clone()).await.refresh().len(), 43, "the newest is not spent by that");

    // One second on, T1 is out of the window, T2 is not; T1 is a replay and takes everything with it.
    world.server.clock().advance(1);
    refresh(second).await;
    assert_eq!(
        world.refresh(client, &first, &[]).await.expect(400).json()["error"],
        "invalid_grant"
    );
    world.refresh(client, &third, &[]).await.expect(400);
}

#[tokio::test]
async fn with_a_window_of_0_a_second_use_within_the_same_second_revokes_the_grant() {
    let world = World::start().await;
    let spa = world.admin.single_page("Page").await;
    window(&world, &spa, 0).await.expect(200);
    let client = (spa.as_str(), "");
    let browser = world.server.browser();
    let tokens = world.server.sign_in(&browser, client, USER, "openid offline_access", &[]).await;
    let second = Tokens(world.refresh(client, tokens.refresh(), &[]).await.expect(200).json());
    world.refresh(client, tokens.refresh(), &[]).await.expect(400);
    world.refresh(client, second.refresh(), &[]).await.expect(400);

    // In parallel, too: one answer at most, and the grant is gone.
    let tokens = world.server.sign_in(&browser, client, USER, "openid offline_access", &[]).await;
    let answers = futures_util::future::join_all(
        (0..8).map(|_| world.refresh(client, tokens.refresh(), &[])),
    )
    .await;
    let won: Vec<Answer> = answers.into_iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 1);
    world.refresh(client, Tokens(won[0].json()).refresh(), &[]).await.expect(400);
}

#[tokio::test]
async fn a_long_chain_within_the_window_is_no_replay() {
    let world = World::start().await;
    let spa = world.admin.single_page("Page").await;
    window(&world, &spa, 60).await.expect(200);
    let client = (spa.as_str(), "");
    let tokens =
        world.server.sign_in(&world.server.browser(), client, USER, "offline_access", &[]).await;
    let first = tokens.refresh().to_owned();
    let refreshed = async |token: &str| {
        Tokens(world.refresh(client, token, &[]).await.expect(200).json()).refresh().to_owned()
    };
    let mut newest = first.clone();
    for _ in 0..40 {
        newest = refreshed(&newest).await;
    }
    assert_eq!(refreshed(&first).await, newest, "T1, 40 rotations later");

    // A chain that is longer than anyone walks: the answer is no, and the honest client keeps its grant.
    for _ in 0..1000 {
        newest = refreshed(&newest).await;
    }
    let refused = world.refresh(client, &first, &[]).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_grant");
    refreshed(&newest).await;
}

#[tokio::test]
async fn a_narrowed_scope_narrows_the_id_token_too() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let scope = "openid offline_access profile";
    let tokens = world.server.sign_in(&world.server.browser(), client, USER, scope, &[]).await;
    let refresh = async |scope: &str| {
        let more = [("scope", scope)];
        Tokens(world.refresh(client, tokens.refresh(), &more).await.expect(200).json())
    };
    let username = |tokens: &Tokens| Tokens::claims(tokens.id())["username"].clone();
    assert_eq!(username(&tokens), USER.0);
    assert_eq!(username(&refresh("openid").await), json!(null));
    assert!(refresh("profile").await.0.get("id_token").is_none(), "it has no openid");
    // What was left out is there again when it is asked for.
    assert_eq!(username(&refresh("openid profile").await), USER.0);
}

#[tokio::test]
async fn a_window_is_a_number_of_seconds_from_0_to_60() {
    let world = World::start().await;
    let spa = world.admin.single_page("Page").await;
    for seconds in [-1, 61, 300] {
        assert_eq!(
            window(&world, &spa, seconds).await.expect(400).json()["code"],
            "guard.invalid_input"
        );
    }
}

#[tokio::test]
async fn two_nodes_that_rotate_one_token_at_once_agree_on_its_successor() {
    let world = World::start().await;
    let other = world.server.second_node().await;
    let spa = world.admin.single_page("Page").await;
    let client = (spa.as_str(), "");
    let browser = world.server.browser();
    let tokens = world.server.sign_in(&browser, client, USER, "openid offline_access", &[]).await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())];
    let answers = futures_util::future::join_all((0..20).map(|turn| {
        let node = if turn % 2 == 0 { &world.server } else { &other };
        node.token(client, &form)
    }))
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

#[tokio::test]
async fn a_new_refresh_token_has_the_scope_of_the_one_it_replaces() {
    let world = World::start().await;
    let spa = world.admin.single_page("Page").await;
    let client = (spa.as_str(), "");
    let scope = "openid offline_access profile";
    let first = world.server.sign_in(&world.server.browser(), client, USER, scope, &[]).await;
    let narrow = [("scope", "openid")];
    let answer = world.refresh(client, first.refresh(), &narrow).await.expect(200);
    let second = Tokens(answer.json());
    assert_eq!(second.0["scope"], "openid");
    assert_ne!(second.refresh(), first.refresh());
    let third = Tokens(world.refresh(client, second.refresh(), &[]).await.expect(200).json());
    assert_eq!(third.0["scope"], scope);
    // Nor can it be widened step by step.
    let wide = [("scope", "openid profile email")];
    let refused = world.refresh(client, third.refresh(), &wide).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_scope");
}
