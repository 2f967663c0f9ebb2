//! The doors of Trinco: OpenID Connect, Management API and sign-in pages.
//!
//! A handler parses and authenticates, calls one use case of `trinco-core`, renders. Errors travel to the edge as values and are
//! written in one place (`failure.rs`).

mod app;
mod cookies;
mod extract;
mod failure;
mod health;
mod language;
mod management;
mod observe;
mod oidc;
mod own_domains;
pub mod pages;
mod proof;
mod reply;
mod status;
mod strict;
mod upload;
mod well_known;

use axum::{Router, middleware};

pub use app::{App, Surroundings};
pub use observe::{ACCESS_LINES, Begun, Ended, NO_ROUTE, Observer, REQUEST_ID, REQUEST_SPANS};

/// The whole HTTP service.
pub fn router(app: &App) -> Router {
    let tenant_routes = Router::new()
        .merge(oidc::routes())
        .merge(well_known::routes())
        .merge(management::routes(app))
        .merge(pages::routes())
        .merge(upload::routes())
        .merge(own_domains::routes())
        .fallback(own_domains::file_or_nothing)
        .method_not_allowed_fallback(failure::method_not_allowed)
        .layer(middleware::from_fn(failure::render))
        .layer(middleware::from_fn(app::security_headers))
        .layer(middleware::from_fn_with_state(app.clone(), observe::requests))
        .with_state(app.clone());
    app::by_tenant(app, tenant_routes)
}
