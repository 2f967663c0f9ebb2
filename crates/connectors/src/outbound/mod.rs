//! The guard every outbound request passes.
//!
//! A host name is resolved once; every address it resolves to is checked, and the connection goes to one of those very addresses,
//! so that a name cannot point elsewhere between the check and the connection. Addresses that are not public are refused unless
//! the operator allows them. Redirects are not followed: they are answers like any other. An answer is bounded in time and size.

mod addresses;
mod allow;
mod client;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use rustls::{ClientConfig, RootCertStore};
use tracing::Instrument as _;
use tracing::field::Empty;
use url::{Host, Url};

pub use addresses::is_public;
pub use allow::{Allow, AllowParseError};

/// From the resolution of the name to the last byte of the answer.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer's body.
pub const RESPONSE_LIMIT: usize = 64 * 1024;

/// The target of the spans around outbound requests (level `debug`).
pub const OUTBOUND_SPANS: &str = "trinco_connectors::outbound";

/// Finds the addresses of a host name.
pub trait Resolve: Send + Sync + 'static {
    /// Every address of `host`, with `port`.
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
}

/// The operating system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

/// What is to be sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// An absolute http or https URL without credentials; a fragment is not sent.
    pub url: Url,
    /// Headers besides `Host` and `Content-Length`. The `User-Agent` is Trinco unless they name another.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status. Redirects are not followed.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, of at most [`RESPONSE_LIMIT`] bytes.
    pub body: Bytes,
}

/// Why a request was not sent, or has no answer. The text tells nothing about the network behind the guard but what its reader
/// typed in.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The URL is not http or https, has no host, or carries credentials.
    #[error("the URL is not an http or https URL without credentials")]
    Url,
    /// The host has an address that is not public and not allowed.
    #[error("the address of the host is not public; an operator can allow it with outbound.allow")]
    Forbidden,
    /// The name has no address.
    #[error("the host name cannot be resolved")]
    Resolution,
    /// No address took the connection.
    #[error("the connection failed")]
    Connection,
    /// The certificate was refused, or the other side speaks no TLS.
    #[error("the TLS handshake failed")]
    Tls,
    /// The exchange broke off, or the answer is no HTTP.
    #[error("the exchange failed")]
    Exchange,
    /// [`TIMEOUT`] was over.
    #[error("there was no complete answer within {} seconds", TIMEOUT.as_secs())]
    Timeout,
    /// The body is longer than [`RESPONSE_LIMIT`], or than [`Outbound::with_response_limit`] allows.
    #[error("the answer is longer than {0} bytes")]
    TooLarge(usize),
}

impl OutboundError {
    /// Its name in traces.
    const fn name(&self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::Forbidden => "forbidden",
            Self::Resolution => "resolution",
            Self::Connection => "connection",
            Self::Tls => "tls",
            Self::Exchange => "exchange",
            Self::Timeout => "timeout",
            Self::TooLarge(_) => "too_large",
        }
    }
}

/// The guarded client. Cheap to clone.
#[derive(Clone)]
pub struct Outbound {
    allow: Arc<[Allow]>,
    resolver: Arc<dyn Resolve>,
    tls: Arc<ClientConfig>,
    timeout: Duration,
    response_limit: usize,
    traceparent: fn() -> Option<HeaderValue>,
}

impl Outbound {
    /// A client that reaches public addresses, and those that `allow` names. It trusts the certificate authorities of the operating
    /// system; where there are none, every https request fails.
    ///
    /// # Errors
    /// A sentence for the operator when TLS cannot be set up.
    pub fn new(allow: impl Into<Arc<[Allow]>>) -> Result<Self, String> {
        let mut authorities = RootCertStore::empty();
        // One unreadable certificate among the system's must not take the others away.
        authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Self::with_authorities(allow, authorities)
    }

