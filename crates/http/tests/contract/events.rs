//! Webhooks, the audit log, invitations, members just in time.

use axum::Router;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::walk::Walk;

/// A receiver that takes everything.
async fn receiver() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://127.0.0.1:{}/", listener.local_addr().expect("an address").port());
    let router = Router::new().route("/", post(async || ""));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

pub(crate) async fn walk(walk: &mut Walk) {
    let config = json!({ "url": receiver().await, "headers": { "x-key": "1" }, "retries": 3 });
    let new = json!({
        "name": "CRM", "events": ["User.Created"], "config": config, "enabled": true,
    });
    let hook = walk.create("/api/hooks", new).await;
    walk.get("/api/hooks?page=1&includeExecutionStats=true").await;
    let path = format!("/api/hooks/{hook}");
    walk.get(&format!("{path}?includeExecutionStats=true")).await;
    walk.ok("PATCH", &path, json!({ "name": "Mail", "events": ["User.Deleted"] })).await;
    walk.ok("PATCH", &format!("{path}/signing-key"), Value::Null).await;
    let test = json!({ "events": ["User.Created"], "config": config });
    walk.ok("POST", &format!("{path}/test"), test).await;
    walk.get(&format!("{path}/recent-logs?page=1")).await;
    walk.delete(&path).await;

    let logs = walk.get("/api/logs?page=1&enableCap=true").await;
    let log = logs[0]["id"].as_str().expect("an entry").to_owned();
    walk.get(&format!("/api/logs/{log}")).await;

    let resource = "resource=https://api.example&unauthorizedRole=guest";
    walk.get(&format!("/api/authn/hasura?{resource}")).await;
    let machine = json!({ "name": "Loner", "type": "MachineToMachine" });
    let machine = walk.create("/api/applications", machine).await;
    walk.get(&format!("/api/applications/{machine}/organizations?page=1")).await;
    invitations(walk).await;
}

async fn invitations(walk: &mut Walk) {
    let organization = walk.create("/api/organizations", json!({ "name": "Club" })).await;
    let role = json!({ "name": "guest", "organizationScopeIds": [], "resourceScopeIds": [] });
    let role = walk.create("/api/organization-roles", role).await;
    let jit = format!("/api/organizations/{organization}/jit");
    let domains = format!("{jit}/email-domains");
    walk.ok("POST", &domains, json!({ "emailDomain": "club.example" })).await;
    walk.ok("PUT", &domains, json!({ "emailDomains": ["club.example"] })).await;
    walk.get(&format!("{domains}?page=1")).await;
    let roles = format!("{jit}/roles");
    walk.ok("POST", &roles, json!({ "organizationRoleIds": [role] })).await;
    walk.ok("PUT", &roles, json!({ "organizationRoleIds": [role] })).await;
    walk.get(&format!("{roles}?page=1")).await;

    let path = "/api/organization-invitations";
    let new = json!({
        "invitee": "ana@club.example", "organizationId": organization, "organizationRoleIds": [role],
        "expiresAt": (walk.server.clock().now() + 3600) * 1000, "messagePayload": false,
    });
    let invitation = walk.create(path, new).await;
    walk.get(&format!("{path}?organizationId={organization}")).await;
    let one = format!("{path}/{invitation}");
    walk.get(&one).await;
    let revoked = json!({ "status": "Revoked" });
    walk.ok("PUT", &format!("{one}/status"), revoked).await;
    walk.delete(&one).await;
    walk.delete(&format!("{domains}/club.example")).await;
    walk.delete(&format!("{roles}/{role}")).await;
}
