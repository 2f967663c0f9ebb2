//! `/api/hooks` and the deliveries of webhooks, at the door.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod receiver;

use receiver::{Receiver, deliver, outbound};
use serde_json::{Value, json};
use trinco_connectors::outbound::{Allow, Outbound};
use trinco_core::deliveries::{self, Deliveries};
use trinco_testkit::{Admin, Answer, Server, text};

fn code(answer: Answer, status: u16) -> String {
    text(&answer.expect(status).json(), "/code").to_owned()
}

async fn create_role(admin: &Admin, name: &str) -> String {
    let body = json!({ "name": name, "description": "A role" });
    text(&admin.create("/api/roles", body).await, "/id").to_owned()
}

/// The recent deliveries of a webhook, the newest first.
async fn recent(admin: &Admin, id: &str) -> Vec<Value> {
    let path = format!("/api/hooks/{id}/recent-logs");
    admin.get(&path).await.expect(200).json().as_array().unwrap().clone()
}

#[tokio::test]
async fn a_webhook_is_created_read_changed_and_deleted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let config = json!({ "url": "https://example.com/hook", "headers": { "x-key": "secret" } });
    let new = json!({
        "name": "CRM", "events": ["User.Created", "Role.Created", "User.Created"], "config": config,
    });
    let hook = admin.post("/api/hooks", new).await.expect(201).json();
    let (id, key) = (text(&hook, "/id").to_owned(), text(&hook, "/signingKey").to_owned());
    assert_eq!(
        hook,
        json!({
            "tenantId": "default", "id": id, "name": "CRM", "event": null, "events": ["User.Created", "Role.Created"],
            "config": config, "signingKey": key, "enabled": true, "createdAt": hook["createdAt"],
        })
    );
    assert_eq!(key.len(), 32);
    let path = format!("/api/hooks/{id}");
    assert_eq!(admin.get(&path).await.expect(200).json(), hook);
    assert_eq!(admin.get("/api/hooks").await.expect(200).json(), json!([hook]));
    let page = admin.get("/api/hooks?page=1&page_size=10").await.expect(200);
    assert_eq!(page.header("total-number"), "1");

    let changes = json!({ "enabled": false, "config": { "url": "https://example.com/new" } });
    let changed = admin.patch(&path, changes).await.expect(200).json();
    assert_eq!(changed["config"], json!({ "url": "https://example.com/new" }));
    assert_eq!((&changed["enabled"], &changed["name"]), (&json!(false), &json!("CRM")));
    let rotated = admin.patch(&format!("{path}/signing-key"), Value::Null).await.expect(200).json();
    assert_ne!(rotated["signingKey"], json!(key));
    assert_eq!(admin.get(&path).await.expect(200).json()["signingKey"], rotated["signingKey"]);

    admin.delete(&path).await.expect(204);
    for gone in [
        admin.get(&path).await,
        admin.patch(&path, json!({})).await,
        admin.delete(&path).await,
        admin.get(&format!("{path}/recent-logs")).await,
        admin.patch(&format!("{path}/signing-key"), Value::Null).await,
    ] {
        assert_eq!(code(gone, 404), "entity.not_exists_with_id");
    }
}

#[tokio::test]
async fn what_no_webhook_can_be_is_refused_by_its_name() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let url = json!({ "url": "https://example.com" });
    let missing = admin.post("/api/hooks", json!({ "config": url })).await;
    assert_eq!(code(missing, 400), "hook.missing_events");
    for (body, path) in [
        (json!({ "events": ["User.Created"] }), ""),
        (json!({ "events": [], "config": url }), "events"),
        (json!({ "events": ["User.Vanished"], "config": url }), "events[0]"),
        (json!({ "events": ["User.Created"], "config": { "url": "ftp://a" } }), "config.url"),
        (
            json!({ "events": ["User.Created"], "config": { "url": "https://a", "headers": { "host": "b" } } }),
            "config.headers",
        ),
    ] {
        let refused = admin.post("/api/hooks", body.clone()).await.expect(400).json();
        assert_eq!(refused["code"], "guard.invalid_input", "{body}");
        let names = refused["data"]["issues"][0]["path"].as_array().unwrap();
        let names: Vec<&str> = names.iter().map(|name| name.as_str().unwrap()).collect();
        assert_eq!(names.join("."), path, "{refused}");
    }
    // The one event of before is enough, and can be taken away only for others.
    let new = json!({ "event": "PostSignIn", "config": url });
    let hook = admin.create("/api/hooks", new).await;
    assert_eq!((&hook["event"], &hook["events"]), (&json!("PostSignIn"), &json!([])));
    let path = format!("/api/hooks/{}", text(&hook, "/id"));
    let taken = admin.patch(&path, json!({ "event": null })).await;
    assert_eq!(code(taken, 400), "hook.missing_events");
    let others = json!({ "event": null, "events": ["PostRegister"] });
    admin.patch(&path, others).await.expect(200);
}

