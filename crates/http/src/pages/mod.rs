//! The sign-in pages: what a page shows ([`view`]), how it becomes HTML ([`render`]), and the handlers.

mod asked;
pub mod assets;
pub mod color;
mod consent;
pub(crate) mod context;
pub(crate) mod device;
pub(crate) mod etag;
mod fields;
pub mod render;
mod sign_in;
pub mod view;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use trinco_core::{Secret, Tenant, interactions};

use crate::app::{App, Here};
use crate::cookies;
use crate::extract::Path;

/// A form of the sign-in pages is at most this long: bytes.
const BODY_LIMIT: usize = 16 * 1024;

/// The page for those who stay signed in.
pub(crate) const STAY: &str = "/still-signed-in";

/// The routes of the pages.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(welcome))
        .route("/sign-in", get(sign_in::show_sign_in).post(sign_in::submit_sign_in))
        .route("/register", get(sign_in::show_register).post(sign_in::submit_register))
        .route(STAY, get(stay))
        .route("/consent", get(consent::show).post(consent::submit))
        .route("/device", get(device::show).post(device::submit))
        .route("/device/confirm", get(device::show_confirm).post(device::submit_confirm))
        .route("/assets/{name}", get(asset))
        .route("/favicon.svg", get(favicon))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
}

/// The address of a page about an interaction.
pub(crate) fn address(
    tenant: &Tenant,
    page: &str,
    application_id: &str,
    interaction_id: &Secret,
) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("app_id", application_id)
        .append_pair("interaction", &cookies::tag_of(interaction_id))
        .finish();
    format!("{}/{page}?{query}", tenant.origin().base())
}

/// A person at an address that leads nowhere gets a page; a program gets JSON.
pub(crate) async fn not_found(
    Here(tenant): Here,
    headers: HeaderMap,
    request: Request,
) -> Response {
    if context::wants_html(&headers) {
        context::PageContext::new(&tenant, &headers).not_found()
    } else {
        crate::failure::not_found(request).await
    }
}

/// Somebody opened the server's address to see whether it is there.
async fn welcome(Here(tenant): Here, headers: HeaderMap) -> Response {
    context::PageContext::new(&tenant, &headers).welcome()
}

/// Somebody does not want to sign out after all, and no application is known that they could go back to.
async fn stay(Here(tenant): Here, headers: HeaderMap) -> Response {
    let context = context::PageContext::new(&tenant, &headers);
    let cookie = cookies::session(&tenant, &headers);
    let cookie = cookie.as_ref().map(|cookie| cookie.reveal().as_str());
    match interactions::current_session(&tenant, cookie).await {
        Ok(Some(_)) => context.still_signed_in(),
        Ok(None) => context.signed_out(),
        Err(error) => context.failed(&error),
    }
}

async fn asset(
    here: Here,
    Path(name): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    match assets::at(&format!("/assets/{name}")) {
        Some(asset) => serve(asset, &headers, assets::CACHE_CONTROL),
        None => not_found(here, headers, request).await,
    }
}

async fn favicon(headers: HeaderMap) -> Response {
    serve(assets::favicon(), &headers, "public, max-age=86400")
}

fn serve(
    asset: &'static assets::Asset,
    headers: &HeaderMap,
    cache_control: &'static str,
) -> Response {
    let known = etag::is_known(headers, &asset.etag);
    let mut response =
        if known { StatusCode::NOT_MODIFIED.into_response() } else { asset.bytes.into_response() };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control));
    if let Ok(etag) = HeaderValue::from_str(&asset.etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}
