//! How an application held to the FAPI 2.0 Security Profile is told that a session has ended.
#![allow(clippy::needless_pass_by_value, reason = "what changes is written where it is passed")]

mod bank;

use std::sync::Arc;

use bank::{Bank, CALLBACK, header, registration};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use trinco_connectors::outbound::{Allow, Outbound};
use trinco_core::deliveries;
use trinco_jose::{Algorithm, SigningKey};
use trinco_testkit::{Browser, ProofKey, USER, World, hidden, text};

fn pem(name: &str) -> Vec<u8> {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../connectors/tests/data");
    std::fs::read(format!("{data}/{name}")).expect("a file")
}

/// A receiver of one request with a certificate for `localhost`: its port, and the logout token it is sent.
async fn receiver() -> (u16, oneshot::Receiver<String>) {
    let certificate = CertificateDer::from_pem_slice(&pem("localhost.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(&pem("localhost.key")).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("they fit");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let mut stream = acceptor.accept(stream).await.expect("a handshake");
        let mut request = String::new();
        // A JWS in compact form ends where its signature does, which nothing follows.
        while request.split_once("logout_token=").is_none_or(|(_, token)| !is_whole(token)) {
            let mut buffer = [0; 4096];
            let length = stream.read(&mut buffer).await.expect("more of the request");
            assert!(length > 0, "it ends too soon: {request}");
            request.push_str(std::str::from_utf8(&buffer[..length]).expect("text"));
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.expect("it is read");
        let _ = stream.shutdown().await;
        let token = request.split_once("logout_token=").expect("a token").1.to_owned();
        tell.send(token).expect("it is waited for");
    });
    (port, told)
}

/// Whether an ES256 token is here with all of its signature.
fn is_whole(token: &str) -> bool {
    token.splitn(3, '.').nth(2).is_some_and(|signature| signature.len() >= 86)
}

fn outbound() -> Outbound {
    let mut authorities = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(&pem("ca.pem")).expect("a certificate");
    authorities.add(authority).expect("an authority");
    let loopback: [Allow; 2] = ["127.0.0.0/8", "::1"].map(|range| range.parse().expect("a range"));
    Outbound::with_authorities(loopback, authorities).expect("a client")
}

fn told_at(key: &SigningKey, uri: &str) -> Value {
    let mut body = registration("Traditional", key, CALLBACK);
    body["oidcClientMetadata"]["backchannelLogoutUri"] = json!(uri);
    body
}

async fn sign_in(bank: &Bank, browser: &Browser) {
    let pushed = bank.push("").await.expect(201).json();
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("client_id", &*bank.id), ("request_uri", text(&pushed, "/request_uri"))])
        .finish();
    let code = browser.authorize(&format!("/oidc/auth?{query}"), USER).await;
    bank.exchange(&code).await.expect(200);
}

#[tokio::test]
async fn fapi2_a_logout_token_is_signed_as_the_profile_has_it_and_sent_by_tls() {
    let (port, told) = receiver().await;
    let world = World::start().await;
    let key = SigningKey::generate(Algorithm::ES256).expect("a key");
    let plain = told_at(&key, &format!("http://localhost:{port}/logout"));
    let refused = world.admin.post("/api/applications", plain).await.expect(400).text;
    assert!(refused.contains("backchannelLogoutUri with https"), "{refused}");

    let body = told_at(&key, &format!("https://localhost:{port}/logout"));
    let id = text(&world.admin.create("/api/applications", body).await, "/id").to_owned();
    let bank = Bank { world, id, key, proof_key: ProofKey::new() };
    let browser = bank.world.server.browser();
    sign_in(&bank, &browser).await;
    let page = format!("/oidc/session/end?client_id={}", bank.id);
    let xsrf = hidden(&browser.get(&page).await.expect(200).text, "xsrf");
    let fields = [("client_id", bank.id.as_str()), ("xsrf", xsrf.as_str()), ("logout", "yes")];
    browser.submit("/oidc/session/end/confirm", &fields).await.expect(200);
    let sent =
        deliveries::deliver(bank.world.server.tenant(), &outbound()).await.expect("a database");
    assert_eq!(sent, 1);

    let header = header(&told.await.expect("a logout token"));
    assert_eq!((&header["typ"], &header["alg"]), (&json!("logout+jwt"), &json!("ES256")));
    let kid = text(&header, "/kid").to_owned();
    assert!(bank.published().await.contains(&(kid, "ES256".to_owned())));

    // Nor does one lose TLS later.
    let path = format!("/api/applications/{}", bank.id);
    let metadata = told_at(&bank.key, "http://localhost/logout")["oidcClientMetadata"].clone();
    bank.world.admin.patch(&path, json!({ "oidcClientMetadata": metadata })).await.expect(400);
}
