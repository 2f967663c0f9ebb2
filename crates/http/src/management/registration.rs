//! `/api/configs/dynamic-client-registration`: who may register what, and with which initial access tokens. Ours alone.

use axum::Json as Body;
use schemars::JsonSchema;
use serde::Serialize;
use trinco_core::registrations::{
    self, InitialAccessToken, NewInitialAccessToken, Policy, PolicyChanges, tokens,
};

use super::doors::{Doors, delete, get};
use crate::app::Here;
use crate::extract::{Json, Path};
use crate::failure::ApiError;
use crate::reply::{Created, NO_CONTENT, NoContent, created};

pub(super) fn routes() -> Doors {
    Doors::new("Client registration")
        .route(
            "/api/configs/dynamic-client-registration",
            get("See which clients may register themselves", read)
                .patch("Set which clients may register themselves", update),
        )
        .route(
            "/api/configs/dynamic-client-registration/initial-access-tokens",
            get("List initial access tokens", list_tokens)
                .post("Create an initial access token", create_token),
        )
        .route(
            "/api/configs/dynamic-client-registration/initial-access-tokens/{id}",
            delete("Revoke an initial access token", revoke_token),
        )
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

/// A token with its value, which is in this answer and in no other.
#[derive(Serialize, JsonSchema)]
struct Issued {
    #[serde(flatten)]
    token: InitialAccessToken,
    value: String,
}

async fn create_token(
    Here(tenant): Here,
    Json(new): Json<NewInitialAccessToken>,
) -> Result<Created<Issued>, ApiError> {
    let (token, value) = tokens::create(&tenant, new).await?;
    Ok(created(Issued { token, value: value.reveal().clone() }))
}

async fn revoke_token(Here(tenant): Here, Path(id): Path<String>) -> Result<NoContent, ApiError> {
    tokens::revoke(&tenant, &id).await?;
    Ok(NO_CONTENT)
}
