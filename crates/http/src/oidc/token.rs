//! The token endpoint (RFC 6749 §3.2), introspection (RFC 7662) and revocation (RFC 7009).

use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use trinco_core::dpop::{self, Proof};
use trinco_core::grants;
use trinco_oauth::introspection::PresentedToken;
use trinco_oauth::token::TokenRequest;

use super::client::{Body, authenticate};
use super::cors::Origin;
use super::{INTROSPECTION, REVOCATION, TOKEN};
use crate::app::Here;
use crate::failure::OidcError;
use crate::proof;

pub(super) const NO_STORE: [(header::HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];

pub(super) async fn token(
    Here(tenant): Here,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    Body(params): Body,
) -> Result<Response, OidcError> {
    let registered = authenticate(&tenant, TOKEN, &origin, &headers, &params).await?;
    let client = &registered.client;
    let proof = proof::of_client(&tenant, client, &headers, TOKEN)?;
    let proof = proof.as_ref();
    dpop::require(client, proof.map(Proof::key))?;
    let request = TokenRequest::parse(&params, client)?;
    let issued = grants::answer(&tenant, client, &request, proof).await?;
    Ok((NO_STORE, Json(issued)).into_response())
}

pub(super) async fn introspection(
    Here(tenant): Here,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    Body(params): Body,
) -> Result<Response, OidcError> {
    let registered = authenticate(&tenant, INTROSPECTION, &origin, &headers, &params).await?;
    let presented = PresentedToken::parse(&params)?;
    let answer = grants::introspect(&tenant, &registered.client, &presented).await?;
    Ok((NO_STORE, Json(answer)).into_response())
}

/// RFC 7009 §2.2: 200 whether or not there was such a token.
pub(super) async fn revocation(
    Here(tenant): Here,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    Body(params): Body,
) -> Result<Response, OidcError> {
    let registered = authenticate(&tenant, REVOCATION, &origin, &headers, &params).await?;
    let presented = PresentedToken::parse(&params)?;
    grants::revoke(&tenant, &registered.client, &presented).await?;
    Ok((StatusCode::OK, NO_STORE).into_response())
}
