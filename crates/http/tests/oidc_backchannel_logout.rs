//! Back-channel logout: applications are told that a session has ended, by a real receiver on loopback.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use trinco_connectors::outbound::{Allow, Outbound};
use trinco_core::deliveries;
use trinco_db::{params, sql};
use trinco_testkit::{Browser, REDIRECT_URI, Server, Tokens, USER, World, hidden, text};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// An application's logout endpoint: keeps what it is sent, and answers what the test says (200 when it says nothing more).
#[derive(Clone, Default)]
struct Receiver {
    received: Arc<Mutex<Vec<String>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
    /// When set, the first request waits for it.
    hold: Arc<Mutex<Option<Arc<Notify>>>>,
}

impl Receiver {
    async fn start() -> (Self, String) {
        let receiver = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!(
            "http://127.0.0.1:{}/logout?from=trinco",
            listener.local_addr().unwrap().port()
        );
        let router =
            Router::new().route("/logout", post(Self::receive)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (receiver, uri)
    }

    async fn receive(State(this): State<Self>, headers: HeaderMap, body: String) -> StatusCode {
        assert_eq!(headers["content-type"], "application/x-www-form-urlencoded");
        let token = body.strip_prefix("logout_token=").expect("one parameter").to_owned();
        this.received.lock().unwrap().push(token);
        let hold = this.hold.lock().unwrap().take();
        if let Some(hold) = hold {
            hold.notified().await;
        }
        let answer = this.answers.lock().unwrap().pop_front().unwrap_or(200);
        StatusCode::from_u16(answer).unwrap()
    }

    fn answer(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }

    fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }
}

fn outbound() -> Outbound {
    Outbound::new(["127.0.0.1".parse::<Allow>().unwrap()]).unwrap()
}

/// A traditional application that wants to be told.
async fn application(
    world: &World,
    name: &str,
    uri: &str,
    session_required: bool,
) -> (String, String) {
    let app = world.admin.traditional(name).await;
    let metadata = json!({
        "redirectUris": [REDIRECT_URI], "postLogoutRedirectUris": [],
        "backchannelLogoutUri": uri, "backchannelLogoutSessionRequired": session_required,
    });
    let body = json!({ "oidcClientMetadata": metadata });
    let _ = world.admin.patch(&format!("/api/applications/{}", app.0), body).await.expect(200);
    app
}

/// The claims of a logout token, verified by a library that is not ours.
async fn verified(server: &Server, token: &str, audience: &str) -> Value {
    let jwks = server.browser().get("/oidc/jwks").await.expect(200).text;
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&jwks).unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    assert_eq!(header.typ.as_deref(), Some("logout+jwt"));
    let key = set.find(header.kid.as_deref().unwrap()).expect("the key is published");
    let mut validation = jsonwebtoken::Validation::new(header.alg);
    validation.set_audience(&[audience]);
    validation.set_issuer(&[server.issuer()]);
    // The server's clock is moved by hand.
    validation.validate_exp = false;
    let key = jsonwebtoken::DecodingKey::from_jwk(key).unwrap();
    jsonwebtoken::decode::<Value>(token, &key, &validation).expect("the token is good").claims
}

async fn sign_out(browser: &Browser, client_id: &str) {
    let page = browser.get(&format!("/oidc/session/end?client_id={client_id}")).await.expect(200);
    let xsrf = hidden(&page.text, "xsrf");
    let fields = [("client_id", client_id), ("xsrf", xsrf.as_str()), ("logout", "yes")];
    browser.submit("/oidc/session/end/confirm", &fields).await.expect(200);
}

/// Every delivery that is due now; how many were tried.
async fn deliver(world: &World) -> usize {
    deliveries::deliver(world.server.tenant(), &outbound()).await.unwrap()
}

async fn queued(world: &World) -> i64 {
    let mut conn = world.server.tenant().read().await.unwrap();
    let count = sql!("SELECT count(*) FROM deliveries WHERE tenant_id = $1");
    conn.one(count, &[]).await.unwrap().get(0).unwrap()
}

/// The audit entries about deliveries: their results.
async fn recorded(world: &World) -> Vec<Value> {
    let mut conn = world.server.tenant().read().await.unwrap();
    let find =
        sql!("SELECT payload FROM logs WHERE tenant_id = $1 AND key = $2 ORDER BY created_at, id");
    let rows = conn.all(find, params!["BackchannelLogout"]).await.unwrap();
    rows.iter().map(|row| serde_json::from_str(&row.get::<String>(0).unwrap()).unwrap()).collect()
}

