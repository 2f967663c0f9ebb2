//! `/api/verification-codes`, at the door.

mod peer;

use peer::Peer;
use serde_json::{Value, json};
use trinco_testkit::{Admin, Answer, Server, text};

fn code(answer: Answer, status: u16) -> String {
    text(&answer.expect(status).json(), "/code").to_owned()
}

struct World {
    server: Server,
    admin: Admin,
    peer: Peer,
}

impl World {
    async fn begin() -> Self {
        let server = Server::start().await;
        let admin = server.admin().await;
        let peer = Peer::start().await;
        for (connector, path) in [("http-email", "/mail"), ("http-sms", "/sms")] {
            let body =
                json!({ "connectorId": connector, "config": { "endpoint": peer.url(path) } });
            admin.create("/api/connectors", body).await;
        }
        Self { server, admin, peer }
    }

    /// Asks for a code, and returns the one that was sent.
    async fn request(&self, whom: Value) -> String {
        self.admin.post("/api/verification-codes", whom).await.expect(204);
        text(&self.peer.last().json(), "/payload/code").to_owned()
    }

    async fn verify(&self, whom: &Value, code: &str) -> Answer {
        let mut body = whom.clone();
        body["verificationCode"] = json!(code);
        self.admin.post("/api/verification-codes/verify", body).await
    }
}

#[tokio::test]
async fn a_code_that_was_sent_is_good_once() {
    let world = World::begin().await;
    for (whom, path) in [
        (json!({ "email": "Ana@example.com" }), "/mail"),
        (json!({ "phone": "5511912345678" }), "/sms"),
    ] {
        let sent = world.request(whom.clone()).await;
        assert!(sent.len() == 6 && sent.bytes().all(|byte| byte.is_ascii_digit()), "{sent}");
        assert_eq!(world.peer.last().path, path);
        assert_eq!(world.peer.last().json()["type"], "Generic");
        world.verify(&whom, &sent).await.expect(204);
        assert_eq!(code(world.verify(&whom, &sent).await, 400), "verification_code.not_found");
    }
    let sent = world.request(json!({ "email": "ana@example.com" })).await;
    world.verify(&json!({ "email": "ANA@example.com" }), &sent).await.expect(204);
}

#[tokio::test]
async fn a_code_is_for_its_recipient_and_the_last_one_counts() {
    let world = World::begin().await;
    let (ana, bob) = (json!({ "email": "ana@example.com" }), json!({ "email": "bob@example.com" }));
    let first = world.request(ana.clone()).await;
    assert_eq!(code(world.verify(&bob, &first).await, 400), "verification_code.not_found");
    let mut second = world.request(ana.clone()).await;
    while second == first {
        second = world.request(ana.clone()).await;
    }
    assert_eq!(code(world.verify(&ana, &first).await, 400), "verification_code.code_mismatch");
    world.verify(&ana, &second).await.expect(204);
}

#[tokio::test]
async fn a_code_ends_by_time_and_by_tries() {
    let world = World::begin().await;
    let policy =
        json!({ "verificationCodePolicy": { "expirationDuration": 120, "maxRetryAttempts": 3 } });
    world.admin.patch("/api/sign-in-exp", policy).await.expect(200);
    let ana = json!({ "email": "ana@example.com" });
    let sent = world.request(ana.clone()).await;
    for _ in 0..3 {
        assert_eq!(code(world.verify(&ana, "wrong").await, 400), "verification_code.code_mismatch");
    }
    assert_eq!(code(world.verify(&ana, &sent).await, 400), "verification_code.exceed_max_try");
    let sent = world.request(ana.clone()).await;
    world.server.clock().advance(121);
    assert_eq!(code(world.verify(&ana, &sent).await, 400), "verification_code.expired");
}

#[tokio::test]
async fn a_recipient_gets_ten_messages_in_ten_minutes() {
    let mut world = World::begin().await;
    let ana = json!({ "email": "ana@example.com" });
    for _ in 0..10 {
        world.request(ana.clone()).await;
    }
    for again in [ana.clone(), json!({ "email": "ANA@EXAMPLE.COM" })] {
        let refused = world.admin.post("/api/verification-codes", again).await;
        assert_eq!(code(refused, 429), "request.message_rate_limited");
    }
    assert_eq!(world.peer.asked().len(), 10);
    world.request(json!({ "email": "bob@example.com" })).await;
    world.server.clock().advance(601);
    world.admin.renew().await;
    world.request(ana).await;
}

#[tokio::test]
async fn without_a_connector_or_a_recipient_nothing_is_sent() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let path = "/api/verification-codes";
    for whom in [json!({ "email": "ana@example.com" }), json!({ "phone": "5511912345678" })] {
        assert_eq!(code(admin.post(path, whom).await, 501), "connector.not_found");
    }
    assert_eq!(code(admin.post(path, json!({})).await, 400), "verification_code.phone_email_empty");
    for wrong in [
        json!({ "email": "ana" }),
        json!({ "phone": "+55" }),
        json!({ "email": "ana@example.com", "phone": "5511912345678" }),
    ] {
        assert_eq!(code(admin.post(path, wrong).await, 400), "guard.invalid_input");
    }
    let verify = "/api/verification-codes/verify";
    let without = json!({ "email": "ana@example.com" });
    assert_eq!(code(admin.post(verify, without).await, 400), "guard.invalid_input");
    let unknown = json!({ "email": "ana@example.com", "verificationCode": "123456" });
    assert_eq!(code(admin.post(verify, unknown).await, 400), "verification_code.not_found");
}

#[tokio::test]
async fn a_code_is_not_readable_where_it_is_kept() {
    let world = World::begin().await;
    let sent = world.request(json!({ "email": "ana@example.com" })).await;
    let mut conn = world.server.tenant().read().await.expect("a connection");
    let statement =
        trinco_db::sql!("SELECT target, code FROM verification_codes WHERE tenant_id = $1");
    let row = conn.one(statement, &[]).await.expect("a row");
    let (target, kept): (String, String) =
        (row.get(0).expect("a text"), row.get(1).expect("a text"));
    assert!(!kept.contains(&sent) && !target.contains("ana"), "{target} {kept}");
}
