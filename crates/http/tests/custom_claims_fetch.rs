//! What scripts fetch, through the guard of all outbound requests, from a real server on loopback.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod customized;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use customized::{Customized, MACHINE, machine_form};
use serde_json::json;
use tokio::net::TcpListener;
use trinco_connectors::outbound::{Allow, Outbound};
use trinco_core::token_customizers::AllowedOrigin;
use trinco_testkit::{API, Tokens, text};

/// A directory of groups, and what it was asked.
#[derive(Clone, Default)]
struct Directory {
    asked: Arc<Mutex<Vec<String>>>,
}

impl Directory {
    /// Starts it; returns its origin too.
    async fn start() -> (Self, String) {
        let directory = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let router = Router::new()
            .route("/groups", post(Self::groups))
            .route("/moved", get(|| async { (StatusCode::FOUND, [(header::LOCATION, "/groups")]) }))
            .route("/large", get(|| async { "x".repeat(70_000) }))
            .route("/binary", get(|| async { vec![0xff_u8, 0xfe, b'a'] }))
            .with_state(directory.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (directory, origin)
    }

    async fn groups(
        State(this): State<Self>,
        headers: HeaderMap,
        body: String,
    ) -> impl IntoResponse {
        let key = headers["authorization"].to_str().unwrap().to_owned();
        this.asked.lock().unwrap().push(format!("{key} {body}"));
        ([(header::CONTENT_TYPE, "application/json")], r#"{"groups":["ops","dev"]}"#)
    }
}

/// A world whose scripts may fetch from `origins`, and whose guard lets loopback through.
async fn allowing(origins: &[&str], guard: &[&str]) -> Customized {
    let it = Customized::start().await;
    let origins: Vec<AllowedOrigin> = origins.iter().map(|text| text.parse().unwrap()).collect();
    let guard: Vec<Allow> = guard.iter().map(|text| text.parse().unwrap()).collect();
    it.world.server.installation().set_script_fetch(origins, Outbound::new(guard).unwrap());
    it
}

/// What is wrong with a script that makes this call.
async fn problem(it: &Customized, call: &str) -> String {
    let script = format!("const getCustomJwtClaims = async () => {{ await {call}; return {{}} }}");
    let body = json!({
        "tokenType": "client-credentials", "script": script, "token": {}, "context": {},
    });
    let answer = it.world.admin.post("/api/configs/jwt-customizer/test", body).await;
    text(&answer.expect(422).json(), "/data/message").to_owned()
}

#[tokio::test]
async fn a_script_asks_a_service_that_is_on_the_list() {
    let (directory, origin) = Directory::start().await;
    let it = allowing(&[&origin], &["127.0.0.1"]).await;
    let script =
        "const getCustomJwtClaims = async ({ token, environmentVariables: { URL, KEY } }) => {
        const response = await fetch(`${URL}/groups`, {
            method: 'POST',
            headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
            body: JSON.stringify({ client: token.clientId }),
        });
        const { groups } = await response.json();
        const moved = await fetch(`${URL}/moved`);
        const binary = await (await fetch(`${URL}/binary`)).text();
        return { groups, type: response.headers.get('content-type'), moved: moved.status, binary };
    }";
    let variables = json!({ "URL": origin, "KEY": "k-1" });
    let body = json!({ "script": script, "environmentVariables": variables });
    it.world.admin.put(MACHINE, body).await.expect(201);
    let answer = it.machine_token(&machine_form(API)).await.expect(200).json();
    let claims = Tokens::claims(text(&answer, "/access_token"));
    assert_eq!(claims["groups"], json!(["ops", "dev"]));
    assert_eq!(claims["type"], "application/json");
    assert_eq!((&claims["moved"], &claims["binary"]), (&json!(302), &json!("\u{fffd}\u{fffd}a")));
    let asked = directory.asked.lock().unwrap().clone();
    assert_eq!(asked, [format!("Bearer k-1 {{\"client\":\"{}\"}}", it.machine.0)]);
}

#[tokio::test]
async fn what_is_not_on_the_list_is_not_asked() {
    let (directory, origin) = Directory::start().await;
    let (other, elsewhere) = Directory::start().await;
    let it = allowing(&[&origin], &["127.0.0.1"]).await;
    for url in [elsewhere.as_str(), "https://example.com", "http://localhost:1"] {
        let said = problem(&it, &format!("fetch('{url}/groups', {{ method: 'POST' }})")).await;
        assert!(said.contains("is not listed in scripts.fetch_allow"), "{said}");
    }
    for (path, init, says) in [
        ("/large", "{}", "longer than 65536 bytes"),
        ("/moved", "{ method: 'TRACE' }", "method must be one of"),
        ("/moved", "{ headers: { 'x y': '1' } }", "is no name of a header"),
        ("/moved", "{ headers: { x: 'a\\nb' } }", "characters it cannot have"),
    ] {
        let said = problem(&it, &format!("fetch('{origin}{path}', {init})")).await;
        assert!(said.contains(says), "{said}");
    }
    assert!(directory.asked.lock().unwrap().is_empty() && other.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_list_does_not_open_the_guard() {
    let (directory, origin) = Directory::start().await;
    let it = allowing(&[&origin], &[]).await;
    let said = problem(&it, &format!("fetch('{origin}/groups', {{ method: 'POST' }})")).await;
    assert!(said.contains("the address of the host is not public"), "{said}");
    assert!(directory.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn without_a_list_the_setting_is_named() {
    let it = Customized::start().await;
    let said = problem(&it, "fetch('https://example.com')").await;
    assert!(said.contains("no origin is listed in scripts.fetch_allow"), "{said}");
}
