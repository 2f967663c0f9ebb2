//! Users and what belongs to them.

use serde_json::{Value, json};
use trinco_core::secrets::{self, NewTokenSet, Provider, TokenSetMetadata};
use trinco_core::sso_identities::{self, NewSsoIdentity};
use trinco_core::{JsonObject, Secret};
use trinco_testkit::text;

use crate::password_settings as settings;
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
    parts(walk, &path).await;
    walk.delete(&path).await;
    one_time_tokens(walk).await;
    for numbers in ["total", "new", "active?date=2026-01-01"] {
        walk.get(&format!("/api/dashboard/users/{numbers}")).await;
    }
    walk.ok(
        "POST",
        "/api/sentinel-activities/delete",
        json!({ "targetType": "User", "targets": ["ana"] }),
    )
    .await;
}

async fn parts(walk: &mut Walk, path: &str) {
    settings::let_passwords_expire(&walk.server, Some(365)).await;
    walk.ok("PATCH", &format!("{path}/password/expiration"), json!({ "isExpired": false })).await;
    settings::let_passwords_expire(&walk.server, None).await;
    walk.ok("PATCH", &format!("{path}/logto-configs"), json!({ "mfa": { "skipped": true } })).await;
    walk.get(&format!("{path}/logto-configs")).await;
    let factors = format!("{path}/mfa-verifications");
    walk.ok("POST", &factors, json!({ "type": "Totp" })).await;
    let listed = walk.get(&factors).await;
    walk.delete(&format!("{factors}/{}", text(&listed, "/0/id"))).await;

    let identity = json!({ "userId": "583231", "details": { "name": "Octocat" } });
    walk.ok("PUT", &format!("{path}/identities/github"), identity).await;
    walk.get(&format!("{path}/identities/github?includeTokenSecret=true")).await;
    walk.get(&format!("{path}/all-identities?includeTokenSecret=true")).await;
    walk.ok("DELETE", &format!("{path}/identities/github"), Value::Null).await;
    elsewhere(walk, path).await;

    let app = walk.admin.traditional("Shop").await;
    let (browser, client) = (walk.server.browser(), (app.0.as_str(), app.1.as_str()));
    let user = ("ana", "battery staple");
    walk.server.sign_in(&browser, client, user, "openid offline_access", &[]).await;
    let sessions = walk.get(&format!("{path}/sessions")).await;
    let session = format!("{path}/sessions/{}", text(&sessions, "/sessions/0/payload/uid"));
    walk.get(&session).await;
    let grants = walk.get(&format!("{path}/grants?appType=firstParty")).await;
    walk.delete(&format!("{path}/grants/{}", text(&grants, "/grants/0/id"))).await;
    walk.delete(&format!("{session}?revokeGrantsTarget=all")).await;
}

/// What comes from other providers, which no operation of this API brings.
async fn elsewhere(walk: &mut Walk, path: &str) {
    let id = path.rsplit('/').next().unwrap_or_default();
    let tenant = walk.server.tenant().clone();
    let new = NewSsoIdentity {
        issuer: "https://idp.example".to_owned(),
        identity_id: "e1".to_owned(),
        sso_connector_id: "s1".to_owned(),
        detail: JsonObject::new(),
    };
    sso_identities::link(&tenant, id, new).await.expect("linked");
    walk.get(&format!("{path}/sso-identities/s1?includeTokenSecret=true")).await;
    let tokens = NewTokenSet {
        provider: Provider::Enterprise {
            sso_connector_id: "s1".to_owned(),
            issuer: "https://idp.example".to_owned(),
        },
        identity_id: "e1".to_owned(),
        tokens: Secret::new("{}".to_owned()),
        metadata: TokenSetMetadata::default(),
    };
    let secret = secrets::keep(&tenant, id, tokens).await.expect("kept");
    walk.delete(&format!("/api/secrets/{secret}")).await;
}

async fn one_time_tokens(walk: &mut Walk) {
    let all = "/api/one-time-tokens";
    let new = json!({ "email": "ana@example.com", "expiresIn": 60, "context": {} });
    let token = walk.ok("POST", all, new).await;
    let path = format!("{all}/{}", text(&token, "/id"));
    walk.get(&format!("{all}?email=ana%40example.com&status=active")).await;
    walk.get(&path).await;
    let presented = json!({ "email": "ana@example.com", "token": token["token"] });
    walk.ok("POST", &format!("{all}/verify"), presented).await;
    walk.ok("PUT", &format!("{path}/status"), json!({ "status": "revoked" })).await;
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
