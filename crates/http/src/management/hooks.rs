//! `/api/hooks`

use axum::Json as Body;
use schemars::JsonSchema;
use serde::Deserialize;
use trinco_core::audit::{self, Recorded};
use trinco_core::hooks::{self, Hook, HookChanges, HookTest, NewHook};

use super::doors::{Doors, get, patch, post};
use super::logs::{TimeWindow, listed};
use super::parts::{Flag, says_yes};
use crate::app::Here;
use crate::extract::{Json, Paged, Path, Query};
use crate::failure::ApiError;
use crate::reply::{Created, Listed, NO_CONTENT, NoContent, created};

/// Recent is what happened in a day: milliseconds.
const RECENT_MS: i64 = 24 * 60 * 60 * 1000;

pub(super) fn routes() -> Doors {
    Doors::new("Webhooks")
        .route("/api/hooks", get("List webhooks", list).post("Create a webhook", create))
        .route(
            "/api/hooks/{id}",
            get("See a webhook", read)
                .patch("Change a webhook", update)
                .delete("Delete a webhook", remove),
        )
        .route(
            "/api/hooks/{id}/signing-key",
            patch("Give a webhook a new signing key", rotate_signing_key),
        )
        .route("/api/hooks/{id}/test", post("Send examples to a webhook", test))
        .route(
            "/api/hooks/{id}/recent-logs",
            get("List the recent deliveries of a webhook", recent_logs),
        )
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct HooksQuery {
    /// Adds how the deliveries of the last day went.
    include_execution_stats: Option<Flag>,
}

async fn list(
    Here(tenant): Here,
    Query(query): Query<HooksQuery>,
    paged: Paged,
) -> Result<Listed<Vec<Hook>>, ApiError> {
    let with_stats = says_yes(query.include_execution_stats);
    Ok(paged.respond_or_all(hooks::list(&tenant, with_stats, paged.page_or_all()).await?))
}

async fn create(Here(tenant): Here, Json(new): Json<NewHook>) -> Result<Created<Hook>, ApiError> {
    Ok(created(hooks::create(&tenant, new).await?))
}

async fn read(
    Here(tenant): Here,
    Path(id): Path<String>,
    Query(query): Query<HooksQuery>,
) -> Result<Body<Hook>, ApiError> {
    Ok(Body(hooks::get(&tenant, &id, says_yes(query.include_execution_stats)).await?))
}

async fn update(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(changes): Json<HookChanges>,
) -> Result<Body<Hook>, ApiError> {
    Ok(Body(hooks::update(&tenant, &id, changes).await?))
}

async fn remove(Here(tenant): Here, Path(id): Path<String>) -> Result<NoContent, ApiError> {
    hooks::delete(&tenant, &id).await?;
    Ok(NO_CONTENT)
}

async fn rotate_signing_key(
    Here(tenant): Here,
    Path(id): Path<String>,
) -> Result<Body<Hook>, ApiError> {
    Ok(Body(hooks::rotate_signing_key(&tenant, &id).await?))
}

async fn test(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(wanted): Json<HookTest>,
) -> Result<NoContent, ApiError> {
    hooks::test(&tenant, &id, wanted).await?;
    Ok(NO_CONTENT)
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RecentLogsQuery {
    /// Only deliveries of this event, such as `TriggerHook.User.Created`.
    log_key: Option<String>,
}

async fn recent_logs(
    Here(tenant): Here,
    Path(id): Path<String>,
    Query(query): Query<RecentLogsQuery>,
    Query(window): Query<TimeWindow>,
    paged: Paged,
) -> Result<Listed<Vec<Recorded>>, ApiError> {
    hooks::check_exists(&tenant, &id).await?;
    let mut filter = window.filter();
    filter.key = query.log_key;
    if filter.from.is_none() && filter.until.is_none() {
        filter.from = Some(tenant.now_ms() - RECENT_MS);
    }
    let logs = audit::of_hook(&tenant, &id, filter, window.totals(), paged.page()).await?;
    Ok(listed(&paged, logs.total, logs.is_capped, logs.rows))
}
