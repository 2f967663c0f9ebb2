//! `/api/configs/cimd` and `/api/cimd/user-consent-scopes`: clients that are known by a document of their own.

use axum::routing::{delete, get};
use axum::{Json as Body, Router};
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use trinco_core::clients::{DocumentChanges, settings};
use trinco_core::consents::{ListedConsentScopes, NewConsentScopes, ScopeType};
use trinco_core::{Error, Tenant};

use crate::app::{App, Here};
use crate::extract::{Json, Path};
use crate::failure::ApiError;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/configs/cimd", get(read).patch(update))
        .route("/api/cimd/user-consent-scopes", get(scopes).post(add_scopes))
        .route("/api/cimd/user-consent-scopes/{scope_type}/{scope_id}", delete(remove_scope))
}

#[derive(Serialize)]
struct Config {
    enabled: bool,
}

impl Config {
    fn of(tenant: &Tenant) -> Self {
        Self { enabled: settings::is_enabled(tenant) }
    }
}

async fn read(Here(tenant): Here) -> Body<Config> {
    Body(Config::of(&tenant))
}

async fn update(
    Here(tenant): Here,
    Json(changes): Json<DocumentChanges>,
) -> Result<Body<Config>, ApiError> {
    settings::update(&tenant, changes).await?;
    Ok(Body(Config::of(&tenant)))
}

async fn scopes(Here(tenant): Here) -> Body<ListedConsentScopes> {
    Body(settings::consent_scopes(&tenant))
}

async fn add_scopes(
    Here(tenant): Here,
    Json(new): Json<NewConsentScopes>,
) -> Result<StatusCode, ApiError> {
    settings::add_consent_scopes(&tenant, new).await?;
    Ok(StatusCode::CREATED)
}

async fn remove_scope(
    Here(tenant): Here,
    Path((scope_type, scope_id)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let scope_type: ScopeType = serde_json::from_value(Value::String(scope_type))
        .map_err(|_| Error::invalid_input("params", "scopeType", "must be a kind of scope"))?;
    settings::remove_consent_scope(&tenant, scope_type, &scope_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
