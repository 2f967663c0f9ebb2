//! `/api/one-time-tokens`

use axum::Json as Body;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trinco_core::one_time_tokens::{self, Context, Filter, NewOneTimeToken, OneTimeToken, Status};
use trinco_core::{Secret, Text};

use super::doors::{Doors, get, post, put};
use crate::app::Here;
use crate::extract::{Json, Paged, Path, Query};
use crate::failure::ApiError;
use crate::reply::{Created, Listed, NO_CONTENT, NoContent, created};

pub(super) fn routes() -> Doors {
    Doors::new("One-time tokens")
        .route(
            "/api/one-time-tokens",
            get("Reveal one-time tokens", list).post("Create a one-time token", create),
        )
        .route("/api/one-time-tokens/verify", post("Spend a one-time token", verify))
        .route(
            "/api/one-time-tokens/{id}",
            get("Reveal a one-time token", read).delete("Delete a one-time token", remove),
        )
        .route(
            "/api/one-time-tokens/{id}/status",
            put("Say what has become of a one-time token", set_status),
        )
}

#[derive(Deserialize, JsonSchema)]
struct TokenQuery {
    /// Only those for this address, in any letter case.
    email: Option<Text<1, 128>>,
    /// Only those of this status.
    status: Option<Status>,
}

/// A one-time token in clear.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Revealed {
    tenant_id: String,
    id: String,
    /// The address it proves.
    email: String,
    /// Works once.
    token: String,
    context: Context,
    status: Status,
    /// Unix milliseconds.
    created_at: i64,
    /// Unix milliseconds.
    expires_at: i64,
}

async fn list(
    Here(tenant): Here,
    Query(query): Query<TokenQuery>,
    paged: Paged,
) -> Result<Listed<Vec<Revealed>>, ApiError> {
    let filter = Filter { email: query.email.map(Text::into_string), status: query.status };
    let listing = one_time_tokens::list(&tenant, filter, paged.page()).await?;
    Ok(paged.respond(listing.map(revealed)))
}

async fn create(
    Here(tenant): Here,
    Json(new): Json<NewOneTimeToken>,
) -> Result<Created<Revealed>, ApiError> {
    Ok(created(revealed(one_time_tokens::create(&tenant, new).await?)))
}

#[derive(Deserialize, JsonSchema)]
struct Presented {
    token: Text<1, 256>,
    /// The address it proves, in any letter case.
    email: Text<1, 128>,
}

async fn verify(
    Here(tenant): Here,
    Json(presented): Json<Presented>,
) -> Result<Body<Revealed>, ApiError> {
    let token = Secret::new(presented.token.into_string());
    let spent = one_time_tokens::verify(&tenant, &token, presented.email.as_str()).await?;
    Ok(Body(revealed(spent)))
}

async fn read(Here(tenant): Here, Path(id): Path<String>) -> Result<Body<Revealed>, ApiError> {
    Ok(Body(revealed(one_time_tokens::get(&tenant, &id).await?)))
}

#[derive(Deserialize, JsonSchema)]
struct NewStatus {
    status: Status,
}

async fn set_status(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(body): Json<NewStatus>,
) -> Result<Body<Revealed>, ApiError> {
    Ok(Body(revealed(one_time_tokens::set_status(&tenant, &id, body.status).await?)))
}

async fn remove(Here(tenant): Here, Path(id): Path<String>) -> Result<NoContent, ApiError> {
    one_time_tokens::delete(&tenant, &id).await?;
    Ok(NO_CONTENT)
}

fn revealed(token: OneTimeToken) -> Revealed {
    Revealed {
        tenant_id: token.tenant_id,
        id: token.id,
        email: token.email,
        token: token.token.reveal().clone(),
        context: token.context,
        status: token.status,
        created_at: token.created_at,
        expires_at: token.expires_at,
    }
}
