//! `/api/users/{userId}/logto-configs` and `/api/users/{userId}/password/expiration`

use axum::Json as Body;
use schemars::JsonSchema;
use serde::Deserialize;
use trinco_core::users::{self, Settings, ShownSettings, User};

use super::doors::{Doors, get, patch};
use crate::app::Here;
use crate::extract::{Json, Path};
use crate::failure::ApiError;

pub(super) fn routes() -> Doors {
    Doors::new("Users")
        .route(
            "/api/users/{id}/logto-configs",
            get("See what a user has chosen about signing in", read)
                .patch("Change what a user has chosen about signing in", update),
        )
        .route(
            "/api/users/{id}/password/expiration",
            patch("Make a user choose a new password, or take that back", set_expired),
        )
}

async fn read(Here(tenant): Here, Path(id): Path<String>) -> Result<Body<ShownSettings>, ApiError> {
    Ok(Body(users::settings(&tenant, &id).await?))
}

async fn update(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(changes): Json<Settings>,
) -> Result<Body<ShownSettings>, ApiError> {
    Ok(Body(users::change_settings(&tenant, &id, changes).await?))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Expiration {
    /// Whether the password must be replaced at the next sign-in.
    is_expired: bool,
}

async fn set_expired(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<Expiration>,
) -> Result<Body<User>, ApiError> {
    Ok(Body(users::set_password_expired(&tenant, &id, body.is_expired).await?))
}
