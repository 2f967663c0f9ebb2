//! The audit log as a command prints it.

use serde_json::Value;

use crate::postgres::Schema;
use crate::running::{Place, json};

fn exported(place: &Place, arguments: &[&str]) -> Vec<Value> {
    let printed = place.done(&[&["logs", "export"], arguments].concat());
    printed.lines().map(json).collect()
}

fn an_export_is_whole_and_in_order(place: &Place) {
    const TOKENS: usize = 510;
    let credentials = json(&place.done(&["init", "--json"]));
    let server = place.serve();
    // More than are read at once.
    for _ in 0..TOKENS {
        server.token(&credentials);
    }
    let entries = exported(place, &[]);
    let issued = |entry: &&Value| entry["key"] == "ExchangeTokenBy.ClientCredentials";
    assert_eq!(entries.iter().filter(issued).count(), TOKENS);
    let times: Vec<i64> =
        entries.iter().map(|entry| entry["createdAt"].as_i64().unwrap()).collect();
    assert!(times.is_sorted());
    let mut ids: Vec<&str> = entries.iter().map(|entry| entry["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), entries.len(), "each once");
    let secret = credentials["appSecret"].as_str().unwrap();
    let payload = &entries[entries.len() - 1]["payload"];
    assert_eq!(payload["applicationId"], credentials["appId"]);
    assert_eq!(payload["result"], "Success");
    assert!(entries.iter().all(|entry| !entry.to_string().contains(secret)));

    assert_eq!(exported(place, &["--since", "1h"]).len(), entries.len());
    assert_eq!(exported(place, &["--until", "1h"]), [] as [Value; 0]);
    assert_eq!(exported(place, &["--tenant", "admin"]), [] as [Value; 0]);
    // A period that ends before it begins is a mistake, and no empty log.
    for wrong in [
        &["--tenant", "nobody"][..],
        &["--since", "yesterday"],
        &["--since", "1d", "--until", "2d"],
        &["--since", "1h", "--until", "60m"],
    ] {
        let (code, sentence) = place.refused(&[&["logs", "export"], wrong].concat());
        assert_eq!(code, 2, "{sentence}");
    }
}

#[test]
fn an_export_has_every_entry_once_while_the_server_runs() {
    an_export_is_whole_and_in_order(&Place::new());
}

#[test]
fn an_export_from_postgresql_is_the_same() {
    let Some(schema) = Schema::create("audit") else { return };
    an_export_is_whole_and_in_order(&schema.node("http://id.test"));
}
