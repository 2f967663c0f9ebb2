//! `/api/account-center`, and what everyone may read of it at `/api/.well-known/account-center`.

use axum::Json as Body;
use trinco_core::account_center::{self, AccountCenter, AccountCenterChanges};

use super::doors::{Doors, get};
use crate::app::Here;
use crate::extract::Json;
use crate::failure::ApiError;

pub(super) fn routes() -> Doors {
    Doors::new("Account center").route(
        "/api/account-center",
        get("See what people may do with their accounts", read)
            .patch("Change what people may do with their accounts", update),
    )
}

/// Needs no token: its pages read it before anyone has signed in.
pub(super) fn public_routes() -> Doors {
    Doors::new("Account center").route(
        "/api/.well-known/account-center",
        get("See what pages for accounts need to know", read_public),
    )
}

async fn read(Here(tenant): Here) -> Body<AccountCenter> {
    Body(account_center::get(&tenant))
}

async fn update(
    Here(tenant): Here,
    Json(changes): Json<AccountCenterChanges>,
) -> Result<Body<AccountCenter>, ApiError> {
    Ok(Body(account_center::update(&tenant, changes).await?))
}

async fn read_public(Here(tenant): Here) -> Body<AccountCenter> {
    Body(account_center::get(&tenant))
}
