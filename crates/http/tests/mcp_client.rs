//! An MCP client and an MCP server that know nothing of this server but what the standards let them find: from a 401 of the MCP server
//! (RFC 9728) by way of the issuer's metadata (RFC 8414) to a token for that MCP server and nothing else.

mod agent;
mod guest;

use std::sync::Arc;

use agent::Site;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use guest::{answer, arrive};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use trinco_jose::{Audience, Expectation, JwkSet, TokenType};
use trinco_testkit::{Answer, Method, REDIRECT_URI, World, challenge_of, query_of, text};

const VERIFIER: &str = "MYqr0KjZe_7S7nK6qgwyw_grQCU7N6CBnz2B5uLosq8";

/// What an MCP server is configured with.
struct McpServer {
    base: String,
    /// The document that the tenant's operator gave its developer.
    metadata: Value,
    issuer: String,
    keys: JwkSet,
    now: i64,
}

impl McpServer {
    fn resource(&self) -> String {
        format!("{}/mcp", self.base)
    }
}

#[derive(serde::Deserialize)]
struct Claims {
    scope: String,
}

async fn call(State(server): State<Arc<McpServer>>, headers: HeaderMap) -> Response {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let resource = server.resource();
    let expectation = Expectation::new(
        TokenType::Exactly("at+jwt"),
        &server.issuer,
        Audience::Is(&resource),
        server.now,
    );
    let verified =
        token.and_then(|token| server.keys.verifier().verify::<Claims>(token, &expectation).ok());
    match verified {
        Some(verified) if verified.claims.scope.split(' ').any(|scope| scope == "tools:call") => {
            Json(json!({ "result": "called" })).into_response()
        }
        _ => {
            let url = format!("{}/.well-known/oauth-protected-resource/mcp", server.base);
            let challenge = format!("Bearer resource_metadata=\"{url}\"");
            (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
        }
    }
}

/// An MCP server whose API the tenant knows, with a permission the user has. Returns its URL.
async fn start_mcp_server(world: &World) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("a bound address"));
    let resource = json!({ "name": "Tools", "indicator": format!("{base}/mcp") });
    let resource = world.admin.create("/api/resources", resource).await;
    let id = text(&resource, "/id");
    let scope = world
        .admin
        .create(&format!("/api/resources/{id}/scopes"), json!({ "name": "tools:call" }))
        .await;
    let scope = text(&scope, "/id");
    let role = json!({ "name": "tool user", "description": "Uses tools", "scopeIds": [scope] });
    let role = world.admin.create("/api/roles", role).await;
    let roles = json!({ "roleIds": [role["id"]] });
    world.admin.create(&format!("/api/users/{}/roles", world.user_id), roles).await;
    let scopes = json!({ "resourceScopes": [scope] });
    world.admin.post("/api/cimd/user-consent-scopes", scopes.clone()).await.expect(201);
    let policy = json!({ "consentScopes": scopes, "requiresInitialAccessToken": false });
    world.admin.patch("/api/configs/dynamic-client-registration", policy).await.expect(200);

    let path = format!("/api/resources/{id}/protected-resource-metadata");
    let metadata = world.admin.get(&path).await.expect(200).json();
    let keys = fetch(&format!("{}/jwks", world.server.issuer())).await.expect(200).text;
    let server = Arc::new(McpServer {
        base: base.clone(),
        metadata,
        issuer: world.server.issuer(),
        keys: JwkSet::from_json(keys.as_bytes()).expect("keys"),
        now: world.server.clock().now(),
    });
    let well_known =
        get(async |State(server): State<Arc<McpServer>>| Json(server.metadata.clone()));
    let router = Router::new()
        .route("/mcp", post(call))
        .route("/.well-known/oauth-protected-resource/mcp", well_known)
        .with_state(server);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("{base}/mcp")
}

async fn fetch(url: &str) -> Answer {
    Answer::to(reqwest::Client::new().get(url)).await
}

async fn use_tool(url: &str, token: Option<&str>) -> Answer {
    let request = reqwest::Client::new().post(url).json(&json!({ "method": "tools/call" }));
    Answer::to(match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    })
    .await
}

/// What an MCP client learns before it knows any client id: the resource and its authorization server.
async fn discover(url: &str) -> (String, Value) {
    let refused = use_tool(url, None).await.expect(401);
    let challenge = refused.header("www-authenticate");
    let (_, rest) = challenge.split_once("resource_metadata=\"").expect("RFC 9728 §5.1");
    let metadata = fetch(rest.split('"').next().unwrap_or_default()).await.expect(200).json();
    // RFC 9728 §3.3.
    assert_eq!(metadata["resource"], url);
    let issuer = text(&metadata, "/authorization_servers/0").to_owned();
    // RFC 8414 §3.1: between host and path.
    let at = issuer.find("//").expect("a URL") + 2;
    let slash = at + issuer[at..].find('/').expect("a path");
    let (origin, path) = issuer.split_at(slash);
    let server = fetch(&format!("{origin}/.well-known/oauth-authorization-server{path}")).await;
    let server = server.expect(200).json();
    // RFC 8414 §3.3.
    assert_eq!(server["issuer"], issuer.as_str());
    assert!(server["code_challenge_methods_supported"] == json!(["S256"]));
    (text(&metadata, "/resource").to_owned(), server)
}

