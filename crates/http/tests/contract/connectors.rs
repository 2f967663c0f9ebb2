//! Connectors, e-mail templates, verification codes and enterprise connectors.

use serde_json::{Value, json};
use trinco_testkit::text;

use crate::peer::Peer;
use crate::walk::Walk;

pub(crate) async fn walk(walk: &mut Walk) {
    let peer = Peer::start().await;
    walk.get("/api/connector-factories").await;
    walk.get("/api/connector-factories/github-universal").await;
    let config = json!({ "endpoint": peer.url("/mail") });
    let mail = json!({ "connectorId": "http-email", "config": config, "syncProfile": false });
    let mail = walk.create("/api/connectors", mail).await;
    let trial = json!({ "config": config, "email": "ana@example.com", "locale": "en" });
    walk.ok("POST", "/api/connectors/http-email/test", trial).await;
    let github = json!({
        "connectorId": "github-universal", "id": "our-github", "config": { "clientId": "a", "clientSecret": "b" },
        "syncProfile": true, "enableTokenStorage": true,
    });
    let github = format!("/api/connectors/{}", walk.create("/api/connectors", github).await);
    walk.get("/api/connectors?target=github").await;
    walk.get(&github).await;
    let changes =
        json!({ "config": { "clientId": "c", "clientSecret": "d" }, "syncProfile": false });
    walk.ok("PATCH", &github, changes).await;
    let asked = json!({ "state": "s", "redirectUri": "https://shop.example/callback/x" });
    walk.ok("POST", &format!("{github}/authorization-uri"), asked).await;
    walk.delete(&github).await;

    templates(walk).await;

    let whom = json!({ "email": "ana@example.com" });
    walk.ok("POST", "/api/verification-codes", whom.clone()).await;
    let code = text(&peer.last().json(), "/payload/code").to_owned();
    let answer = json!({ "email": "ana@example.com", "verificationCode": code });
    walk.ok("POST", "/api/verification-codes/verify", answer).await;
    walk.delete(&format!("/api/connectors/{mail}")).await;

    enterprise(walk).await;
}

async fn templates(walk: &mut Walk) {
    let template = |language: &str| {
        json!({
            "languageTag": language, "templateType": "SignIn",
            "details": { "subject": "Your code", "content": "{{code}}", "contentType": "text/plain" },
        })
    };
    let all = json!({ "templates": [template("en"), template("pt-BR")] });
    let put = walk.ok("PUT", "/api/email-templates", all).await;
    walk.get("/api/email-templates?templateType=SignIn").await;
    let path = format!("/api/email-templates/{}", text(&put, "/0/id"));
    walk.get(&path).await;
    let changes = json!({ "subject": "Your new code", "replyTo": "help@example.com" });
    walk.ok("PATCH", &format!("{path}/details"), changes).await;
    walk.delete(&path).await;
    walk.ok("DELETE", "/api/email-templates?languageTag=pt-BR", Value::Null).await;
}

async fn enterprise(walk: &mut Walk) {
    walk.get("/api/sso-connector-providers").await;
    let new = json!({
        "providerName": "SAML", "connectorName": "Acme", "config": {}, "domains": ["acme.example"],
        "branding": { "displayName": "Acme" }, "syncProfile": false, "enableTokenStorage": false,
    });
    let path = format!("/api/sso-connectors/{}", walk.create("/api/sso-connectors", new).await);
    walk.get("/api/sso-connectors?page=1").await;
    walk.get(&path).await;
    walk.ok("PATCH", &path, json!({ "connectorName": "Acme Inc.", "domains": [] })).await;
    let keys = format!("{path}/signing-keys");
    let key = walk.create(&keys, json!({ "active": false })).await;
    walk.get(&keys).await;
    walk.ok("PATCH", &format!("{keys}/{key}"), json!({ "active": false })).await;
    walk.delete(&format!("{keys}/{key}")).await;
    walk.delete(&path).await;
}
