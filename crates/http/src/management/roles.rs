//! `/api/roles`

use axum::response::Response;
use axum::routing::{delete, get};
use axum::{Json as Body, Router};
use http::StatusCode;
use serde::Deserialize;
use trinco_core::Error;
use trinco_core::resources::ResourceScope;
use trinco_core::roles::{self, Filter, NewRole, Role, RoleChanges, RoleType};

use super::parts::{SomeIds, searched};
use crate::app::{App, Here};
use crate::extract::{Json, Paged, Path, QueryPairs};
use crate::failure::ApiError;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/roles", get(list).post(create))
        .route("/api/roles/{id}", get(read).patch(update).delete(remove))
        .route("/api/roles/{id}/scopes", get(scopes).post(add_scopes))
        .route("/api/roles/{id}/scopes/{scope_id}", delete(remove_scope))
        .route("/api/roles/{id}/users", get(users).post(add_users))
        .route("/api/roles/{id}/users/{user_id}", delete(remove_user))
        .route("/api/roles/{id}/applications", get(applications).post(add_applications))
        .route("/api/roles/{id}/applications/{application_id}", delete(remove_application))
}

async fn list(Here(tenant): Here, query: QueryPairs, paged: Paged) -> Result<Response, ApiError> {
    let role_type = match query.get("type") {
        None => None,
        Some("User") => Some(RoleType::User),
        Some("MachineToMachine") => Some(RoleType::MachineToMachine),
        Some(_) => {
            return Err(
                Error::invalid_input("query", "type", "must be User or MachineToMachine").into()
            );
        }
    };
    let filter = Filter {
        role_type,
        without_user: query.get("excludeUserId").map(str::to_owned),
        without_application: query.get("excludeApplicationId").map(str::to_owned),
        containing: searched(&query)?.map(str::to_owned),
    };
    Ok(paged.respond(&roles::list(&tenant, &filter, paged.page()).await?))
}

async fn create(Here(tenant): Here, Json(new): Json<NewRole>) -> Result<Body<Role>, ApiError> {
    Ok(Body(roles::create(&tenant, new).await?))
}

async fn read(Here(tenant): Here, Path(id): Path<String>) -> Result<Body<Role>, ApiError> {
    Ok(Body(roles::get(&tenant, &id).await?))
}

async fn update(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(changes): Json<RoleChanges>,
) -> Result<Body<Role>, ApiError> {
    Ok(Body(roles::update(&tenant, &id, changes).await?))
}

async fn remove(Here(tenant): Here, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    roles::delete(&tenant, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn scopes(
    Here(tenant): Here,
    Path(id): Path<String>,
    query: QueryPairs,
    paged: Paged,
) -> Result<Response, ApiError> {
    let listing = roles::scopes(&tenant, &id, searched(&query)?, paged.page_or_all()).await?;
    Ok(paged.respond_or_all(&listing))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScopeIds {
    scope_ids: SomeIds,
}

async fn add_scopes(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<ScopeIds>,
) -> Result<(StatusCode, Body<Vec<ResourceScope>>), ApiError> {
    let scopes = roles::add_scopes(&tenant, &id, body.scope_ids.0).await?;
    Ok((StatusCode::CREATED, Body(scopes)))
}

async fn remove_scope(
    Here(tenant): Here,
    Path((id, scope_id)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    roles::remove_scope(&tenant, &id, &scope_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn users(
    Here(tenant): Here,
    Path(id): Path<String>,
    query: QueryPairs,
    paged: Paged,
) -> Result<Response, ApiError> {
    let listing = roles::users::list(&tenant, &id, searched(&query)?, paged.page()).await?;
    Ok(paged.respond(&listing))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserIds {
    user_ids: SomeIds,
}

async fn add_users(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<UserIds>,
) -> Result<StatusCode, ApiError> {
    roles::users::add(&tenant, &id, body.user_ids.0).await?;
    Ok(StatusCode::CREATED)
}

async fn remove_user(
    Here(tenant): Here,
    Path((id, user_id)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    roles::users::remove(&tenant, &id, &user_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn applications(
    Here(tenant): Here,
    Path(id): Path<String>,
    query: QueryPairs,
    paged: Paged,
) -> Result<Response, ApiError> {
    let listing = roles::applications::list(&tenant, &id, searched(&query)?, paged.page()).await?;
    Ok(paged.respond(&listing))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApplicationIds {
    application_ids: SomeIds,
}

async fn add_applications(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<ApplicationIds>,
) -> Result<StatusCode, ApiError> {
    roles::applications::add(&tenant, &id, body.application_ids.0).await?;
    Ok(StatusCode::CREATED)
}

async fn remove_application(
    Here(tenant): Here,
    Path((id, application_id)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    roles::applications::remove(&tenant, &id, &application_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
