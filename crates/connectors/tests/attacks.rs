//! Attacks through a URL that an attacker chose, against a real receiver on loopback.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use trinco_connectors::outbound::{
    Allow, Outbound, OutboundError, RESPONSE_LIMIT, Request, Resolve, Response,
};

/// A receiver that counts connections and answers each with `answer`, then keeps the connection open.
struct Receiver {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Receiver {
    async fn start(answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let answer = answer.into();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let answer = answer.clone();
                tokio::spawn(async move {
                    let mut buffer = [0; 4096];
                    let _ = stream.read(&mut buffer).await;
                    let _ = stream.write_all(&answer).await;
                    let _ = stream.read(&mut buffer).await;
                });
            }
        });
        Self { address, connections }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Answers the first question with the first list, and so on; the last one stays.
struct Names(Vec<Vec<&'static str>>, Arc<AtomicUsize>);

impl Resolve for Names {
    fn resolve<'a>(&'a self, _: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        let asked = self.1.fetch_add(1, Ordering::SeqCst);
        let found = &self.0[asked.min(self.0.len() - 1)];
        let found = found.iter().map(|ip| SocketAddr::new(ip.parse::<IpAddr>().unwrap(), port));
        let found = found.collect();
        Box::pin(async move { Ok(found) })
    }
}

fn guarded(allow: &[&str]) -> Outbound {
    let allow: Vec<Allow> = allow.iter().map(|entry| entry.parse().unwrap()).collect();
    Outbound::new(allow).unwrap().with_timeout(Duration::from_secs(5))
}

async fn get(outbound: &Outbound, url: &str) -> Result<Response, OutboundError> {
    let request = Request {
        method: Method::GET,
        url: url.parse().unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
    };
    outbound.send(request).await
}

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

#[tokio::test]
async fn an_allowed_receiver_is_reached_and_heard() {
    let receiver = Receiver::start(HELLO).await;
    let url = format!("http://{}/path?x=1#fragment", receiver.address);
    let answer = get(&guarded(&["127.0.0.0/8"]), &url).await.unwrap();
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b"hello"[..]));
    let named = format!("http://localhost:{}/", receiver.address.port());
    assert!(get(&guarded(&["localhost"]), &named).await.is_ok());
}

#[tokio::test]
async fn ssrf_by_an_address_in_the_url_in_any_spelling() {
    let receiver = Receiver::start(HELLO).await;
    let port = receiver.address.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "localhost",
    ] {
        let refused = get(&guarded(&[]), &format!("http://{host}:{port}/")).await;
        assert!(matches!(refused, Err(OutboundError::Forbidden)), "{host}: {refused:?}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn ssrf_by_a_name_that_resolves_to_an_address_that_is_not_public() {
    let receiver = Receiver::start(HELLO).await;
    for found in [
        vec!["127.0.0.1"],
        vec!["10.0.0.1"],
        vec!["192.168.0.1"],
        vec!["169.254.169.254"],
        vec!["::1"],
        vec!["fe80::1"],
        vec!["fd00::1"],
        vec!["::ffff:127.0.0.1"],
        vec!["::ffff:169.254.169.254"],
        // One good address does not excuse a bad one.
        vec!["93.184.215.14", "127.0.0.1"],
    ] {
        let names = Names(vec![found.clone()], Arc::default());
        let url = format!("http://innocent.example:{}/", receiver.address.port());
        let refused = get(&guarded(&[]).with_resolver(names), &url).await;
        assert!(matches!(refused, Err(OutboundError::Forbidden)), "{found:?}: {refused:?}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn dns_rebinding_between_the_check_and_the_connection() {
    let receiver = Receiver::start(HELLO).await;
    let asked = Arc::new(AtomicUsize::new(0));
    // A second question would get loopback.
    let names = Names(vec![vec!["192.0.2.1"], vec!["127.0.0.1"]], Arc::clone(&asked));
    let outbound =
        guarded(&["192.0.2.0/24"]).with_resolver(names).with_timeout(Duration::from_millis(300));
    let url = format!("http://rebinding.example:{}/", receiver.address.port());
    let refused = get(&outbound, &url).await;
    assert!(
        matches!(refused, Err(OutboundError::Timeout | OutboundError::Connection)),
        "{refused:?}"
    );
    assert_eq!((asked.load(Ordering::SeqCst), receiver.connections()), (1, 0));
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_not_followed() {
    let secret = Receiver::start(HELLO).await;
    let redirect = format!(
        "HTTP/1.1 302 Found\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n",
        secret.address
    );
    let receiver = Receiver::start(redirect).await;
    let answer =
        get(&guarded(&["127.0.0.1"]), &format!("http://{}/", receiver.address)).await.unwrap();
    assert_eq!(answer.status.as_u16(), 302);
    assert_eq!(secret.connections(), 0);
}

#[tokio::test]
async fn an_oversized_response_is_given_up() {
    let announced = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", RESPONSE_LIMIT + 1);
    let announced = [announced.into_bytes(), vec![b'x'; RESPONSE_LIMIT + 1]].concat();
    let chunk = [b"11000\r\n".to_vec(), vec![b'x'; 0x11000], b"\r\n0\r\n\r\n".to_vec()].concat();
    let chunked =
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(), chunk].concat();
    for answer in [announced, chunked] {
        let receiver = Receiver::start(answer).await;
        let refused = get(&guarded(&["127.0.0.1"]), &format!("http://{}/", receiver.address)).await;
        assert!(matches!(refused, Err(OutboundError::TooLarge(_))), "{refused:?}");
    }
    let headers = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    let receiver = Receiver::start(headers).await;
    let refused = get(&guarded(&["127.0.0.1"]), &format!("http://{}/", receiver.address)).await;
    assert!(matches!(refused, Err(OutboundError::Exchange)), "{refused:?}");
}

#[tokio::test]
async fn a_slow_response_is_given_up() {
    for answer in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"] {
        let receiver = Receiver::start(answer).await;
        let outbound = guarded(&["127.0.0.1"]).with_timeout(Duration::from_millis(200));
        let refused = get(&outbound, &format!("http://{}/", receiver.address)).await;
        assert!(matches!(refused, Err(OutboundError::Timeout)), "{answer}: {refused:?}");
    }
}

#[tokio::test]
async fn urls_of_other_schemes_or_with_credentials_are_refused() {
    for url in [
        "ftp://a.example/",
        "file:///etc/passwd",
        "http://user:pass@a.example/",
        "https://user@a.example/",
    ] {
        assert!(matches!(get(&guarded(&[]), url).await, Err(OutboundError::Url)), "{url}");
    }
}

#[tokio::test]
async fn a_receiver_without_tls_is_no_https_receiver() {
    let receiver = Receiver::start(HELLO).await;
    let refused = get(&guarded(&["127.0.0.1"]), &format!("https://{}/", receiver.address)).await;
    assert!(matches!(refused, Err(OutboundError::Tls)), "{refused:?}");
}
