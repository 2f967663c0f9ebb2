//! `/api/users`

use axum::response::Response;
use axum::routing::{get, patch, post};
use axum::{Json as Body, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use trinco_core::JsonObject;
use trinco_core::users::{self, Filter, NewUser, PasswordBody, User, UserChanges};
use trinco_oauth::claims::Profile;

use crate::app::{App, Here};
use crate::extract::{Json, Paged, Path, QueryPairs};
use crate::failure::ApiError;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/users", get(list).post(create))
        .route("/api/users/{id}", get(read).patch(update).delete(remove))
        .route("/api/users/{id}/password", patch(set_password))
        .route("/api/users/{id}/password/verify", post(verify_password))
        .route("/api/users/{id}/has-password", get(has_password))
        .route("/api/users/{id}/is-suspended", patch(set_suspended))
        .route("/api/users/{id}/custom-data", get(custom_data).patch(merge_custom_data))
        .route("/api/users/{id}/profile", patch(merge_profile))
}

async fn list(Here(tenant): Here, query: QueryPairs, paged: Paged) -> Result<Response, ApiError> {
    let pairs = query.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let listing = users::list(&tenant, Filter::parse(pairs)?, paged.page()).await?;
    Ok(paged.respond(&listing))
}

async fn create(Here(tenant): Here, Json(new): Json<NewUser>) -> Result<Body<User>, ApiError> {
    Ok(Body(users::create(&tenant, new).await?))
}

async fn read(
    Here(tenant): Here,
    Path(id): Path<String>,
    query: QueryPairs,
) -> Result<Body<Value>, ApiError> {
    let mut user = json!(users::get(&tenant, &id).await?);
    // There is no enterprise single sign-on that identities could come from.
    if matches!(query.get("includeSsoIdentities"), Some("true" | "1" | "yes")) {
        user["ssoIdentities"] = json!([]);
    }
    Ok(Body(user))
}

async fn update(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(changes): Json<UserChanges>,
) -> Result<Body<User>, ApiError> {
    Ok(Body(users::update(&tenant, &id, changes).await?))
}

async fn remove(Here(tenant): Here, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    users::delete(&tenant, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn set_password(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<PasswordBody>,
) -> Result<Body<User>, ApiError> {
    Ok(Body(users::set_password(&tenant, &id, &body.password).await?))
}

async fn verify_password(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<PasswordBody>,
) -> Result<StatusCode, ApiError> {
    users::verify_password(&tenant, &id, &body.password).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn has_password(Here(tenant): Here, Path(id): Path<String>) -> Result<Body<Value>, ApiError> {
    let user = users::get(&tenant, &id).await?;
    Ok(Body(json!({ "hasPassword": user.has_password })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Suspension {
    is_suspended: bool,
}

async fn set_suspended(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<Suspension>,
) -> Result<Body<User>, ApiError> {
    Ok(Body(users::set_suspended(&tenant, &id, body.is_suspended).await?))
}

async fn custom_data(
    Here(tenant): Here,
    Path(id): Path<String>,
) -> Result<Body<JsonObject>, ApiError> {
    Ok(Body(users::get(&tenant, &id).await?.custom_data))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CustomData {
    custom_data: JsonObject,
}

async fn merge_custom_data(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<CustomData>,
) -> Result<Body<JsonObject>, ApiError> {
    Ok(Body(users::merge_custom_data(&tenant, &id, body.custom_data).await?))
}

#[derive(Deserialize)]
struct ProfileBody {
    profile: Profile,
}

async fn merge_profile(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<ProfileBody>,
) -> Result<Body<Profile>, ApiError> {
    Ok(Body(users::merge_profile(&tenant, &id, body.profile).await?))
}
