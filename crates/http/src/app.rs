//! What every handler can reach, and how a request finds its tenant.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRef, FromRequestParts, Request, State};
use axum::response::Response;
use axum::{Router, middleware};
use http::request::Parts;
use http::{HeaderMap, StatusCode, Uri, header};
use tokio::sync::watch;
use tower::ServiceExt as _;
use trinco_core::{Installation, Occasion, Origin, Tenant};

use crate::health::Health;
use crate::observe::Observer;

/// The state of the HTTP server.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    installation: Arc<Installation>,
    /// `host[:port]` under which the admin tenant is served at the roots, when one is configured.
    admin_authority: Option<String>,
    health: Health,
    observer: Option<Arc<dyn Observer>>,
    proxies: usize,
}

/// What the server around the doors lends them.
#[derive(Clone, Default)]
pub struct Surroundings {
    /// Becomes true when the server is to stop: it is not ready any more then.
    pub stopping: Option<watch::Receiver<bool>>,
    /// Is told of every request.
    pub observer: Option<Arc<dyn Observer>>,
    /// How many proxies stand before the server, each of which adds an address to `X-Forwarded-For`.
    pub proxies: usize,
}

impl App {
    /// The doors to `installation`. With `admin_endpoint_is_separate`, requests to the admin tenant's own host reach it at the
    /// roots; otherwise it is mounted below `/admin`.
    pub fn new(installation: Arc<Installation>) -> Self {
        Self::within(installation, Surroundings::default())
    }

    /// As [`App::new`], in a server that can be watched and stopped.
    pub fn within(installation: Arc<Installation>, surroundings: Surroundings) -> Self {
        let origin = installation.admin_tenant().origin();
        let admin_authority = origin.path().is_empty().then(|| authority(origin)).flatten();
        let health = Health::new(surroundings.stopping);
        let (observer, proxies) = (surroundings.observer, surroundings.proxies);
        Self(Arc::new(Inner { installation, admin_authority, health, observer, proxies }))
    }

    pub(crate) fn observer(&self) -> Option<&Arc<dyn Observer>> {
        self.0.observer.as_ref()
    }

    /// The installation behind the doors.
    pub fn installation(&self) -> &Installation {
        &self.0.installation
    }
}

fn authority(origin: &Origin) -> Option<String> {
    origin.base().parse::<Uri>().ok()?.authority().map(ToString::to_string)
}

/// The tenant a request is for.
#[derive(Clone, Debug)]
pub(crate) struct Here(pub(crate) Tenant);

impl<S: Send + Sync> FromRequestParts<S> for Here {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl FromRef<App> for Arc<Installation> {
    fn from_ref(app: &App) -> Self {
        Arc::clone(&app.0.installation)
    }
}

/// Puts `inner`, the routes of one tenant, behind the choice of the tenant: the Host header picks among configured endpoints and
/// nothing else (it never becomes part of an answer), and `/admin/…` is the admin tenant when it has no endpoint of its own.
pub(crate) fn by_tenant(app: &App, inner: Router) -> Router {
    let route = move |State(app): State<App>, request: Request| {
        let inner = inner.clone();
        async move {
            let (method, path) = (request.method(), request.uri().path());
            if let Some(answer) = app.0.health.answer(&app.0.installation, method, path).await {
                return answer;
            }
            let request = choose_tenant(&app, request);
            inner.oneshot(request).await.unwrap_or_else(|never| match never {})
        }
    };
    Router::new().fallback(route).with_state(app.clone())
}

fn choose_tenant(app: &App, mut request: Request) -> Request {
    let installation = app.installation();
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let tenant = match &app.0.admin_authority {
        Some(admin) if host.is_some_and(|host| same_authority(host, admin)) => {
            installation.admin_tenant()
        }
        Some(_) => installation.default_tenant(),
        None => match without_admin(request.uri()) {
            Some(uri) => {
                *request.uri_mut() = uri;
                installation.admin_tenant()
            }
            None => installation.default_tenant(),
        },
    };
    let tenant = tenant.on(occasion(&request, app.0.proxies));
    request.extensions_mut().insert(Here(tenant));
    request
}

/// Characters of a program's name that are kept.
const LONGEST_USER_AGENT: usize = 512;

/// Who asks, as far as the connection and the headers tell.
fn occasion(request: &Request, proxies: usize) -> Occasion {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|ConnectInfo(peer)| peer.ip());
    let ip = forwarded_for(request.headers(), proxies).or(peer);
    let user_agent = request.headers().get(header::USER_AGENT);
    Occasion {
        ip: ip.map(|ip| ip.to_canonical().to_string()),
        user_agent: user_agent
            .and_then(|value| value.to_str().ok())
            .map(|name| name.chars().take(LONGEST_USER_AGENT).collect()),
        call: None,
    }
}

