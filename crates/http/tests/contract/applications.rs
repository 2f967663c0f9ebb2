//! Applications: secrets, roles, consent, access control, branding.

use serde_json::{Value, json};

use crate::walk::Walk;

pub(crate) async fn walk(walk: &mut Walk) {
    let machine = json!({ "name": "Cron", "type": "MachineToMachine", "description": "Nightly" });
    let machine = walk.create("/api/applications", machine).await;
    walk.get("/api/applications?types=MachineToMachine&search=Cron&page=1&page_size=5").await;
    let path = format!("/api/applications/{machine}");
    walk.get(&path).await;
    walk.ok("PATCH", &path, json!({ "name": "Nightly", "customData": { "a": 1 } })).await;
    walk.ok("PATCH", &format!("{path}/custom-data"), json!({ "b": 2 })).await;
    secrets(walk, &path).await;
    // There are none here: the reference keeps them of applications that are older than its named secrets.
    let legacy = format!("{path}/legacy-secret");
    walk.unavailable("DELETE", &legacy, Value::Null, 400).await;
    roles(walk, &path).await;
    let rules = json!({ "userIds": [], "userRoleIds": [], "organizationIds": [], "organizationRoleRules": [] });
    let web =
        walk.create("/api/applications", json!({ "name": "Shop", "type": "Traditional" })).await;
    let access = format!("/api/applications/{web}/access-control");
    walk.ok("PUT", &access, rules).await;
    walk.get(&access).await;
    let looks = format!("/api/applications/{web}/sign-in-experience");
    let look = json!({
        "displayName": "The shop", "color": { "primaryColor": "#1f4e9e" }, "branding": {},
        "termsOfUseUrl": "https://shop.example/terms", "privacyPolicyUrl": "https://shop.example/privacy",
    });
    walk.ok("PUT", &looks, look).await;
    walk.get(&looks).await;
    third_party(walk).await;
    walk.delete(&path).await;
}

async fn secrets(walk: &mut Walk, path: &str) {
    let path = format!("{path}/secrets");
    walk.get(&path).await;
    walk.ok("POST", &path, json!({ "name": "second", "expiresAt": 4_000_000_000_000_i64 })).await;
    walk.ok("PATCH", &format!("{path}/second"), json!({ "name": "renamed" })).await;
    walk.delete(&format!("{path}/renamed")).await;
}

async fn roles(walk: &mut Walk, path: &str) {
    let role =
        json!({ "name": "machines", "description": "For machines", "type": "MachineToMachine" });
    let role = walk.create("/api/roles", role).await;
    let path = format!("{path}/roles");
    walk.ok("POST", &path, json!({ "roleIds": [role] })).await;
    walk.get(&format!("{path}?page=1")).await;
    walk.ok("PUT", &path, json!({ "roleIds": [role] })).await;
    walk.delete(&format!("{path}/{role}")).await;
}

async fn third_party(walk: &mut Walk) {
    let new = json!({ "name": "Partner", "type": "Traditional", "isThirdParty": true });
    let id = walk.create("/api/applications", new).await;
    let scopes = format!("/api/applications/{id}/user-consent-scopes");
    walk.ok("POST", &scopes, json!({ "userScopes": ["profile", "email"] })).await;
    walk.get(&scopes).await;
    walk.delete(&format!("{scopes}/user-scopes/email")).await;

    let user = walk.create("/api/users", json!({ "username": "guest" })).await;
    let organization = walk.create("/api/organizations", json!({ "name": "Partners" })).await;
    walk.ok(
        "POST",
        &format!("/api/organizations/{organization}/users"),
        json!({ "userIds": [user] }),
    )
    .await;
    let given = format!("/api/applications/{id}/users/{user}/consent-organizations");
    walk.ok("POST", &given, json!({ "organizationIds": [organization] })).await;
    walk.ok("PUT", &given, json!({ "organizationIds": [organization] })).await;
    walk.get(&format!("{given}?page=1")).await;
    walk.delete(&format!("{given}/{organization}")).await;

    walk.ok("PATCH", "/api/configs/cimd", json!({ "enabled": true })).await;
    walk.get("/api/configs/cimd").await;
    walk.ok("POST", "/api/cimd/user-consent-scopes", json!({ "userScopes": ["profile"] })).await;
    walk.ok("GET", "/api/cimd/user-consent-scopes", Value::Null).await;
    walk.delete("/api/cimd/user-consent-scopes/user-scopes/profile").await;
}
