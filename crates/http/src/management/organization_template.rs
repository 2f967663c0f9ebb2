//! `/api/organization-roles` and `/api/organization-scopes`

use axum::response::Response;
use axum::routing::{delete, get};
use axum::{Json as Body, Router};
use http::StatusCode;
use serde::Deserialize;
use trinco_core::organization_template::{
    self as template, NewOrganizationRole, NewOrganizationScope, OrganizationRole,
    OrganizationRoleChanges, OrganizationScope, OrganizationScopeChanges, scopes,
};

use super::parts::{Ids, SomeIds};
use crate::app::{App, Here};
use crate::extract::{Json, Paged, Path, QueryPairs};
use crate::failure::ApiError;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/organization-roles", get(list_roles).post(create_role))
        .route(
            "/api/organization-roles/{id}",
            get(read_role).patch(update_role).delete(remove_role),
        )
        .route(
            "/api/organization-roles/{id}/scopes",
            get(role_scopes).post(add_role_scopes).put(replace_role_scopes),
        )
        .route("/api/organization-roles/{id}/scopes/{scope_id}", delete(remove_role_scope))
        .route(
            "/api/organization-roles/{id}/resource-scopes",
            get(resource_scopes).post(add_resource_scopes).put(replace_resource_scopes),
        )
        .route(
            "/api/organization-roles/{id}/resource-scopes/{scope_id}",
            delete(remove_resource_scope),
        )
        .route("/api/organization-scopes", get(list_scopes).post(create_scope))
        .route(
            "/api/organization-scopes/{id}",
            get(read_scope).patch(update_scope).delete(remove_scope),
        )
}

async fn list_roles(
    Here(tenant): Here,
    query: QueryPairs,
    paged: Paged,
) -> Result<Response, ApiError> {
    Ok(paged.respond(&template::list_roles(&tenant, query.get("q"), paged.page())))
}

async fn create_role(
    Here(tenant): Here,
    Json(new): Json<NewOrganizationRole>,
) -> Result<(StatusCode, Body<OrganizationRole>), ApiError> {
    Ok((StatusCode::CREATED, Body(template::create_role(&tenant, new).await?)))
}

async fn read_role(
    Here(tenant): Here,
    Path(id): Path<String>,
) -> Result<Body<OrganizationRole>, ApiError> {
    Ok(Body(template::get_role(&tenant, &id).await?))
}

async fn update_role(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(changes): Json<OrganizationRoleChanges>,
) -> Result<Body<OrganizationRole>, ApiError> {
    Ok(Body(template::update_role(&tenant, &id, changes).await?))
}

async fn remove_role(Here(tenant): Here, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    template::delete_role(&tenant, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn role_scopes(
    Here(tenant): Here,
    Path(id): Path<String>,
    paged: Paged,
) -> Result<Response, ApiError> {
    let listing = template::role_scopes(&tenant, &id, paged.page_or_all()).await?;
    Ok(paged.respond_or_all(&listing))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScopesToAdd {
    organization_scope_ids: SomeIds,
}

async fn add_role_scopes(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<ScopesToAdd>,
) -> Result<StatusCode, ApiError> {
    template::set_role_scopes(&tenant, &id, body.organization_scope_ids.0, false).await?;
    Ok(StatusCode::CREATED)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Scopes {
    organization_scope_ids: Ids,
}

async fn replace_role_scopes(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<Scopes>,
) -> Result<StatusCode, ApiError> {
    template::set_role_scopes(&tenant, &id, body.organization_scope_ids.0, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove_role_scope(
    Here(tenant): Here,
    Path((id, scope_id)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    template::remove_role_scope(&tenant, &id, &scope_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn resource_scopes(
    Here(tenant): Here,
    Path(id): Path<String>,
    paged: Paged,
) -> Result<Response, ApiError> {
    let listing = template::role_resource_scopes(&tenant, &id, paged.page_or_all()).await?;
    Ok(paged.respond_or_all(&listing))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceScopesToAdd {
    scope_ids: SomeIds,
}

async fn add_resource_scopes(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<ResourceScopesToAdd>,
) -> Result<StatusCode, ApiError> {
    template::set_role_resource_scopes(&tenant, &id, body.scope_ids.0, false).await?;
    Ok(StatusCode::CREATED)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceScopes {
    scope_ids: Ids,
}

async fn replace_resource_scopes(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<ResourceScopes>,
) -> Result<StatusCode, ApiError> {
    template::set_role_resource_scopes(&tenant, &id, body.scope_ids.0, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove_resource_scope(
    Here(tenant): Here,
    Path((id, scope_id)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    template::remove_role_resource_scope(&tenant, &id, &scope_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn list_scopes(
    Here(tenant): Here,
    query: QueryPairs,
    paged: Paged,
) -> Result<Response, ApiError> {
    let listing = scopes::list(&tenant, query.get("q"), paged.page_or_all());
    Ok(paged.respond_or_all(&listing))
}

async fn create_scope(
    Here(tenant): Here,
    Json(new): Json<NewOrganizationScope>,
) -> Result<(StatusCode, Body<OrganizationScope>), ApiError> {
    Ok((StatusCode::CREATED, Body(scopes::create(&tenant, new).await?)))
}

async fn read_scope(
    Here(tenant): Here,
    Path(id): Path<String>,
) -> Result<Body<OrganizationScope>, ApiError> {
    Ok(Body(scopes::get(&tenant, &id).await?))
}

async fn update_scope(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(changes): Json<OrganizationScopeChanges>,
) -> Result<Body<OrganizationScope>, ApiError> {
    Ok(Body(scopes::update(&tenant, &id, changes).await?))
}

async fn remove_scope(Here(tenant): Here, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    scopes::delete(&tenant, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
