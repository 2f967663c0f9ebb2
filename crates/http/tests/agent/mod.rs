//! An agent's web site for the tests: it publishes client metadata documents, good ones and others.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use trinco_testkit::{API, Answer, REDIRECT_URI, World, text};

/// What is at a path.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    /// How long the answer takes.
    pub(crate) pause: Duration,
}

impl Page {
    pub(crate) fn json(body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { status: 200, headers, body: body.to_string(), pause: Duration::ZERO }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.to_owned()));
        self
    }
}

#[derive(Default)]
struct Shelf {
    pages: HashMap<String, Page>,
    requests: HashMap<String, usize>,
}

/// The web site. Dropping it takes it off the net.
pub(crate) struct Site {
    pub(crate) base: String,
    shelf: Arc<Mutex<Shelf>>,
    task: JoinHandle<()>,
}

impl Site {
    pub(crate) async fn start() -> Self {
        let shelf = Arc::new(Mutex::new(Shelf::default()));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("a bound address"));
        let router = Router::new().fallback(serve).with_state(Arc::clone(&shelf));
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("serving does not end");
        });
        Self { base, shelf, task }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A good document about a client of this path.
    pub(crate) fn document(&self, path: &str) -> Value {
        json!({
            "client_id": self.url(path), "client_name": "Helpful Agent", "redirect_uris": [REDIRECT_URI],
            "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
            "logo_uri": "https://agent.example/logo.png", "contacts": ["dev@agent.example"],
        })
    }

    pub(crate) fn put(&self, path: &str, page: Page) {
        self.shelf.lock().expect("no test panics in here").pages.insert(path.to_owned(), page);
    }

    /// Publishes a document and returns the client id.
    pub(crate) fn publish(&self, path: &str, document: &Value) -> String {
        self.put(path, Page::json(document));
        self.url(path)
    }

    pub(crate) fn requests(&self, path: &str) -> usize {
        let shelf = self.shelf.lock().expect("no test panics in here");
        shelf.requests.get(path).copied().unwrap_or_default()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(State(shelf): State<Arc<Mutex<Shelf>>>, request: Request) -> Response {
    let path = request.uri().path_and_query().map_or("", |path| path.as_str()).to_owned();
    let page = {
        let mut shelf = shelf.lock().expect("no test panics in here");
        *shelf.requests.entry(path.clone()).or_default() += 1;
        shelf.pages.get(&path).cloned()
    };
    let Some(page) = page else { return StatusCode::NOT_FOUND.into_response() };
    tokio::time::sleep(page.pause).await;
    let mut headers = HeaderMap::new();
    for (name, value) in &page.headers {
        headers.append(*name, HeaderValue::from_str(value).expect("a header"));
    }
    headers.entry(header::SERVER).or_insert(HeaderValue::from_static("agent"));
    (StatusCode::from_u16(page.status).expect("a status"), headers, page.body).into_response()
}

/// A world where clients are let in that are known by their documents, and may ask for what the user has on the API.
pub(crate) async fn world_of_agents() -> World {
    let world = World::start().await;
    let admin = &world.admin;
    admin.patch("/api/configs/cimd", json!({ "enabled": true })).await.expect(200);
    let read = scope_id(&world, "read:orders").await;
    let scopes = json!({ "userScopes": ["profile"], "resourceScopes": [read] });
    admin.post("/api/cimd/user-consent-scopes", scopes).await.expect(201);
    world
}

/// The id of a scope of the world's API.
pub(crate) async fn scope_id(world: &World, name: &str) -> String {
    let resources = world.admin.get("/api/resources?includeScopes=true").await.json();
    let resources = resources.as_array().expect("a list");
    let api = resources.iter().find(|one| one["indicator"] == API).expect("the world has it");
    let scopes = api["scopes"].as_array().expect("a list");
    let scope = scopes.iter().find(|scope| scope["name"] == name).expect("the world has it");
    text(scope, "/id").to_owned()
}

/// What the authorization endpoint answers a client's request with, as JSON.
pub(crate) async fn authorize(world: &World, client_id: &str) -> Answer {
    let url = world.server.authorization_url(client_id, "openid", &[]);
    Answer::to(world.server.browser().request(trinco_testkit::Method::GET, &url)).await
}

/// The error and description that an authorization request is refused with.
pub(crate) async fn refusal(world: &World, client_id: &str) -> (String, String) {
    let answer = authorize(world, client_id).await.expect(400).json();
    (text(&answer, "/error").to_owned(), text(&answer, "/error_description").to_owned())
}
