//! `/api/configs/jwt-customizer`: scripts that add claims to tokens.

use axum::routing::{get, post};
use axum::{Json as Body, Router};
use http::StatusCode;
use trinco_core::token_customizers::{
    self, Customizer, CustomizerChanges, NamedCustomizer, TokenType, Trial,
};
use trinco_core::{Error, JsonObject};

use crate::app::{App, Here};
use crate::extract::{Json, Path};
use crate::failure::ApiError;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/configs/jwt-customizer", get(list))
        .route("/api/configs/jwt-customizer/test", post(test))
        .route(
            "/api/configs/jwt-customizer/{token_type}",
            get(one).put(put).patch(update).delete(delete),
        )
}

async fn list(Here(tenant): Here) -> Body<Vec<NamedCustomizer>> {
    Body(token_customizers::list(&tenant))
}

async fn one(
    Here(tenant): Here,
    Path(token_type): Path<String>,
) -> Result<Body<Customizer>, ApiError> {
    Ok(Body(token_customizers::get(&tenant, parse_type(&token_type)?).await?))
}

async fn put(
    Here(tenant): Here,
    Path(token_type): Path<String>,
    Json(customizer): Json<Customizer>,
) -> Result<(StatusCode, Body<Customizer>), ApiError> {
    let is_new = token_customizers::put(&tenant, parse_type(&token_type)?, &customizer).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Body(customizer)))
}

async fn update(
    Here(tenant): Here,
    Path(token_type): Path<String>,
    Json(changes): Json<CustomizerChanges>,
) -> Result<Body<Customizer>, ApiError> {
    Ok(Body(token_customizers::update(&tenant, parse_type(&token_type)?, &changes).await?))
}

async fn delete(
    Here(tenant): Here,
    Path(token_type): Path<String>,
) -> Result<StatusCode, ApiError> {
    token_customizers::delete(&tenant, parse_type(&token_type)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn test(Here(tenant): Here, Json(trial): Json<Trial>) -> Result<Body<JsonObject>, ApiError> {
    Ok(Body(token_customizers::test(&tenant, &trial).await?))
}

fn parse_type(name: &str) -> Result<TokenType, Error> {
    TokenType::from_name(name).ok_or_else(|| {
        let rule = "must be access-token, client-credentials or id-token";
        Error::invalid_input("params", "tokenTypePath", rule)
    })
}
