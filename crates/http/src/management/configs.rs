//! `/api/configs`: keys, what ID tokens say, and how long sessions last.

use axum::Json as Body;
use schemars::JsonSchema;
use serde::Deserialize;
use trinco_core::Error;
use trinco_core::keys::{self, KeyRecord, KeyType, Rotation};
use trinco_core::oidc_settings::{self, IdTokenSettings, SessionChanges, SessionSettings};
use trinco_jose::Algorithm;

use super::doors::{Doors, delete, get, post};
use crate::app::Here;
use crate::extract::{Json, Path};
use crate::failure::ApiError;
use crate::reply::{NO_CONTENT, NoContent};

pub(super) fn routes() -> Doors {
    Doors::new("Configuration")
        .route(
            "/api/configs/id-token",
            get("See what ID tokens say", id_token).put("Set what ID tokens say", set_id_token),
        )
        .route(
            "/api/configs/oidc/session",
            get("See how long sessions last", session)
                .patch("Set how long sessions last", update_session),
        )
        .route("/api/configs/oidc/{key_type}", get("List keys", list_keys))
        .route("/api/configs/oidc/{key_type}/rotate", post("Rotate keys", rotate_keys))
        .route("/api/configs/oidc/{key_type}/{key_id}", delete("Delete a key", delete_key))
}

async fn id_token(Here(tenant): Here) -> Body<IdTokenSettings> {
    Body(oidc_settings::id_token(&tenant))
}

async fn set_id_token(
    Here(tenant): Here,
    Json(settings): Json<IdTokenSettings>,
) -> Result<Body<IdTokenSettings>, ApiError> {
    Ok(Body(oidc_settings::set_id_token(&tenant, settings).await?))
}

async fn session(Here(tenant): Here) -> Body<SessionSettings> {
    Body(oidc_settings::session(&tenant))
}

async fn update_session(
    Here(tenant): Here,
    Json(changes): Json<SessionChanges>,
) -> Result<Body<SessionSettings>, ApiError> {
    Ok(Body(oidc_settings::update_session(&tenant, changes).await?))
}

async fn list_keys(
    Here(tenant): Here,
    Path(key_type): Path<String>,
) -> Result<Body<Vec<KeyRecord>>, ApiError> {
    Ok(Body(keys::list(&tenant, parse_type(&key_type)?)))
}

/// A rotation as the API takes it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
struct RotationBody {
    /// `RSA`, `EC`, or the algorithm itself, such as `PS256` (RFC 7518 §3.1).
    signing_key_algorithm: Option<String>,
    /// Seconds.
    rotation_grace_period: Option<f64>,
}

async fn rotate_keys(
    Here(tenant): Here,
    Path(key_type): Path<String>,
    Json(body): Json<RotationBody>,
) -> Result<Body<Vec<KeyRecord>>, ApiError> {
    let key_type = parse_type(&key_type)?;
    let algorithm = body.signing_key_algorithm.as_deref().map(parse_algorithm).transpose()?;
    let grace = body.rotation_grace_period.map(parse_grace).transpose()?;
    Ok(Body(keys::rotate(&tenant, Rotation { key_type, grace, algorithm }).await?))
}

async fn delete_key(
    Here(tenant): Here,
    Path((key_type, key_id)): Path<(String, String)>,
) -> Result<NoContent, ApiError> {
    keys::delete(&tenant, parse_type(&key_type)?, &key_id).await?;
    Ok(NO_CONTENT)
}

fn parse_type(text: &str) -> Result<KeyType, Error> {
    match text {
        "private-keys" => Ok(KeyType::PrivateKeys),
        "cookie-keys" => Ok(KeyType::CookieKeys),
        _ => Err(Error::invalid_input("params", "keyType", "must be private-keys or cookie-keys")),
    }
}

fn parse_algorithm(text: &str) -> Result<Algorithm, Error> {
    match text {
        "RSA" => Ok(Algorithm::RS256),
        "EC" => Ok(Algorithm::ES384),
        name => name.parse().map_err(|_| {
            let rule = "must be RSA, EC, RS256, PS256, ES256, ES384, ES512 or EdDSA";
            Error::invalid_field("signingKeyAlgorithm", rule)
        }),
    }
}

/// The contract's type is `number`: 3600 may come as 3600.0.
fn parse_grace(seconds: f64) -> Result<i64, Error> {
    if seconds.fract() == 0.0 && (0.0..1e9).contains(&seconds) {
        Ok(seconds as i64)
    } else {
        Err(Error::invalid_field("rotationGracePeriod", "must be a whole number of seconds"))
    }
}
