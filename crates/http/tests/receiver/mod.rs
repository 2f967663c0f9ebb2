//! A receiver of webhooks on loopback.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses a part of it, and a test may panic"
)]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use trinco_connectors::outbound::{Allow, Outbound};
use trinco_core::deliveries;
use trinco_testkit::{Admin, Server, text};

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Received {
    pub(crate) fn body(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    /// Whether it is signed with this key, as receivers check it.
    pub(crate) fn is_signed_with(&self, key: &str) -> bool {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), &self.bytes);
        let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        self.headers["logto-signature-sha-256"] == hex.as_str()
    }
}

/// Keeps what it is sent, and answers what the test says (200 when it says nothing more).
#[derive(Clone, Default)]
pub(crate) struct Receiver {
    received: Arc<Mutex<Vec<Received>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
    pub(crate) url: String,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://127.0.0.1:{}/hook", listener.local_addr().unwrap().port());
        let receiver = Self { url, ..Self::default() };
        let router = Router::new().route("/hook", post(Self::receive)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    async fn receive(
        State(this): State<Self>,
        headers: HeaderMap,
        bytes: Bytes,
    ) -> (StatusCode, String) {
        this.received.lock().unwrap().push(Received { headers, bytes });
        let answer = this.answers.lock().unwrap().pop_front().unwrap_or(200);
        (StatusCode::from_u16(answer).unwrap(), format!(r#"{{"seen":{answer}}}"#))
    }

    pub(crate) fn answer(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }

    /// What has come since the last time.
    pub(crate) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.received.lock().unwrap())
    }

    /// The bodies that have come since the last time.
    pub(crate) fn bodies(&self) -> Vec<Value> {
        self.take().iter().map(Received::body).collect()
    }

    /// A webhook that is told of these events: its id and its signing key.
    pub(crate) async fn hook(&self, admin: &Admin, events: &[&str]) -> (String, String) {
        let new = json!({ "name": "Receiver", "events": events, "config": { "url": self.url } });
        let hook = admin.create("/api/hooks", new).await;
        (text(&hook, "/id").to_owned(), text(&hook, "/signingKey").to_owned())
    }
}

/// Makes what is due; how many were tried.
pub(crate) async fn deliver(server: &Server) -> usize {
    deliveries::deliver(server.tenant(), &outbound()).await.unwrap()
}

pub(crate) fn outbound() -> Outbound {
    Outbound::new(["127.0.0.1".parse::<Allow>().unwrap()]).unwrap()
}