#[tokio::test]
async fn what_shows_a_signing_key_is_in_the_audit_log() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let receiver = Receiver::start().await;
    let (id, _) = receiver.hook(&admin, &["User.Created"]).await;
    admin.get(&format!("/api/hooks/{id}")).await.expect(200);
    admin.get("/api/hooks").await.expect(200);
    let read = admin.get("/api/logs?logKey=Hook.SigningKey.Revealed").await.expect(200);
    assert_eq!(read.header("total-number"), "2");
    assert_eq!(read.json()[0]["payload"]["hookIds"], json!([id]));
    assert!(text(&read.json(), "/0/payload/ip").starts_with("127.0.0.1"));
}

#[tokio::test]
async fn an_event_is_delivered_signed_and_shown_among_the_recent_ones() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let receiver = Receiver::start().await;
    let (id, key) = receiver.hook(&admin, &["Role.Created"]).await;
    let role = create_role(&admin, "clerk").await;
    assert_eq!(deliver(&server).await, 1);

    let received = receiver.take();
    assert_eq!(received.len(), 1);
    assert!(received[0].is_signed_with(&key));
    assert_eq!(received[0].headers["content-type"], "application/json");
    assert_eq!(received[0].headers["user-agent"], "Trinco");
    assert_eq!(
        received[0].body(),
        json!({
            "hookId": id, "event": "Role.Created", "createdAt": "2026-01-01T00:00:00.000Z", "ip": "127.0.0.1",
            "path": "/roles", "method": "POST", "status": 200, "params": {}, "matchedRoute": "/roles",
            "data": {
                "tenantId": "default", "id": role, "name": "clerk", "description": "A role", "type": "User",
                "isDefault": false,
            },
        })
    );
    let logs = recent(&admin, &id).await;
    assert_eq!(logs.len(), 1);
    assert_eq!(logs[0]["key"], "TriggerHook.Role.Created");
    assert_eq!(logs[0]["payload"]["result"], "Success");
    assert_eq!(logs[0]["payload"]["hookRequest"]["body"], received[0].body());
    assert_eq!(
        logs[0]["payload"]["response"],
        json!({ "statusCode": 200, "body": { "seen": 200 } })
    );
    // They are no part of the audit view.
    let audited = admin.get("/api/logs?logKey=TriggerHook.Role.Created").await.expect(200);
    assert_eq!(audited.header("total-number"), "0");
    assert_eq!(deliver(&server).await, 0);
}

#[tokio::test]
async fn a_delivery_that_is_not_taken_is_tried_again_with_growing_pauses() {
    let server = Server::start().await;
    let mut admin = server.admin().await;
    let receiver = Receiver::start().await;
    let (id, _) = receiver.hook(&admin, &["Role.Created"]).await;
    receiver.answer(&[500, 302, 404]);
    create_role(&admin, "clerk").await;
    assert_eq!(deliver(&server).await, 1);
    for (seconds, tried) in [(4, 0), (1, 1), (29, 0), (1, 1), (119, 0), (1, 1), (100_000, 0)] {
        server.clock().advance(seconds);
        assert_eq!(deliver(&server).await, tried);
    }
    let received = receiver.take();
    assert_eq!(received.len(), 4);
    assert!(
        received.iter().all(|request| request.bytes == received[0].bytes),
        "the same each time"
    );

    admin.renew().await;
    let path = format!("/api/hooks/{id}/recent-logs?start_time=0");
    let logs = admin.get(&path).await.expect(200).json();
    let told: Vec<_> =
        logs.as_array().unwrap().iter().map(|log| &log["payload"]["error"]).collect();
    let told: Vec<_> = told.into_iter().map(|error| error.as_str().unwrap_or_default()).collect();
    assert_eq!(told, ["", "answered 404", "answered 302", "answered 500"]);
}

