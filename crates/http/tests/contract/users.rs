//! Users and what belongs to them.

use serde_json::json;

use crate::walk::Walk;

pub(crate) async fn walk(walk: &mut Walk) {
    let new = json!({
        "username": "ana", "primaryEmail": "ana@example.com", "primaryPhone": "5511912345678", "name": "Ana",
        "password": "correct horse", "customData": { "a": 1 }, "profile": { "givenName": "Ana" },
    });
    let user = walk.create("/api/users", new).await;
    walk.get("/api/users?search=%25ana%25&page=1").await;
    let path = format!("/api/users/{user}");
    walk.get(&path).await;
    walk.ok("PATCH", &path, json!({ "name": "Ana Souza", "customData": { "b": 2 } })).await;
    walk.ok("PATCH", &format!("{path}/custom-data"), json!({ "customData": { "c": 3 } })).await;
    walk.get(&format!("{path}/custom-data")).await;
    walk.ok("PATCH", &format!("{path}/profile"), json!({ "profile": { "familyName": "Souza" } }))
        .await;
    walk.ok("PATCH", &format!("{path}/password"), json!({ "password": "battery staple" })).await;
    walk.ok("POST", &format!("{path}/password/verify"), json!({ "password": "battery staple" }))
        .await;
    walk.get(&format!("{path}/has-password")).await;
    walk.ok("PATCH", &format!("{path}/is-suspended"), json!({ "isSuspended": false })).await;
    walk.ok(
        "POST",
        "/api/subject-tokens",
        json!({ "userId": user, "context": { "why": "support" } }),
    )
    .await;
    roles(walk, &path).await;
    tokens(walk, &path).await;
    walk.delete(&path).await;
}

async fn roles(walk: &mut Walk, path: &str) {
    let role = json!({ "name": "reader", "description": "Reads", "type": "User" });
    let role = walk.create("/api/roles", role).await;
    let path = format!("{path}/roles");
    walk.ok("POST", &path, json!({ "roleIds": [role] })).await;
    walk.ok("PUT", &path, json!({ "roleIds": [role] })).await;
    walk.get(&format!("{path}?page=1")).await;
    walk.delete(&format!("{path}/{role}")).await;
}

async fn tokens(walk: &mut Walk, path: &str) {
    let path = format!("{path}/personal-access-tokens");
    walk.ok("POST", &path, json!({ "name": "laptop", "expiresAt": 4_000_000_000_000_i64 })).await;
    walk.get(&path).await;
    walk.ok("PATCH", &path, json!({ "currentName": "laptop", "name": "desktop" })).await;
    walk.ok("PATCH", &format!("{path}/desktop"), json!({ "name": "phone" })).await;
    walk.delete(&format!("{path}/phone")).await;
    walk.ok("POST", &path, json!({ "name": "tablet" })).await;
    walk.ok("POST", &format!("{path}/delete"), json!({ "name": "tablet" })).await;
}
