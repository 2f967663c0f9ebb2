//! Reading a client's request: parameters from a form or JSON body, and who sends them.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{HeaderMap, header};
use trinco_core::applications::{self, RegisteredClient, SecretCheck};
use trinco_core::{Error, Result, Tenant, clients, resources};
use trinco_oauth::client_authentication::ClientCredentials;
use trinco_oauth::{ErrorCode, OAuthError, Params};

use super::cors::{self, Origin};
use crate::app::Here;
use crate::failure::OidcError;

/// The parameters of a POST body: `application/x-www-form-urlencoded`, or a flat JSON object.
#[derive(Debug)]
pub(super) struct Body(pub(super) Params);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = OidcError;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let content_type = content_type(request.headers());
        let tenant = request.extensions().get::<Here>().map(|here| here.0.clone());
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|_| OAuthError::invalid_request("the request body is too long"))?;
        let params = match content_type.as_deref() {
            Some("application/x-www-form-urlencoded") => Params::from_form(&body),
            Some("application/json") => Params::from_json(&body),
            _ if body.is_empty() => Params::from_form(&body),
            _ => Err(OAuthError::invalid_request(
                "the content type must be application/x-www-form-urlencoded or application/json",
            )),
        };
        let params = params?;
        Ok(Self(match tenant {
            Some(tenant) => resources::canonical(&tenant, params),
            None => params,
        }))
    }
}

/// The media type of the body, without parameters and in lower case.
pub(super) fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next()?.trim().to_ascii_lowercase())
}

/// A client whose document cannot be used, or not any more, is no client: what is wrong with the document is for the authorization
/// endpoint to say, whose errors have a code for it. Those here do not (RFC 6749 §5.2).
fn as_unknown_client(error: Error) -> Error {
    match error {
        Error::OAuth(error)
            if matches!(
                error.error,
                ErrorCode::InvalidClientMetadata | ErrorCode::UnregistrableRedirectUri
            ) =>
        {
            OAuthError::new(ErrorCode::InvalidClient, error.description).into()
        }
        other => other,
    }
}

/// The client that sends a request to `path`, authenticated (RFC 6749 §2.3), from an origin of its own if from a browser.
pub(super) async fn authenticate(
    tenant: &Tenant,
    path: &str,
    origin: &Origin,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Arc<RegisteredClient>, OidcError> {
    let mut stated = headers.get_all(header::AUTHORIZATION).iter();
    let authorization = match (stated.next(), stated.next()) {
        (None, _) => None,
        (Some(value), None) => {
            let text = value
                .to_str()
                .map_err(|_| OAuthError::invalid_client("malformed authorization header"))?;
            Some(text)
        }
        // What stands in front of this server may have looked at the other one.
        (Some(_), Some(_)) => {
            return Err(OAuthError::invalid_request(
                "client authentication must use one method only",
            )
            .into());
        }
    };
    let credentials = ClientCredentials::parse(authorization, params)?;
    let registered = clients::find(tenant, &credentials.client_id)
        .await
        .map_err(as_unknown_client)?
        .ok_or_else(|| OAuthError::invalid_client("unknown client"))?;
    // First of all, so that the client's own page can read what else is wrong.
    cors::check(origin, tenant, &registered.client)?;
    credentials.check(&registered.client)?;
    if let Some(assertion) = credentials.assertion() {
        let endpoint = format!("{}{path}", tenant.origin().base());
        applications::verify_assertion(tenant, &registered, assertion.expose(), &endpoint).await?;
        return Ok(registered);
    }
    if registered.client.is_confidential() {
        let now = tenant.now_ms();
        let checks: Vec<SecretCheck> = credentials
            .secrets()
            .map(|secret| registered.check_secret(secret.expose(), now))
            .collect();
        if !checks.contains(&SecretCheck::Valid) {
            if checks.contains(&SecretCheck::Expired) {
                return Err(OAuthError::invalid_request("client secret has expired").into());
            }
            return Err(OAuthError::invalid_client("wrong secret").into());
        }
    }
    Ok(registered)
}
