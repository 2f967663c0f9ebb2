//! What the metadata documents of clients may be fetched from.

use std::net::TcpListener;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use serde_json::json;

use crate::running::{Place, Server};

/// Tells of each connection, and closes it.
fn listener() -> (u16, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || while listener.accept().is_ok() && tell.send(()).is_ok() {});
    (port, told)
}

/// A stranger names a client whose document is on this machine. The answer is there once all that was to be fetched has been.
fn name_a_client(server: &Server, port: u16) {
    let client = format!("https%3A%2F%2F127.0.0.1%3A{port}%2Fclient.json");
    let path = format!("/oidc/auth?client_id={client}&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcb");
    let refused = server.http().send("GET", &path, &[], "").unwrap();
    assert_eq!((refused.status, refused.text("/error").as_str()), (400, "invalid_client"));
}

#[test]
fn what_other_requests_may_reach_strangers_do_not_reach_by_documents() {
    let place = Place::new();
    let credentials = place.done(&["init", "--json"]);
    let credentials = serde_json::from_str(&credentials).unwrap();
    let (port, told) = listener();

    let server = place.serve_with(&["--port", "0", "--outbound-allow", "127.0.0.0/8"]);
    let bearer = format!("Bearer {}", server.token(&credentials));
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let body = json!({ "enabled": true }).to_string();
    let switched = server.http().send("PATCH", "/api/configs/cimd", &headers, &body).unwrap();
    assert_eq!(switched.status, 200, "{switched:?}");
    name_a_client(&server, port);
    assert!(told.try_recv().is_err(), "somebody connected");
    drop(server);

    let server = place.serve_with(&["--port", "0", "--documents-allow", "127.0.0.1"]);
    name_a_client(&server, port);
    told.recv_timeout(Duration::from_secs(10)).unwrap();
}
