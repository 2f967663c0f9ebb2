//! `/api/logs`, at the door.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::{Value, json};
use trinco_core::audit::{self, Entry, Outcome};
use trinco_testkit::{Server, USER, World, text};

/// So many entries, a second apart, of two users in turn.
async fn fill(server: &Server, count: usize) {
    for number in 0..count {
        server.clock().advance(1);
        let user = if number % 2 == 0 { "even" } else { "odd" };
        let entry = Entry::new(server.tenant(), "Test.Entry", Outcome::Success)
            .user(user)
            .application("app")
            .fact("number", number);
        audit::record(server.tenant(), entry).await.unwrap();
    }
}

fn numbers(logs: &Value) -> Vec<i64> {
    logs.as_array().unwrap().iter().map(|log| log["payload"]["number"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn entries_come_newest_first_in_pages_and_by_their_facts() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let begun = server.clock().now() * 1000;
    fill(&server, 30).await;
    let first = admin.get("/api/logs?logKey=Test.Entry").await.expect(200);
    assert_eq!(first.header("total-number"), "30");
    assert_eq!(numbers(&first.json()), (10..30).rev().collect::<Vec<_>>());
    assert_eq!(text(&first.json(), "/0/tenantId"), "default");
    let second = admin.get("/api/logs?logKey=Test.Entry&page=2").await.expect(200);
    assert_eq!(numbers(&second.json()), (0..10).rev().collect::<Vec<_>>());

    let path = "/api/logs?logKey=Test.Entry&userId=odd&applicationId=app&page_size=3";
    let odd = admin.get(path).await.expect(200);
    assert_eq!((odd.header("total-number"), numbers(&odd.json())), ("15", vec![29, 27, 25]));
    let other = admin.get("/api/logs?applicationId=other").await.expect(200);
    assert_eq!(other.json(), json!([]));

    let (from, until) = (begun + 5000, begun + 7000);
    let window = format!("/api/logs?logKey=Test.Entry&start_time={from}&end_time={until}");
    assert_eq!(numbers(&admin.get(&window).await.expect(200).json()), [6, 5, 4]);
    let backwards = format!("/api/logs?start_time={until}&end_time={from}");
    let refused = admin.get(&backwards).await.expect(400).json();
    assert_eq!(text(&refused, "/code"), "log.invalid_time_window");
    let refused = admin.get("/api/logs?start_time=yesterday").await.expect(400).json();
    assert_eq!(text(&refused, "/data/issues/0/path/0"), "start_time");

    let one = first.json()[0].clone();
    let path = format!("/api/logs/{}", text(&one, "/id"));
    assert_eq!(admin.get(&path).await.expect(200).json(), one);
    admin.get("/api/logs/nobody").await.expect(404);
}

#[tokio::test]
async fn a_capped_list_counts_no_further_and_says_so() {
    let server = Server::start().await;
    let admin = server.admin().await;
    fill(&server, 3).await;
    let few = admin.get("/api/logs?logKey=Test.Entry&enableCap=true").await.expect(200);
    assert_eq!((few.header("total-number"), few.header("total-number-is-capped")), ("3", ""));
    assert!(few.header("link").contains("rel=\"last\""));

    server
        .tenant()
        .write((), |tx, ()| {
            Box::pin(async move {
                for number in 0..10_001 {
                    tx.execute(
                        trinco_db::sql!(
                            "INSERT INTO logs (tenant_id, id, key, payload, created_at)
                             VALUES ($1, $2, 'Many', $4, $3)"
                        ),
                        trinco_db::params![
                            format!("many-{number}"),
                            i64::from(number),
                            r#"{"key":"Many","result":"Success"}"#
                        ],
                    )
                    .await?;
                }
                Ok(())
            })
        })
        .await
        .unwrap();
    let many = "/api/logs?logKey=Many&page_size=2";
    let all = admin.get(&format!("{many}&enableCap=false")).await;
    assert_eq!((all.header("total-number"), all.header("total-number-is-capped")), ("10001", ""));
    let capped = admin.get(&format!("{many}&enableCap=true&page=3")).await;
    assert_eq!(capped.header("total-number"), "10001");
    assert_eq!(capped.header("total-number-is-capped"), "true");
    let links = capped.header("link");
    assert!(links.contains("rel=\"first\"") && links.contains("rel=\"prev\""), "{links}");
    assert!(!links.contains("rel=\"next\"") && !links.contains("rel=\"last\""), "{links}");
}

#[tokio::test]
async fn an_entry_says_where_the_request_came_from() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let browser = world.server.browser();
    world.server.sign_in(&browser, (&app.0, &app.1), USER, "openid", &[]).await;
    let path = format!("/api/logs?userId={}&logKey=Interaction.SignIn.Submit", world.user_id);
    let logs = world.admin.get(&path).await.expect(200).json();
    assert_eq!(logs[0]["payload"]["ip"], "127.0.0.1");
    assert_eq!(logs[0]["payload"]["applicationId"], json!(app.0));
}
