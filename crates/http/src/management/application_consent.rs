//! `/api/applications/{applicationId}/user-consent-scopes` and `/api/applications/{id}/users/{userId}/consent-organizations`

use axum::extract::Path;
use axum::response::Response;
use axum::routing::{delete, get};
use axum::{Json as Body, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use trinco_core::Error;
use trinco_core::consents::{
    ListedConsentScopes, NewConsentScopes, ScopeType, organizations, scopes,
};

use super::parts::Ids;
use crate::app::{App, Here};
use crate::extract::{Json, Paged};
use crate::failure::ApiError;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/applications/{id}/user-consent-scopes", get(list).post(add))
        .route("/api/applications/{id}/user-consent-scopes/{scope_type}/{scope_id}", delete(remove))
        .route(
            "/api/applications/{id}/users/{user_id}/consent-organizations",
            get(list_organizations).post(add_organizations).put(replace_organizations),
        )
        .route(
            "/api/applications/{id}/users/{user_id}/consent-organizations/{organization_id}",
            delete(remove_organization),
        )
}

async fn list(
    Here(tenant): Here,
    Path(id): Path<String>,
) -> Result<Body<ListedConsentScopes>, ApiError> {
    Ok(Body(scopes::list(&tenant, &id).await?))
}

async fn add(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(new): Json<NewConsentScopes>,
) -> Result<StatusCode, ApiError> {
    scopes::add(&tenant, &id, new).await?;
    Ok(StatusCode::CREATED)
}

async fn remove(
    Here(tenant): Here,
    Path((id, scope_type, scope_id)): Path<(String, String, String)>,
) -> Result<StatusCode, ApiError> {
    let scope_type: ScopeType = serde_json::from_value(Value::String(scope_type))
        .map_err(|_| Error::invalid_input("params", "scopeType", "must be a kind of scope"))?;
    scopes::remove(&tenant, &id, scope_type, &scope_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Organizations {
    organization_ids: Ids,
}

async fn list_organizations(
    Here(tenant): Here,
    Path((id, user_id)): Path<(String, String)>,
    paged: Paged,
) -> Result<Response, ApiError> {
    let listing = organizations::list(&tenant, &id, &user_id, paged.page()).await?;
    Ok(paged.respond_as("organizations", &listing))
}

async fn add_organizations(
    Here(tenant): Here,
    Path((id, user_id)): Path<(String, String)>,
    Json(body): Json<Organizations>,
) -> Result<StatusCode, ApiError> {
    organizations::add(&tenant, &id, &user_id, body.organization_ids.0).await?;
    Ok(StatusCode::CREATED)
}

async fn replace_organizations(
    Here(tenant): Here,
    Path((id, user_id)): Path<(String, String)>,
    Json(body): Json<Organizations>,
) -> Result<StatusCode, ApiError> {
    organizations::replace(&tenant, &id, &user_id, body.organization_ids.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove_organization(
    Here(tenant): Here,
    Path((id, user_id, organization_id)): Path<(String, String, String)>,
) -> Result<StatusCode, ApiError> {
    organizations::remove(&tenant, &id, &user_id, &organization_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
