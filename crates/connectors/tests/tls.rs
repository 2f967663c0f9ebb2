//! Https, against a real receiver on loopback.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use trinco_connectors::outbound::{Allow, Outbound, OutboundError, Request, Response};

/// A receiver with a certificate for `localhost`; its port.
async fn receiver() -> u16 {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("data/localhost.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("data/localhost.key")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that refuses the certificate ends the handshake.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut buffer = [0; 4096];
            let length = stream.read(&mut buffer).await.unwrap();
            assert!(buffer[..length].starts_with(b"POST /logout?x=1 HTTP/1.1\r\n"));
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            let _ = stream.shutdown().await;
        }
    });
    port
}

async fn post(outbound: &Outbound, host: &str, port: u16) -> Result<Response, OutboundError> {
    let url = format!("https://{host}:{port}/logout?x=1").parse().unwrap();
    let (headers, body) = (HeaderMap::new(), Bytes::from_static(b"logout_token=x"));
    outbound.send(Request { method: Method::POST, url, headers, body }).await
}

fn loopback() -> [Allow; 2] {
    ["127.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()]
}

#[tokio::test]
async fn a_certificate_counts_for_its_name_and_under_its_authority_only() {
    let port = receiver().await;
    let mut authorities = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(include_bytes!("data/ca.pem")).unwrap();
    authorities.add(authority).unwrap();
    let trusting = Outbound::with_authorities(loopback(), authorities).unwrap();
    assert_eq!(post(&trusting, "localhost", port).await.unwrap().status, 204);
    let other_name = post(&trusting, "127.0.0.1", port).await;
    assert!(matches!(other_name, Err(OutboundError::Tls)), "{other_name:?}");
    let doubting = Outbound::new(loopback()).unwrap();
    let unknown_authority = post(&doubting, "localhost", port).await;
    assert!(matches!(unknown_authority, Err(OutboundError::Tls)), "{unknown_authority:?}");
}
