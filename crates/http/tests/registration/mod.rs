//! Clients that register themselves, for the tests about them.

#![allow(dead_code, reason = "each test file uses a part of it")]

use reqwest::Method;
use serde_json::{Value, json};
use trinco_testkit::{API, Answer, REDIRECT_URI, World, text};

pub(crate) const POLICY: &str = "/api/configs/dynamic-client-registration";

/// A world where anyone may register a client, which may ask for what the user has on the API.
pub(crate) async fn open_world() -> World {
    let world = World::start().await;
    let resources = world.admin.get("/api/resources?includeScopes=true").await.json();
    let resources = resources.as_array().expect("a list");
    let api = resources.iter().find(|one| one["indicator"] == API).expect("the world has it");
    let scopes = api["scopes"].as_array().expect("a list");
    let read = scopes.iter().find(|scope| scope["name"] == "read:orders").expect("it is there");
    let changes = json!({
        "enabled": true, "requiresInitialAccessToken": false,
        "consentScopes": { "userScopes": ["profile"], "resourceScopes": [read["id"]] },
    });
    world.admin.patch(POLICY, changes).await.expect(200);
    world
}

/// What an MCP client sends (RFC 7591 §2).
pub(crate) fn metadata() -> Value {
    json!({
        "client_name": "Helpful Agent", "redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
        "scope": "openid offline_access profile email read:orders write:orders all", "software_id": "agent",
        "logo_uri": "https://agent.example/logo.png", "contacts": ["dev@agent.example"],
    })
}

/// [`metadata`], with a member replaced or, with `null`, removed.
pub(crate) fn with(name: &str, value: impl Into<Value>) -> Value {
    let value: Value = value.into();
    trinco_testkit::changed(metadata(), json!({ name: value }))
}

pub(crate) async fn register(world: &World, token: Option<&str>, metadata: &Value) -> Answer {
    let request = world.server.browser().request(Method::POST, "/oidc/register").json(metadata);
    Answer::to(match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    })
    .await
}

/// The error a registration is refused with.
pub(crate) async fn refusal(world: &World, metadata: &Value) -> String {
    let answer = register(world, None, metadata).await.expect(400).json();
    assert!(answer["error_description"].as_str().is_some_and(|text| text.len() > 10), "{answer}");
    text(&answer, "/error").to_owned()
}

/// A request about a registration (RFC 7592).
pub(crate) async fn manage(
    world: &World,
    method: Method,
    client: &str,
    token: &str,
    body: Option<&Value>,
) -> Answer {
    let path = format!("/oidc/register/{client}");
    let request = world.server.browser().request(method, &path).bearer_auth(token);
    Answer::to(match body {
        Some(body) => request.json(body),
        None => request,
    })
    .await
}