/// RFC 9110 §4.2.3: letter case does not matter in a host, nor does the scheme's default port.
fn same_authority(one: &str, other: &str) -> bool {
    fn bare(authority: &str) -> &str {
        authority
            .strip_suffix(":443")
            .or_else(|| authority.strip_suffix(":80"))
            .unwrap_or(authority)
    }
    bare(one).eq_ignore_ascii_case(bare(other))
}

/// `uri` without `prefix`, when a `/` follows the prefix.
fn strip_prefix(uri: &Uri, prefix: &str) -> Option<Uri> {
    let rest = uri.path_and_query()?.as_str().strip_prefix(prefix)?;
    rest.starts_with('/').then(|| rest.parse().ok()).flatten()
}

/// `uri` as the admin tenant's own routes have it, when it is below `/admin`: at the front, or after a well-known part (RFC 8414 §3.1).
fn without_admin(uri: &Uri) -> Option<Uri> {
    if let Some(uri) = strip_prefix(uri, "/admin") {
        return Some(uri);
    }
    let (name, path) = uri.path().strip_prefix("/.well-known/")?.split_once('/')?;
    let path = path.strip_prefix("admin/")?;
    format!("/.well-known/{name}/{path}").parse().ok()
}

/// What every answer of a tenant's routes carries.
pub(crate) async fn security_headers(request: Request, next: middleware::Next) -> Response {
    let secure = request.extensions().get::<Here>().is_some_and(|here| here.0.origin().is_https());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    headers
        .entry(header::REFERRER_POLICY)
        .or_insert(header::HeaderValue::from_static("strict-origin-when-cross-origin"));
    // RFC 6749 §5.1: what no cache may keep is kept by none that knows HTTP/1.0 alone either.
    if headers.get(header::CACHE_CONTROL).is_some_and(|value| value == "no-store") {
        headers.insert(header::PRAGMA, header::HeaderValue::from_static("no-cache"));
    }
    if secure {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            header::HeaderValue::from_static("max-age=15552000; includeSubDomains"),
        );
    }
    response
}

/// The address that the outermost of so many proxies saw. Each adds the one it was connected from at the end, so what stands before
/// those is whatever a client likes.
fn forwarded_for(headers: &HeaderMap, proxies: usize) -> Option<IpAddr> {
    if proxies == 0 {
        return None;
    }
    let lists = headers.get_all("x-forwarded-for").iter().filter_map(|list| list.to_str().ok());
    let addresses: Vec<&str> = lists.flat_map(|list| list.split(',')).map(str::trim).collect();
    let seen = addresses.iter().rev().nth(proxies - 1).or(addresses.first())?;
    let address =
        |text: &str| text.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    address(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_operators_proxies_added_is_believed() {
        let seen = |lists: &[&'static str], proxies: usize| {
            let mut headers = HeaderMap::new();
            for list in lists {
                headers.append("x-forwarded-for", http::HeaderValue::from_static(list));
            }
            forwarded_for(&headers, proxies).map(|ip| ip.to_string())
        };
        let forged = &["1.1.1.1, 2.2.2.2", "3.3.3.3"][..];
        assert_eq!(seen(forged, 0), None);
        assert_eq!(seen(forged, 1).as_deref(), Some("3.3.3.3"));
        assert_eq!(seen(forged, 2).as_deref(), Some("2.2.2.2"));
        assert_eq!(seen(&["2001:db8::1"], 1).as_deref(), Some("2001:db8::1"));
        assert_eq!(seen(&["4.4.4.4:5678"], 3).as_deref(), Some("4.4.4.4"));
        assert_eq!(seen(&["unknown"], 1), None);
        assert_eq!(seen(&[], 1), None);
    }

    #[test]
    fn only_a_whole_path_segment_is_stripped() {
        let strip = |path: &str| without_admin(&path.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(strip("/admin/oidc/jwks?x=1").as_deref(), Some("/oidc/jwks?x=1"));
        assert_eq!(
            strip("/.well-known/some/admin/oidc").as_deref(),
            Some("/.well-known/some/oidc")
        );
        for other in ["/administrator", "/oidc", "/.well-known/some/oidc", "/.well-known/admin"] {
            assert_eq!(strip(other), None, "{other}");
        }
    }
}
