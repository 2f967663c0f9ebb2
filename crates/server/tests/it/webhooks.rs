//! Webhook events survive the end of the process.

use std::time::Duration;

use serde_json::{Value, json};
use trinco_core::{hooks, roles};

use crate::logout::{PATIENCE, opened, receiver};
use crate::running::Place;

/// A webhook, and what it is told of happens while no server runs.
async fn create_a_role(place: &Place, url: &str) {
    let (installation, _) = opened(place).await;
    let tenant = installation.default_tenant();
    let hook = json!({ "events": ["Role.Created"], "config": { "url": url } });
    hooks::create(tenant, serde_json::from_value(hook).unwrap()).await.unwrap();
    let role = json!({ "name": "clerk", "description": "A role" });
    roles::create(tenant, serde_json::from_value(role).unwrap()).await.unwrap();
    installation.db().close().await;
}

#[test]
fn an_event_that_was_not_taken_is_told_again_after_the_server_was_killed() {
    let place = Place::new();
    let _ = place.done(&["init"]);
    let (port, told) = receiver(vec![500, 200]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(create_a_role(&place, &format!("http://localhost:{port}/hook")));

    let flags = ["--port", "0", "--outbound-allow", "127.0.0.0/8,::1"];
    let mut server = place.serve_with(&flags);
    let first = told.recv_timeout(PATIENCE).unwrap();
    let event: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(
        (&event["event"], &event["data"]["name"]),
        (&json!("Role.Created"), &json!("clerk"))
    );
    // Time for the answer to be written down; were it not, the lease would have to run out first.
    std::thread::sleep(Duration::from_secs(1));
    server.kill();
    let _server = place.serve_with(&flags);
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), first);
}
