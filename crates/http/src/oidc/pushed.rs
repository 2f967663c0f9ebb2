//! The pushed authorization request endpoint (RFC 9126 §2).

use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use trinco_core::interactions;

use super::PUSHED;
use super::client::{Body, authenticate};
use super::cors::Origin;
use crate::app::Here;
use crate::failure::OidcError;
use crate::proof;

pub(super) async fn push(
    Here(tenant): Here,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    Body(params): Body,
) -> Result<Response, OidcError> {
    let registered = authenticate(&tenant, PUSHED, &origin, &headers, &params).await?;
    let proof = proof::of_client(&tenant, &registered.client, &headers, PUSHED)?;
    let answer = interactions::push(&tenant, &registered, &params, proof.as_ref()).await?;
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, no_store, Json(answer)).into_response())
}