#[tokio::test]
async fn a_delivery_nobody_takes_is_given_up_after_a_day_or_so() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let receiver = Receiver::start().await;
    receiver.hook(&admin, &["Role.Created"]).await;
    receiver.answer(&[500; 20]);
    create_role(&admin, "clerk").await;
    let mut tried = 0;
    for _ in 0..40 {
        tried += deliver(&server).await;
        server.clock().advance(3600);
    }
    assert_eq!(tried, 9);
    let kind = deliveries::Kind::Hook;
    assert_eq!(deliveries::waiting(server.tenant(), kind).await.unwrap(), 0);
}

#[tokio::test]
async fn stats_count_the_last_day() {
    let server = Server::start().await;
    let mut admin = server.admin().await;
    let receiver = Receiver::start().await;
    let (id, _) = receiver.hook(&admin, &["Role.Created"]).await;
    receiver.answer(&[500]);
    create_role(&admin, "one").await;
    create_role(&admin, "two").await;
    assert_eq!(deliver(&server).await, 2);
    let path = format!("/api/hooks/{id}?includeExecutionStats=true");
    let stats = admin.get(&path).await.expect(200).json()["executionStats"].clone();
    assert_eq!(stats, json!({ "successCount": 1, "requestCount": 2 }));
    let listed = admin.get("/api/hooks?includeExecutionStats=1").await.expect(200).json();
    assert_eq!(listed[0]["executionStats"], stats);
    server.clock().advance(86_401);
    admin.renew().await;
    let stats = admin.get(&path).await.expect(200).json()["executionStats"].clone();
    assert_eq!(stats, json!({ "successCount": 0, "requestCount": 0 }));
    assert!(recent(&admin, &id).await.is_empty());
}

#[tokio::test]
async fn what_is_queued_goes_where_the_webhook_is_by_then_signed_with_its_key_of_then() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (before, after) = (Receiver::start().await, Receiver::start().await);
    let (id, _) = before.hook(&admin, &["Role.Created"]).await;
    create_role(&admin, "clerk").await;
    let headers = json!({ "Authorization": "Bearer x", "User-Agent": "Mine/1" });
    let config = json!({ "config": { "url": after.url, "headers": headers } });
    admin.patch(&format!("/api/hooks/{id}"), config).await.expect(200);
    let path = format!("/api/hooks/{id}/signing-key");
    let hook = admin.patch(&path, Value::Null).await.expect(200).json();
    assert_eq!(deliver(&server).await, 1);
    assert!(before.take().is_empty());
    let received = after.take();
    assert!(received[0].is_signed_with(text(&hook, "/signingKey")));
    assert_eq!(received[0].headers["authorization"], "Bearer x");
    assert_eq!(received[0].headers["user-agent"], "Mine/1");
}

#[tokio::test]
async fn a_webhook_that_is_off_or_gone_is_told_nothing() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let receiver = Receiver::start().await;
    let (off, _) = receiver.hook(&admin, &["Role.Created"]).await;
    let (gone, _) = receiver.hook(&admin, &["Role.Created"]).await;
    create_role(&admin, "one").await;
    admin.patch(&format!("/api/hooks/{off}"), json!({ "enabled": false })).await.expect(200);
    admin.delete(&format!("/api/hooks/{gone}")).await.expect(204);
    create_role(&admin, "two").await;
    // One was queued before its webhook was switched off; nothing else waits.
    assert_eq!(deliver(&server).await, 1);
    assert!(receiver.take().is_empty());
    assert_eq!(deliver(&server).await, 0);
}

