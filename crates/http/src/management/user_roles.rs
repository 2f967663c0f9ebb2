//! `/api/users/{userId}/roles` and `/api/users/{userId}/organizations`

use axum::response::Response;
use axum::routing::{delete, get};
use axum::{Json as Body, Router};
use http::StatusCode;
use serde_json::{Value, json};
use trinco_core::organizations::{self, OrganizationOfMember};
use trinco_core::roles;

use super::parts::{RoleIds, searched};
use crate::app::{App, Here};
use crate::extract::{Json, Paged, Path, QueryPairs};
use crate::failure::ApiError;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/users/{id}/roles", get(list).post(assign).put(replace))
        .route("/api/users/{id}/roles/{role_id}", delete(unassign))
        .route("/api/users/{id}/organizations", get(list_organizations))
}

async fn list(
    Here(tenant): Here,
    Path(id): Path<String>,
    query: QueryPairs,
    paged: Paged,
) -> Result<Response, ApiError> {
    let listing = roles::users::roles(&tenant, &id, searched(&query)?, paged.page()).await?;
    Ok(paged.respond(&listing))
}

async fn assign(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<RoleIds>,
) -> Result<(StatusCode, Body<Value>), ApiError> {
    let role_ids = body.role_ids.0;
    let added = roles::users::assign(&tenant, &id, role_ids.clone()).await?;
    Ok((StatusCode::CREATED, Body(json!({ "roleIds": role_ids, "addedRoleIds": added }))))
}

async fn replace(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<RoleIds>,
) -> Result<Body<Value>, ApiError> {
    let role_ids = body.role_ids.0;
    roles::users::replace(&tenant, &id, role_ids.clone()).await?;
    Ok(Body(json!({ "roleIds": role_ids })))
}

async fn unassign(
    Here(tenant): Here,
    Path((id, role_id)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    roles::users::remove(&tenant, &role_id, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn list_organizations(
    Here(tenant): Here,
    Path(id): Path<String>,
) -> Result<Body<Vec<OrganizationOfMember>>, ApiError> {
    Ok(Body(organizations::of_user(&tenant, &id).await?))
}
