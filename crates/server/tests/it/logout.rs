//! Back-channel logout survives the end of the process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use serde_json::json;
use trinco_core::{
    Clock, Installation, MasterKey, Origin, SystemRandomness, applications, sessions, users,
};
use trinco_db::{Db, DbUrl, Options, params, sql};
use trinco_testkit::TestClock;

use crate::running::Place;

const PATIENCE: Duration = Duration::from_secs(60);

/// Answers one request after another with these statuses, and tells of each body.
fn receiver(statuses: Vec<u16>) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for status in statuses {
            let (stream, _) = listener.accept().unwrap();
            let mut stream = BufReader::new(stream);
            let mut length = 0;
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
            let _ = tell.send(String::from_utf8(body).unwrap());
        }
    });
    (port, told)
}

/// A session that has ended while no server ran: its one application is still to be told.
async fn end_a_session(place: &Place, uri: &str) {
    let data = place.path().join("data");
    let key = std::fs::read_to_string(data.join("master.key")).unwrap();
    let db = Db::open(&DbUrl::Sqlite(data.join("trinco.db")), Options::default()).await.unwrap();
    let clock = Arc::new(TestClock::default());
    let now = clock.now_ms();
    let origin = Origin::new("http://localhost:3001");
    let admin = Origin::new("http://localhost:3001/admin");
    let randomness = Arc::new(SystemRandomness);
    let key = MasterKey::from_text(&key).unwrap();
    let installation =
        Installation::open(db, &key, clock, randomness, &origin, &admin).await.unwrap();
    let tenant = installation.default_tenant();
    let metadata =
        json!({ "redirectUris": [], "postLogoutRedirectUris": [], "backchannelLogoutUri": uri });
    let new = json!({ "name": "Shop", "type": "Traditional", "oidcClientMetadata": metadata });
    let app = applications::create(tenant, serde_json::from_value(new).unwrap()).await.unwrap();
    let new = serde_json::from_value(json!({ "username": "ana" })).unwrap();
    let user = users::create(tenant, new).await.unwrap();
    tenant
        .write((app.id, user.id, now), |tx, (app, user, now)| {
            Box::pin(async move {
                tx.execute(
                    sql!(
                        "INSERT INTO sessions (tenant_id, id, cookie_hash, user_id, authenticated_at, created_at, expires_at)
                         VALUES ($1, 's1', 'h', $2, $3, $3, $3)"
                    ),
                    params![user, now],
                )
                .await?;
                tx.execute(
                    sql!("INSERT INTO session_participants (tenant_id, session_id, client_id) VALUES ($1, 's1', $2)"),
                    params![app],
                )
                .await?;
                sessions::end(tx, "s1", None).await
            })
        })
        .await
        .unwrap();
    installation.db().close().await;
}

#[test]
fn a_failed_delivery_is_made_again_after_the_server_was_killed() {
    let place = Place::new();
    let _ = place.done(&["init"]);
    let (port, told) = receiver(vec![500, 200]);
    let uri = format!("http://localhost:{port}/logout");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(end_a_session(&place, &uri));

    let flags = ["--port", "0", "--outbound-allow", "127.0.0.0/8,::1"];
    let mut server = place.serve_with(&flags);
    let first = told.recv_timeout(PATIENCE).unwrap();
    assert!(first.starts_with("logout_token=ey"), "{first}");
    // Time for the answer to be written down; were it not, the lease would have to run out first.
    std::thread::sleep(Duration::from_secs(1));
    server.kill();
    let _server = place.serve_with(&flags);
    let second = told.recv_timeout(PATIENCE).unwrap();
    assert_ne!(first, second);
}

#[test]
fn a_delivery_under_way_is_finished_before_the_server_stops_and_not_made_again() {
    let place = Place::new();
    let _ = place.done(&["init"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://localhost:{}/logout", listener.local_addr().unwrap().port());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(end_a_session(&place, &uri));

    // Traces go nowhere, but are begun: the delivery carries one.
    let flags = ["--port", "0", "--outbound-allow", "127.0.0.0/8,::1"];
    let traced = [&flags[..], &["--otlp-endpoint", "http://127.0.0.1:9"]].concat();
    let mut server = place.serve_with(&traced);
    let (stream, _) = listener.accept().unwrap();
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while stream.read_line(&mut head).unwrap() > 2 {}
    assert!(head.to_lowercase().contains("\r\ntraceparent: 00-"), "{head}");
    server.terminate();
    // Long enough for whatever does not wait to be over.
    std::thread::sleep(Duration::from_secs(1));
    assert!(server.is_running(), "the server did not wait for its delivery");
    stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    let (status, log) = server.ended();
    assert!(status.success(), "{log}");
    assert!(!log.contains("cut off"), "{log}");

    let db = DbUrl::Sqlite(place.path().join("data/trinco.db"));
    let left = runtime.block_on(async {
        let db = Db::open(&db, Options::default()).await.unwrap();
        let count = sql!("SELECT COUNT(*) FROM deliveries");
        let left = db.system().read().await.unwrap().one(count, &[]).await.unwrap();
        left.get::<i64>(0).unwrap()
    });
    assert_eq!(left, 0, "the delivery would be made again");
}

#[test]
fn without_the_operators_permission_nothing_on_this_machine_is_reached() {
    let place = Place::new();
    let _ = place.done(&["init"]);
    let (port, told) = receiver(vec![200]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(end_a_session(&place, &format!("http://localhost:{port}/logout")));
    let _server = place.serve();
    assert!(told.recv_timeout(Duration::from_secs(4)).is_err());
}
