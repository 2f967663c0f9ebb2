//! Userinfo (OpenID Connect Core §5.3).

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Map, Value};
use trinco_core::{Error, Tenant, grants};
use trinco_oauth::bearer::{self, BearerError};
use trinco_oauth::dpop::{self, Presented};
use trinco_oauth::token::TokenType;

use super::USERINFO;
use super::client::{Body, content_type};
use crate::app::Here;
use crate::failure::OidcError;
use crate::proof;

pub(super) async fn userinfo(
    here: Here,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, OidcError> {
    let presented = authorization(&headers).and_then(dpop::parse_authorization);
    respond(here, method, headers, presented.map_err(OidcError::from_bearer)?).await
}

/// The token may be in the form (RFC 6750 §2.2), then as a bearer token only: RFC 9449 §7.1 knows no other place than the header. Any
/// other body is none of this endpoint's.
pub(super) async fn userinfo_by_post(
    here: Here,
    method: Method,
    headers: HeaderMap,
    body: Result<Body, OidcError>,
) -> Result<Response, OidcError> {
    let is_form = content_type(&headers).as_deref() == Some("application/x-www-form-urlencoded");
    let form = body.ok().filter(|_| is_form);
    let in_form = form.as_ref().and_then(|Body(params)| params.get("access_token"));
    let presented = authorization(&headers)
        .and_then(|authorization| presented_by_post(authorization, in_form))
        .map_err(OidcError::from_bearer)?;
    respond(here, method, headers, presented).await
}

fn presented_by_post(
    authorization: Option<&str>,
    in_form: Option<&str>,
) -> Result<Presented, BearerError> {
    match bearer::parse_form(authorization, in_form)? {
        Some(token) => Ok(Presented { token, token_type: TokenType::Bearer }),
        None => dpop::parse_authorization(authorization),
    }
}

/// The one `Authorization` header.
fn authorization(headers: &HeaderMap) -> Result<Option<&str>, BearerError> {
    let mut stated = headers.get_all(header::AUTHORIZATION).iter();
    let authorization = stated.next().and_then(|value| value.to_str().ok());
    match stated.next() {
        // What stands in front of this server may have looked at the other one.
        Some(_) => Err(BearerError::Twice),
        None => Ok(authorization),
    }
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
    let claims = grants::userinfo(tenant, presented.token.expose(), proof.as_ref()).await?;
    if let Some(proof) = &proof {
        proof.spend(tenant).await?;
    }
    Ok(claims)
}
