//! `/api/one-time-tokens`, at the door.

use serde_json::{Value, json};
use trinco_testkit::{Admin, Answer, Server, text};

const ALL: &str = "/api/one-time-tokens";

fn code(answer: &Answer) -> String {
    text(&answer.json(), "/code").to_owned()
}

async fn token(admin: &Admin, email: &str) -> Value {
    admin.post(ALL, json!({ "email": email })).await.expect(201).json()
}

async fn verify(admin: &Admin, token: &Value, email: &str) -> Answer {
    let body = json!({ "token": token["token"], "email": email });
    admin.post(&format!("{ALL}/verify"), body).await
}

#[tokio::test]
async fn a_token_proves_its_address_once() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let context = json!({ "jitOrganizationIds": ["o1"], "interactionEvent": "Register" });
    let body = json!({ "email": "Ana@Example.com", "expiresIn": 60, "context": context });
    let created = admin.post(ALL, body).await.expect(201).json();
    let now = server.clock().now() * 1000;
    let value = text(&created, "/token");
    assert_eq!(value.len(), 32);
    assert_eq!(
        created,
        json!({
            "tenantId": "default", "id": created["id"], "email": "Ana@Example.com", "token": value,
            "context": context, "status": "active", "createdAt": now, "expiresAt": now + 60_000,
        })
    );
    let path = format!("{ALL}/{}", text(&created, "/id"));
    assert_eq!(admin.get(&path).await.expect(200).json(), created);

    let other = verify(&admin, &created, "bia@example.com").await.expect(400);
    assert_eq!(code(&other), "one_time_token.email_mismatch");
    let spent = verify(&admin, &created, "ana@example.com").await.expect(200).json();
    assert_eq!((&spent["status"], &spent["id"]), (&json!("consumed"), &created["id"]));
    let again = verify(&admin, &created, "ana@example.com").await.expect(400);
    assert_eq!(code(&again), "one_time_token.token_consumed");
    let unknown = json!({ "token": "x".repeat(32) });
    let unknown = verify(&admin, &unknown, "ana@example.com").await.expect(404);
    assert_eq!(code(&unknown), "one_time_token.token_not_found");
}

#[tokio::test]
async fn of_many_who_present_a_token_at_once_one_succeeds() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let created = token(&admin, "ana@example.com").await;
    let attempts = (0..6).map(|_| verify(&admin, &created, "ana@example.com"));
    let answers = futures_util::future::join_all(attempts).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400, 400, 400, 400, 400]);
}

#[tokio::test]
async fn a_token_expires_after_ten_minutes_and_can_be_revoked() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (old, revoked) = (token(&admin, "a@b.test").await, token(&admin, "a@b.test").await);
    let path = format!("{ALL}/{}", text(&revoked, "/id"));
    let status = format!("{path}/status");
    let refused = admin.put(&status, json!({ "status": "active" })).await.expect(400);
    assert_eq!(code(&refused), "one_time_token.cannot_reactivate_token");
    let changed = admin.put(&status, json!({ "status": "revoked" })).await.expect(200).json();
    assert_eq!(changed["status"], "revoked");
    let refused = verify(&admin, &revoked, "a@b.test").await.expect(400);
    assert_eq!(code(&refused), "one_time_token.token_revoked");

    server.clock().advance(600);
    let refused = verify(&admin, &old, "a@b.test").await.expect(400);
    assert_eq!(code(&refused), "one_time_token.token_expired");
    let shown = admin.get(&format!("{ALL}/{}", text(&old, "/id"))).await.expect(200).json();
    assert_eq!(shown["status"], "expired");

    admin.delete(&path).await.expect(204);
    admin.delete(&path).await.expect(404);
    admin.get(&path).await.expect(404);
    admin.put(&status, json!({ "status": "revoked" })).await.expect(404);
}

#[tokio::test]
async fn tokens_are_listed_by_address_and_status() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let first = token(&admin, "ana@example.com").await;
    server.clock().advance(500);
    token(&admin, "bia@example.com").await;
    let third = token(&admin, "Ana@example.com").await;
    verify(&admin, &third, "ana@example.com").await.expect(200);
    let ids = |answer: Answer| -> Vec<Value> {
        let list = answer.expect(200).json();
        list.as_array().expect("a list").iter().map(|one| one["id"].clone()).collect()
    };
    let all = admin.get(&format!("{ALL}?page_size=2")).await;
    assert_eq!((all.header("total-number"), ids(all.clone()).len()), ("3", 2));
    let of_ana = ids(admin.get(&format!("{ALL}?email=ANA%40example.com")).await);
    assert_eq!(of_ana, [third["id"].clone(), first["id"].clone()]);
    let consumed = ids(admin.get(&format!("{ALL}?status=consumed")).await);
    assert_eq!(consumed, [third["id"].clone()]);
    server.clock().advance(100);
    assert_eq!(ids(admin.get(&format!("{ALL}?status=expired")).await), [first["id"].clone()]);
    assert_eq!(ids(admin.get(&format!("{ALL}?status=active")).await).len(), 1);
    let wrong = admin.get(&format!("{ALL}?status=lost")).await.expect(400);
    assert_eq!(code(&wrong), "guard.invalid_input");
    let counts = format!("{:?}", server.installation().audit_counts().all());
    assert!(counts.contains("OneTimeToken.Reveal"), "{counts}");
}

#[tokio::test]
async fn bodies_are_checked() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for body in [
        json!({}),
        json!({ "email": "ana" }),
        json!({ "email": "a@b.test", "expiresIn": 0 }),
        json!({ "email": "a@b.test", "expiresIn": 3_000_000 }),
        json!({ "email": "a@b.test", "context": { "interactionEvent": "Dance" } }),
        json!({ "email": "a@b.test", "context": { "jitOrganizationIds": vec!["o"; 101] } }),
    ] {
        let refused = admin.post(ALL, body.clone()).await;
        assert_eq!(
            (refused.status.as_u16(), code(&refused)),
            (400, "guard.invalid_input".into()),
            "{body}"
        );
    }
}
