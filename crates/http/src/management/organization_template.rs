//! `/api/organization-roles` and `/api/organization-scopes`

use axum::Json as Body;
use schemars::JsonSchema;
use serde::Deserialize;
use trinco_core::organization_template::{
    self as template, NewOrganizationRole, NewOrganizationScope, OrganizationRole,
    OrganizationRoleChanges, OrganizationRoleSummary, OrganizationScope, OrganizationScopeChanges,
    scopes,
};
use trinco_core::resources::ResourceScope;

use super::doors::{Doors, delete, get};
use super::parts::{Ids, Named, SomeIds};
use crate::app::Here;
use crate::extract::{Json, Paged, Path, Query};
use crate::failure::ApiError;
use crate::reply::{ADDED, Added, Created, Listed, NO_CONTENT, NoContent, created};

pub(super) fn routes() -> Doors {
    Doors::new("Organization roles and permissions")
        .route(
            "/api/organization-roles",
            get("List organization roles", list_roles)
                .post("Create an organization role", create_role),
        )
        .route(
            "/api/organization-roles/{id}",
            get("See an organization role", read_role)
                .patch("Change an organization role", update_role)
                .delete("Delete an organization role", remove_role),
        )
        .route(
            "/api/organization-roles/{id}/scopes",
            get("List the organization permissions of an organization role", role_scopes)
                .post("Give an organization role organization permissions", add_role_scopes)
                .put(
                    "Set the organization permissions of an organization role",
                    replace_role_scopes,
                ),
        )
        .route(
            "/api/organization-roles/{id}/scopes/{scope_id}",
            delete("Take an organization permission from an organization role", remove_role_scope),
        )
        .route(
            "/api/organization-roles/{id}/resource-scopes",
            get("List the API permissions of an organization role", resource_scopes)
                .post("Give an organization role API permissions", add_resource_scopes)
                .put("Set the API permissions of an organization role", replace_resource_scopes),
        )
        .route(
            "/api/organization-roles/{id}/resource-scopes/{scope_id}",
            delete("Take an API permission from an organization role", remove_resource_scope),
        )
        .route(
            "/api/organization-scopes",
            get("List organization permissions", list_scopes)
                .post("Create an organization permission", create_scope),
        )
        .route(
            "/api/organization-scopes/{id}",
            get("See an organization permission", read_scope)
                .patch("Change an organization permission", update_scope)
                .delete("Delete an organization permission", remove_scope),
        )
}

async fn list_roles(
    Here(tenant): Here,
    Query(query): Query<Named>,
    paged: Paged,
) -> Result<Listed<Vec<OrganizationRoleSummary>>, ApiError> {
    Ok(paged.respond(template::list_roles(&tenant, query.q.as_deref(), paged.page())))
}

async fn create_role(
    Here(tenant): Here,
    Json(new): Json<NewOrganizationRole>,
) -> Result<Created<OrganizationRole>, ApiError> {
    Ok(created(template::create_role(&tenant, new).await?))
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

async fn remove_role(Here(tenant): Here, Path(id): Path<String>) -> Result<NoContent, ApiError> {
    template::delete_role(&tenant, &id).await?;
    Ok(NO_CONTENT)
}

async fn role_scopes(
    Here(tenant): Here,
    Path(id): Path<String>,
    paged: Paged,
) -> Result<Listed<Vec<OrganizationScope>>, ApiError> {
    let listing = template::role_scopes(&tenant, &id, paged.page_or_all()).await?;
    Ok(paged.respond_or_all(listing))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ScopesToAdd {
    organization_scope_ids: SomeIds,
}

async fn add_role_scopes(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<ScopesToAdd>,
) -> Result<Added, ApiError> {
    template::set_role_scopes(&tenant, &id, body.organization_scope_ids.0, false).await?;
    Ok(ADDED)
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Scopes {
    organization_scope_ids: Ids,
}

async fn replace_role_scopes(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<Scopes>,
) -> Result<NoContent, ApiError> {
    template::set_role_scopes(&tenant, &id, body.organization_scope_ids.0, true).await?;
    Ok(NO_CONTENT)
}

async fn remove_role_scope(
    Here(tenant): Here,
    Path((id, scope_id)): Path<(String, String)>,
) -> Result<NoContent, ApiError> {
    template::remove_role_scope(&tenant, &id, &scope_id).await?;
    Ok(NO_CONTENT)
}

async fn resource_scopes(
    Here(tenant): Here,
    Path(id): Path<String>,
    paged: Paged,
) -> Result<Listed<Vec<ResourceScope>>, ApiError> {
    let listing = template::role_resource_scopes(&tenant, &id, paged.page_or_all()).await?;
    Ok(paged.respond_or_all(listing))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ResourceScopesToAdd {
    scope_ids: SomeIds,
}

async fn add_resource_scopes(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<ResourceScopesToAdd>,
) -> Result<Added, ApiError> {
    template::set_role_resource_scopes(&tenant, &id, body.scope_ids.0, false).await?;
    Ok(ADDED)
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ResourceScopes {
    scope_ids: Ids,
}

async fn replace_resource_scopes(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<ResourceScopes>,
) -> Result<NoContent, ApiError> {
    template::set_role_resource_scopes(&tenant, &id, body.scope_ids.0, true).await?;
    Ok(NO_CONTENT)
}

async fn remove_resource_scope(
    Here(tenant): Here,
    Path((id, scope_id)): Path<(String, String)>,
) -> Result<NoContent, ApiError> {
    template::remove_role_resource_scope(&tenant, &id, &scope_id).await?;
    Ok(NO_CONTENT)
}

async fn list_scopes(
    Here(tenant): Here,
    Query(query): Query<Named>,
    paged: Paged,
) -> Result<Listed<Vec<OrganizationScope>>, ApiError> {
    let listing = scopes::list(&tenant, query.q.as_deref(), paged.page_or_all());
    Ok(paged.respond_or_all(listing))
}

async fn create_scope(
    Here(tenant): Here,
    Json(new): Json<NewOrganizationScope>,
) -> Result<Created<OrganizationScope>, ApiError> {
    Ok(created(scopes::create(&tenant, new).await?))
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

async fn remove_scope(Here(tenant): Here, Path(id): Path<String>) -> Result<NoContent, ApiError> {
    scopes::delete(&tenant, &id).await?;
    Ok(NO_CONTENT)
}
