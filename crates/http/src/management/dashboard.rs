//! `/api/dashboard`

use axum::Json as Body;
use schemars::JsonSchema;
use serde::Deserialize;
use trinco_core::Error;
use trinco_core::dashboard::{self, ActiveUsers, Date, NewUsers, TotalUsers};

use super::doors::{Doors, get};
use crate::app::Here;
use crate::extract::Query;
use crate::failure::ApiError;

pub(super) fn routes() -> Doors {
    Doors::new("Dashboard")
        .route("/api/dashboard/users/total", get("See how many users there are", total))
        .route("/api/dashboard/users/new", get("See how many users have come of late", new))
        .route("/api/dashboard/users/active", get("See how many users are active", active))
}

async fn total(Here(tenant): Here) -> Result<Body<TotalUsers>, ApiError> {
    Ok(Body(dashboard::total_users(&tenant).await?))
}

async fn new(Here(tenant): Here) -> Result<Body<NewUsers>, ApiError> {
    Ok(Body(dashboard::new_users(&tenant).await?))
}

#[derive(Deserialize, JsonSchema)]
struct Until {
    /// The last day that is looked at, as `2026-01-31` (UTC); today unless given.
    date: Option<String>,
}

async fn active(
    Here(tenant): Here,
    Query(query): Query<Until>,
) -> Result<Body<ActiveUsers>, ApiError> {
    let date = match query.date {
        None => None,
        Some(text) => Some(Date::parse(&text).ok_or_else(|| {
            Error::invalid_input("query", "date", "must be a date such as 2026-01-31")
        })?),
    };
    Ok(Body(dashboard::active_users(&tenant, date).await?))
}
