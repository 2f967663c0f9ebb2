//! `/api/applications/{applicationId}/user-consent-scopes` and `/api/applications/{id}/users/{userId}/consent-organizations`

use axum::Json as Body;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trinco_core::consents::{
    ListedConsentScopes, NewConsentScopes, ScopeType, organizations, scopes,
};
use trinco_core::organizations::Organization;
use trinco_core::{Error, Listing};

use super::doors::{Doors, delete, get};
use super::parts::Ids;
use crate::app::Here;
use crate::extract::{Json, Paged, Path};
use crate::failure::ApiError;
use crate::reply::{ADDED, Added, Listed, NO_CONTENT, NoContent};

pub(super) fn routes() -> Doors {
    Doors::new("Applications")
        .route(
            "/api/applications/{id}/user-consent-scopes",
            get("See what a third-party application may ask for", list)
                .post("Let a third-party application ask for more", add),
        )
        .route(
            "/api/applications/{id}/user-consent-scopes/{scope_type}/{scope_id}",
            delete("Stop a third-party application from asking for a scope", remove),
        )
        .route(
            "/api/applications/{id}/users/{user_id}/consent-organizations",
            get("List the organizations a user gave an application access to", list_organizations)
                .post("Give an application access to organizations of a user", add_organizations)
                .put(
                    "Set the organizations of a user an application has access to",
                    replace_organizations,
                ),
        )
        .route(
            "/api/applications/{id}/users/{user_id}/consent-organizations/{organization_id}",
            delete("Take access to an organization of a user away", remove_organization),
        )
}

async fn list(
    Here(tenant): Here,
    Path(id): Path<String>,
) -> Result<Body<ListedConsentScopes>, ApiError> {
    Ok(Body(scopes::list(&tenant, &id).await?))
}

async fn add(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(new): Json<NewConsentScopes>,
) -> Result<Added, ApiError> {
    scopes::add(&tenant, &id, new).await?;
    Ok(ADDED)
}

async fn remove(
    Here(tenant): Here,
    Path((id, scope_type, scope_id)): Path<(String, String, String)>,
) -> Result<NoContent, ApiError> {
    let scope_type: ScopeType = serde_json::from_value(Value::String(scope_type))
        .map_err(|_| Error::invalid_input("params", "scopeType", "must be a kind of scope"))?;
    scopes::remove(&tenant, &id, scope_type, &scope_id).await?;
    Ok(NO_CONTENT)
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Organizations {
    organization_ids: Ids,
}

#[derive(Serialize, JsonSchema)]
struct Granted {
    organizations: Vec<Organization>,
}

async fn list_organizations(
    Here(tenant): Here,
    Path((id, user_id)): Path<(String, String)>,
    paged: Paged,
) -> Result<Listed<Granted>, ApiError> {
    let Listing { rows, total } = organizations::list(&tenant, &id, &user_id, paged.page()).await?;
    Ok(paged.respond_with(total, Granted { organizations: rows }))
}

async fn add_organizations(
    Here(tenant): Here,
    Path((id, user_id)): Path<(String, String)>,
    Json(body): Json<Organizations>,
) -> Result<Added, ApiError> {
    organizations::add(&tenant, &id, &user_id, body.organization_ids.0).await?;
    Ok(ADDED)
}

async fn replace_organizations(
    Here(tenant): Here,
    Path((id, user_id)): Path<(String, String)>,
    Json(body): Json<Organizations>,
) -> Result<NoContent, ApiError> {
    organizations::replace(&tenant, &id, &user_id, body.organization_ids.0).await?;
    Ok(NO_CONTENT)
}

async fn remove_organization(
    Here(tenant): Here,
    Path((id, user_id, organization_id)): Path<(String, String, String)>,
) -> Result<NoContent, ApiError> {
    organizations::remove(&tenant, &id, &user_id, &organization_id).await?;
    Ok(NO_CONTENT)
}
