//! `/api/organizations/{id}/applications`

use axum::Router;
use axum::response::Response;
use axum::routing::{delete, get, post};
use http::StatusCode;
use serde::Deserialize;
use trinco_core::organizations::applications;

use super::parts::{Ids, SomeIds};
use crate::app::{App, Here};
use crate::extract::{Json, Paged, Path, QueryPairs};
use crate::failure::ApiError;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/organizations/{id}/applications", get(list).post(add).put(replace))
        .route("/api/organizations/{id}/applications/roles", post(assign_to_all))
        .route("/api/organizations/{id}/applications/{application_id}", delete(remove))
        .route(
            "/api/organizations/{id}/applications/{application_id}/roles",
            get(roles).post(add_roles).put(replace_roles),
        )
        .route(
            "/api/organizations/{id}/applications/{application_id}/roles/{role_id}",
            delete(unassign_role),
        )
}

async fn list(
    Here(tenant): Here,
    Path(id): Path<String>,
    query: QueryPairs,
    paged: Paged,
) -> Result<Response, ApiError> {
    let listing = applications::list(&tenant, &id, query.get("q"), paged.page_or_all()).await?;
    Ok(paged.respond_or_all(&listing))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApplicationsToAdd {
    application_ids: SomeIds,
}

async fn add(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<ApplicationsToAdd>,
) -> Result<StatusCode, ApiError> {
    applications::add(&tenant, &id, body.application_ids.0).await?;
    Ok(StatusCode::CREATED)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Applications {
    application_ids: Ids,
}

async fn replace(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<Applications>,
) -> Result<StatusCode, ApiError> {
    applications::replace(&tenant, &id, body.application_ids.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove(
    Here(tenant): Here,
    Path((id, application_id)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    applications::remove(&tenant, &id, &application_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApplicationsAndRoles {
    application_ids: SomeIds,
    organization_role_ids: SomeIds,
}

async fn assign_to_all(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<ApplicationsAndRoles>,
) -> Result<StatusCode, ApiError> {
    let (application_ids, role_ids) = (body.application_ids.0, body.organization_role_ids.0);
    applications::assign_to_all(&tenant, &id, application_ids, role_ids).await?;
    Ok(StatusCode::CREATED)
}

async fn roles(
    Here(tenant): Here,
    Path((id, application_id)): Path<(String, String)>,
    paged: Paged,
) -> Result<Response, ApiError> {
    let listing = applications::roles(&tenant, &id, &application_id, paged.page_or_all()).await?;
    Ok(paged.respond_or_all(&listing))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RolesToAdd {
    organization_role_ids: SomeIds,
}

async fn add_roles(
    Here(tenant): Here,
    Path((id, application_id)): Path<(String, String)>,
    Json(body): Json<RolesToAdd>,
) -> Result<StatusCode, ApiError> {
    let role_ids = body.organization_role_ids.0;
    applications::set_roles(&tenant, &id, &application_id, role_ids, false).await?;
    Ok(StatusCode::CREATED)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Roles {
    organization_role_ids: Ids,
}

async fn replace_roles(
    Here(tenant): Here,
    Path((id, application_id)): Path<(String, String)>,
    Json(body): Json<Roles>,
) -> Result<StatusCode, ApiError> {
    let role_ids = body.organization_role_ids.0;
    applications::set_roles(&tenant, &id, &application_id, role_ids, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn unassign_role(
    Here(tenant): Here,
    Path((id, application_id, role_id)): Path<(String, String, String)>,
) -> Result<StatusCode, ApiError> {
    applications::unassign(&tenant, &id, &application_id, &role_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
