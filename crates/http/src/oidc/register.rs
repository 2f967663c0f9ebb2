//! Client registration (RFC 7591), and what a client does about its registration (RFC 7592).

use axum::Json;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};
use trinco_core::registrations::{self, Information};
use trinco_core::{Error, Secret};
use trinco_oauth::bearer::{self, BearerError};
use trinco_oauth::{ErrorCode, OAuthError};

use super::token::NO_STORE;
use crate::app::Here;
use crate::extract::Path;
use crate::failure::OidcError;

/// Longest metadata of a client: bytes.
pub(super) const BODY_LIMIT: usize = 16 * 1024;

pub(super) async fn register(
    Here(tenant): Here,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, OidcError> {
    let answered = async {
        // Whether there is anything here comes before what is wrong with the request.
        if !registrations::is_open(&tenant) {
            return Err(Error::refused("entity.not_found"));
        }
        let token = presented(&headers)?;
        let metadata = metadata_of(request).await?;
        let token = token.as_ref().map(|token| token.reveal().as_str());
        registrations::register(&tenant, token, &metadata).await
    };
    let information = answered.await.map_err(OidcError::at_registration)?;
    Ok((StatusCode::CREATED, NO_STORE, Json(body(information))).into_response())
}

pub(super) async fn read(
    Here(tenant): Here,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, OidcError> {
    let answered = async {
        let token = token_of(&headers)?;
        registrations::read(&tenant, &id, token.reveal()).await
    };
    let information = answered.await.map_err(OidcError::at_registration)?;
    Ok((NO_STORE, Json(body(information))).into_response())
}

pub(super) async fn update(
    Here(tenant): Here,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, OidcError> {
    let answered = async {
        let token = token_of(&headers)?;
        let metadata = metadata_of(request).await?;
        registrations::update(&tenant, &id, token.reveal(), &metadata).await
    };
    let information = answered.await.map_err(OidcError::at_registration)?;
    Ok((NO_STORE, Json(body(information))).into_response())
}

pub(super) async fn delete(
    Here(tenant): Here,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, OidcError> {
    let answered = async {
        let token = token_of(&headers)?;
        registrations::delete(&tenant, &id, token.reveal()).await
    };
    answered.await.map_err(OidcError::at_registration)?;
    Ok((StatusCode::NO_CONTENT, NO_STORE).into_response())
}

/// The registration access token.
fn token_of(headers: &HeaderMap) -> Result<Secret, OAuthError> {
    presented(headers)?.ok_or_else(wrong_token)
}

/// The bearer token of the one `Authorization` header, if there is a header: one that holds something else is refused, not passed over.
fn presented(headers: &HeaderMap) -> Result<Option<Secret>, OAuthError> {
    let mut stated = headers.get_all(header::AUTHORIZATION).iter();
    let value = match (stated.next(), stated.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value,
        // What stands in front of this server may have looked at the other one.
        (Some(_), Some(_)) => return Err(BearerError::Twice.error()),
    };
    let token = value.to_str().ok().and_then(|value| bearer::parse(Some(value)).ok());
    token.map(|token| Some(Secret::new(token.expose().to_owned()))).ok_or_else(wrong_token)
}

fn wrong_token() -> OAuthError {
    OAuthError::new(ErrorCode::InvalidToken, "the access token is missing or malformed")
}

/// RFC 7591 §3.1: a JSON object.
async fn metadata_of(request: Request) -> Result<Map<String, Value>, Error> {
    let refuse = |description: &'static str| {
        Error::from(OAuthError::new(ErrorCode::InvalidClientMetadata, description))
    };
    let content_type = super::client::content_type(request.headers());
    if content_type.as_deref() != Some("application/json") {
        return Err(refuse("the content type must be application/json"));
    }
    let limited = axum::body::to_bytes(request.into_body(), BODY_LIMIT).await;
    let body: Bytes = limited.map_err(|_| refuse("the metadata is longer than 16384 bytes"))?;
    serde_json::from_slice(&body).map_err(|_| refuse("the metadata must be a JSON object"))
}

/// RFC 7591 §3.2.1, RFC 7592 §3.
fn body(information: Information) -> Value {
    let mut members = information.metadata;
    if let Some((secret, expires_at)) = information.client_secret {
        members.insert("client_secret".to_owned(), secret.reveal().as_str().into());
        let seconds = expires_at.map_or(0, |at| at.div_euclid(1000));
        members.insert("client_secret_expires_at".to_owned(), seconds.into());
    }
    let token = information.registration_access_token;
    members.insert("registration_access_token".to_owned(), token.reveal().as_str().into());
    Value::Object(members)
}
