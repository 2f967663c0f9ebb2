//! `/api/domains`, with a name that leads here by way of proxies on loopback.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};
use serde_json::{Value, json};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use trinco_connectors::outbound::{Allow, Outbound, Resolve};
use trinco_core::domains::Lookout;
use trinco_testkit::{Admin, Answer, Method, Server, text};

const ALL: &str = "/api/domains";
const NAME: &str = "auth.shop.example";

fn code(answer: Answer, status: u16) -> String {
    text(&answer.expect(status).json(), "/code").to_owned()
}

async fn domain(admin: &Admin, name: &str) -> Value {
    admin.post(ALL, json!({ "domain": name })).await.expect(201).json()
}

/// What stands at a domain: whether it has an address, and where its ports lead.
#[derive(Clone, Default)]
struct Site(Arc<Mutex<Ports>>);

#[derive(Clone, Copy, Default)]
struct Ports {
    is_known: bool,
    http: Option<u16>,
    https: Option<u16>,
}

impl Site {
    fn set(&self, http: Option<u16>, https: Option<u16>) {
        *self.0.lock().unwrap() = Ports { is_known: true, http, https };
    }

    /// Listens, and passes on what comes to where `to` leads at that moment, if anywhere.
    async fn listen(&self, tls: Option<TlsAcceptor>, to: fn(Ports) -> Option<u16>) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let this = self.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some(behind) = to(*this.0.lock().unwrap()) else { continue };
                let mut server = TcpStream::connect(("127.0.0.1", behind)).await.unwrap();
                match &tls {
                    None => drop(copy_bidirectional(&mut stream, &mut server).await),
                    Some(tls) => {
                        let Ok(mut stream) = tls.accept(stream).await else { continue };
                        let _ = copy_bidirectional(&mut stream, &mut server).await;
                    }
                }
            }
        });
        port
    }
}

impl Resolve for Site {
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        let is_known = host == NAME && self.0.lock().unwrap().is_known;
        Box::pin(async move {
            if is_known {
                Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))])
            } else {
                Err(io::ErrorKind::NotFound.into())
            }
        })
    }
}

fn port_of(server: &Server) -> Option<u16> {
    server.base().rsplit_once(':')?.1.parse().ok()
}

/// A certificate for the domain, and who signed it.
fn certificate() -> (TlsAcceptor, RootCertStore) {
    let signed = rcgen::generate_simple_self_signed(vec![NAME.to_owned()]).unwrap();
    let certificate = CertificateDer::from(signed.cert.der().to_vec());
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let mut authorities = RootCertStore::empty();
    authorities.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), authorities)
}

#[tokio::test]
async fn a_domain_is_added_with_the_record_to_enter_listed_and_deleted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let created = domain(&admin, "Auth.Shop.Example").await;
    assert_eq!(created["domain"], NAME);
    assert_eq!(created["status"], "PendingVerification");
    // The server of a test is reached at an address.
    let record = json!([{ "type": "A", "name": NAME, "value": "127.0.0.1" }]);
    assert_eq!(created["dnsRecords"], record);
    let path = format!("{ALL}/{}", text(&created, "/id"));
    assert_eq!(admin.get(&path).await.expect(200).json(), created, "nobody looks without a guard");
    assert_eq!(admin.get(ALL).await.expect(200).json(), json!([created]));
    let again = admin.post(ALL, json!({ "domain": NAME })).await;
    assert_eq!(code(again, 422), "domain.hostname_already_exists");
    for wrong in ["example.com", "10.0.0.1", "a_b.example.com", ""] {
        let refused = admin.post(ALL, json!({ "domain": wrong })).await.expect(400).json();
        assert_eq!(refused["data"]["issues"][0]["path"], json!(["domain"]));
    }
    for number in 0..9 {
        domain(&admin, &format!("auth{number}.shop.example")).await;
    }
    let eleventh = admin.post(ALL, json!({ "domain": "one.more.example" })).await;
    assert_eq!(code(eleventh, 422), "domain.exceed_domain_limit");
    admin.delete(&path).await.expect(204);
    assert_eq!(code(admin.delete(&path).await, 404), "entity.not_exists_with_id");
    assert_eq!(code(admin.get(&path).await, 404), "entity.not_exists_with_id");
}

#[tokio::test]
async fn a_domain_becomes_active_when_it_leads_here_by_https() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (tls, authorities) = certificate();
    let site = Site::default();
    let http = site.listen(None, |ports| ports.http).await;
    let https = site.listen(Some(tls), |ports| ports.https).await;
    let allow: Vec<Allow> = vec!["127.0.0.1".parse().unwrap()];
    let outbound = Outbound::with_authorities(allow, authorities).unwrap();
    let lookout = Lookout::new(outbound.with_resolver(site.clone())).at_ports(http, https);
    server.installation().set_lookout(lookout);
    let path = format!("{ALL}/{}", text(&domain(&admin, NAME).await, "/id"));
    let look = || async {
        let found = admin.get(&path).await.expect(200).json();
        let problem = found["errorMessage"].as_str().unwrap_or_default().to_owned();
        (text(&found, "/status").to_owned(), problem)
    };
    let (status, problem) = look().await;
    assert_eq!(status, "PendingVerification");
    assert!(problem.contains("cannot be resolved"), "{problem}");

    let other = Server::start().await;
    site.set(port_of(&other), None);
    let (status, problem) = look().await;
    assert_eq!(status, "PendingVerification");
    assert!(problem.contains("another server"), "{problem}");

    site.set(port_of(&server), None);
    let (status, problem) = look().await;
    assert_eq!(status, "PendingSsl");
    assert!(problem.contains("https://auth.shop.example does not"), "{problem}");

    site.set(port_of(&server), port_of(&server));
    assert_eq!(look().await, ("Active".to_owned(), String::new()));
    assert_eq!(admin.get(ALL).await.expect(200).json()[0]["status"], "Active");
}

