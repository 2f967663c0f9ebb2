//! `/api/users/{userId}/roles` and `/api/users/{userId}/organizations`

use axum::Json as Body;
use trinco_core::organizations::{self, OrganizationOfMember};
use trinco_core::roles::{self, Role};

use super::doors::{Doors, delete, get};
use super::parts::{Assigned, RoleIds, Searched};
use crate::app::Here;
use crate::extract::{Json, Paged, Path};
use crate::failure::ApiError;
use crate::reply::{Created, Listed, NO_CONTENT, NoContent, created};

pub(super) fn routes() -> Doors {
    Doors::new("Users")
        .route(
            "/api/users/{id}/roles",
            get("List the roles of a user", list)
                .post("Give a user roles", assign)
                .put("Set the roles of a user", replace),
        )
        .route("/api/users/{id}/roles/{role_id}", delete("Take a role from a user", unassign))
        .route(
            "/api/users/{id}/organizations",
            get("List the organizations of a user", list_organizations),
        )
}

async fn list(
    Here(tenant): Here,
    Path(id): Path<String>,
    searched: Searched,
    paged: Paged,
) -> Result<Listed<Vec<Role>>, ApiError> {
    let listing = roles::users::roles(&tenant, &id, searched.text(), paged.page()).await?;
    Ok(paged.respond(listing))
}

async fn assign(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<RoleIds>,
) -> Result<Created<Assigned>, ApiError> {
    let role_ids = body.role_ids.0;
    let added = roles::users::assign(&tenant, &id, role_ids.clone()).await?;
    Ok(created(Assigned { role_ids, added_role_ids: Some(added) }))
}

async fn replace(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<RoleIds>,
) -> Result<Body<Assigned>, ApiError> {
    let role_ids = body.role_ids.0;
    roles::users::replace(&tenant, &id, role_ids.clone()).await?;
    Ok(Body(Assigned { role_ids, added_role_ids: None }))
}

async fn unassign(
    Here(tenant): Here,
    Path((id, role_id)): Path<(String, String)>,
) -> Result<NoContent, ApiError> {
    roles::users::remove(&tenant, &role_id, &id).await?;
    Ok(NO_CONTENT)
}

async fn list_organizations(
    Here(tenant): Here,
    Path(id): Path<String>,
) -> Result<Body<Vec<OrganizationOfMember>>, ApiError> {
    Ok(Body(organizations::of_user(&tenant, &id).await?))
}
