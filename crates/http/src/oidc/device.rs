//! The device authorization endpoint (RFC 8628 §3.1) and the address people type (§3.3).

use axum::extract::RawQuery;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Json};
use http::{HeaderMap, HeaderValue, header};
use trinco_core::{Tenant, devices};
use trinco_oauth::Params;

use super::client::{Body, authenticate};
use super::cors::Origin;
use super::token::NO_STORE;
use crate::app::Here;
use crate::failure::OidcError;
use crate::pages;

pub(super) async fn authorize(
    Here(tenant): Here,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    Body(params): Body,
) -> Result<Response, OidcError> {
    let registered = authenticate(&tenant, super::DEVICE, &origin, &headers, &params).await?;
    let answer = devices::authorize(&tenant, &registered.client, &params).await?;
    Ok((NO_STORE, Json(answer)).into_response())
}

/// The address that a device shows leads to the page.
pub(super) async fn verify(Here(tenant): Here, RawQuery(query): RawQuery) -> Response {
    to_page(&tenant, &Params::from_query(&query.unwrap_or_default()).unwrap_or_default())
}

/// Nothing is decided here: the page has its own form, for whoever sends what cannot be read as well.
pub(super) async fn verify_by_post(Here(tenant): Here, body: Result<Body, OidcError>) -> Response {
    to_page(&tenant, &body.map(|Body(params)| params).unwrap_or_default())
}

fn to_page(tenant: &Tenant, params: &Params) -> Response {
    let page = pages::device::code_page(tenant, params.get("user_code"));
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (no_store, Redirect::to(&page)).into_response()
}
