//! `/api/applications/{applicationId}/roles`

use trinco_core::roles::{self, Role};

use super::doors::{Doors, delete, get};
use super::parts::{Assigned, RoleIds, Searched};
use crate::app::Here;
use crate::extract::{Json, Paged, Path};
use crate::failure::ApiError;
use crate::reply::{Created, Listed, NO_CONTENT, NoContent, Reply, created};

pub(super) fn routes() -> Doors {
    Doors::new("Applications")
        .route(
            "/api/applications/{id}/roles",
            get("List the roles of an application", list)
                .post("Give an application roles", assign)
                .put("Set the roles of an application", replace),
        )
        .route(
            "/api/applications/{id}/roles/{role_id}",
            delete("Take a role from an application", unassign),
        )
}

async fn list(
    Here(tenant): Here,
    Path(id): Path<String>,
    searched: Searched,
    paged: Paged,
) -> Result<Listed<Vec<Role>>, ApiError> {
    let listing = roles::applications::roles(&tenant, &id, searched.text(), paged.page()).await?;
    Ok(paged.respond(listing))
}

async fn assign(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<RoleIds>,
) -> Result<Created<Assigned>, ApiError> {
    let role_ids = body.role_ids.0;
    let added = roles::applications::assign(&tenant, &id, role_ids.clone()).await?;
    Ok(created(Assigned { role_ids, added_role_ids: Some(added) }))
}

async fn replace(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<RoleIds>,
) -> Result<Reply<200, ()>, ApiError> {
    roles::applications::replace(&tenant, &id, body.role_ids.0).await?;
    Ok(Reply(()))
}

async fn unassign(
    Here(tenant): Here,
    Path((id, role_id)): Path<(String, String)>,
) -> Result<NoContent, ApiError> {
    roles::applications::unassign(&tenant, &id, &role_id).await?;
    Ok(NO_CONTENT)
}
