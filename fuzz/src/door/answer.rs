//! What every answer must be, whatever was asked.

use http::{HeaderMap, Method, Request, header, response};
use serde_json::Value;
use url::Url;

use super::world::World;
use crate::check::MARKER;

/// What of a request its answer is held against.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) is_api: bool,
    path: String,
    origin: Option<Vec<u8>>,
    /// Everything that was sent.
    text: Vec<u8>,
}

impl Asked {
    pub(super) fn of(request: &Request<Vec<u8>>, data: &[u8]) -> Self {
        let path = request.uri().path().to_owned();
        Self {
            method: request.method().clone(),
            is_api: path.starts_with("/api"),
            origin: request.headers().get(header::ORIGIN).map(|value| value.as_bytes().to_vec()),
            path,
            text: World::get().fill_in(data),
        }
    }

    fn says(&self, text: &str) -> bool {
        self.text.windows(text.len()).any(|window| window == text.as_bytes())
    }
}

/// Checks an answer.
pub(super) fn check(asked: &Asked, head: &response::Parts, body: &[u8]) {
    let place = format!("{} {}: {}", asked.method, asked.path, head.status);
    assert!(!head.status.is_server_error(), "{place}: {}", String::from_utf8_lossy(body));
    assert_eq!(
        head.headers.get("x-content-type-options").map(|v| v.as_bytes()),
        Some(&b"nosniff"[..])
    );
    let kind = text_of(&head.headers, header::CONTENT_TYPE).unwrap_or_default();
    let refused = head.status.is_client_error();
    if kind.starts_with("text/html") {
        page(head, body, &place);
    } else if refused && asked.method != Method::HEAD {
        refusal(asked, kind, body, &place);
    }
    if let Some(location) = text_of(&head.headers, header::LOCATION) {
        goes_home(location, &place);
    }
    for cookie in head.headers.get_all(header::SET_COOKIE) {
        is_ours(cookie.to_str().expect("a cookie is text"));
    }
    if let Some(allowed) = head.headers.get("access-control-allow-origin") {
        let same = asked.origin.as_deref() == Some(allowed.as_bytes());
        assert!(same || allowed == "*", "{place}: another origin may read this");
    }
    keeps_secrets(asked, head, body, &place);
}

/// A refusal has a code and a sentence.
fn refusal(asked: &Asked, kind: &str, body: &[u8], place: &str) {
    assert!(kind.starts_with("application/json"), "{place}: a refusal of type {kind:?}");
    let body: Value = serde_json::from_slice(body).expect("JSON");
    let has = |name: &str| body[name].as_str().is_some_and(|text| !text.is_empty());
    assert!(has("code") && has("message"), "{place}: {body}");
    if asked.path.starts_with("/oidc/") && body["error"].is_string() {
        assert!(has("error") && has("error_description"), "{place}: {body}");
    }
}

/// A page runs nothing but its own, and nothing that was sent becomes a tag.
fn page(head: &response::Parts, body: &[u8], place: &str) {
    let policy = text_of(&head.headers, header::CONTENT_SECURITY_POLICY).unwrap_or_default();
    assert!(
        policy.contains("default-src 'none'") || policy.contains("default-src 'self'"),
        "{place}"
    );
    assert!(!policy.contains("unsafe-inline") && !policy.contains(MARKER), "{place}: {policy}");
    let html = String::from_utf8_lossy(body);
    assert!(!html.contains(&format!("<{MARKER}")), "{place}: {html}");
}

/// A browser is sent to this server, or to a redirect URI that is registered.
fn goes_home(location: &str, place: &str) {
    let base = World::get().base();
    let url =
        Url::parse(location).or_else(|_| Url::parse(base).and_then(|base| base.join(location)));
    let origin = url.expect("a URL").origin().ascii_serialization();
    let homes = [base, "http://localhost:9999"];
    assert!(homes.contains(&origin.as_str()), "{place}: sent to {location}");
}

fn is_ours(cookie: &str) {
    let (pair, attributes) = cookie.split_once("; ").expect("attributes");
    let (name, value) = pair.split_once('=').expect("a value");
    let is_interaction = name
        .strip_prefix("_interaction_")
        .is_some_and(|tag| tag.len() == 12 && tag.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert!(is_interaction || ["_session", "_device"].contains(&name), "{cookie}");
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\";,\\".contains(&byte);
    assert!(value.bytes().all(plain) && value.len() <= 2048, "{cookie}");
    for needed in ["Path=/", "HttpOnly", "SameSite=Lax"] {
        assert!(attributes.split("; ").any(|attribute| attribute == needed), "{cookie}");
    }
}

/// What the request did not bring is not in the answer. The Management API returns secrets to its own.
fn keeps_secrets(asked: &Asked, head: &response::Parts, body: &[u8], place: &str) {
    if asked.is_api && head.status.is_success() {
        return;
    }
    let world = World::get();
    let in_headers = |secret: &str| {
        let mut values = head.headers.values();
        values.any(|value| String::from_utf8_lossy(value.as_bytes()).contains(secret))
    };
    let text = String::from_utf8_lossy(body);
    for (name, secret) in world.secrets() {
        // A confidential client's refresh token comes back while it does not rotate, and other texts are repeated.
        if asked.says(secret) {
            continue;
        }
        assert!(!text.contains(secret) && !in_headers(secret), "{place}: {name} is told");
    }
}

fn text_of(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().expect("a header is text"))
}
