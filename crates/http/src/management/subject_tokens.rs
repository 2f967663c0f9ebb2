//! `/api/subject-tokens`

use axum::routing::post;
use axum::{Json as Body, Router};
use http::StatusCode;
use serde_json::{Value, json};
use trinco_core::subject_tokens::{self, NewSubjectToken};

use crate::app::{App, Here};
use crate::extract::Json;
use crate::failure::ApiError;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/api/subject-tokens", post(create))
}

async fn create(
    Here(tenant): Here,
    Json(new): Json<NewSubjectToken>,
) -> Result<(StatusCode, Body<Value>), ApiError> {
    let token = subject_tokens::create(&tenant, new).await?;
    let body = json!({ "subjectToken": token.value.reveal(), "expiresIn": token.expires_in });
    Ok((StatusCode::CREATED, Body(body)))
}
