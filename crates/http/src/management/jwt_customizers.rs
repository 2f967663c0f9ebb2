//! `/api/configs/jwt-customizer`: scripts that add claims to tokens.

use axum::Json as Body;
use trinco_core::token_customizers::{
    self, Customizer, CustomizerChanges, NamedCustomizer, TokenType, Trial,
};
use trinco_core::{Error, JsonObject};

use super::doors::{Doors, get, post};
use crate::app::Here;
use crate::extract::{Json, Path};
use crate::failure::ApiError;
use crate::reply::{NO_CONTENT, NoContent, Put};

pub(super) fn routes() -> Doors {
    Doors::new("Custom claims")
        .route(
            "/api/configs/jwt-customizer",
            get("List the scripts that add claims to tokens", list),
        )
        .route(
            "/api/configs/jwt-customizer/test",
            post("Try a script that adds claims to tokens", test),
        )
        .route(
            "/api/configs/jwt-customizer/{token_type}",
            get("See the script for a kind of token", one)
                .put("Set the script for a kind of token", put)
                .patch("Change the script for a kind of token", update)
                .delete("Delete the script for a kind of token", delete),
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
    Json(value): Json<Customizer>,
) -> Result<Put<Customizer>, ApiError> {
    let is_new = token_customizers::put(&tenant, parse_type(&token_type)?, &value).await?;
    Ok(Put { is_new, value })
}

async fn update(
    Here(tenant): Here,
    Path(token_type): Path<String>,
    Json(changes): Json<CustomizerChanges>,
) -> Result<Body<Customizer>, ApiError> {
    Ok(Body(token_customizers::update(&tenant, parse_type(&token_type)?, &changes).await?))
}

async fn delete(Here(tenant): Here, Path(token_type): Path<String>) -> Result<NoContent, ApiError> {
    token_customizers::delete(&tenant, parse_type(&token_type)?).await?;
    Ok(NO_CONTENT)
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
