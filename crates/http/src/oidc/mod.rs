//! The OpenID Connect provider, `/oidc`.

pub(crate) mod authorize;
mod client;
pub(crate) mod cors;
mod device;
mod end_session;
pub(crate) mod metadata;
mod pushed;
mod register;
mod token;
mod userinfo;

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::{Router, middleware};
use trinco_oauth::params::MAX_TOTAL;

use crate::app::App;

/// The endpoints where clients authenticate.
const TOKEN: &str = "/oidc/token";
const PUSHED: &str = "/oidc/request";
const INTROSPECTION: &str = "/oidc/token/introspection";
const REVOCATION: &str = "/oidc/token/revocation";
/// Where clients register themselves.
const REGISTRATION: &str = "/oidc/register";
/// Where access tokens open something.
const DEVICE: &str = "/oidc/device/auth";
pub(crate) const USERINFO: &str = "/oidc/me";

/// The routes below `/oidc`.
pub(crate) fn routes() -> Router<App> {
    let for_clients = Router::new()
        .route(TOKEN, post(token::token).options(cors::preflight_only))
        .route(INTROSPECTION, post(token::introspection).options(cors::preflight_only))
        .route(REVOCATION, post(token::revocation).options(cors::preflight_only))
        .route(PUSHED, post(pushed::push).options(cors::preflight_only))
        .route(DEVICE, post(device::authorize).options(cors::preflight_only))
        .route_layer(middleware::from_fn(cors::for_clients));
    let for_anyone = Router::new()
        .route("/oidc/jwks", get(metadata::jwks).options(cors::preflight_only))
        .route(
            USERINFO,
            get(userinfo::userinfo).post(userinfo::userinfo_by_post).options(cors::preflight_only),
        )
        .route(REGISTRATION, post(register::register).options(cors::preflight_only))
        .route(
            &format!("{REGISTRATION}/{{client_id}}"),
            get(register::read)
                .put(register::update)
                .delete(register::delete)
                .options(cors::preflight_only),
        )
        .route_layer(middleware::from_fn(cors::for_anyone));
    let for_browsers = Router::new()
        .route("/oidc/auth", get(authorize::authorize).post(authorize::store_and_return))
        .route("/oidc/auth/{interaction}", get(authorize::resume))
        .route("/oidc/device", get(device::verify).post(device::verify_by_post))
        .route(
            "/oidc/session/end",
            get(end_session::requested).post(end_session::requested_by_post),
        )
        .route("/oidc/session/end/confirm", post(end_session::confirmed));
    for_clients.merge(for_anyone).merge(for_browsers).layer(DefaultBodyLimit::max(MAX_TOTAL))
}
