//! `/api/sign-in-exp`, and what everyone may read of it at `/api/.well-known/sign-in-exp`.

use axum::Json as Body;
use schemars::JsonSchema;
use serde::Deserialize;
use trinco_core::JsonObject;
use trinco_core::experience::{self, SignInExperience, SignInExperienceChanges};

use super::doors::{Doors, get};
use crate::app::Here;
use crate::extract::{Json, Query};
use crate::failure::ApiError;

pub(super) fn routes() -> Doors {
    Doors::new("Sign-in settings").route(
        "/api/sign-in-exp",
        get("See the sign-in settings", read).patch("Change the sign-in settings", update),
    )
}

/// Needs no token: sign-in pages read it before anyone has signed in.
pub(super) fn public_routes() -> Doors {
    Doors::new("Sign-in settings")
        .route(
            "/api/.well-known/sign-in-exp",
            get("See what sign-in pages need to know", read_public),
        )
        .route(
            "/api/.well-known/experience",
            get("See everything that sign-in pages need to know", read_experience),
        )
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

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Presentation {
    /// The application that somebody signs in to.
    app_id: Option<String>,
    /// The organization that somebody signs in to.
    organization_id: Option<String>,
}

async fn read_public(
    Here(tenant): Here,
    Query(query): Query<Presentation>,
) -> Result<Body<JsonObject>, ApiError> {
    let (app_id, organization_id) = (query.app_id.as_deref(), query.organization_id.as_deref());
    Ok(Body(experience::public(&tenant, app_id, organization_id).await?))
}

/// The newer name of the same.
async fn read_experience(
    here: Here,
    query: Query<Presentation>,
) -> Result<Body<JsonObject>, ApiError> {
    read_public(here, query).await
}
