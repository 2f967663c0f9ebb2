//! Settings of the tenant: sign-in, keys, tokens, scripts.

use serde_json::json;

use crate::walk::Walk;

pub(crate) async fn walk(walk: &mut Walk) {
    walk.get("/api/status").await;
    walk.get("/api/swagger.json").await;
    walk.get("/api/.well-known/management.openapi.json").await;
    walk.get("/api/.well-known/experience.openapi.json").await;
    walk.get("/api/.well-known/user.openapi.json").await;
    walk.get("/api/.well-known/sign-in-exp").await;
    walk.get("/api/sign-in-exp").await;
    walk.ok(
        "PATCH",
        "/api/sign-in-exp",
        json!({ "signInMode": "SignIn", "hideLogtoBranding": true }),
    )
    .await;
    walk.ok("PUT", "/api/configs/id-token", json!({ "enabledExtendedClaims": ["roles"] })).await;
    walk.get("/api/configs/id-token").await;
    walk.ok("PATCH", "/api/configs/oidc/session", json!({ "ttl": 3600 })).await;
    walk.get("/api/configs/oidc/session").await;
    checks(walk).await;
    keys(walk).await;
    scripts(walk).await;
}

async fn checks(walk: &mut Walk) {
    let user = walk.create("/api/users", json!({ "username": "caio" })).await;
    walk.ok(
        "POST",
        "/api/sign-in-exp/default/check-password",
        json!({ "password": "long enough to be good", "userId": user }),
    )
    .await;
    walk.get("/api/sign-in-exp/username-policy/case-sensitivity-conflicts?limit=20").await;
}

async fn keys(walk: &mut Walk) {
    let path = "/api/configs/oidc/cookie-keys";
    walk.ok("POST", &format!("{path}/rotate"), json!({})).await;
    let keys = walk.get(path).await;
    let old = keys.as_array().into_iter().flatten().find(|key| key["status"] == "Previous");
    let id = old.and_then(|key| key["id"].as_str()).or(keys[1]["id"].as_str()).expect("an old key");
    walk.delete(&format!("{path}/{id}")).await;
}

async fn scripts(walk: &mut Walk) {
    let script = "const getCustomJwtClaims = async ({ token }) => ({ kind: token.kind });";
    let path = "/api/configs/jwt-customizer/access-token";
    let whole = json!({ "script": script, "environmentVariables": { "PLAN": "gold" } });
    walk.ok("PUT", path, whole).await;
    walk.get(path).await;
    walk.get("/api/configs/jwt-customizer").await;
    walk.ok("PATCH", path, json!({ "script": script })).await;
    let trial = json!({
        "tokenType": "access-token", "script": script, "token": { "kind": "AccessToken" },
        "context": { "user": { "id": "u", "username": "ana" } }, "environmentVariables": {},
    });
    walk.ok("POST", "/api/configs/jwt-customizer/test", trial).await;
    walk.delete(path).await;
}
