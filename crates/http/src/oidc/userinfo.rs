//! Userinfo (OpenID Connect Core §5.3).

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Map, Value};
use trinco_core::dpop::Proof;
use trinco_core::{Error, Tenant, grants};
use trinco_oauth::dpop::{self, Presented};

use super::USERINFO;
use crate::app::Here;
use crate::failure::OidcError;
use crate::proof;

pub(super) async fn userinfo(
    Here(tenant): Here,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, OidcError> {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let presented = dpop::parse_authorization(authorization).map_err(OidcError::from_bearer)?;
    let claims = claims(&tenant, &method, &headers, &presented)
        .await
        .map_err(|error| OidcError::at_protected_resource(error, presented.token_type))?;
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((no_store, Json(claims)).into_response())
}

async fn claims(
    tenant: &Tenant,
    method: &Method,
    headers: &HeaderMap,
    presented: &Presented,
) -> Result<Map<String, Value>, Error> {
    let proof = proof::of_presented(tenant, headers, method, USERINFO, presented)?;
    let key = proof.as_ref().map(Proof::key);
    let claims = grants::userinfo(tenant, presented.token.expose(), key).await?;
    if let Some(proof) = &proof {
        proof.spend(tenant).await?;
    }
    Ok(claims)
}