#[tokio::test]
async fn every_application_of_a_session_is_told_when_the_person_signs_out() {
    let world = World::start().await;
    let (receiver, uri) = Receiver::start().await;
    let (other, other_uri) = Receiver::start().await;
    let shop = application(&world, "Shop", &uri, true).await;
    let blog = application(&world, "Blog", &other_uri, false).await;
    let silent = world.admin.traditional("Silent").await;
    let browser = world.server.browser();
    let scope = "openid offline_access";
    let tokens = world.server.sign_in(&browser, (&shop.0, &shop.1), USER, scope, &[]).await;
    let others = world.server.sign_in(&browser, (&blog.0, &blog.1), USER, scope, &[]).await;
    world.server.sign_in(&browser, (&silent.0, &silent.1), USER, scope, &[]).await;
    // Only who asked to be told which session learns its id.
    let sid = text(&Tokens::claims(tokens.id()), "/sid").to_owned();
    assert!(Tokens::claims(others.id()).get("sid").is_none());
    let refreshed =
        Tokens(world.refresh((&shop.0, &shop.1), tokens.refresh(), &[]).await.expect(200).json());
    assert_eq!(Tokens::claims(refreshed.id())["sid"], sid.as_str());
    assert_eq!(deliver(&world).await, 0);

    let now = world.server.clock().now();
    sign_out(&browser, &silent.0).await;
    assert_eq!(queued(&world).await, 2);
    assert_eq!(deliver(&world).await, 2);
    assert_eq!((deliver(&world).await, queued(&world).await), (0, 0));

    let [token] = &receiver.received()[..] else { panic!("{:?}", receiver.received()) };
    let claims = verified(&world.server, token, &shop.0).await;
    let jti = text(&claims, "/jti").to_owned();
    assert_eq!(
        claims,
        json!({
            "iss": world.server.issuer(), "aud": shop.0, "sub": world.user_id, "sid": sid, "jti": jti,
            "iat": now, "exp": now + 120, "events": { (EVENT): {} },
        })
    );
    let [token] = &other.received()[..] else { panic!("{:?}", other.received()) };
    let claims = verified(&world.server, token, &blog.0).await;
    assert!(claims.get("sid").is_none() && claims["sub"] == world.user_id.as_str());
    assert_ne!(text(&claims, "/jti"), jti);
    let results = recorded(&world).await;
    assert!(
        results.len() == 2 && results.iter().all(|entry| entry["result"] == "Success"),
        "{results:?}"
    );
}

#[tokio::test]
async fn a_suspension_a_new_password_a_deletion_and_another_user_end_sessions_too() {
    let world = World::start().await;
    let (receiver, uri) = Receiver::start().await;
    let shop = application(&world, "Shop", &uri, true).await;
    let client = (shop.0.as_str(), shop.1.as_str());
    let path = format!("/api/users/{}", world.user_id);
    let browser = world.server.browser();
    let mut told = 0;
    let mut seen = std::collections::BTreeSet::new();
    let mut expect_told = async |sid: &str, subject: &str| {
        assert_eq!(deliver(&world).await, 1);
        told += 1;
        let received = receiver.received();
        assert_eq!(received.len(), told);
        let claims = verified(&world.server, &received[told - 1], &shop.0).await;
        assert_eq!((text(&claims, "/sid"), text(&claims, "/sub")), (sid, subject));
        assert!(seen.insert(sid.to_owned()), "each session has an id of its own");
    };
    let sid_of = |tokens: &Tokens| text(&Tokens::claims(tokens.id()), "/sid").to_owned();

    let sid = sid_of(&world.server.sign_in(&browser, client, USER, "openid", &[]).await);
    let _ = world
        .admin
        .patch(&format!("{path}/is-suspended"), json!({ "isSuspended": true }))
        .await
        .expect(200);
    expect_told(&sid, &world.user_id).await;
    let _ = world
        .admin
        .patch(&format!("{path}/is-suspended"), json!({ "isSuspended": false }))
        .await
        .expect(200);

    let sid = sid_of(&world.server.sign_in(&browser, client, USER, "openid", &[]).await);
    let _ = world
        .admin
        .patch(&format!("{path}/password"), json!({ "password": USER.1 }))
        .await
        .expect(200);
    expect_told(&sid, &world.user_id).await;

    let sid = sid_of(&world.server.sign_in(&browser, client, USER, "openid", &[]).await);
    let bob = world.admin.user("bob", "correct horse battery").await;
    let login = [("prompt", "login consent")];
    let bobs = world
        .server
        .sign_in(&browser, client, ("bob", "correct horse battery"), "openid", &login)
        .await;
    expect_told(&sid, &world.user_id).await;

    let _ = world.admin.delete(&format!("/api/users/{bob}")).await.expect(204);
    expect_told(&sid_of(&bobs), &bob).await;
}

