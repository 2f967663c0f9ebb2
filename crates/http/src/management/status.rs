//! `/api/status`: whether the server answers requests.

use super::doors::{Doors, get};
use crate::reply::{NO_CONTENT, NoContent};

/// Needs no token.
pub(super) fn public_routes() -> Doors {
    Doors::new("Status").route("/api/status", get("Ask whether the server answers", status))
}

async fn status() -> NoContent {
    NO_CONTENT
}