#[tokio::test]
async fn a_domain_at_an_address_that_may_not_be_reached_says_so() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let site = Site::default();
    site.set(None, None);
    let outbound = Outbound::new([]).unwrap().with_resolver(site);
    server.installation().set_lookout(Lookout::new(outbound));
    let path = format!("{ALL}/{}", text(&domain(&admin, NAME).await, "/id"));
    let found = admin.get(&path).await.expect(200).json();
    assert_eq!(found["status"], "Error");
    assert!(text(&found, "/errorMessage").contains("outbound.allow"));
}

#[tokio::test]
async fn a_challenge_is_told_under_its_own_name_only() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = text(&domain(&admin, NAME).await, "/id").to_owned();
    let ask = |host: &'static str, id: String| {
        let path = format!("/.well-known/trinco-domain/{id}");
        let request = server.browser().request(Method::GET, &path);
        Answer::to(request.header("host", host))
    };
    let told = ask(NAME, id.clone()).await.expect(200);
    assert_eq!((told.text.len(), told.header("cache-control")), (43, "no-store"));
    ask("other.shop.example", id).await.expect(404);
    ask(NAME, "nobody".to_owned()).await.expect(404);
}

#[tokio::test]
async fn verification_files_are_served_under_their_domain() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let path = format!("{ALL}/{}/verification-files", text(&domain(&admin, NAME).await, "/id"));
    let files = json!([
        { "path": "/MP_verify.txt", "content": "abc", "contentType": "text/plain" },
        { "path": "/.well-known/a/b.json", "content": "{\"a\":1}", "contentType": "application/json" },
    ]);
    // The reference sends a list here, whatever its own document says.
    let request = |method: Method, body: Value| {
        let request = server.browser().request(method, &path).bearer_auth(admin.token());
        Answer::to(if body.is_null() { request } else { request.json(&body) })
    };
    assert_eq!(request(Method::GET, Value::Null).await.expect(200).json(), json!([]));
    let put = request(Method::PUT, json!({ "verificationFiles": files })).await;
    assert_eq!(put.expect(200).json(), files);
    assert_eq!(request(Method::GET, Value::Null).await.expect(200).json(), files);
    let at = |host: &'static str, path: &'static str| {
        Answer::to(server.browser().request(Method::GET, path).header("host", host))
    };
    let served = at(NAME, "/MP_verify.txt").await.expect(200);
    assert_eq!(
        (served.text.as_str(), served.header("content-type")),
        ("abc", "text/plain; charset=utf-8")
    );
    assert_eq!(at(NAME, "/.well-known/a/b.json").await.expect(200).text, "{\"a\":1}");
    at("other.shop.example", "/MP_verify.txt").await.expect(404);
    at(NAME, "/other.txt").await.expect(404);
    for wrong in [
        json!({}),
        json!({ "verificationFiles": [{ "path": "/a/b.txt", "content": "x", "contentType": "text/plain" }] }),
        json!({ "verificationFiles": [{ "path": "/b.json", "content": "{", "contentType": "application/json" }] }),
    ] {
        assert_eq!(code(request(Method::PUT, wrong).await, 400), "guard.invalid_input");
    }
    let nobody = admin.get(&format!("{ALL}/nobody/verification-files")).await;
    assert_eq!(code(nobody, 404), "entity.not_exists_with_id");
}

#[tokio::test]
async fn domains_that_led_nowhere_for_long_are_cleaned_up() {
    let server = Server::start().await;
    let mut admin = server.admin().await;
    domain(&admin, "old.shop.example").await;
    server.clock().advance(10 * 86_400);
    admin.renew().await;
    domain(&admin, "new.shop.example").await;
    let clean = |days: Value| admin.post("/api/domains/cleanup", json!({ "staleDays": days }));
    let report = clean(json!(7)).await.expect(200).json();
    let expected =
        json!({ "scannedCount": 2, "deletedCount": 1, "skippedActiveCount": 0, "failedCount": 0 });
    assert_eq!(report, expected);
    let left = admin.get(ALL).await.expect(200).json();
    assert_eq!(
        (left[0]["domain"].as_str(), left.as_array().map(Vec::len)),
        (Some("new.shop.example"), Some(1))
    );
    assert_eq!(code(clean(json!(-1)).await, 400), "guard.invalid_input");
}
