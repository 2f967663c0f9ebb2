//! A service on loopback that keeps what it is asked, and answers what the test says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::Value;
use tokio::net::TcpListener;

/// What it was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    #[allow(dead_code, reason = "not every test looks at it")]
    pub(crate) method: Method,
    #[allow(dead_code, reason = "not every test looks at it")]
    pub(crate) path: String,
    #[allow(dead_code, reason = "not every test looks at it")]
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    /// The body as JSON.
    #[allow(dead_code, reason = "not every test looks at it")]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
}

/// The service.
#[derive(Clone, Default)]
pub(crate) struct Peer {
    base: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    answers: Arc<Mutex<HashMap<String, (u16, String)>>>,
}

impl Peer {
    /// Listens on a free port. What it knows no answer to, it answers with 200 and nothing.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("a bound address").port();
        let peer = Self { base: format!("http://127.0.0.1:{port}"), ..Self::default() };
        let router = Router::new().fallback(Self::answer).with_state(peer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        peer
    }

    async fn answer(
        State(this): State<Self>,
        method: Method,
        uri: Uri,
        headers: HeaderMap,
        body: Bytes,
    ) -> (StatusCode, String) {
        let path = uri.path().to_owned();
        let known = this.answers.lock().expect("no test has panicked").get(&path).cloned();
        this.asked.lock().expect("no test has panicked").push(Asked {
            method,
            path,
            headers,
            body,
        });
        let (status, text) = known.unwrap_or((200, String::new()));
        (StatusCode::from_u16(status).expect("a status"), text)
    }

    /// Where a path of it is.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Says what is answered at a path.
    #[allow(dead_code, reason = "not every test does")]
    pub(crate) fn say(&self, path: &str, status: u16, text: impl Into<String>) {
        let mut answers = self.answers.lock().expect("no test has panicked");
        answers.insert(path.to_owned(), (status, text.into()));
    }

    /// What it was asked, in order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no test has panicked").clone()
    }

    /// What it was asked last.
    #[allow(dead_code, reason = "not every test looks at it")]
    pub(crate) fn last(&self) -> Asked {
        self.asked().pop().expect("it was asked something")
    }
}
