//! `/api/applications/{applicationId}/sign-in-experience`

use axum::extract::Path;
use axum::routing::get;
use axum::{Json as Body, Router};
use http::StatusCode;
use trinco_core::application_experience::{
    self, ApplicationSignInExperience, NewApplicationSignInExperience,
};

use crate::app::{App, Here};
use crate::extract::Json;
use crate::failure::ApiError;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/api/applications/{id}/sign-in-experience", get(read).put(replace))
}

async fn read(
    Here(tenant): Here,
    Path(id): Path<String>,
) -> Result<Body<ApplicationSignInExperience>, ApiError> {
    Ok(Body(application_experience::get(&tenant, &id).await?))
}

async fn replace(
    Here(tenant): Here,
    Path(id): Path<String>,
    Json(new): Json<NewApplicationSignInExperience>,
) -> Result<(StatusCode, Body<ApplicationSignInExperience>), ApiError> {
    let (experience, is_new) = application_experience::replace(&tenant, &id, new).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Body(experience)))
}
