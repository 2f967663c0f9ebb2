//! The API's own description: OpenAPI documents made from the types of the handlers.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use http::header;
use trinco_core::Tenant;

use super::doors::{Doors, Info, Operation, Output, document, get};
use super::reference;
use crate::app::Here;

/// Where the document is.
pub(super) const PATH: &str = "/api/swagger.json";
/// What the document is called that leaves nothing out but what is not the Management API's.
pub(super) const MANAGEMENT: &str = "Trinco Management API";

/// Needs no token: tools read it before they have one.
pub(super) fn public_routes() -> Doors {
    Doors::new("Description")
        .route(PATH, get("Describe every operation", everything))
        .route(
            "/api/.well-known/management.openapi.json",
            get("Describe the Management API", management),
        )
        .route(
            "/api/.well-known/experience.openapi.json",
            get("Describe the API of sign-in pages", experience),
        )
        .route("/api/.well-known/user.openapi.json", get("Describe the API for own accounts", user))
}

/// A JSON document as it is kept.
struct Document(Bytes);

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

impl Output for Document {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers::<BTreeMap<String, serde_json::Value>>(200, "application/json");
    }
}

async fn everything(Here(tenant): Here) -> Document {
    of(&tenant, "Trinco", |_| true)
}

async fn management(Here(tenant): Here) -> Document {
    of(&tenant, MANAGEMENT, |_| true)
}

/// What the API of sign-in pages has: nothing yet but what everybody may read.
async fn experience(Here(tenant): Here) -> Document {
    of(&tenant, "Trinco Experience API", |path| {
        path.starts_with("/api/.well-known/") && !path.ends_with(".openapi.json")
    })
}

/// As [`experience`], of the API of people's own accounts.
async fn user(Here(tenant): Here) -> Document {
    of(&tenant, "Trinco Account API", |path| path == "/api/.well-known/account-center")
}

/// The document of the operations at these paths, made the first time somebody asks.
fn of(tenant: &Tenant, title: &'static str, is_told: fn(&str) -> bool) -> Document {
    static MADE: LazyLock<Mutex<BTreeMap<(String, &'static str), Bytes>>> =
        LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let text = made
        .entry((tenant.origin().base().to_owned(), title))
        .or_insert_with(|| of_paths(tenant, title, is_told).to_string().into());
    Document(text.clone())
}

/// The document of the tenant, made anew.
pub(super) fn describe(tenant: &Tenant, title: &str) -> serde_json::Value {
    of_paths(tenant, title, |_| true)
}

fn of_paths(tenant: &Tenant, title: &str, is_told: fn(&str) -> bool) -> serde_json::Value {
    let base = tenant.origin().base();
    let token_endpoint = format!("{}/token", tenant.issuer());
    let reference = format!("{base}{}", reference::PATH);
    let info = Info { title, server: base, token_endpoint: &token_endpoint, reference: &reference };
    let mut pages = super::pages();
    pages.retain(|page| is_told(page.path()));
    document(&info, &pages)
}
