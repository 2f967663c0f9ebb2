//! `/api/configs/dynamic-client-registration`: who may register what, and with which initial access tokens. Ours alone.

use axum::routing::{delete, get};
use axum::{Json as Body, Router};
use http::StatusCode;
use serde_json::{Value, json};
use trinco_core::registrations::{
    self, InitialAccessToken, NewInitialAccessToken, Policy, PolicyChanges, tokens,
};

use crate::app::{App, Here};
use crate::extract::{Json, Path};
use crate::failure::ApiError;

pub(super) fn routes() -> Router<App> {
    const POLICY: &str = "/api/configs/dynamic-client-registration";
    Router::new()
        .route(POLICY, get(read).patch(update))
        .route(&format!("{POLICY}/initial-access-tokens"), get(list_tokens).post(create_token))
        .route(&format!("{POLICY}/initial-access-tokens/{{id}}"), delete(revoke_token))
}

async fn read(Here(tenant): Here) -> Body<Policy> {
    Body(registrations::policy(&tenant))
}

async fn update(
    Here(tenant): Here,
    Json(changes): Json<PolicyChanges>,
) -> Result<Body<Policy>, ApiError> {
    Ok(Body(registrations::update_policy(&tenant, changes).await?))
}

async fn list_tokens(Here(tenant): Here) -> Result<Body<Vec<InitialAccessToken>>, ApiError> {
    Ok(Body(tokens::list(&tenant).await?))
}

/// The value is in this answer and in no other.
async fn create_token(
    Here(tenant): Here,
    Json(new): Json<NewInitialAccessToken>,
) -> Result<(StatusCode, Body<Value>), ApiError> {
    let (token, value) = tokens::create(&tenant, new).await?;
    let mut body = json!(token);
    body["value"] = value.reveal().as_str().into();
    Ok((StatusCode::CREATED, Body(body)))
}

async fn revoke_token(Here(tenant): Here, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    tokens::revoke(&tenant, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
