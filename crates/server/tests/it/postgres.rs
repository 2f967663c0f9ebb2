//! The binary on PostgreSQL, in a schema of its own of the server that `TRINCO_TEST_POSTGRES` names.

use trinco_core::{MasterKey, SystemRandomness};

use crate::running::{Place, json};

#[tokio::test(flavor = "multi_thread")]
async fn nodes_on_one_postgresql_serve_each_others_changes() {
    let Ok(server) = std::env::var("TRINCO_TEST_POSTGRES") else {
        assert!(std::env::var("CI").is_err(), "CI must set TRINCO_TEST_POSTGRES");
        println!("TRINCO_TEST_POSTGRES is not set: skipped");
        return;
    };
    let schema = format!("nodes_{}", std::process::id());
    run(&server, &format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")).await;
    let separator = if server.contains('?') { '&' } else { '?' };
    let database = format!("{server}{separator}options=-csearch_path%3D{schema}");
    tokio::task::spawn_blocking(move || two_nodes(&database)).await.unwrap();
    run(&server, &format!("DROP SCHEMA {schema} CASCADE")).await;
}

fn two_nodes(database: &str) {
    let key = MasterKey::generate(&SystemRandomness).to_text().to_string();
    let variables = || {
        let endpoint = ("ENDPOINT", "http://id.test".to_owned());
        vec![("DB_URL", database.to_owned()), ("TRINCO_MASTER_KEY", key.clone()), endpoint]
    };
    let (one, other) = (Place::with(variables()), Place::with(variables()));
    let (mut first, second) = (one.serve(), other.serve());
    assert!(!one.path().join("data").exists(), "a node that is given its key keeps no data");

    // A command goes to the database itself; both nodes know the new client at once.
    let credentials = json(&other.done(&["init", "--json"]));
    let tokens = [first.token(&credentials), second.token(&credentials)];
    let bearer = format!("Bearer {}", tokens[0]);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let body = r#"{"name":"Shop","type":"SPA"}"#;
    let created = first.http().send("POST", "/api/applications", &headers, body).unwrap();
    assert_eq!(created.status, 200, "{created:?}");
    let path = format!("/api/applications/{}", created.text("/id"));
    let found = second.http().send("GET", &path, &headers, "").unwrap();
    assert_eq!(found.status, 200, "{found:?}");

    first.terminate();
    let (status, log) = first.ended();
    assert!(status.success(), "{log}");

    let stranger = Place::with(vec![("DB_URL", database.to_owned())]);
    let (code, sentence) = stranger.refused(&["init"]);
    assert_eq!(code, 1);
    assert!(sentence.contains("master key"), "{sentence}");
}

async fn run(server: &str, script: &str) {
    let (client, connection) =
        tokio_postgres::connect(server, tokio_postgres::NoTls).await.expect("PostgreSQL answers");
    let connection = tokio::spawn(connection);
    client.batch_execute(script).await.expect("the script runs");
    drop(client);
    let _ = connection.await;
}