/// Lets the user sign in and consent, and gets a token for the resource: everything at the addresses that were discovered.
async fn sign_in(world: &World, server: &Value, client_id: &str, resource: &str) -> Value {
    let challenge = challenge_of(VERIFIER);
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("response_type", "code"),
            ("client_id", client_id),
            ("redirect_uri", REDIRECT_URI),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("state", "s"),
            ("scope", "offline_access tools:call"),
            ("prompt", "consent"),
            ("resource", resource),
        ])
        .finish();
    let url = format!("{}?{query}", text(server, "/authorization_endpoint"));
    let browser = world.server.browser();
    let page = arrive(&browser, &url).await;
    let shown = browser.get(&page).await.expect(200).text;
    assert!(shown.contains("Helpful Agent") && shown.contains("tools:call"), "{shown}");
    let target = answer(&browser, &page, "allow", &[]).await.location().to_owned();
    let query = query_of(&target);
    assert_eq!((query["state"].as_str(), query["iss"].as_str()), ("s", text(server, "/issuer")));
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", client_id),
        ("code", query["code"].as_str()),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
        ("resource", resource),
    ];
    let request = reqwest::Client::new().post(text(server, "/token_endpoint")).form(&form);
    Answer::to(request).await.expect(200).json()
}

async fn check(world: &World, url: &str, resource: &str, server: &Value, client_id: &str) {
    let tokens = sign_in(world, server, client_id, resource).await;
    let access = text(&tokens, "/access_token");
    let claims = trinco_testkit::Tokens::claims(access);
    assert_eq!((&claims["aud"], &claims["client_id"]), (&json!(url), &json!(client_id)));
    assert_eq!(tokens["scope"], "tools:call");
    assert_eq!(use_tool(url, Some(access)).await.expect(200).json()["result"], "called");
    // A token for this MCP server opens nothing else here.
    for path in ["/api/users", "/oidc/me"] {
        let request = world.server.browser().request(Method::GET, path).bearer_auth(access);
        Answer::to(request).await.expect(401);
    }
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", client_id),
        ("refresh_token", text(&tokens, "/refresh_token")),
        ("resource", resource),
    ];
    let request = reqwest::Client::new().post(text(server, "/token_endpoint")).form(&form);
    let renewed = Answer::to(request).await.expect(200).json();
    use_tool(url, Some(text(&renewed, "/access_token"))).await.expect(200);
}

#[tokio::test]
async fn an_mcp_client_with_a_document_of_its_own_gets_in() {
    let (world, site) = (World::start().await, Site::start().await);
    world.admin.patch("/api/configs/cimd", json!({ "enabled": true })).await.expect(200);
    let url = start_mcp_server(&world).await;
    let (resource, server) = discover(&url).await;
    assert_eq!(server["client_id_metadata_document_supported"], true);
    assert!(server.get("registration_endpoint").is_none());
    let client_id = site.publish("/client.json", &site.document("/client.json"));
    check(&world, &url, &resource, &server, &client_id).await;
}

#[tokio::test]
async fn an_mcp_client_that_registers_gets_in() {
    let world = World::start().await;
    let open = json!({ "enabled": true });
    world.admin.patch("/api/configs/dynamic-client-registration", open).await.expect(200);
    let url = start_mcp_server(&world).await;
    let (resource, server) = discover(&url).await;
    assert!(server.get("client_id_metadata_document_supported").is_none());
    let metadata = json!({
        "client_name": "Helpful Agent", "redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
    });
    let request =
        reqwest::Client::new().post(text(&server, "/registration_endpoint")).json(&metadata);
    let registered = Answer::to(request).await.expect(201).json();
    check(&world, &url, &resource, &server, text(&registered, "/client_id")).await;
}

#[tokio::test]
async fn a_token_for_one_mcp_server_does_not_open_another() {
    let (world, site) = (World::start().await, Site::start().await);
    world.admin.patch("/api/configs/cimd", json!({ "enabled": true })).await.expect(200);
    let url = start_mcp_server(&world).await;
    let (resource, server) = discover(&url).await;
    let client_id = site.publish("/client.json", &site.document("/client.json"));
    let tokens = sign_in(&world, &server, &client_id, &resource).await;
    let other = json!({ "name": "Other", "indicator": "https://other.example/mcp" });
    world.admin.create("/api/resources", other).await;
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", client_id.as_str()),
        ("refresh_token", text(&tokens, "/refresh_token")),
        ("resource", "https://other.example/mcp"),
    ];
    let request = reqwest::Client::new().post(text(&server, "/token_endpoint")).form(&form);
    assert_eq!(Answer::to(request).await.expect(400).json()["error"], "invalid_target");
}
