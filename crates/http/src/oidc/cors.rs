//! Which pages in browsers may call the endpoints (the Fetch standard's CORS protocol).
//!
//! Public documents and userinfo are for any origin: they need no cookie, and a bearer token is its own permission. The endpoints of
//! clients answer a browser only from an origin of the client that authenticates.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, header};
use trinco_core::Tenant;
use trinco_oauth::redirect_uri::origin_is_allowed;
use trinco_oauth::{Client, OAuthError};

/// The `Origin` of a request, when a browser sent one, and whether it was found to be the client's.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    text: Option<String>,
    is_allowed: Arc<AtomicBool>,
}

/// Refuses a request from a page that is not the client's. From here on the page may read the answer, be it an error.
pub(super) fn check(origin: &Origin, tenant: &Tenant, client: &Client) -> Result<(), OAuthError> {
    match &origin.text {
        None => Ok(()),
        Some(text) if is_own(tenant, text) || origin_is_allowed(client, text) => {
            origin.is_allowed.store(true, Ordering::Relaxed);
            Ok(())
        }
        Some(_) => Err(OAuthError::invalid_request("origin is not allowed for this client")),
    }
}

fn is_own(tenant: &Tenant, origin: &str) -> bool {
    let base = tenant.origin().base();
    base.strip_prefix(origin).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub(super) async fn for_clients(mut request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    if request.method() == Method::OPTIONS {
        return preflight(origin);
    }
    let is_allowed = Arc::new(AtomicBool::new(false));
    let text =
        origin.as_ref().map(|origin| String::from_utf8_lossy(origin.as_bytes()).into_owned());
    request.extensions_mut().insert(Origin { text, is_allowed: Arc::clone(&is_allowed) });
    let mut response = next.run(request).await;
    if let Some(origin) = origin.filter(|_| is_allowed.load(Ordering::Relaxed)) {
        allow(&mut response, origin);
    }
    response
}

pub(crate) async fn for_anyone(request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    if request.method() == Method::OPTIONS {
        return preflight(origin);
    }
    let mut response = next.run(request).await;
    allow(&mut response, HeaderValue::from_static("*"));
    response
}

/// Makes OPTIONS a method of the route; the layers above answer it.
pub(crate) async fn preflight_only() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Whether the client allows the origin is only known when it authenticates, so a preflight is answered for every origin.
fn preflight(origin: Option<HeaderValue>) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(origin) = origin {
        allow(&mut response, origin);
    }
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET,POST,PUT,DELETE"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("authorization,content-type,dpop"),
    );
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
    response
}

fn allow(response: &mut Response, origin: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("WWW-Authenticate"),
    );
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
}
