//! `/api/roles`

use axum::Json as Body;
use schemars::JsonSchema;
use serde::Deserialize;
use trinco_core::applications::Application;
use trinco_core::resources::ResourceScope;
use trinco_core::roles::{
    self, Filter, NewRole, Role, RoleChanges, RoleSummary, RoleType, ScopeOfRole,
};
use trinco_core::users::User;

use super::doors::{Doors, delete, get};
use super::parts::{Searched, SomeIds};
use crate::app::Here;
use crate::extract::{Json, Paged, Path, Query};
use crate::failure::ApiError;
use crate::reply::{ADDED, Added, Created, Listed, NO_CONTENT, NoContent, created};

pub(super) fn routes() -> Doors {
    Doors::new("Roles")
        .route("/api/roles", get("List roles", list).post("Create a role", create))
        .route(
            "/api/roles/{id}",
            get("See a role", read).patch("Change a role", update).delete("Delete a role", remove),
        )
        .route(
            "/api/roles/{id}/scopes",
            get("List the permissions of a role", scopes)
                .post("Give a role permissions", add_scopes),
        )
        .route(
            "/api/roles/{id}/scopes/{scope_id}",
            delete("Take a permission from a role", remove_scope),
        )
        .route(
            "/api/roles/{id}/users",
            get("List the users who hold a role", users).post("Give users a role", add_users),
        )
        .route("/api/roles/{id}/users/{user_id}", delete("Take a role from a user", remove_user))
        .route(
            "/api/roles/{id}/applications",
            get("List the applications that hold a role", applications)
                .post("Give applications a role", add_applications),
        )
        .route(
            "/api/roles/{id}/applications/{application_id}",
            delete("Take a role from an application", remove_application),
        )
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RolesQuery {
    /// Roles for users, or for machines.
    r#type: Option<RoleType>,
    /// Leaves out the roles that this user holds.
    exclude_user_id: Option<String>,
    /// Leaves out the roles that this application holds.
    exclude_application_id: Option<String>,
}

async fn list(
    Here(tenant): Here,
    searched: Searched,
    Query(query): Query<RolesQuery>,
    paged: Paged,
) -> Result<Listed<Vec<RoleSummary>>, ApiError> {
    let filter = Filter {
        role_type: query.r#type,
        without_user: query.exclude_user_id,
        without_application: query.exclude_application_id,
        containing: searched.text().map(str::to_owned),
    };
    Ok(paged.respond(roles::list(&tenant, &filter, paged.page()).await?))
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

async fn remove(Here(tenant): Here, Path(id): Path<String>) -> Result<NoContent, ApiError> {
    roles::delete(&tenant, &id).await?;
    Ok(NO_CONTENT)
}

async fn scopes(
    Here(tenant): Here,
    Path(id): Path<String>,
    searched: Searched,
    paged: Paged,
) -> Result<Listed<Vec<ScopeOfRole>>, ApiError> {
    let listing = roles::scopes(&tenant, &id, searched.text(), paged.page_or_all()).await?;
    Ok(paged.respond_or_all(listing))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ScopeIds {
    scope_ids: SomeIds,
}

async fn add_scopes(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<ScopeIds>,
) -> Result<Created<Vec<ResourceScope>>, ApiError> {
    let scopes = roles::add_scopes(&tenant, &id, body.scope_ids.0).await?;
    Ok(created(scopes))
}

async fn remove_scope(
    Here(tenant): Here,
    Path((id, scope_id)): Path<(String, String)>,
) -> Result<NoContent, ApiError> {
    roles::remove_scope(&tenant, &id, &scope_id).await?;
    Ok(NO_CONTENT)
}

async fn users(
    Here(tenant): Here,
    Path(id): Path<String>,
    searched: Searched,
    paged: Paged,
) -> Result<Listed<Vec<User>>, ApiError> {
    let listing = roles::users::list(&tenant, &id, searched.text(), paged.page()).await?;
    Ok(paged.respond(listing))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct UserIds {
    user_ids: SomeIds,
}

async fn add_users(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<UserIds>,
) -> Result<Added, ApiError> {
    roles::users::add(&tenant, &id, body.user_ids.0).await?;
    Ok(ADDED)
}

async fn remove_user(
    Here(tenant): Here,
    Path((id, user_id)): Path<(String, String)>,
) -> Result<NoContent, ApiError> {
    roles::users::remove(&tenant, &id, &user_id).await?;
    Ok(NO_CONTENT)
}

async fn applications(
    Here(tenant): Here,
    Path(id): Path<String>,
    searched: Searched,
    paged: Paged,
) -> Result<Listed<Vec<Application>>, ApiError> {
    let listing = roles::applications::list(&tenant, &id, searched.text(), paged.page()).await?;
    Ok(paged.respond(listing))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ApplicationIds {
    application_ids: SomeIds,
}

async fn add_applications(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<ApplicationIds>,
) -> Result<Added, ApiError> {
    roles::applications::add(&tenant, &id, body.application_ids.0).await?;
    Ok(ADDED)
}

async fn remove_application(
    Here(tenant): Here,
    Path((id, application_id)): Path<(String, String)>,
) -> Result<NoContent, ApiError> {
    roles::applications::remove(&tenant, &id, &application_id).await?;
    Ok(NO_CONTENT)
}