    /// As [`Outbound::new`], trusting these certificate authorities alone.
    ///
    /// # Errors
    /// As [`Outbound::new`].
    pub fn with_authorities(
        allow: impl Into<Arc<[Allow]>>,
        authorities: RootCertStore,
    ) -> Result<Self, String> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS cannot be set up: {error}"))?
            .with_root_certificates(authorities)
            .with_no_client_auth();
        Ok(Self {
            allow: allow.into(),
            resolver: Arc::new(SystemResolver),
            tls: Arc::new(tls),
            timeout: TIMEOUT,
            response_limit: RESPONSE_LIMIT,
            traceparent: || None,
        })
    }

    /// Reaching, besides public addresses, those that `allow` names, and no longer those that were named before.
    #[must_use]
    pub fn with_allow(self, allow: impl Into<Arc<[Allow]>>) -> Self {
        Self { allow: allow.into(), ..self }
    }

    /// With another way to find addresses.
    #[must_use]
    pub fn with_resolver(self, resolver: impl Resolve) -> Self {
        Self { resolver: Arc::new(resolver), ..self }
    }

    /// With another limit on time.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// With a lower limit on the length of answers: bytes.
    #[must_use]
    pub fn with_response_limit(self, limit: usize) -> Self {
        Self { response_limit: limit.min(self.response_limit), ..self }
    }

    /// With what tells the header `traceparent` (W3C Trace Context) of requests within the current span.
    #[must_use]
    pub fn with_traceparent(self, traceparent: fn() -> Option<HeaderValue>) -> Self {
        Self { traceparent, ..self }
    }

    /// Whether the host of `url` is this machine, and the operator allows requests there. Only then may something be fetched without
    /// TLS that has to be genuine.
    #[must_use]
    pub fn reaches_own_machine(&self, url: &Url) -> bool {
        let (host, addresses): (_, &[IpAddr]) = match url.host() {
            Some(Host::Domain("localhost")) => {
                ("localhost", &[IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)])
            }
            Some(Host::Ipv4(address)) if address.is_loopback() => ("", &[IpAddr::V4(address)]),
            Some(Host::Ipv6(address)) if address.is_loopback() => ("", &[IpAddr::V6(address)]),
            _ => return false,
        };
        let is_allowed =
            |address: &IpAddr| self.allow.iter().any(|rule| rule.covers(host, *address));
        addresses.iter().any(is_allowed)
    }

    /// Sends a request and reads the answer to its end.
    ///
    /// # Errors
    /// [`OutboundError`].
    pub async fn send(&self, request: Request) -> Result<Response, OutboundError> {
        let span = tracing::debug_span!(
            target: OUTBOUND_SPANS,
            "outbound",
            method = request.method.as_str(),
            host = request.url.host_str(),
            status = Empty,
            error = Empty,
        );
        async {
            let sent = tokio::time::timeout(self.timeout, self.send_unbounded(request)).await;
            let answered = sent.unwrap_or(Err(OutboundError::Timeout));
            match &answered {
                Ok(answer) => span.record("status", answer.status.as_u16()),
                Err(error) => span.record("error", error.name()),
            };
            answered
        }
        .instrument(span.clone())
        .await
    }

    async fn send_unbounded(&self, mut request: Request) -> Result<Response, OutboundError> {
        let target = client::Target::of(&request.url)?;
        let addresses = self.permitted(&target).await?;
        if let Some(traceparent) = (self.traceparent)() {
            request.headers.insert("traceparent", traceparent);
        }
        client::exchange(&addresses, &target, &self.tls, request, self.response_limit).await
    }

    /// The addresses of the host, all of which may be reached: one that may not is a sign that someone plays with the name.
    async fn permitted(&self, target: &client::Target) -> Result<Vec<SocketAddr>, OutboundError> {
        let found = match target.address() {
            Some(address) => vec![SocketAddr::new(address, target.port)],
            None => self
                .resolver
                .resolve(&target.host, target.port)
                .await
                .map_err(|_| OutboundError::Resolution)?,
        };
        if found.is_empty() {
            return Err(OutboundError::Resolution);
        }
        let may_reach = |address: &SocketAddr| {
            is_public(address.ip())
                || self.allow.iter().any(|rule| rule.covers(&target.host, address.ip()))
        };
        // The port is the URL's, whatever a resolver says.
        if found.iter().all(may_reach) {
            Ok(found.iter().map(|found| SocketAddr::new(found.ip(), target.port)).collect())
        } else {
            Err(OutboundError::Forbidden)
        }
    }
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Outbound").field("allow", &self.allow).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_allowed_loopback_is_this_machine() {
        let reaches = |allow: &[&str], url: &str| {
            let allow: Vec<Allow> = allow.iter().map(|entry| entry.parse().unwrap()).collect();
            let outbound = Outbound::with_authorities(allow, RootCertStore::empty()).unwrap();
            outbound.reaches_own_machine(&url.parse().unwrap())
        };
        for (allow, url, expected) in [
            (&["127.0.0.0/8"][..], "http://127.0.0.1:1/", true),
            (&["127.0.0.0/8"], "http://localhost:1/", true),
            (&["localhost"], "http://localhost/", true),
            (&["::1"], "http://[::1]/", true),
            (&["localhost"], "http://127.0.0.1/", false),
            (&["127.0.0.0/8"], "http://[::1]/", false),
            (&["10.0.0.0/8"], "http://10.0.0.1/", false),
            (&["0.0.0.0/0"], "http://1.1.1.1/", false),
            (&["agent.example"], "http://agent.example/", false),
            (&[], "http://127.0.0.1/", false),
        ] {
            assert_eq!(reaches(allow, url), expected, "{allow:?} {url}");
        }
    }
}
