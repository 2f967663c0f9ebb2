//! The token endpoint: who answers which grant, and what the audit log keeps of a refusal.

use serde::Serialize;
use trinco_oauth::token::{TokenRequest, TokenResponse};
use trinco_oauth::{Client, ErrorCode};

use super::exchange::{self, Exchanged};
use super::{authorization_code, client_credentials, device_code, refresh_token};
use crate::audit::{self, Entry, Outcome};
use crate::dpop::Proof;
use crate::{Error, Result, Tenant};

/// What the token endpoint answers.
#[derive(Clone, Serialize)]
#[serde(untagged)]
pub enum Issued {
    /// RFC 6749 §5.1.
    Tokens(TokenResponse),
    /// RFC 8693 §2.2.1.
    Exchanged(Exchanged),
}

/// Answers a token request. `proof` is the DPoP proof it came with, not spent yet; tokens are bound to its key.
///
/// # Errors
/// Those of the grant. What an authenticated client is refused is in the audit log. What a public one is refused is not: anyone can
/// ask in its name, as often as they like.
pub async fn answer(
    tenant: &Tenant,
    client: &Client,
    request: &TokenRequest,
    proof: Option<&Proof>,
) -> Result<Issued> {
    let answered = match request {
        TokenRequest::AuthorizationCode(request) => {
            authorization_code::exchange(tenant, client, request, proof).await.map(Issued::Tokens)
        }
        TokenRequest::RefreshToken(request) => {
            refresh_token::exchange(tenant, client, request, proof).await.map(Issued::Tokens)
        }
        TokenRequest::ClientCredentials(request) => {
            client_credentials::issue(tenant, client, request, proof).await.map(Issued::Tokens)
        }
        TokenRequest::DeviceCode(request) => {
            device_code::exchange(tenant, client, request, proof).await.map(Issued::Tokens)
        }
        TokenRequest::TokenExchange(request) => {
            exchange::exchange(tenant, client, request, proof).await.map(Issued::Exchanged)
        }
    };
    if let Err(Error::OAuth(error)) = &answered
        && client.is_confidential()
        // A device that asks whether its user has answered is refused nothing.
        && !matches!(error.error, ErrorCode::AuthorizationPending | ErrorCode::SlowDown)
    {
        let mut entry = Entry::new(tenant, audit_key(request), Outcome::Error)
            .application(&client.client_id)
            .fact("error", error.error.as_str());
        if let Some(detail) = &error.detail {
            entry = entry.fact("detail", detail.as_ref());
        }
        audit::record(tenant, entry).await?;
    }
    answered
}

/// The key under which the grant of a request is in the audit log.
fn audit_key(request: &TokenRequest) -> &'static str {
    match request {
        TokenRequest::AuthorizationCode(_) => "ExchangeTokenBy.AuthorizationCode",
        TokenRequest::RefreshToken(_) => refresh_token::KEY,
        TokenRequest::ClientCredentials(_) => client_credentials::KEY,
        TokenRequest::DeviceCode(_) => "ExchangeTokenBy.DeviceCode",
        TokenRequest::TokenExchange(_) => exchange::KEY,
    }
}
