//! `/api/applications/{applicationId}/access-control`

use axum::Json as Body;
use schemars::JsonSchema;
use serde::Deserialize;
use trinco_core::Text;
use trinco_core::access_control::{self, AccessControl, OrganizationRoleRule};

use super::doors::{Doors, get};
use super::parts::{Ids, SomeIds};
use crate::app::Here;
use crate::extract::{Json, Path};
use crate::failure::ApiError;

pub(super) fn routes() -> Doors {
    Doors::new("Applications").route(
        "/api/applications/{id}/access-control",
        get("See who may use an application", read).put("Set who may use an application", replace),
    )
}

async fn read(Here(tenant): Here, Path(id): Path<String>) -> Result<Body<AccessControl>, ApiError> {
    Ok(Body(access_control::get(&tenant, &id).await?))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Rules {
    user_ids: Ids,
    user_role_ids: Ids,
    organization_ids: Ids,
    organization_role_rules: Vec<RoleRule>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RoleRule {
    organization_id: Text<1, 128>,
    organization_role_ids: SomeIds,
}

async fn replace(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<Rules>,
) -> Result<Body<AccessControl>, ApiError> {
    let rule = |rule: RoleRule| OrganizationRoleRule {
        organization_id: rule.organization_id.into_string(),
        organization_role_ids: rule.organization_role_ids.0,
    };
    let rules = AccessControl {
        user_ids: body.user_ids.0,
        user_role_ids: body.user_role_ids.0,
        organization_ids: body.organization_ids.0,
        organization_role_rules: body.organization_role_rules.into_iter().map(rule).collect(),
    };
    Ok(Body(access_control::replace(&tenant, &id, rules).await?))
}
