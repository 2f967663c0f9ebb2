//! `/api/reference`: the OpenAPI document as pages that people read.
//!
//! The pages are made of the document and of nothing else, so they say what it says. Each is made the first time somebody asks for it,
//! and kept. They are in English, like the API's names.

mod example;
mod page;
mod prose;
mod render;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;
use trinco_core::{Tenant, resources, tenants};

use super::{openapi, permission};
use crate::app::{App, Here};
use crate::extract::Path;
use crate::pages::{self, etag};
use page::Contents;
use render::{Area, Frame, Overview, finished};

/// Where the reference is.
pub(super) const PATH: &str = "/api/reference";

/// No script, no frame, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; \
                      frame-ancestors 'none'; base-uri 'none'";

/// Needs no token: people read it before they have one.
pub(super) fn routes() -> Router<App> {
    Router::new().route(PATH, get(overview)).route("/api/reference/{area}", get(area))
}

async fn overview(Here(tenant): Here, headers: HeaderMap) -> Response {
    match of(&tenant, "") {
        Some(made) => made.answer(&headers),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn area(
    here: Here,
    Path(slug): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    match of(&here.0, &slug).filter(|_| !slug.is_empty()) {
        Some(made) => made.answer(&headers),
        None => pages::not_found(here, headers, request).await,
    }
}

/// A page as it is kept.
struct Made {
    html: Bytes,
    etag: String,
}

impl Made {
    fn answer(&self, known: &HeaderMap) -> Response {
        let mut response = if etag::is_known(known, &self.etag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            self.html.clone().into_response()
        };
        let headers = response.headers_mut();
        let mut say = |name, value| headers.insert(name, HeaderValue::from_static(value));
        say(header::CONTENT_TYPE, "text/html; charset=utf-8");
        say(header::CONTENT_LANGUAGE, "en");
        // It changes with the server's version alone: to ask whether it has is cheap.
        say(header::CACHE_CONTROL, "no-cache");
        say(header::CONTENT_SECURITY_POLICY, POLICY);
        say(header::X_FRAME_OPTIONS, "DENY");
        if let Ok(etag) = HeaderValue::from_str(&self.etag) {
            headers.insert(header::ETAG, etag);
        }
        response
    }
}

/// What was made, by the tenant's URL and the page.
type Pages = BTreeMap<(String, String), Arc<Made>>;

/// The page of an area, or of all of them when `slug` is empty. What is no area is not kept.
fn of(tenant: &Tenant, slug: &str) -> Option<Arc<Made>> {
    static MADE: LazyLock<Mutex<Pages>> = LazyLock::new(Mutex::default);
    static SLUGS: LazyLock<Vec<String>> =
        LazyLock::new(|| super::pages().iter().map(|page| page::slug_of(page.area())).collect());
    if !slug.is_empty() && !SLUGS.iter().any(|known| known == slug) {
        return None;
    }
    let key = (tenant.origin().base().to_owned(), slug.to_owned());
    let made = || MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = made().get(&key) {
        return Some(Arc::clone(known));
    }
    // Two who come first both make it, and nobody waits for them.
    let html = make(tenant, slug)?;
    let etag = etag::of(html.as_bytes());
    let fresh = Arc::new(Made { html: html.into(), etag });
    Some(Arc::clone(made().entry(key).or_insert(fresh)))
}

fn make(tenant: &Tenant, slug: &str) -> Option<String> {
    let document = openapi::describe(tenant, openapi::MANAGEMENT);
    let base = tenant.origin().base();
    let root = format!("{}{PATH}", tenant.origin().path());
    let document_url = format!("{base}{}", openapi::PATH);
    let contents = page::contents(&document);
    let frame = |title, current| Frame {
        title,
        root: &root,
        document: &document_url,
        contents: &contents,
        current,
    };
    if slug.is_empty() {
        return Some(overview_of(tenant, &document, frame("Management API", "")));
    }
    let contents: &Contents = contents.iter().find(|area| area.slug == slug)?;
    let (operations, shared) =
        page::area(&document, slug, &|method, path| permission::needs(tenant, method, path));
    let frame = frame(&contents.name, slug);
    Some(finished(&Area { frame, contents, operations: &operations, shared: &shared }))
}

fn overview_of(tenant: &Tenant, document: &Value, frame: Frame<'_>) -> String {
    let resource = resources::management_api_indicator(tenant.id());
    let token_call = format!(
        "curl \"{}/token\" \\\n  -u \"$APP_ID:$APP_SECRET\" \\\n  -d grant_type=client_credentials \\\n  \
         -d resource={resource} \\\n  -d scope={}",
        tenant.issuer(),
        resources::management::ALL,
    );
    let server = tenant.origin().base();
    let first_call = format!(
        "curl \"{server}/api/users?page_size=5\" \\\n  -H \"Authorization: Bearer $TOKEN\""
    );
    finished(&Overview {
        frame,
        server,
        version: document["info"]["version"].as_str().unwrap_or_default(),
        token_call: &token_call,
        first_call: &first_call,
        scopes: &resources::management::scopes(),
        runs_others: tenant.id() == tenants::ADMIN,
        error: page::error(document),
    })
}
