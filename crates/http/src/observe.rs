//! What an operator sees of a request: its id, the span around it with which every log line of it is marked, a line when it is
//! finished, and what the server's [`Observer`] makes of it.
//!
//! Nothing here holds a path, a query string, a cookie or a body: where a request went is told by the template of its route.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tokio::time::Instant;
use tracing::{Instrument as _, Span};
use trinco_core::Tenant;

use crate::app::{App, Here};

/// The longest a request may take, the reading of its body included: a client that sends slowly holds nothing for longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The header with the id of a request, in both directions.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Characters of an id that a client or a proxy may give a request.
const LONGEST_ID: usize = 128;

/// The target of the spans around requests. Their level is `error`, so that they are there whatever log lines are asked for.
pub const REQUEST_SPANS: &str = "trinco_http::request";
/// The target of the line about each finished request.
pub const ACCESS_LINES: &str = "trinco_http::access";

/// What stands in the place of a route where none was matched.
pub const NO_ROUTE: &str = "(no route)";

/// Is told of every request but the probes. It is asked on the way of each, so it must be quick.
pub trait Observer: Send + Sync + 'static {
    /// A request has come; nobody has entered its span yet.
    fn begun(&self, begun: &Begun<'_>);

    /// It has been answered, or given up.
    fn ended(&self, ended: &Ended<'_>);
}

/// A request that has come.
#[derive(Debug)]
pub struct Begun<'a> {
    /// The span around it.
    pub span: &'a Span,
    /// Its method: one of the standard ones, or `other`.
    pub method: &'static str,
    /// The template of the route it matched, or [`NO_ROUTE`].
    pub route: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
}

/// A request that has ended.
#[derive(Debug)]
pub struct Ended<'a> {
    /// The span around it.
    pub span: &'a Span,
    /// Its method: one of the standard ones, or `other`.
    pub method: &'static str,
    /// The template of the route it matched, or [`NO_ROUTE`].
    pub route: &'a str,
    /// The status it was answered with; none when the client went away before.
    pub status: Option<StatusCode>,
    /// From the end of its headers to the beginning of the answer.
    pub duration: Duration,
}

/// The id of the request with these headers.
pub(crate) fn id_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(REQUEST_ID)?.to_str().ok()
}

/// The route a request matched: the path itself may hold an id that only its browser should know.
pub(crate) fn route_of(request: &Request) -> &str {
    request.extensions().get::<MatchedPath>().map_or(NO_ROUTE, MatchedPath::as_str)
}

/// Runs a request inside its span, bounds the time it takes, and tells what became of it.
pub(crate) async fn requests(
    State(app): State<App>,
    Here(tenant): Here,
    mut request: Request,
    next: Next,
) -> Response {
    let id = given_or_new_id(&tenant, request.headers());
    // From here on, whoever has the headers has the id.
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let (mut running, span) = Running::begin(&app, &tenant, &request);
    let answered = tokio::time::timeout(PATIENCE, next.run(request)).instrument(span).await;
    let mut response = answered.unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response());
    response.headers_mut().insert(REQUEST_ID, id);
    running.status = Some(response.status());
    response
}

fn given_or_new_id(tenant: &Tenant, headers: &HeaderMap) -> HeaderValue {
    let mut given = headers.get_all(REQUEST_ID).iter();
    if let (Some(only), None) = (given.next(), given.next())
        && is_id(only.as_bytes())
    {
        return only.clone();
    }
    HeaderValue::from_str(&tenant.new_id()).expect("an id is made of letters and digits")
}

fn is_id(text: &[u8]) -> bool {
    let is_fine = |byte: &u8| byte.is_ascii_alphanumeric() || b"._:-".contains(byte);
    (1..=LONGEST_ID).contains(&text.len()) && text.iter().all(is_fine)
}

/// A method as logs and metrics have it: a client may invent others, without end.
fn name_of(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] =
        ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "TRACE"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

/// A request in progress. Its end is told when this is dropped, so that a client that goes away is no exception.
struct Running {
    observer: Option<Arc<dyn Observer>>,
    span: Span,
    method: &'static str,
    route: Option<MatchedPath>,
    begun: Instant,
    status: Option<StatusCode>,
}

impl Running {
    fn begin(app: &App, tenant: &Tenant, request: &Request) -> (Self, Span) {
        let (method, route) = (name_of(request.method()), route_of(request));
        let span = tracing::error_span!(
            target: REQUEST_SPANS,
            "request",
            request_id = id_of(request.headers()),
            method,
            route,
            tenant = tenant.id(),
        );
        let observer = app.observer().cloned();
        if let Some(observer) = &observer {
            observer.begun(&Begun { span: &span, method, route, headers: request.headers() });
        }
        let route = request.extensions().get::<MatchedPath>().cloned();
        let running = Self {
            observer,
            span: span.clone(),
            method,
            route,
            begun: Instant::now(),
            status: None,
        };
        (running, span)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let duration = self.begun.elapsed();
        let duration_ms = duration.as_micros() as f64 / 1000.0;
        self.span.in_scope(|| match self.status {
            Some(status) => {
                let status = status.as_u16();
                tracing::info!(target: ACCESS_LINES, status, duration_ms, "answered");
            }
            None => {
                tracing::info!(target: ACCESS_LINES, duration_ms, "the client went away");
            }
        });
        if let Some(observer) = &self.observer {
            observer.ended(&Ended {
                span: &self.span,
                method: self.method,
                route: self.route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str),
                status: self.status,
                duration,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_and_plain() {
        for good in ["a", "A-1._:z", &"x".repeat(128)] {
            assert!(is_id(good.as_bytes()), "{good}");
        }
        for bad in ["", "a b", "a\"b", "ä", "a/b", "a\tb", &"x".repeat(129)] {
            assert!(!is_id(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn invented_methods_have_one_name() {
        assert_eq!(name_of(&Method::PATCH), "PATCH");
        assert_eq!(name_of(&Method::from_bytes(b"get").unwrap()), "other");
        assert_eq!(name_of(&Method::from_bytes(b"STEAL").unwrap()), "other");
    }
}
