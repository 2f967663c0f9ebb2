//! One exchange over one connection to an address that has been checked.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, USER_AGENT};
use http::{HeaderValue, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::{OutboundError, Request, Response};

/// What one address gets to take the connection, so that there is time for the next one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Bytes of an answer's status line and headers.
const HEADER_LIMIT: usize = 16 * 1024;

/// Where a URL points.
pub(super) struct Target {
    /// A name, or an address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    is_https: bool,
    address: Option<IpAddr>,
    /// As in the `Host` header.
    authority: String,
}

impl Target {
    pub(super) fn of(url: &Url) -> Result<Self, OutboundError> {
        let is_https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(OutboundError::Url),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OutboundError::Url);
        }
        let shown = url.host_str().ok_or(OutboundError::Url)?;
        let (host, address) = match url.host().ok_or(OutboundError::Url)? {
            Host::Domain(name) => (name.to_owned(), None),
            Host::Ipv4(address) => (address.to_string(), Some(address.into())),
            Host::Ipv6(address) => (address.to_string(), Some(address.into())),
        };
        let authority = match url.port() {
            Some(port) => format!("{shown}:{port}"),
            None => shown.to_owned(),
        };
        let port = url.port_or_known_default().ok_or(OutboundError::Url)?;
        Ok(Self { host, port, is_https, address, authority })
    }

    /// The address, when the host is one.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.address
    }
}

/// Connects to the first address that answers, and sends `request`.
pub(super) async fn exchange(
    addresses: &[SocketAddr],
    target: &Target,
    tls: &Arc<ClientConfig>,
    request: Request,
    limit: usize,
) -> Result<Response, OutboundError> {
    let stream = connect(addresses).await.map_err(|_| OutboundError::Connection)?;
    if !target.is_https {
        return speak(stream, target, request, limit).await;
    }
    let name = ServerName::try_from(target.host.clone()).map_err(|_| OutboundError::Tls)?;
    let stream = TlsConnector::from(Arc::clone(tls))
        .connect(name, stream)
        .await
        .map_err(|_| OutboundError::Tls)?;
    speak(stream, target, request, limit).await
}

async fn connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut last = io::ErrorKind::AddrNotAvailable.into();
    for address in addresses {
        match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

async fn speak<S>(
    stream: S,
    target: &Target,
    request: Request,
    limit: usize,
) -> Result<Response, OutboundError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEADER_LIMIT)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| OutboundError::Exchange)?;
    // The connection lives as long as this exchange: dropping the exchange (a timeout) closes it.
    let mut answered = pin!(answer(&mut sender, target, request, limit));
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        answered = &mut answered => answered,
        // What has arrived may still hold the end of the answer.
        _ = &mut connection => answered.await,
    }
}

async fn answer(
    sender: &mut http1::SendRequest<Full<Bytes>>,
    target: &Target,
    request: Request,
    limit: usize,
) -> Result<Response, OutboundError> {
    let uri: Uri = request.url[url::Position::BeforePath..url::Position::AfterQuery]
        .parse()
        .map_err(|_| OutboundError::Url)?;
    let mut sent = http::Request::new(Full::new(request.body));
    *sent.method_mut() = request.method;
    *sent.uri_mut() = uri;
    *sent.headers_mut() = request.headers;
    let host = HeaderValue::from_str(&target.authority).map_err(|_| OutboundError::Url)?;
    sent.headers_mut().insert(HOST, host);
    sent.headers_mut().entry(USER_AGENT).or_insert(HeaderValue::from_static("Trinco"));
    let response = sender.send_request(sent).await.map_err(|_| OutboundError::Exchange)?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, limit).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            OutboundError::TooLarge(limit)
        } else {
            OutboundError::Exchange
        }
    })?;
    Ok(Response { status: head.status, headers: head.headers, body: body.to_bytes() })
}
