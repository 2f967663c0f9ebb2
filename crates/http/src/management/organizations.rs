//! `/api/organizations`

use axum::response::Response;
use axum::routing::{delete, get, post};
use axum::{Json as Body, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use trinco_core::organization_template::OrganizationScope;
use trinco_core::organizations::{self, NewOrganization, Organization, OrganizationChanges, users};

use super::organization_applications;
use super::parts::{Ids, SomeIds, says_yes};
use crate::app::{App, Here};
use crate::extract::{Json, Paged, Path, QueryPairs};
use crate::failure::ApiError;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/organizations", get(list).post(create))
        .route("/api/organizations/{id}", get(read).patch(update).delete(remove))
        .route("/api/organizations/{id}/users", get(list_users).post(add_users).put(replace_users))
        .route("/api/organizations/{id}/users/roles", post(assign_to_users))
        .route("/api/organizations/{id}/users/{user_id}", delete(remove_user))
        .route(
            "/api/organizations/{id}/users/{user_id}/roles",
            get(list_roles).post(assign_roles).put(replace_roles),
        )
        .route("/api/organizations/{id}/users/{user_id}/roles/{role_id}", delete(unassign_role))
        .route("/api/organizations/{id}/users/{user_id}/scopes", get(list_scopes))
        .merge(organization_applications::routes())
}

async fn list(Here(tenant): Here, query: QueryPairs, paged: Paged) -> Result<Response, ApiError> {
    let featured = says_yes(&query, "showFeatured");
    let listing = organizations::list(&tenant, query.get("q"), featured, paged.page()).await?;
    Ok(paged.respond(&listing))
}

async fn create(
    Here(tenant): Here,
    Json(new): Json<NewOrganization>,
) -> Result<(StatusCode, Body<Organization>), ApiError> {
    Ok((StatusCode::CREATED, Body(organizations::create(&tenant, new).await?)))
}

async fn read(Here(tenant): Here, Path(id): Path<String>) -> Result<Body<Organization>, ApiError> {
    Ok(Body(organizations::get(&tenant, &id).await?))
}

async fn update(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(changes): Json<OrganizationChanges>,
) -> Result<Body<Organization>, ApiError> {
    Ok(Body(organizations::update(&tenant, &id, changes).await?))
}

async fn remove(Here(tenant): Here, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    organizations::delete(&tenant, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn list_users(
    Here(tenant): Here,
    Path(id): Path<String>,
    query: QueryPairs,
    paged: Paged,
) -> Result<Response, ApiError> {
    let filter = users::Filter {
        containing: query.get("q").map(str::to_owned),
        role_id: query.get("organizationRoleId").map(str::to_owned),
    };
    Ok(paged.respond(&users::list(&tenant, &id, &filter, paged.page()).await?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UsersToAdd {
    user_ids: SomeIds,
}

async fn add_users(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<UsersToAdd>,
) -> Result<(StatusCode, Body<Value>), ApiError> {
    let user_ids = body.user_ids.0;
    users::add(&tenant, &id, user_ids.clone()).await?;
    Ok((StatusCode::CREATED, Body(json!({ "userIds": user_ids }))))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Users {
    user_ids: Ids,
}

async fn replace_users(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<Users>,
) -> Result<StatusCode, ApiError> {
    users::replace(&tenant, &id, body.user_ids.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove_user(
    Here(tenant): Here,
    Path((id, user_id)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    users::remove(&tenant, &id, &user_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UsersAndRoles {
    user_ids: SomeIds,
    organization_role_ids: SomeIds,
}

async fn assign_to_users(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<UsersAndRoles>,
) -> Result<StatusCode, ApiError> {
    users::assign_to_all(&tenant, &id, body.user_ids.0, body.organization_role_ids.0).await?;
    Ok(StatusCode::CREATED)
}

async fn list_roles(
    Here(tenant): Here,
    Path((id, user_id)): Path<(String, String)>,
    paged: Paged,
) -> Result<Response, ApiError> {
    let listing = users::roles(&tenant, &id, &user_id, paged.page_or_all()).await?;
    Ok(paged.respond_or_all(&listing))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Roles {
    #[serde(default)]
    organization_role_ids: Ids,
    #[serde(default)]
    organization_role_names: Ids,
}

async fn assign_roles(
    Here(tenant): Here,
    Path((id, user_id)): Path<(String, String)>,
    Json(Roles { organization_role_ids: ids, organization_role_names: names }): Json<Roles>,
) -> Result<(StatusCode, Body<Value>), ApiError> {
    let role_ids = users::assign(&tenant, &id, &user_id, ids.0, &names.0).await?;
    Ok((StatusCode::CREATED, Body(json!({ "organizationRoleIds": role_ids }))))
}

async fn replace_roles(
    Here(tenant): Here,
    Path((id, user_id)): Path<(String, String)>,
    Json(Roles { organization_role_ids: ids, organization_role_names: names }): Json<Roles>,
) -> Result<StatusCode, ApiError> {
    users::replace_roles(&tenant, &id, &user_id, ids.0, &names.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn unassign_role(
    Here(tenant): Here,
    Path((id, user_id, role_id)): Path<(String, String, String)>,
) -> Result<StatusCode, ApiError> {
    users::unassign(&tenant, &id, &user_id, &role_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn list_scopes(
    Here(tenant): Here,
    Path((id, user_id)): Path<(String, String)>,
) -> Result<Body<Vec<OrganizationScope>>, ApiError> {
    Ok(Body(users::scopes(&tenant, &id, &user_id).await?))
}
