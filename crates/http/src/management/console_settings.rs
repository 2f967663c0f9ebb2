//! `/api/configs/admin-console`

use axum::Json as Body;
use trinco_core::console_settings::{self, ConsoleSettings, ConsoleSettingsChanges};

use super::doors::{Doors, get};
use crate::app::Here;
use crate::extract::Json;
use crate::failure::ApiError;

pub(super) fn routes() -> Doors {
    Doors::new("Console").route(
        "/api/configs/admin-console",
        get("See what the console remembers", read)
            .patch("Change what the console remembers", update),
    )
}

async fn read(Here(tenant): Here) -> Result<Body<ConsoleSettings>, ApiError> {
    Ok(Body(console_settings::get(&tenant).await?))
}

async fn update(
    Here(tenant): Here,
    Json(changes): Json<ConsoleSettingsChanges>,
) -> Result<Body<ConsoleSettings>, ApiError> {
    Ok(Body(console_settings::update(&tenant, changes).await?))
}
