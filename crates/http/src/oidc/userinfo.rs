//! Userinfo (OpenID Connect Core §5.3).

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Map, Value};
use trinco_core::grants;
use trinco_oauth::bearer;

use crate::app::Here;
use crate::failure::OidcError;

pub(super) async fn userinfo(
    Here(tenant): Here,
    headers: HeaderMap,
) -> Result<Response, OidcError> {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = bearer::parse(authorization).map_err(OidcError::from_bearer)?;
    let claims: Map<String, Value> = grants::userinfo(&tenant, token.expose())
        .await
        .map_err(OidcError::at_protected_resource)?;
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((no_store, Json(claims)).into_response())
}
