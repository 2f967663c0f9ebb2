//! The Management API, `/api`: for machines that run the tenant.
//!
//! Every route but the public ones needs a bearer token for the tenant's Management API with the scope `all`. The check is a layer
//! around the whole router: a handler cannot forget it.

mod applications;
mod authentication;

use axum::{Router, extract::DefaultBodyLimit, middleware};

use crate::app::App;

/// A body of the Management API is at most this long: bytes.
const BODY_LIMIT: usize = 1024 * 1024;

/// The routes below `/api`.
pub(crate) fn routes() -> Router<App> {
    let guarded = Router::new()
        .merge(applications::routes())
        .route_layer(middleware::from_fn(authentication::require_management_token));
    guarded.layer(DefaultBodyLimit::max(BODY_LIMIT))
}