#[tokio::test]
async fn a_receiver_that_fails_is_told_again_and_again_and_given_up_after_a_day() {
    let world = World::start().await;
    let (receiver, uri) = Receiver::start().await;
    let shop = application(&world, "Shop", &uri, true).await;
    let client = (shop.0.as_str(), shop.1.as_str());
    let browser = world.server.browser();
    world.server.sign_in(&browser, client, USER, "openid", &[]).await;
    sign_out(&browser, &shop.0).await;
    receiver.answer(&[500, 302, 400]);
    assert_eq!((deliver(&world).await, deliver(&world).await), (1, 0));
    world.server.clock().advance(4);
    assert_eq!(deliver(&world).await, 0);
    world.server.clock().advance(1);
    assert_eq!(deliver(&world).await, 1);
    world.server.clock().advance(30);
    assert_eq!(deliver(&world).await, 1);
    world.server.clock().advance(120);
    assert_eq!((deliver(&world).await, queued(&world).await), (1, 0));
    let received = receiver.received();
    let mut ids = Vec::new();
    for token in &received {
        let claims = verified(&world.server, token, &shop.0).await;
        ids.push(text(&claims, "/jti").to_owned());
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((received.len(), ids.len()), (4, 4), "each token is a new one");
    assert_eq!(recorded(&world).await[0]["attempts"], 4);

    world.server.sign_in(&browser, client, USER, "openid", &[]).await;
    sign_out(&browser, &shop.0).await;
    receiver.answer(&[503; 20]);
    let mut attempts = 0;
    while queued(&world).await > 0 {
        attempts += deliver(&world).await;
        world.server.clock().advance(12 * 3600);
        assert!(attempts < 20);
    }
    assert_eq!(attempts, 9);
    let entries = recorded(&world).await;
    let given_up = entries.iter().find(|entry| entry["result"] == "Error").unwrap();
    assert_eq!(
        (given_up["error"].as_str(), given_up["attempts"].as_i64()),
        (Some("answered 503"), Some(9))
    );
}

#[tokio::test]
async fn of_several_nodes_one_delivers() {
    let world = World::start().await;
    let (receiver, uri) = Receiver::start().await;
    let shop = application(&world, "Shop", &uri, true).await;
    let browser = world.server.browser();
    world.server.sign_in(&browser, (&shop.0, &shop.1), USER, "openid", &[]).await;
    sign_out(&browser, &shop.0).await;
    let tried: usize =
        futures_util::future::join_all((0..8).map(|_| deliver(&world))).await.into_iter().sum();
    assert_eq!((tried, receiver.received().len(), queued(&world).await), (1, 1, 0));
}

#[tokio::test]
async fn a_node_that_lost_its_lease_settles_nothing() {
    let world = World::start().await;
    let (receiver, uri) = Receiver::start().await;
    let shop = application(&world, "Shop", &uri, true).await;
    let browser = world.server.browser();
    world.server.sign_in(&browser, (&shop.0, &shop.1), USER, "openid", &[]).await;
    sign_out(&browser, &shop.0).await;
    let release = Arc::new(Notify::new());
    *receiver.hold.lock().unwrap() = Some(Arc::clone(&release));
    let tenant = world.server.tenant().clone();
    let slow =
        tokio::spawn(async move { deliveries::deliver(&tenant, &outbound()).await.unwrap() });
    while receiver.received().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut other = deliveries::Deliveries::new(world.server.tenant().clone(), outbound());
    assert_eq!(other.begin_due().await.unwrap(), 0, "the delivery is leased");
    world.server.clock().advance(59);
    assert_eq!(other.begin_due().await.unwrap(), 0, "still");
    // Within the time of a lease and that between two looks.
    world.server.clock().advance(6);
    receiver.answer(&[500]);
    assert_eq!(other.begin_due().await.unwrap(), 1);
    other.settled().await.unwrap().unwrap();
    // The first node hears 200 after the second one has put the delivery off: it must not end it.
    release.notify_one();
    assert_eq!(slow.await.unwrap(), 1);
    assert_eq!(queued(&world).await, 1);
    world.server.clock().advance(60);
    assert_eq!((deliver(&world).await, queued(&world).await), (1, 0));
    assert_eq!(receiver.received().len(), 3);
}

#[tokio::test]
async fn ssrf_by_a_backchannel_logout_uri_reaches_nothing() {
    let world = World::start().await;
    let (receiver, uri) = Receiver::start().await;
    let port = uri.split(':').nth(2).unwrap().split('/').next().unwrap();
    let browser = world.server.browser();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f000001", "169.254.169.254"] {
        let app = application(&world, "Evil", &format!("http://{host}:{port}/logout"), true).await;
        world.server.sign_in(&browser, (&app.0, &app.1), USER, "openid", &[]).await;
    }
    sign_out(&browser, &world.admin.traditional("Other").await.0).await;
    let guarded = Outbound::new([]).unwrap();
    assert_eq!(deliveries::deliver(world.server.tenant(), &guarded).await.unwrap(), 5);
    assert_eq!((receiver.received().len(), queued(&world).await), (0, 5));
}

