//! The API's own description: OpenAPI documents made from the types of the handlers.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use http::header;
use trinco_core::Tenant;

use super::doors::{Doors, Info, Operation, Output, document, get};
use crate::app::Here;

/// Needs no token: tools read it before they have one.
pub(super) fn public_routes() -> Doors {
    Doors::new("Description")
        .route("/api/swagger.json", get("Describe every operation", everything))
        .route(
            "/api/.well-known/management.openapi.json",
            get("Describe the Management API", management),
        )
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
    of(&tenant, "Trinco")
}

async fn management(Here(tenant): Here) -> Document {
    of(&tenant, "Trinco Management API")
}

/// The document, made the first time somebody asks.
fn of(tenant: &Tenant, title: &'static str) -> Document {
    static MADE: LazyLock<Mutex<BTreeMap<(String, &'static str), Bytes>>> =
        LazyLock::new(Mutex::default);
    let base = tenant.origin().base();
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let text = made.entry((base.to_owned(), title)).or_insert_with(|| {
        let token_endpoint = format!("{}/token", tenant.issuer());
        let info = Info { title, server: base, token_endpoint: &token_endpoint };
        document(&info, &super::pages()).to_string().into()
    });
    Document(text.clone())
}
