//! Back-channel logout when an application does not answer: the others are told in time.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use serde_json::json;
use tokio::net::TcpListener;
use trinco_connectors::outbound::{Allow, Outbound};
use trinco_core::deliveries;
use trinco_db::{params, sql};
use trinco_testkit::{Browser, REDIRECT_URI, USER, World, hidden};

/// So long the sender waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// So long a healthy application may have to wait.
const IN_TIME: Duration = Duration::from_secs(2);

fn outbound() -> Outbound {
    let outbound = Outbound::new(["127.0.0.1".parse::<Allow>().unwrap()]).unwrap();
    outbound.with_timeout(PATIENCE)
}

/// An endpoint that takes connections and never answers, and its address.
async fn dead() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://127.0.0.1:{}/logout", listener.local_addr().unwrap().port());
    (listener, uri)
}

/// An endpoint that answers, and how often it was told.
async fn healthy() -> (Arc<AtomicUsize>, String) {
    let told = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://127.0.0.1:{}/logout", listener.local_addr().unwrap().port());
    let counted = Arc::clone(&told);
    let count = move || {
        counted.fetch_add(1, Ordering::SeqCst);
        std::future::ready("")
    };
    let router = Router::new().route("/logout", post(count));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (told, uri)
}

async fn application(world: &World, uri: &str) -> (String, String) {
    let app = world.admin.traditional("Shop").await;
    let metadata = json!({
        "redirectUris": [REDIRECT_URI], "postLogoutRedirectUris": [], "backchannelLogoutUri": uri,
    });
    let body = json!({ "oidcClientMetadata": metadata });
    world.admin.patch(&format!("/api/applications/{}", app.0), body).await.expect(200);
    app
}

/// What is left behind when `count` sessions of a client have ended.
async fn queue(world: &World, client_id: &str, count: usize) {
    let input = (client_id.to_owned(), world.user_id.clone(), count);
    world
        .server
        .tenant()
        .write(input, |tx, (client_id, user_id, count)| {
            Box::pin(async move {
                for number in 0..*count {
                    tx.execute(
                        sql!(
                            "INSERT INTO deliveries
                                 (tenant_id, kind, receiver, id, content, rank, attempts, next_attempt_at)
                             VALUES ($1, 'logout', $3, $2, $4, 0, 0, 0)"
                        ),
                        params![format!("session-{number}"), client_id, user_id],
                    )
                    .await?;
                }
                Ok(())
            })
        })
        .await
        .unwrap();
}

async fn sign_in_and_out(world: &World, app: &(String, String)) {
    let browser = world.server.browser();
    world.server.sign_in(&browser, (&app.0, &app.1), USER, "openid", &[]).await;
    sign_out(&browser, &app.0).await;
}

async fn sign_out(browser: &Browser, client_id: &str) {
    let page = browser.get(&format!("/oidc/session/end?client_id={client_id}")).await.expect(200);
    let xsrf = hidden(&page.text, "xsrf");
    let fields = [("client_id", client_id), ("xsrf", xsrf.as_str()), ("logout", "yes")];
    browser.submit("/oidc/session/end/confirm", &fields).await.expect(200);
}

async fn reaches(told: &AtomicUsize, expected: usize) -> bool {
    let until = tokio::time::Instant::now() + IN_TIME;
    while told.load(Ordering::SeqCst) < expected {
        if tokio::time::Instant::now() > until {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    true
}

#[tokio::test]
async fn one_dead_receiver_does_not_keep_the_others_waiting() {
    let world = World::start().await;
    let ((_listener, dead), (told, uri)) = (dead().await, healthy().await);
    let dead = application(&world, &dead).await;
    let shop = application(&world, &uri).await;
    queue(&world, &dead.0, 64).await;
    sign_in_and_out(&world, &shop).await;
    let tenant = world.server.tenant().clone();
    let delivery = tokio::spawn(async move { deliveries::deliver(&tenant, &outbound()).await });
    assert!(reaches(&told, 1).await);
    delivery.abort();
}

#[tokio::test]
async fn what_is_queued_while_others_do_not_answer_is_told_at_once() {
    let world = World::start().await;
    let ((_listener, dead), (told, uri)) = (dead().await, healthy().await);
    let dead = application(&world, &dead).await;
    let shop = application(&world, &uri).await;
    queue(&world, &dead.0, 64).await;
    let mut deliveries = deliveries::Deliveries::new(world.server.tenant().clone(), outbound());
    // A few of one client are under way, the others wait for those.
    let begun = deliveries.begin_due().await.unwrap();
    assert!((1..=8).contains(&begun), "{begun}");
    assert_eq!(deliveries.begin_due().await.unwrap(), 0);
    for expected in 1..=2 {
        sign_in_and_out(&world, &shop).await;
        assert_eq!(deliveries.begin_due().await.unwrap(), 1);
        let settled = tokio::time::timeout(IN_TIME, deliveries.settled()).await;
        settled.expect("the healthy one is settled first").expect("one is under way").unwrap();
        assert_eq!(told.load(Ordering::SeqCst), expected);
    }
}

#[tokio::test]
async fn a_node_whose_clock_is_ahead_does_not_tell_what_another_is_just_telling() {
    let world = World::start().await;
    let ((_listener, dead), (told, uri)) = (dead().await, healthy().await);
    let dead = application(&world, &dead).await;
    queue(&world, &dead.0, 3).await;
    let mut deliveries = deliveries::Deliveries::new(world.server.tenant().clone(), outbound());
    assert_eq!(deliveries.begin_due().await.unwrap(), 3);

    for seconds in [600, -600] {
        let node = world.server.second_node_ahead(seconds).await;
        let mut others = deliveries::Deliveries::new(node.tenant().clone(), outbound());
        assert_eq!(others.begin_due().await.unwrap(), 0, "{seconds}");
        node.clock().advance(59);
        assert_eq!(others.begin_due().await.unwrap(), 0, "{seconds}");
        // What is new is told by whoever comes first, whatever the time, and though it has not heard of the client yet.
        let shop = application(&world, &uri).await;
        let before = told.load(Ordering::SeqCst);
        sign_in_and_out(&world, &shop).await;
        assert_eq!(others.begin_due().await.unwrap(), 1, "{seconds}");
        others.settled().await.expect("one is under way").unwrap();
        assert_eq!(told.load(Ordering::SeqCst), before + 1);
    }

    // The node that had begun is gone, and told nobody that it is.
    drop(deliveries);
    let node = world.server.second_node_ahead(-600).await;
    let mut others = deliveries::Deliveries::new(node.tenant().clone(), outbound());
    assert_eq!(others.begin_due().await.unwrap(), 0);
    node.clock().advance(60);
    assert_eq!(others.begin_due().await.unwrap(), 3);
}
