//! `/api/logs`

use axum::Json as Body;
use schemars::JsonSchema;
use serde::Deserialize;
use trinco_core::Listing;
use trinco_core::audit::{self, Filter, Log, Totals};

use super::doors::{Doors, get};
use super::parts::{Flag, says_yes};
use crate::app::Here;
use crate::extract::{Paged, Path, Query};
use crate::failure::ApiError;
use crate::reply::Listed;

pub(super) fn routes() -> Doors {
    Doors::new("Audit log")
        .route("/api/logs", get("List the entries of the audit log", list))
        .route("/api/logs/{id}", get("See an entry of the audit log", read))
}

/// From when to when, and how far entries are counted.
#[derive(Deserialize, JsonSchema)]
pub(super) struct TimeWindow {
    /// Only entries of this time or later: Unix milliseconds.
    start_time: Option<i64>,
    /// Only entries of this time or earlier: Unix milliseconds.
    end_time: Option<i64>,
    /// Counts no more than 10 000 entries; a longer list says so in `Total-Number-Is-Capped`.
    #[serde(rename = "enableCap")]
    enable_cap: Option<Flag>,
}

impl TimeWindow {
    /// Everything in the window.
    pub(super) fn filter(&self) -> Filter {
        Filter { from: self.start_time, until: self.end_time, ..Filter::default() }
    }

    /// How far entries are counted.
    pub(super) fn totals(&self) -> Totals {
        if says_yes(self.enable_cap) { Totals::Capped } else { Totals::Exact }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct LogsQuery {
    /// Only entries about this user.
    user_id: Option<String>,
    /// Only entries about this application.
    application_id: Option<String>,
    /// Only entries with this key, such as `Interaction.SignIn.Submit`.
    log_key: Option<String>,
}

async fn list(
    Here(tenant): Here,
    Query(query): Query<LogsQuery>,
    Query(window): Query<TimeWindow>,
    paged: Paged,
) -> Result<Listed<Vec<Log>>, ApiError> {
    let mut filter = window.filter();
    filter.user_id = query.user_id;
    filter.application_id = query.application_id;
    filter.key = query.log_key;
    let logs = audit::list(&tenant, filter, window.totals(), paged.page()).await?;
    let of_tenant = |entry| Log { tenant_id: tenant.id().to_owned(), entry };
    let rows = logs.rows.into_iter().map(of_tenant).collect();
    Ok(listed(&paged, logs.total, logs.is_capped, rows))
}

async fn read(Here(tenant): Here, Path(id): Path<String>) -> Result<Body<Log>, ApiError> {
    Ok(Body(audit::get(&tenant, &id).await?))
}

/// A page of entries, of which not all may have been counted.
pub(super) fn listed<T>(
    paged: &Paged,
    total: i64,
    is_capped: bool,
    rows: Vec<T>,
) -> Listed<Vec<T>> {
    if is_capped {
        paged.respond_capped(total, rows)
    } else {
        paged.respond(Listing { rows, total })
    }
}