#[tokio::test]
async fn an_event_of_what_was_refused_is_not_told() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let receiver = Receiver::start().await;
    receiver.hook(&admin, &["Role.Created", "Role.Deleted", "User.Created"]).await;
    create_role(&admin, "clerk").await;
    let body = json!({ "name": "clerk", "description": "Again" });
    assert_eq!(code(admin.post("/api/roles", body).await, 422), "role.name_in_use");
    admin.delete("/api/roles/nobody").await.expect(404);
    assert_eq!(deliver(&server).await, 1);
}

#[tokio::test]
async fn a_receiver_inside_the_network_is_not_reached() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let receiver = Receiver::start().await;
    let (id, _) = receiver.hook(&admin, &["Role.Created"]).await;
    create_role(&admin, "clerk").await;
    let guarded = Outbound::new(Vec::<Allow>::new()).unwrap();
    assert_eq!(deliveries::deliver(server.tenant(), &guarded).await.unwrap(), 1);
    assert!(receiver.take().is_empty());
    let logs = recent(&admin, &id).await;
    let error = text(&logs[0], "/payload/error");
    assert!(error.contains("not public"), "{error}");
}

#[tokio::test]
async fn a_test_sends_an_example_of_each_event_and_tells_what_came_back() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let receiver = Receiver::start().await;
    let (id, key) = receiver.hook(&admin, &["Role.Created"]).await;
    let path = format!("/api/hooks/{id}/test");
    let test =
        json!({ "events": ["PostSignIn", "User.Data.Updated"], "config": { "url": receiver.url } });
    admin.post(&path, test.clone()).await.expect(204);
    let received = receiver.take();
    assert!(received.iter().all(|request| request.is_signed_with(&key)));
    let events: Vec<Value> = received.iter().map(|one| one.body()["event"].clone()).collect();
    assert_eq!(events, ["PostSignIn", "User.Data.Updated"]);

    receiver.answer(&[503]);
    let refused = admin.post(&path, test.clone()).await.expect(400).json();
    assert_eq!(refused["code"], "hook.endpoint_responded_with_error");
    assert_eq!(refused["data"], json!({ "responseStatus": 503, "responseBody": "{\"seen\":503}" }));
    let nowhere = json!({ "events": ["PostSignIn"], "config": { "url": "http://127.0.0.1:1/" } });
    assert_eq!(code(admin.post(&path, nowhere).await, 422), "hook.send_test_payload_failed");
    let of_nobody = admin.post("/api/hooks/nobody/test", test).await;
    assert_eq!(code(of_nobody, 404), "entity.not_exists_with_id");
    // Tests are not among the deliveries.
    assert!(recent(&admin, &id).await.is_empty());
}

#[tokio::test]
async fn two_nodes_deliver_each_event_once_and_one_that_is_gone_leaves_nothing_behind() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let receiver = Receiver::start().await;
    receiver.hook(&admin, &["Role.Created"]).await;
    for number in 0..25 {
        create_role(&admin, &format!("role {number}")).await;
    }
    let node = server.second_node_ahead(0).await;
    let mut one = Deliveries::new(server.tenant().clone(), outbound());
    let mut two = Deliveries::new(node.tenant().clone(), outbound());
    // Of one receiver ten are under way at once, on each node.
    assert_eq!(one.begin_due().await.unwrap(), 10);
    assert_eq!(two.begin_due().await.unwrap(), 10);
    assert_eq!(one.begin_due().await.unwrap(), 0);
    drop(one);
    loop {
        match two.settled().await {
            Some(settled) => settled.unwrap(),
            None => break,
        }
        two.begin_due().await.unwrap();
    }
    assert_eq!(receiver.take().len(), 15);
    // What the first had begun is made by the other, once it must be gone.
    node.clock().advance(59);
    assert_eq!(two.begin_due().await.unwrap(), 0);
    node.clock().advance(5);
    assert_eq!(two.begin_due().await.unwrap(), 10);
    while let Some(settled) = two.settled().await {
        settled.unwrap();
    }
    assert_eq!(receiver.take().len(), 10);
}
