//! `/api/organizations/{id}/applications`

use schemars::JsonSchema;
use serde::Deserialize;
use trinco_core::organization_template::OrganizationRole;
use trinco_core::organizations::{MemberApplication, applications};

use super::doors::{Doors, delete, get, post};
use super::parts::{Ids, Named, SomeIds};
use crate::app::Here;
use crate::extract::{Json, Paged, Path, Query};
use crate::failure::ApiError;
use crate::reply::{ADDED, Added, Listed, NO_CONTENT, NoContent};

pub(super) fn routes() -> Doors {
    Doors::new("Organizations")
        .route(
            "/api/organizations/{id}/applications",
            get("List the applications of an organization", list)
                .post("Add applications to an organization", add)
                .put("Set the applications of an organization", replace),
        )
        .route(
            "/api/organizations/{id}/applications/roles",
            post("Give applications of an organization roles in it", assign_to_all),
        )
        .route(
            "/api/organizations/{id}/applications/{application_id}",
            delete("Remove an application from an organization", remove),
        )
        .route(
            "/api/organizations/{id}/applications/{application_id}/roles",
            get("List the roles of an application in an organization", roles)
                .post("Give an application roles in an organization", add_roles)
                .put("Set the roles of an application in an organization", replace_roles),
        )
        .route(
            "/api/organizations/{id}/applications/{application_id}/roles/{role_id}",
            delete("Take a role in an organization from an application", unassign_role),
        )
}

async fn list(
    Here(tenant): Here,
    Path(id): Path<String>,
    Query(query): Query<Named>,
    paged: Paged,
) -> Result<Listed<Vec<MemberApplication>>, ApiError> {
    let listing = applications::list(&tenant, &id, query.q.as_deref(), paged.page_or_all()).await?;
    Ok(paged.respond_or_all(listing))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ApplicationsToAdd {
    application_ids: SomeIds,
}

async fn add(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<ApplicationsToAdd>,
) -> Result<Added, ApiError> {
    applications::add(&tenant, &id, body.application_ids.0).await?;
    Ok(ADDED)
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Applications {
    application_ids: Ids,
}

async fn replace(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<Applications>,
) -> Result<NoContent, ApiError> {
    applications::replace(&tenant, &id, body.application_ids.0).await?;
    Ok(NO_CONTENT)
}

async fn remove(
    Here(tenant): Here,
    Path((id, application_id)): Path<(String, String)>,
) -> Result<NoContent, ApiError> {
    applications::remove(&tenant, &id, &application_id).await?;
    Ok(NO_CONTENT)
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ApplicationsAndRoles {
    application_ids: SomeIds,
    organization_role_ids: SomeIds,
}

async fn assign_to_all(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<ApplicationsAndRoles>,
) -> Result<Added, ApiError> {
    let (application_ids, role_ids) = (body.application_ids.0, body.organization_role_ids.0);
    applications::assign_to_all(&tenant, &id, application_ids, role_ids).await?;
    Ok(ADDED)
}

async fn roles(
    Here(tenant): Here,
    Path((id, application_id)): Path<(String, String)>,
    paged: Paged,
) -> Result<Listed<Vec<OrganizationRole>>, ApiError> {
    let listing = applications::roles(&tenant, &id, &application_id, paged.page_or_all()).await?;
    Ok(paged.respond_or_all(listing))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RolesToAdd {
    organization_role_ids: SomeIds,
}

async fn add_roles(
    Here(tenant): Here,
    Path((id, application_id)): Path<(String, String)>,
    Json(body): Json<RolesToAdd>,
) -> Result<Added, ApiError> {
    let role_ids = body.organization_role_ids.0;
    applications::set_roles(&tenant, &id, &application_id, role_ids, false).await?;
    Ok(ADDED)
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Roles {
    organization_role_ids: Ids,
}

async fn replace_roles(
    Here(tenant): Here,
    Path((id, application_id)): Path<(String, String)>,
    Json(body): Json<Roles>,
) -> Result<NoContent, ApiError> {
    let role_ids = body.organization_role_ids.0;
    applications::set_roles(&tenant, &id, &application_id, role_ids, true).await?;
    Ok(NO_CONTENT)
}

async fn unassign_role(
    Here(tenant): Here,
    Path((id, application_id, role_id)): Path<(String, String, String)>,
) -> Result<NoContent, ApiError> {
    applications::unassign(&tenant, &id, &application_id, &role_id).await?;
    Ok(NO_CONTENT)
}
