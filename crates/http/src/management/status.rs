//! `/api/status`: whether the server answers requests.

use axum::Router;
use axum::routing::get;
use http::StatusCode;

use crate::app::App;

/// Needs no token.
pub(super) fn public_routes() -> Router<App> {
    Router::new().route("/api/status", get(|| async { StatusCode::NO_CONTENT }))
}
