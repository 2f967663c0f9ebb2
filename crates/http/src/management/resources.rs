//! `/api/resources`

use axum::response::Response;
use axum::routing::{get, patch};
use axum::{Json as Body, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use trinco_core::Listing;
use trinco_core::resources::{
    self, Entry, NewResource, NewScope, Resource, ResourceChanges, ResourceScope, ScopeChanges,
};
use trinco_oauth::protected_resource::ProtectedResource;

use super::parts::{says_yes, searched};
use crate::app::{App, Here};
use crate::extract::{Json, Paged, Path, QueryPairs};
use crate::failure::ApiError;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/resources", get(list).post(create))
        .route("/api/resources/{id}", get(read).patch(update).delete(remove))
        .route("/api/resources/{id}/is-default", patch(set_default))
        .route("/api/resources/{id}/protected-resource-metadata", get(protected_resource))
        .route("/api/resources/{id}/scopes", get(scopes).post(create_scope))
        .route("/api/resources/{id}/scopes/{scope_id}", patch(update_scope).delete(remove_scope))
}

async fn list(Here(tenant): Here, query: QueryPairs, paged: Paged) -> Result<Response, ApiError> {
    let with_scopes = says_yes(&query, "includeScopes");
    let Listing { rows, total } = resources::list(&tenant, paged.page_or_all());
    let shown = |entry: &Entry| {
        let mut body = json!(entry.resource);
        if with_scopes {
            body["scopes"] = json!(entry.scopes);
        }
        body
    };
    let rows: Vec<Value> = rows.iter().map(|entry| shown(entry)).collect();
    Ok(paged.respond_or_all(&Listing { rows, total }))
}

async fn create(
    Here(tenant): Here,
    Json(new): Json<NewResource>,
) -> Result<(StatusCode, Body<Value>), ApiError> {
    let mut body = json!(resources::create(&tenant, new).await?);
    body["scopes"] = json!([]);
    Ok((StatusCode::CREATED, Body(body)))
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

#[derive(Deserialize)]
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

async fn remove(Here(tenant): Here, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    resources::delete(&tenant, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn scopes(
    Here(tenant): Here,
    Path(id): Path<String>,
    query: QueryPairs,
    paged: Paged,
) -> Result<Response, ApiError> {
    let listing = resources::scopes(&tenant, &id, searched(&query)?, paged.page()).await?;
    Ok(paged.respond(&listing))
}

async fn create_scope(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(new): Json<NewScope>,
) -> Result<(StatusCode, Body<ResourceScope>), ApiError> {
    let scope = resources::create_scope(&tenant, &id, new).await?;
    Ok((StatusCode::CREATED, Body(scope)))
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
) -> Result<StatusCode, ApiError> {
    resources::delete_scope(&tenant, &id, &scope_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
