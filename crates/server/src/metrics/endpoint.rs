//! `GET /metrics`, on a listener of its own: what it tells is for operators, and the port of the server is for everybody.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::header;
use trinco_core::Installation;

use super::Metrics;
use crate::traces::Traces;

/// What the database gets to tell its part.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone)]
struct Measured {
    metrics: Metrics,
    installation: Arc<Installation>,
    traces: Option<Traces>,
}

/// The routes of the listener.
pub(crate) fn serve(
    metrics: Metrics,
    installation: Arc<Installation>,
    traces: Option<Traces>,
) -> Router {
    Router::new().route("/metrics", get(show)).with_state(Measured {
        metrics,
        installation,
        traces,
    })
}

async fn show(State(measured): State<Measured>) -> impl IntoResponse {
    let spans = measured.traces.as_ref().map(Traces::counts).unwrap_or_default();
    let text = measured.metrics.text(&measured.installation, spans).await;
    ([(header::CONTENT_TYPE, CONTENT_TYPE), (header::CACHE_CONTROL, "no-store")], text)
}
