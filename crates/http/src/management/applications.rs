//! `/api/applications`

use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch};
use axum::{Json as Body, Router};
use http::StatusCode;
use serde_json::{Value, json};
use trinco_core::applications::{
    self, Application, ApplicationChanges, ApplicationSecret, Filter, NewApplication, NewSecret,
};
use trinco_core::{Error, JsonObject, Tenant, Text};
use trinco_oauth::ApplicationType;

use super::parts::searched;
use crate::app::{App, Here};
use crate::extract::{Json, Paged, Path, QueryPairs};
use crate::failure::ApiError;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/applications", get(list).post(create))
        .route("/api/applications/{id}", get(read).patch(update).delete(remove))
        .route("/api/applications/{id}/custom-data", patch(merge_custom_data))
        .route("/api/applications/{id}/secrets", get(secrets).post(create_secret))
        .route("/api/applications/{id}/secrets/{name}", patch(rename_secret).delete(remove_secret))
}

async fn list(Here(tenant): Here, query: QueryPairs, paged: Paged) -> Result<Response, ApiError> {
    let mut types = Vec::new();
    for name in query.all("types").flat_map(|list| list.split(',')).filter(|name| !name.is_empty())
    {
        let kind: ApplicationType = serde_json::from_value(name.into()).map_err(|_| {
            Error::invalid_input("query", "types", "must hold kinds of application")
        })?;
        types.push(kind);
    }
    let filter = Filter {
        types,
        is_third_party: query.flag("isThirdParty")?,
        without_role: query.get("excludeRoleId").map(str::to_owned),
        outside_organization: query.get("excludeOrganizationId").map(str::to_owned),
        containing: searched(&query)?.map(str::to_owned),
    };
    Ok(paged.respond(&applications::list(&tenant, &filter, paged.page()).await?))
}

async fn create(
    Here(tenant): Here,
    Json(new): Json<NewApplication>,
) -> Result<Body<Application>, ApiError> {
    Ok(Body(applications::create(&tenant, new).await?))
}

async fn read(Here(tenant): Here, Path(id): Path<String>) -> Result<Body<Value>, ApiError> {
    let (application, is_admin) = applications::get(&tenant, &id).await?;
    let mut body = json!(application);
    body["isAdmin"] = is_admin.into();
    Ok(Body(body))
}

async fn update(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(changes): Json<ApplicationChanges>,
) -> Result<Body<Application>, ApiError> {
    Ok(Body(applications::update(&tenant, &id, changes).await?))
}

async fn remove(Here(tenant): Here, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    applications::delete(&tenant, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn merge_custom_data(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(data): Json<JsonObject>,
) -> Result<Body<JsonObject>, ApiError> {
    Ok(Body(applications::merge_custom_data(&tenant, &id, data).await?))
}

async fn secrets(Here(tenant): Here, Path(id): Path<String>) -> Result<Body<Vec<Value>>, ApiError> {
    let secrets = applications::secrets(&tenant, &id).await?;
    Ok(Body(secrets.iter().map(|secret| shown(&tenant, secret)).collect()))
}

async fn create_secret(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(new): Json<NewSecret>,
) -> Result<Response, ApiError> {
    let secret = applications::create_secret(&tenant, &id, new).await?;
    Ok((StatusCode::CREATED, Body(shown(&tenant, &secret))).into_response())
}

#[derive(serde::Deserialize)]
struct NewName {
    name: Text<1, 256>,
}

async fn rename_secret(
    Here(tenant): Here,
    Path((id, name)): Path<(String, String)>,
    Json(new): Json<NewName>,
) -> Result<Body<Value>, ApiError> {
    let secret = applications::rename_secret(&tenant, &id, &name, new.name).await?;
    Ok(Body(shown(&tenant, &secret)))
}

async fn remove_secret(
    Here(tenant): Here,
    Path((id, name)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    applications::delete_secret(&tenant, &id, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The contract returns the value of a secret: scripts read it from here.
fn shown(tenant: &Tenant, secret: &ApplicationSecret) -> Value {
    json!({
        "tenantId": tenant.id(),
        "applicationId": secret.application_id,
        "name": secret.name,
        "value": secret.value.reveal(),
        "createdAt": secret.created_at,
        "expiresAt": secret.expires_at,
    })
}
