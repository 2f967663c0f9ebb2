//! The binary on PostgreSQL: a schema of its own of the server that `TRINCO_TEST_POSTGRES` names.

use trinco_core::{MasterKey, SystemRandomness};

use crate::operating::{measured, the_table_is_served};
use crate::running::{Place, json};

/// A schema of a user that may do nothing else, and the key that all nodes on it share. Dropping it drops what it holds.
pub(crate) struct Schema {
    server: String,
    name: String,
    key: String,
}

impl Schema {
    /// A new one; `None` when there is no server to make it on, which is an error in CI.
    pub(crate) fn create(name: &str) -> Option<Self> {
        let Ok(server) = std::env::var("TRINCO_TEST_POSTGRES") else {
            assert!(std::env::var("CI").is_err(), "CI must set TRINCO_TEST_POSTGRES");
            println!("TRINCO_TEST_POSTGRES is not set: skipped");
            return None;
        };
        let name = format!("{name}_{}", std::process::id());
        let create = format!(
            "CREATE ROLE {name} LOGIN PASSWORD 'p' NOSUPERUSER NOCREATEDB NOCREATEROLE;
             CREATE SCHEMA {name} AUTHORIZATION {name}"
        );
        run(&server, &create);
        let key = MasterKey::generate(&SystemRandomness).to_text().to_string();
        Some(Self { server, name, key })
    }

    pub(crate) fn url(&self) -> String {
        let separator = if self.server.contains('?') { '&' } else { '?' };
        let (_, place) = self.server.rsplit_once('@').expect("the URL of a superuser");
        format!("postgres://{0}:p@{place}{separator}options=-csearch_path%3D{0}", self.name)
    }

    /// The same by way of another port of this machine, and the port it has itself.
    pub(crate) fn url_by(&self, port: u16) -> (String, u16) {
        let url = self.url();
        let (before, after) = url.rsplit_once('@').expect("the URL has a user");
        let end = after.find('/').expect("the URL has a database");
        let own = after[..end].rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        (format!("{before}@127.0.0.1:{port}{}", &after[end..]), own.unwrap_or(5432))
    }

    /// Does something that only a superuser may.
    pub(crate) fn as_superuser(&self, script: &str) {
        run(&self.server, &script.replace("{role}", &self.name));
    }

    /// The key of its nodes, for what the environment is given.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Where a node runs that people reach at `endpoint`.
    pub(crate) fn node(&self, endpoint: &str) -> Place {
        let key = ("TRINCO_MASTER_KEY", self.key.clone());
        Place::with(vec![("DB_URL", self.url()), key, ("ENDPOINT", endpoint.to_owned())])
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        run(&self.server, &format!("DROP SCHEMA {0} CASCADE; DROP ROLE {0}", self.name));
    }
}

fn run(server: &str, script: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(server, tokio_postgres::NoTls)
            .await
            .expect("PostgreSQL answers");
        let connection = tokio::spawn(connection);
        client.batch_execute(script).await.expect("the script runs");
        drop(client);
        let _ = connection.await;
    });
}

#[test]
fn nodes_on_one_postgresql_serve_each_others_changes() {
    let Some(schema) = Schema::create("nodes") else { return };
    let (one, other) = (schema.node("http://id.test"), schema.node("http://id.test"));
    let ((mut first, metrics), second) = (measured(&one), other.serve());
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

    the_table_is_served(metrics, "SQLite");
    first.terminate();
    let (status, log) = first.ended();
    assert!(status.success(), "{log}");
    drop(second);

    let stranger = Place::with(vec![("DB_URL", schema.url())]);
    let (code, sentence) = stranger.refused(&["init"]);
    assert_eq!(code, 1);
    assert!(sentence.contains("master key"), "{sentence}");
}
