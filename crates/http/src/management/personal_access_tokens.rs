//! `/api/users/{id}/personal-access-tokens`

use axum::extract::Path;
use axum::routing::{get, patch, post};
use axum::{Json as Body, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use trinco_core::Text;
use trinco_core::personal_access_tokens::{self, NewPersonalAccessToken, PersonalAccessToken};

use crate::app::{App, Here};
use crate::extract::Json;
use crate::failure::ApiError;

pub(super) fn routes() -> Router<App> {
    let all = "/api/users/{id}/personal-access-tokens";
    Router::new()
        .route(all, get(list).post(create).patch(rename_by_body))
        .route(&format!("{all}/delete"), post(remove_by_body))
        .route(&format!("{all}/{{name}}"), patch(rename).delete(remove))
}

async fn list(
    Here(tenant): Here,
    Path(user_id): Path<String>,
) -> Result<Body<Vec<Value>>, ApiError> {
    let tokens = personal_access_tokens::list(&tenant, &user_id).await?;
    Ok(Body(tokens.iter().map(body_of).collect()))
}

async fn create(
    Here(tenant): Here,
    Path(user_id): Path<String>,
    Json(new): Json<NewPersonalAccessToken>,
) -> Result<(StatusCode, Body<Value>), ApiError> {
    let created = personal_access_tokens::create(&tenant, &user_id, new).await?;
    Ok((StatusCode::CREATED, Body(body_of(&created))))
}

#[derive(Deserialize)]
struct NewName {
    name: Text<1, 256>,
}

async fn rename(
    Here(tenant): Here,
    Path((user_id, name)): Path<(String, String)>,
    Json(new): Json<NewName>,
) -> Result<Body<Value>, ApiError> {
    let renamed = personal_access_tokens::rename(&tenant, &user_id, &name, new.name).await?;
    Ok(Body(body_of(&renamed)))
}

/// Names that do not fit into a path.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Renaming {
    current_name: Text<1, 256>,
    name: Text<1, 256>,
}

async fn rename_by_body(
    Here(tenant): Here,
    Path(user_id): Path<String>,
    Json(body): Json<Renaming>,
) -> Result<Body<Value>, ApiError> {
    let current = body.current_name.as_str();
    let renamed = personal_access_tokens::rename(&tenant, &user_id, current, body.name).await?;
    Ok(Body(body_of(&renamed)))
}

async fn remove(
    Here(tenant): Here,
    Path((user_id, name)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    personal_access_tokens::delete(&tenant, &user_id, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove_by_body(
    Here(tenant): Here,
    Path(user_id): Path<String>,
    Json(body): Json<NewName>,
) -> Result<StatusCode, ApiError> {
    personal_access_tokens::delete(&tenant, &user_id, body.name.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn body_of(token: &PersonalAccessToken) -> Value {
    json!({
        "tenantId": token.tenant_id,
        "userId": token.user_id,
        "name": token.name,
        "value": token.value.reveal(),
        "createdAt": token.created_at,
        "expiresAt": token.expires_at,
    })
}
