//! The token endpoint (RFC 6749 §3.2): the request, the checks of each grant, what to issue, the answer.
//!
//! In order: [`TokenRequest::parse`] for an authenticated client; the grant's own check ([`check_code`] here,
//! [`crate::refresh`] for refresh tokens); [`narrow`]; [`AccessTokenKind::for_user`] or
//! [`AccessTokenKind::for_machine`]; the organization check; [`AccessTokenKind::scope`]; [`TokenResponse`].

mod code;
mod device;
mod exchange;
mod issue;

use serde::Serialize;

pub use self::{
    code::{IssuedCode, RefusedCode, check_code},
    device::{
        DeviceCodeRequest, DeviceDecision, IssuedDeviceCode, POLL_INTERVAL_MS, check_device_code,
    },
    exchange::{
        ACCESS_TOKEN_TYPE, ExchangedTarget, SubjectTokenType, TokenExchangeRequest, exchanged_scope,
    },
    issue::{
        AccessTokenKind, Membership, check_machine_organization, check_membership,
        check_user_organization, narrow,
    },
};
use crate::{
    client::{Client, GrantType},
    error::{ErrorCode, OAuthError},
    params::Params,
    scope::Scope,
    secret::Secret,
};

/// Longest code, token or verifier read, in bytes.
pub const MAX_TOKEN: usize = 8 * 1024;

/// A token request of an authenticated client.
#[derive(Debug, Clone)]
pub enum TokenRequest {
    /// RFC 6749 §4.1.3.
    AuthorizationCode(AuthorizationCodeRequest),
    /// RFC 6749 §6.
    RefreshToken(RefreshTokenRequest),
    /// RFC 6749 §4.4.2.
    ClientCredentials(ClientCredentialsRequest),
    /// RFC 8628 §3.4.
    DeviceCode(DeviceCodeRequest),
    /// RFC 8693 §2.1.
    TokenExchange(TokenExchangeRequest),
}

/// RFC 6749 §4.1.3.
#[derive(Debug, Clone)]
pub struct AuthorizationCodeRequest {
    /// The code.
    pub code: Secret,
    /// Must equal that of the authorization request.
    pub redirect_uri: String,
    /// RFC 7636 §4.5.
    pub code_verifier: Option<Secret>,
    /// RFC 8707 §2.2.
    pub resource: Option<String>,
}

/// RFC 6749 §6.
#[derive(Debug, Clone)]
pub struct RefreshTokenRequest {
    /// The refresh token.
    pub refresh_token: Secret,
    /// Fewer scopes than were granted.
    pub scope: Option<Scope>,
    /// RFC 8707 §2.2.
    pub resource: Option<String>,
    /// The organization the token is for.
    pub organization_id: Option<String>,
}

/// RFC 6749 §4.4.2.
#[derive(Debug, Clone)]
pub struct ClientCredentialsRequest {
    /// What is asked for.
    pub scope: Scope,
    /// RFC 8707 §2.2.
    pub resource: Option<String>,
    /// The organization the token is for.
    pub organization_id: Option<String>,
}

impl TokenRequest {
    /// Reads the request of a client that has authenticated.
    ///
    /// # Errors
    /// `unsupported_grant_type`; `invalid_request` for a grant this client may not use, a missing parameter or one
    /// that is too long; `invalid_target` for more than one resource, or none where one is needed.
    pub fn parse(params: &Params, client: &Client) -> Result<Self, OAuthError> {
        let grant = GrantType::parse(params.required("grant_type")?).ok_or_else(|| {
            OAuthError::new(ErrorCode::UnsupportedGrantType, "grant_type is not supported")
        })?;
        if !client.allows(grant) {
            // RFC 6749 §5.2 has `unauthorized_client`; clients know `invalid_request` from the reference system.
            return Err(OAuthError::invalid_request(
                "requested grant type is not allowed for this client",
            ));
        }
        let resource = match params.resources() {
            [] => None,
            [resource] => Some(resource.clone()),
            // RFC 8707 §2.2 allows several; a token here has one audience.
            _ => return Err(OAuthError::invalid_target("only one resource may be requested")),
        };
        Ok(match grant {
            GrantType::AuthorizationCode => Self::AuthorizationCode(AuthorizationCodeRequest {
                code: secret(params, "code")?,
                redirect_uri: params.required("redirect_uri")?.to_owned(),
                code_verifier: params.limited("code_verifier", MAX_TOKEN)?.map(Secret::new),
                resource,
            }),
            GrantType::RefreshToken => Self::RefreshToken(RefreshTokenRequest {
                refresh_token: secret(params, "refresh_token")?,
                scope: params.get("scope").map(Scope::parse).transpose()?,
                resource,
                organization_id: organization_id(params)?,
            }),
            GrantType::ClientCredentials => {
                let organization_id = organization_id(params)?;
                if resource.is_none() && organization_id.is_none() {
                    return Err(OAuthError::invalid_target(
                        "resource or organization_id is required",
                    ));
                }
                Self::ClientCredentials(ClientCredentialsRequest {
                    scope: Scope::parse(params.get("scope").unwrap_or_default())?,
                    resource,
                    organization_id,
                })
            }
            GrantType::DeviceCode => Self::DeviceCode(DeviceCodeRequest {
                device_code: secret(params, "device_code")?,
                resource,
            }),
            GrantType::TokenExchange => {
                Self::TokenExchange(TokenExchangeRequest::parse(params, resource)?)
            }
        })
    }
}

fn secret(params: &Params, name: &'static str) -> Result<Secret, OAuthError> {
    params.limited(name, MAX_TOKEN)?;
    params.required(name).map(Secret::new)
}

fn organization_id(params: &Params) -> Result<Option<String>, OAuthError> {
    Ok(params.limited("organization_id", 64)?.map(Into::into))
}

/// The answer (RFC 6749 §5.1). Serialises in the order clients have always seen. Not printable: it holds tokens.
#[derive(Clone, Serialize)]
pub struct TokenResponse {
    /// The access token.
    pub access_token: String,
    /// Its lifetime: seconds.
    pub expires_in: i64,
    /// For grants with `openid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// A new refresh token, or the one presented when it does not rotate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// What the access token allows; present even when empty.
    pub scope: Scope,
    /// `Bearer`, or `DPoP` for a bound access token.
    pub token_type: TokenType,
}

impl TokenType {
    /// The type of an access token that is bound to a key, or to none.
    #[must_use]
    pub fn of(bound_to: Option<&str>) -> Self {
        if bound_to.is_some() { Self::DPoP } else { Self::Bearer }
    }
}

/// RFC 6749 §7.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub enum TokenType {
    /// RFC 6750.
    #[default]
    Bearer,
    /// RFC 9449.
    DPoP,
}

#[cfg(test)]
mod tests;
