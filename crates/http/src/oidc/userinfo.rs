//! Userinfo (OpenID Connect Core §5.3).

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Map, Value};
use trinco_core::dpop::Proof;
use trinco_core::{Error, Tenant, grants};
use trinco_oauth::bearer;
use trinco_oauth::dpop::{self, Presented};
use trinco_oauth::token::TokenType;

use super::USERINFO;
use super::client::Body;
use crate::app::Here;
use crate::failure::OidcError;
use crate::proof;

pub(super) async fn userinfo(
    here: Here,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, OidcError> {
    let presented = dpop::parse_authorization(authorization(&headers));
    respond(here, method, headers, presented.map_err(OidcError::from_bearer)?).await
}

/// The token may be in the form (RFC 6750 §2.2), then as a bearer token only: RFC 9449 §7.1 knows no other place than the header.
pub(super) async fn userinfo_by_post(
    here: Here,
    method: Method,
    headers: HeaderMap,
    Body(params): Body,
) -> Result<Response, OidcError> {
    let authorization = authorization(&headers);
    let presented = match bearer::parse_form(authorization, params.get("access_token")) {
        Ok(Some(token)) => Ok(Presented { token, token_type: TokenType::Bearer }),
        Ok(None) => dpop::parse_authorization(authorization),
        Err(error) => Err(error),
    };
    respond(here, method, headers, presented.map_err(OidcError::from_bearer)?).await
}

fn authorization(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok())
}

async fn respond(
    Here(tenant): Here,
    method: Method,
    headers: HeaderMap,
    presented: Presented,
) -> Result<Response, OidcError> {
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
