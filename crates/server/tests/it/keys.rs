//! `trinco key`, and the job that moves keys on.

use std::time::Duration;

use serde_json::Value;

use crate::running::{Place, Server, json};

fn published(server: &Server) -> Vec<String> {
    let jwks = server.http().send("GET", "/oidc/jwks", &[], "").unwrap().json();
    let kid = |key: &Value| key["kid"].as_str().unwrap().to_owned();
    jwks["keys"].as_array().unwrap().iter().map(kid).collect()
}

#[test]
fn keys_are_listed_and_rotated_while_the_server_runs_and_while_it_does_not() {
    let place = Place::new();
    place.done(&["init"]);
    let listed = json(&place.done(&["key", "list", "--json"]));
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["status"]), (1, &"Current".into()));
    let line = place.done(&["key", "list"]);
    assert!(
        line.contains("Current") && line.contains("ES384") && line.lines().count() == 1,
        "{line}"
    );

    let server = place.serve();
    let before = published(&server);
    let rotate = ["key", "rotate", "--algorithm", "EdDSA", "--json"];
    let rotated = json(&place.done(&rotate));
    assert_eq!(
        (&rotated[0]["status"], &rotated[0]["algorithm"]),
        (&"Next".into(), &"EdDSA".into())
    );
    let staged = published(&server);
    assert_eq!((staged.len(), &staged[0]), (2, &before[0]));
    let (code, sentence) = place.refused(&rotate);
    assert_eq!((code, sentence.lines().count()), (1, 1), "{sentence}");
    drop(server);

    let cookies = json(&place.done(&["key", "rotate", "--type", "cookie-keys", "--json"]));
    assert_eq!(cookies[0]["status"], "Current");
    assert_eq!(cookies[1]["status"], "Previous");
    let at_once = json(&place.done(&["key", "rotate", "--grace-period", "0", "--json"]));
    let states: Vec<&Value> =
        at_once.as_array().unwrap().iter().map(|key| &key["status"]).collect();
    assert_eq!(states, ["Current", "Previous"], "the staged key is discarded");
    for wrong in [
        vec!["key", "rotate", "--algorithm", "HS256"],
        vec!["key", "rotate", "--type", "cookie-keys", "--algorithm", "ES256"],
        vec!["key", "rotate", "--type", "passwords"],
    ] {
        assert_eq!(place.refused(&wrong).0, 2, "{wrong:?}");
    }
    assert_eq!(place.refused(&["key", "rotate", "--grace-period", "7776001"]).0, 1);
}

#[test]
fn a_staged_key_signs_once_its_grace_period_is_over() {
    let place = Place::with(vec![("PRIVATE_KEY_ROTATION_GRACE_PERIOD", "1".to_owned())]);
    let server = place.serve();
    let before = published(&server);
    let _ = place.done(&["key", "rotate"]);
    let staged = published(&server);
    assert_eq!(staged.len(), 2);
    for _ in 0..120 {
        let now = published(&server);
        if now[0] != before[0] {
            assert_eq!(now, [staged[1].clone(), before[0].clone()]);
            return;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    panic!("the staged key never became current");
}
