//! `/api/resources`

use axum::Json as Body;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trinco_core::Listing;
use trinco_core::resources::{
    self, Entry, NewResource, NewScope, Resource, ResourceChanges, ResourceScope, ScopeChanges,
};
use trinco_oauth::protected_resource::ProtectedResource;

use super::doors::{Doors, get, patch};
use super::parts::{Flag, Searched, says_yes};
use crate::app::Here;
use crate::extract::{Json, Paged, Path, Query};
use crate::failure::ApiError;
use crate::reply::{Created, Listed, NO_CONTENT, NoContent, created};

pub(super) fn routes() -> Doors {
    Doors::new("API resources")
        .route(
            "/api/resources",
            get("List API resources", list).post("Create an API resource", create),
        )
        .route(
            "/api/resources/{id}",
            get("See an API resource", read)
                .patch("Change an API resource", update)
                .delete("Delete an API resource", remove),
        )
        .route(
            "/api/resources/{id}/is-default",
            patch("Make an API resource the default, or no longer", set_default),
        )
        .route(
            "/api/resources/{id}/protected-resource-metadata",
            get("See the metadata an API may publish of itself", protected_resource),
        )
        .route(
            "/api/resources/{id}/scopes",
            get("List the permissions of an API resource", scopes)
                .post("Create a permission of an API resource", create_scope),
        )
        .route(
            "/api/resources/{id}/scopes/{scope_id}",
            patch("Change a permission of an API resource", update_scope)
                .delete("Delete a permission of an API resource", remove_scope),
        )
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ResourcesQuery {
    /// Tells the permissions of each API resource too.
    include_scopes: Option<Flag>,
}

/// An API resource, with its permissions where they are wanted.
#[derive(Serialize, JsonSchema)]
struct Detailed {
    #[serde(flatten)]
    resource: Resource,
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<ResourceScope>>,
}

async fn list(
    Here(tenant): Here,
    Query(query): Query<ResourcesQuery>,
    paged: Paged,
) -> Result<Listed<Vec<Detailed>>, ApiError> {
    let with_scopes = says_yes(query.include_scopes);
    let Listing { rows, total } = resources::list(&tenant, paged.page_or_all());
    let detailed = |entry: &Entry| Detailed {
        resource: entry.resource.clone(),
        scopes: with_scopes.then(|| entry.scopes.clone()),
    };
    let rows = rows.iter().map(|entry| detailed(entry)).collect();
    Ok(paged.respond_or_all(Listing { rows, total }))
}

async fn create(
    Here(tenant): Here,
    Json(new): Json<NewResource>,
) -> Result<Created<Detailed>, ApiError> {
    let resource = resources::create(&tenant, new).await?;
    Ok(created(Detailed { resource, scopes: Some(Vec::new()) }))
}

async fn read(Here(tenant): Here, Path(id): Path<String>) -> Result<Body<Resource>, ApiError> {
    Ok(Body(resources::get(&tenant, &id).await?.resource.clone()))
}

async fn update(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(changes): Json<ResourceChanges>,
) -> Result<Body<Resource>, ApiError> {
    Ok(Body(resources::update(&tenant, &id, changes).await?))
}

/// Ours alone: what the API itself publishes at its well-known address (RFC 9728).
async fn protected_resource(
    Here(tenant): Here,
    Path(id): Path<String>,
) -> Result<Body<ProtectedResource>, ApiError> {
    Ok(Body(resources::protected_resource(&tenant, &id).await?))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct IsDefault {
    is_default: bool,
}

async fn set_default(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<IsDefault>,
) -> Result<Body<Resource>, ApiError> {
    Ok(Body(resources::set_default(&tenant, &id, body.is_default).await?))
}

async fn remove(Here(tenant): Here, Path(id): Path<String>) -> Result<NoContent, ApiError> {
    resources::delete(&tenant, &id).await?;
    Ok(NO_CONTENT)
}

async fn scopes(
    Here(tenant): Here,
    Path(id): Path<String>,
    searched: Searched,
    paged: Paged,
) -> Result<Listed<Vec<ResourceScope>>, ApiError> {
    let listing = resources::scopes(&tenant, &id, searched.text(), paged.page()).await?;
    Ok(paged.respond(listing))
}

async fn create_scope(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(new): Json<NewScope>,
) -> Result<Created<ResourceScope>, ApiError> {
    let scope = resources::create_scope(&tenant, &id, new).await?;
    Ok(created(scope))
}

async fn update_scope(
    Here(tenant): Here,
    Path((id, scope_id)): Path<(String, String)>,
    Json(changes): Json<ScopeChanges>,
) -> Result<Body<ResourceScope>, ApiError> {
    Ok(Body(resources::update_scope(&tenant, &id, &scope_id, changes).await?))
}

async fn remove_scope(
    Here(tenant): Here,
    Path((id, scope_id)): Path<(String, String)>,
) -> Result<NoContent, ApiError> {
    resources::delete_scope(&tenant, &id, &scope_id).await?;
    Ok(NO_CONTENT)
}