#[tokio::test]
async fn uris_that_no_logout_token_can_be_posted_to_are_refused() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    for uri in [
        "https://a.example/#x",
        "ftp://a.example/",
        "javascript:alert(1)",
        "/logout",
        "http://u:p@a.example/",
    ] {
        let metadata = json!({ "redirectUris": [], "postLogoutRedirectUris": [], "backchannelLogoutUri": uri });
        let path = format!("/api/applications/{}", app.0);
        let refused = world.admin.patch(&path, json!({ "oidcClientMetadata": metadata })).await;
        assert_eq!(refused.expect(400).json()["code"], "guard.invalid_input", "{uri}");
    }
}

#[tokio::test]
async fn an_application_that_changed_its_mind_is_not_told() {
    let world = World::start().await;
    let (receiver, uri) = Receiver::start().await;
    let shop = application(&world, "Shop", &uri, true).await;
    let browser = world.server.browser();
    world.server.sign_in(&browser, (&shop.0, &shop.1), USER, "openid", &[]).await;
    sign_out(&browser, &shop.0).await;
    let metadata = json!({ "redirectUris": [REDIRECT_URI], "postLogoutRedirectUris": [] });
    let body = json!({ "oidcClientMetadata": metadata });
    let _ = world.admin.patch(&format!("/api/applications/{}", shop.0), body).await.expect(200);
    deliver(&world).await;
    assert_eq!((receiver.received().len(), queued(&world).await), (0, 0));
}

#[tokio::test]
async fn a_session_that_runs_out_by_itself_tells_nobody() {
    let world = World::start().await;
    let (receiver, uri) = Receiver::start().await;
    let shop = application(&world, "Shop", &uri, true).await;
    let browser = world.server.browser();
    world.server.sign_in(&browser, (&shop.0, &shop.1), USER, "openid", &[]).await;
    world.server.clock().advance(15 * 86_400);
    trinco_core::retention::sweep(
        world.server.tenant(),
        &trinco_core::retention::Policy::default(),
        500,
    )
    .await
    .unwrap();
    assert_eq!((deliver(&world).await, receiver.received().len()), (0, 0));
}

#[tokio::test]
async fn discovery_says_that_sessions_end_over_the_back_channel() {
    let server = Server::start().await;
    let browser = server.browser();
    let discovery = browser.get("/oidc/.well-known/openid-configuration").await.expect(200).json();
    assert_eq!(discovery["backchannel_logout_supported"], true);
    assert_eq!(discovery["backchannel_logout_session_supported"], true);
    assert!(discovery["claims_supported"].as_array().unwrap().contains(&json!("sid")));
}

/// OpenID Connect Back-Channel Logout §2.8: some frameworks answer so where nothing is to be said.
#[tokio::test]
async fn an_answer_without_content_is_as_good_as_200() {
    let world = World::start().await;
    let (receiver, uri) = Receiver::start().await;
    let shop = application(&world, "Shop", &uri, true).await;
    let browser = world.server.browser();
    world.server.sign_in(&browser, (&shop.0, &shop.1), USER, "openid", &[]).await;
    receiver.answer(&[204]);
    // Who asks for the end of a session is told of it like the others (RP-Initiated Logout §2).
    sign_out(&browser, &shop.0).await;
    assert_eq!((deliver(&world).await, queued(&world).await), (1, 0));
    assert_eq!(receiver.received().len(), 1);
    assert_eq!(recorded(&world).await[0]["result"], "Success");
}
