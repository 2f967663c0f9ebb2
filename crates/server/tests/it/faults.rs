use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use trinco_core::{Randomness as _, SystemRandomness};

use crate::http::Http;
use crate::running::{Place, Server, json};

/// Connections that write at once, so that transactions share commits.
const WRITERS: usize = 8;

/// Rounds from `TRINCO_FAULT_ROUNDS`, else 3.
fn rounds() -> usize {
    match std::env::var("TRINCO_FAULT_ROUNDS") {
        Ok(text) => text.parse().expect("TRINCO_FAULT_ROUNDS is a number"),
        Err(_) => 3,
    }
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    SystemRandomness.fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// Creates users and applications until the server dies; returns the paths of those it acknowledged.
fn write_until_the_end(port: u16, bearer: &str, writer: usize, begun: &AtomicBool) -> Vec<String> {
    let mut acknowledged = Vec::new();
    let Ok(mut http) = Http::connect(port) else { return acknowledged };
    let headers = [("authorization", bearer), ("content-type", "application/json")];
    loop {
        let (path, body) = if writer.is_multiple_of(2) {
            ("/api/users", format!(r#"{{"username":"u{:016x}"}}"#, random()))
        } else {
            let uris = r#"{"redirectUris":["http://localhost/x"],"postLogoutRedirectUris":[]}"#;
            (
                "/api/applications",
                format!(r#"{{"name":"A","type":"SPA","oidcClientMetadata":{uris}}}"#),
            )
        };
        match http.send("POST", path, &headers, &body) {
            Ok(answer) => {
                assert!((200..300).contains(&answer.status), "{answer:?}");
                acknowledged.push(format!("{path}/{}", answer.text("/id")));
                begun.store(true, Ordering::Release);
            }
            Err(_) => return acknowledged,
        }
    }
}

fn kill_under_load(server: &mut Server, bearer: &str) -> Vec<String> {
    let port = server.port;
    let acknowledged = Mutex::new(Vec::new());
    let begun = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (acknowledged, begun) = (&acknowledged, &begun);
                scope.spawn(move || {
                    let mine = write_until_the_end(port, bearer, writer, begun);
                    acknowledged.lock().unwrap().extend(mine);
                })
            })
            .collect();
        while !begun.load(Ordering::Acquire) {
            // Writers that are refused end by panicking, and the scope passes that on.
            if writers.iter().all(|writer| writer.is_finished()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        // The moment is part of what is tested: any point of a group commit, or between two.
        std::thread::sleep(Duration::from_micros(50_000 + random() % 700_000));
        server.kill();
    });
    acknowledged.into_inner().unwrap()
}

/// Every one of the users at these paths is there.
fn assert_kept(server: &Server, credentials: &Value, acknowledged: &[String]) {
    let mut http = server.http();
    // A token lives for an hour; a new one for each part keeps any number of rounds within it.
    for part in acknowledged.chunks(10_000) {
        let bearer = format!("Bearer {}", server.token(credentials));
        for path in part {
            let answer = http.send("GET", path, &[("authorization", &bearer)], "").unwrap();
            assert_eq!(answer.status, 200, "{path} was acknowledged and is lost: {answer:?}");
        }
    }
}

#[test]
fn a_kill_9_under_write_load_loses_no_acknowledged_write() {
    let place = Place::new();
    let credentials = json(&place.done(&["init", "--json"]));
    let mut server = place.serve();
    let mut all = Vec::new();
    for round in 0..rounds() {
        let bearer = format!("Bearer {}", server.token(&credentials));
        let acknowledged = kill_under_load(&mut server, &bearer);
        assert!(!acknowledged.is_empty(), "round {round} wrote nothing");
        println!("round {round}: {} acknowledged writes", acknowledged.len());

        server = place.serve();
        assert_kept(&server, &credentials, &acknowledged);
        all.extend(acknowledged);
    }
    // Later kills took nothing of the earlier rounds either.
    assert_kept(&server, &credentials, &all);
}
