//! `/api/sign-in-exp`, and what everyone may read of it at `/api/.well-known/sign-in-exp`.

use axum::routing::get;
use axum::{Json as Body, Router};
use trinco_core::JsonObject;
use trinco_core::experience::{self, SignInExperience, SignInExperienceChanges};

use crate::app::{App, Here};
use crate::extract::Json;
use crate::failure::ApiError;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/api/sign-in-exp", get(read).patch(update))
}

/// Needs no token: sign-in pages read it before anyone has signed in.
pub(super) fn public_routes() -> Router<App> {
    Router::new().route("/api/.well-known/sign-in-exp", get(read_public))
}

async fn read(Here(tenant): Here) -> Body<SignInExperience> {
    Body(experience::get(&tenant))
}

async fn update(
    Here(tenant): Here,
    Json(changes): Json<SignInExperienceChanges>,
) -> Result<Body<SignInExperience>, ApiError> {
    Ok(Body(experience::update(&tenant, changes).await?))
}

async fn read_public(Here(tenant): Here) -> Result<Body<JsonObject>, ApiError> {
    Ok(Body(experience::public(&tenant)?))
}
