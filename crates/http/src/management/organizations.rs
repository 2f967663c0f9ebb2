//! `/api/organizations`

use axum::Json as Body;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trinco_core::organization_template::{OrganizationRole, OrganizationScope};
use trinco_core::organizations::{
    self, Member, NewOrganization, Organization, OrganizationChanges, OrganizationSummary, users,
};

use super::doors::{Doors, delete, get, post};
use super::organization_applications;
use super::parts::{Flag, Ids, SomeIds, says_yes};
use crate::app::Here;
use crate::extract::{Json, Paged, Path, Query};
use crate::failure::ApiError;
use crate::reply::{ADDED, Added, Created, Listed, NO_CONTENT, NoContent, created};

pub(super) fn routes() -> Doors {
    Doors::new("Organizations")
        .route(
            "/api/organizations",
            get("List organizations", list).post("Create an organization", create),
        )
        .route(
            "/api/organizations/{id}",
            get("See an organization", read)
                .patch("Change an organization", update)
                .delete("Delete an organization", remove),
        )
        .route(
            "/api/organizations/{id}/users",
            get("List the members of an organization", list_users)
                .post("Add members to an organization", add_users)
                .put("Set the members of an organization", replace_users),
        )
        .route(
            "/api/organizations/{id}/users/roles",
            post("Give members of an organization roles in it", assign_to_users),
        )
        .route(
            "/api/organizations/{id}/users/{user_id}",
            delete("Remove a member from an organization", remove_user),
        )
        .route(
            "/api/organizations/{id}/users/{user_id}/roles",
            get("List the roles of a member", list_roles)
                .post("Give a member roles", assign_roles)
                .put("Set the roles of a member", replace_roles),
        )
        .route(
            "/api/organizations/{id}/users/{user_id}/roles/{role_id}",
            delete("Take a role from a member", unassign_role),
        )
        .route(
            "/api/organizations/{id}/users/{user_id}/scopes",
            get("List the organization permissions of a member", list_scopes),
        )
        .merge(organization_applications::routes())
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct OrganizationsQuery {
    /// A text that the name, the description or the id holds, in any letter case.
    q: Option<String>,
    /// Tells a few members of each organization too.
    show_featured: Option<Flag>,
}

async fn list(
    Here(tenant): Here,
    Query(query): Query<OrganizationsQuery>,
    paged: Paged,
) -> Result<Listed<Vec<OrganizationSummary>>, ApiError> {
    let featured = says_yes(query.show_featured);
    let listing = organizations::list(&tenant, query.q.as_deref(), featured, paged.page()).await?;
    Ok(paged.respond(listing))
}

async fn create(
    Here(tenant): Here,
    Json(new): Json<NewOrganization>,
) -> Result<Created<Organization>, ApiError> {
    Ok(created(organizations::create(&tenant, new).await?))
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

async fn remove(Here(tenant): Here, Path(id): Path<String>) -> Result<NoContent, ApiError> {
    organizations::delete(&tenant, &id).await?;
    Ok(NO_CONTENT)
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct MembersQuery {
    /// A text that a name, an address, a number or the id of the user holds, in any letter case.
    q: Option<String>,
    /// Only members who hold this role.
    organization_role_id: Option<String>,
}

async fn list_users(
    Here(tenant): Here,
    Path(id): Path<String>,
    Query(query): Query<MembersQuery>,
    paged: Paged,
) -> Result<Listed<Vec<Member>>, ApiError> {
    let filter = users::Filter { containing: query.q, role_id: query.organization_role_id };
    Ok(paged.respond(users::list(&tenant, &id, &filter, paged.page()).await?))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct UsersToAdd {
    user_ids: SomeIds,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AddedUsers {
    user_ids: Vec<String>,
}

async fn add_users(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<UsersToAdd>,
) -> Result<Created<AddedUsers>, ApiError> {
    let user_ids = body.user_ids.0;
    users::add(&tenant, &id, user_ids.clone()).await?;
    Ok(created(AddedUsers { user_ids }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Users {
    user_ids: Ids,
}

async fn replace_users(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<Users>,
) -> Result<NoContent, ApiError> {
    users::replace(&tenant, &id, body.user_ids.0).await?;
    Ok(NO_CONTENT)
}

async fn remove_user(
    Here(tenant): Here,
    Path((id, user_id)): Path<(String, String)>,
) -> Result<NoContent, ApiError> {
    users::remove(&tenant, &id, &user_id).await?;
    Ok(NO_CONTENT)
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct UsersAndRoles {
    user_ids: SomeIds,
    organization_role_ids: SomeIds,
}

async fn assign_to_users(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<UsersAndRoles>,
) -> Result<Added, ApiError> {
    users::assign_to_all(&tenant, &id, body.user_ids.0, body.organization_role_ids.0).await?;
    Ok(ADDED)
}

async fn list_roles(
    Here(tenant): Here,
    Path((id, user_id)): Path<(String, String)>,
    paged: Paged,
) -> Result<Listed<Vec<OrganizationRole>>, ApiError> {
    let listing = users::roles(&tenant, &id, &user_id, paged.page_or_all()).await?;
    Ok(paged.respond_or_all(listing))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Roles {
    #[serde(default)]
    organization_role_ids: Ids,
    #[serde(default)]
    organization_role_names: Ids,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AssignedRoles {
    organization_role_ids: Vec<String>,
}

async fn assign_roles(
    Here(tenant): Here,
    Path((id, user_id)): Path<(String, String)>,
    Json(Roles { organization_role_ids: ids, organization_role_names: names }): Json<Roles>,
) -> Result<Created<AssignedRoles>, ApiError> {
    let role_ids = users::assign(&tenant, &id, &user_id, ids.0, &names.0).await?;
    Ok(created(AssignedRoles { organization_role_ids: role_ids }))
}

async fn replace_roles(
    Here(tenant): Here,
    Path((id, user_id)): Path<(String, String)>,
    Json(Roles { organization_role_ids: ids, organization_role_names: names }): Json<Roles>,
) -> Result<NoContent, ApiError> {
    users::replace_roles(&tenant, &id, &user_id, ids.0, &names.0).await?;
    Ok(NO_CONTENT)
}

async fn unassign_role(
    Here(tenant): Here,
    Path((id, user_id, role_id)): Path<(String, String, String)>,
) -> Result<NoContent, ApiError> {
    users::unassign(&tenant, &id, &user_id, &role_id).await?;
    Ok(NO_CONTENT)
}

async fn list_scopes(
    Here(tenant): Here,
    Path((id, user_id)): Path<(String, String)>,
) -> Result<Body<Vec<OrganizationScope>>, ApiError> {
    Ok(Body(users::scopes(&tenant, &id, &user_id).await?))
}
