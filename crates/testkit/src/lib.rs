//! Boots a Trinco in-process for tests: real HTTP on a free port, a clock that is moved by hand, and a database of its own.
//!
//! The database is SQLite in a temporary folder; with `TRINCO_TEST_ENGINE=postgres` it is a new database of the server that
//! `TRINCO_TEST_POSTGRES` names.

mod client;
mod clock;
pub mod contract;
mod database;
mod oidc;
mod proof_key;
mod world;

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use trinco_connectors::outbound::{Allow, Outbound};
use trinco_core::{Installation, MasterKey, Origin, SystemRandomness, Tenant};
use trinco_http::App;

pub use client::{Admin, Answer, Browser};
pub use clock::TestClock;
pub use oidc::{REDIRECT_URI, Tokens, VERIFIER, challenge_of, hidden, query_of};
pub use proof_key::{ProofKey, changed};
pub use reqwest::Method;
pub use world::{API, USER, World};

use database::Database;

/// A running server. Dropping it stops it and removes its data.
pub struct Server {
    base: String,
    clock: Arc<TestClock>,
    installation: Arc<Installation>,
    task: JoinHandle<()>,
    key: MasterKey,
    database: Arc<Database>,
}

impl Server {
    /// Starts a server on a free port of the loopback interface.
    ///
    /// # Panics
    /// When it cannot start: a test cannot go on then.
    pub async fn start() -> Self {
        Self::start_with(TestClock::default()).await
    }

    /// As [`Server::start`], with the clock at the system's time: for clients that look at their own.
    ///
    /// # Panics
    /// As [`Server::start`].
    pub async fn start_at_system_time() -> Self {
        Self::start_with(TestClock::at_system_time()).await
    }

    async fn start_with(clock: TestClock) -> Self {
        let database = Arc::new(Database::create().await);
        let key = MasterKey::generate(&SystemRandomness);
        Self::serve(Arc::new(clock), database, key, None).await
    }

    /// A second node: another installation on the same database, with the same clock, key and issuer, on a port of its own.
    ///
    /// # Panics
    /// As [`Server::start`].
    pub async fn second_node(&self) -> Self {
        let (clock, database) = (Arc::clone(&self.clock), Arc::clone(&self.database));
        Self::serve(clock, database, self.key.clone(), Some(&self.base)).await
    }

    /// As [`Server::second_node`], with a clock of its own that is so many seconds ahead.
    ///
    /// # Panics
    /// As [`Server::start`].
    pub async fn second_node_ahead(&self, seconds: i64) -> Self {
        let (clock, database) = (self.clock.ahead(seconds), Arc::clone(&self.database));
        Self::serve(Arc::new(clock), database, self.key.clone(), Some(&self.base)).await
    }

    async fn serve(
        clock: Arc<TestClock>,
        database: Arc<Database>,
        key: MasterKey,
        origin: Option<&str>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base =
            format!("http://127.0.0.1:{}", listener.local_addr().expect("a bound address").port());
        let origin = Origin::new(origin.unwrap_or(&base));
        let admin = Origin::new(format!("{}/admin", origin.base()));
        let db = database.open().await;
        let installation = Installation::open(
            db,
            &key,
            clock.clone(),
            Arc::new(SystemRandomness),
            &origin,
            &admin,
        )
        .await
        .expect("a new installation opens");
        installation.set_document_outbound(OUTBOUND.clone());
        installation.set_outbound(OUTBOUND.clone());
        let installation = Arc::new(installation);
        let router = trinco_http::router(&App::new(Arc::clone(&installation)));
        let task = tokio::spawn(async move {
            let router = router.into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(listener, router).await.expect("serving does not end");
        });
        Self { base, clock, installation, task, key, database }
    }

    /// Where it listens, without a trailing slash.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The issuer of the default tenant.
    pub fn issuer(&self) -> String {
        format!("{}/oidc", self.base)
    }

    /// The clock, to be moved by hand.
    pub fn clock(&self) -> &TestClock {
        &self.clock
    }

    /// The installation, for what no door offers.
    pub fn installation(&self) -> &Installation {
        &self.installation
    }

    /// The default tenant, for what no door offers.
    pub fn tenant(&self) -> &Tenant {
        self.installation.default_tenant()
    }

    /// The doors without a connection: for tests that hand in requests themselves.
    pub fn router(&self) -> axum::Router {
        trinco_http::router(&App::new(Arc::clone(&self.installation)))
    }

    /// A client of the Management API with all permissions, through a machine-to-machine application of its own.
    ///
    /// # Panics
    /// When no token can be had.
    pub async fn admin(&self) -> Admin {
        let tenant = self.tenant();
        let new = serde_json::from_value(json!({ "name": "Tests", "type": "MachineToMachine" }))
            .expect("a valid body");
        let application =
            trinco_core::applications::create(tenant, new).await.expect("an application");
        trinco_core::roles::set_application_role(
            tenant,
            &application.id,
            trinco_core::roles::MANAGEMENT_API_ROLE,
            true,
        )
        .await
        .expect("the role");
        let secrets =
            trinco_core::applications::secrets(tenant, &application.id).await.expect("its secrets");
        let secret = secrets[0].value.reveal().clone();
        Admin::new(self.base.clone(), application.id, secret).await
    }

    /// A browser: keeps cookies, follows no redirects.
    pub fn browser(&self) -> Browser {
        Browser::new(self.base.clone())
    }
}

/// Reaches this machine and nothing else, and waits no longer than a test can. One for all: reading the system's certificates takes
/// a while.
static OUTBOUND: LazyLock<Outbound> = LazyLock::new(|| {
    let allow: Vec<Allow> = ["127.0.0.0/8", "::1"]
        .into_iter()
        .map(|block| block.parse().expect("a block of addresses"))
        .collect();
    Outbound::new(allow).expect("TLS can be set up").with_timeout(Duration::from_secs(1))
});

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The value of `pointer` (RFC 6901) as text.
///
/// # Panics
/// When it is not there or not text.
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("{pointer} is no text in {value}"))
}
