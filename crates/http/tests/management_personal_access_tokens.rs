//! Personal access tokens and subject tokens in the Management API, at the door.

use serde_json::json;
use trinco_testkit::{Server, text};

#[tokio::test]
async fn personal_access_tokens_are_created_listed_renamed_and_deleted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let user = admin.user("alice", "correct horse battery").await;
    let all = format!("/api/users/{user}/personal-access-tokens");
    assert_eq!(admin.get(&all).await.expect(200).json(), json!([]));

    let until = (server.clock().now() + 60) * 1000;
    let body = json!({ "name": "Backup script", "expiresAt": until });
    let created = admin.post(&all, body).await.expect(201).json();
    assert_eq!(
        created,
        json!({
            "tenantId": "default", "userId": user, "name": "Backup script", "value": created["value"],
            "createdAt": server.clock().now() * 1000, "expiresAt": until,
        })
    );
    server.clock().advance(1);
    let other = admin.post(&all, json!({ "name": "a/b" })).await.expect(201).json();
    assert_eq!(other["expiresAt"], json!(null));
    assert_eq!(admin.get(&all).await.expect(200).json(), json!([created, other]));
    // Its value stays readable after it was renamed, by path or by body.
    let path = format!("{all}/Backup%20script");
    let renamed = admin.patch(&path, json!({ "name": "Backups" })).await.expect(200).json();
    assert_eq!((&renamed["name"], &renamed["value"]), (&json!("Backups"), &created["value"]));
    let body = json!({ "currentName": "a/b", "name": "c/d" });
    let renamed = admin.patch(&all, body).await.expect(200).json();
    assert_eq!(renamed["value"], other["value"]);

    admin.delete(&format!("{all}/Backups")).await.expect(204);
    admin.post(&format!("{all}/delete"), json!({ "name": "c/d" })).await.expect(204);
    assert_eq!(admin.get(&all).await.expect(200).json(), json!([]));
}

#[tokio::test]
async fn what_is_wrong_with_a_personal_access_token_is_named() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let user = admin.user("alice", "correct horse battery").await;
    let other = admin.user("bob", "correct horse battery").await;
    let all = format!("/api/users/{user}/personal-access-tokens");
    let code = |answer: trinco_testkit::Answer, status: u16| {
        text(&answer.expect(status).json(), "/code").to_owned()
    };
    for name in ["One", "Two"] {
        admin.post(&all, json!({ "name": name })).await.expect(201);
    }
    let taken = "user.personal_access_token_name_exists";
    assert_eq!(code(admin.post(&all, json!({ "name": "One" })).await, 422), taken);
    let two = format!("{all}/Two");
    assert_eq!(code(admin.patch(&two, json!({ "name": "One" })).await, 422), taken);
    // Names are unique for one user only.
    let others = format!("/api/users/{other}/personal-access-tokens");
    admin.post(&others, json!({ "name": "One" })).await.expect(201);

    let past = json!({ "name": "Past", "expiresAt": server.clock().now() * 1000 });
    assert_eq!(code(admin.post(&all, past).await, 400), "request.invalid_input");
    assert_eq!(code(admin.post(&all, json!({ "name": "" })).await, 400), "guard.invalid_input");
    assert_eq!(code(admin.patch(&all, json!({ "name": "X" })).await, 400), "guard.invalid_input");
    let missing = format!("{all}/Three");
    assert_eq!(code(admin.patch(&missing, json!({ "name": "X" })).await, 404), "entity.not_found");
    assert_eq!(code(admin.delete(&missing).await, 404), "entity.not_found");
    let path = format!("{all}/delete");
    assert_eq!(code(admin.post(&path, json!({ "name": "Three" })).await, 404), "entity.not_found");
    let nobody = "/api/users/nobody/personal-access-tokens";
    assert_eq!(code(admin.get(nobody).await, 404), "entity.not_exists_with_id");
    let created = admin.post(nobody, json!({ "name": "One" })).await;
    assert_eq!(code(created, 422), "entity.relation_foreign_key_not_found");
}

#[tokio::test]
async fn a_subject_token_needs_a_user() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let user = admin.user("alice", "correct horse battery").await;
    let body = json!({ "userId": user });
    let made = admin.post("/api/subject-tokens", body.clone()).await.expect(201).json();
    let again = admin.post("/api/subject-tokens", body).await.expect(201).json();
    assert_ne!(made["subjectToken"], again["subjectToken"]);
    let nobody = admin.post("/api/subject-tokens", json!({ "userId": "nobody" })).await;
    assert_eq!(nobody.expect(404).json()["code"], "entity.not_exists_with_id");
    admin.post("/api/subject-tokens", json!({})).await.expect(400);
    let body = json!({ "userId": user, "context": "why" });
    admin.post("/api/subject-tokens", body).await.expect(400);
}
