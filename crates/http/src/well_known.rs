//! `/.well-known/…`: what clients find without being told, at the places the standards put it.
//!
//! An issuer with a path is found twice: where OpenID Connect Discovery §4 appends the name, and where RFC 8414 §3.1 inserts it
//! between host and path. Protected resources are found by RFC 9728 §3.1 alone.

use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router, middleware};
use http::header;
use trinco_core::{Tenant, resources};
use trinco_oauth::protected_resource::{self, ProtectedResource};

use crate::app::{App, Here};
use crate::oidc::{USERINFO, cors, metadata};

/// The path of the Management API.
pub(crate) const MANAGEMENT: &str = "/api";

/// Resources change with releases and configuration only.
const CACHE: &str = "public, max-age=300";

pub(crate) fn routes() -> Router<App> {
    let issuer = || get(metadata::openid_configuration).options(cors::preflight_only);
    let resource = |path: &str| format!("/.well-known/{}{path}", protected_resource::WELL_KNOWN);
    Router::new()
        .route("/oidc/.well-known/openid-configuration", issuer())
        .route("/oidc/.well-known/oauth-authorization-server", issuer())
        .route("/.well-known/openid-configuration/oidc", issuer())
        .route("/.well-known/oauth-authorization-server/oidc", issuer())
        .route(&resource(USERINFO), get(userinfo).options(cors::preflight_only))
        .route(&resource(MANAGEMENT), get(management_api).options(cors::preflight_only))
        .route_layer(middleware::from_fn(cors::for_anyone))
}

/// Where the metadata of the resource at `path` of this tenant is, for the challenges it answers with.
pub(crate) fn metadata_url(tenant: &Tenant, path: &str) -> String {
    protected_resource::metadata_url(&format!("{}{path}", tenant.origin().base()))
        .unwrap_or_default()
}

async fn userinfo(Here(tenant): Here) -> impl IntoResponse {
    // Which claims there are depends on what was granted; without `openid` there is nothing.
    let scopes = trinco_oauth::scope::RESERVED.map(str::to_owned).to_vec();
    let resource = resources::userinfo_url(&tenant);
    let name = "Userinfo";
    document(&ProtectedResource::new(&resource, tenant.issuer(), name, scopes))
}

async fn management_api(Here(tenant): Here) -> impl IntoResponse {
    let resource = resources::management_api_url(&tenant);
    let name = "Management API";
    let scopes = resources::management::scopes().into_iter().map(|(name, _)| name).collect();
    document(&ProtectedResource::new(&resource, tenant.issuer(), name, scopes))
}

fn document(document: &ProtectedResource) -> impl IntoResponse + use<> {
    ([(header::CACHE_CONTROL, CACHE)], Json(document.clone()))
}
