//! What an endpoint answers when it refuses.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

/// The registered error codes this server can answer with, plus two of the reference system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// RFC 6749 §4.1.2.1, §5.2.
    InvalidRequest,
    /// RFC 6749 §5.2.
    InvalidClient,
    /// RFC 6749 §5.2.
    InvalidGrant,
    /// RFC 6749 §4.1.2.1, §5.2.
    UnauthorizedClient,
    /// RFC 6749 §5.2.
    UnsupportedGrantType,
    /// RFC 6749 §4.1.2.1.
    UnsupportedResponseType,
    /// OAuth 2.0 Multiple Response Types §2.1 names no code; servers agree on this one.
    UnsupportedResponseMode,
    /// RFC 6749 §4.1.2.1, §5.2.
    InvalidScope,
    /// RFC 6749 §4.1.2.1.
    AccessDenied,
    /// OpenID Connect Core §3.1.2.6.
    LoginRequired,
    /// OpenID Connect Core §3.1.2.6.
    ConsentRequired,
    /// OpenID Connect Core §3.1.2.6.
    InteractionRequired,
    /// OpenID Connect Core §3.1.2.6.
    AccountSelectionRequired,
    /// OpenID Connect Core Error Code unmet_authentication_requirements §2.
    UnmetAuthenticationRequirements,
    /// RFC 8707 §2.
    InvalidTarget,
    /// RFC 6750 §3.1.
    InvalidToken,
    /// RFC 6750 §3.1.
    InsufficientScope,
    /// RFC 9449 §5.
    InvalidDpopProof,
    /// RFC 7009 §2.2.1.
    UnsupportedTokenType,
    /// OpenID Connect Core §3.1.2.6.
    RequestNotSupported,
    /// OpenID Connect Core §3.1.2.6.
    RequestUriNotSupported,
    /// OpenID Connect Core §3.1.2.6.
    RegistrationNotSupported,
    /// RFC 6749 §4.1.2.1.
    ServerError,
    /// RFC 6749 §4.1.2.1.
    TemporarilyUnavailable,
    /// The redirect URI is not one of the client's: always shown, never redirected.
    InvalidRedirectUri,
    /// A client asks to be answered where no client may be (RFC 7591 §3.2.2). `invalid_redirect_uri` on the wire.
    UnregistrableRedirectUri,
    /// RFC 7591 §3.2.2.
    InvalidClientMetadata,
    /// RFC 7591 §3.2.2.
    UnapprovedSoftwareStatement,
    /// Registrations come faster than the operator allows. `temporarily_unavailable` on the wire, with status 429.
    TooManyRegistrations,
    /// The sign-in this request continues is gone. `invalid_request` on the wire.
    SessionNotFound,
    /// RFC 8628 §3.5.
    AuthorizationPending,
    /// RFC 8628 §3.5.
    SlowDown,
    /// RFC 8628 §3.5.
    ExpiredToken,
    /// The user said no to a device (RFC 8628 §3.5), or a script of the tenant to a token. `access_denied` on the wire, with the
    /// status of the token endpoint.
    GrantDenied,
    /// A script of the tenant that adds claims failed, and is set to stop the token then. `invalid_request` on the wire.
    CustomClaimsScriptFailed,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 35] = [
        Self::InvalidRequest,
        Self::InvalidClient,
        Self::InvalidGrant,
        Self::UnauthorizedClient,
        Self::UnsupportedGrantType,
        Self::UnsupportedResponseType,
        Self::UnsupportedResponseMode,
        Self::InvalidScope,
        Self::AccessDenied,
        Self::LoginRequired,
        Self::ConsentRequired,
        Self::InteractionRequired,
        Self::AccountSelectionRequired,
        Self::UnmetAuthenticationRequirements,
        Self::InvalidTarget,
        Self::InvalidToken,
        Self::InsufficientScope,
        Self::InvalidDpopProof,
        Self::UnsupportedTokenType,
        Self::RequestNotSupported,
        Self::RequestUriNotSupported,
        Self::RegistrationNotSupported,
        Self::ServerError,
        Self::TemporarilyUnavailable,
        Self::InvalidRedirectUri,
        Self::UnregistrableRedirectUri,
        Self::InvalidClientMetadata,
        Self::UnapprovedSoftwareStatement,
        Self::TooManyRegistrations,
        Self::SessionNotFound,
        Self::AuthorizationPending,
        Self::SlowDown,
        Self::ExpiredToken,
        Self::GrantDenied,
        Self::CustomClaimsScriptFailed,
    ];

    /// The value of the `error` member.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest | Self::SessionNotFound | Self::CustomClaimsScriptFailed => {
                "invalid_request"
            }
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::UnsupportedResponseMode => "unsupported_response_mode",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied | Self::GrantDenied => "access_denied",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::AccountSelectionRequired => "account_selection_required",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable | Self::TooManyRegistrations => "temporarily_unavailable",
            Self::InvalidRedirectUri | Self::UnregistrableRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::UnapprovedSoftwareStatement => "unapproved_software_statement",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
        }
    }

    /// The HTTP status of a direct answer. Errors *shown* by the authorization endpoint are 400 whatever their
    /// code (see [`crate::authorization::AuthorizationError`]).
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidClient | Self::InvalidToken => 401,
            // A refused organization is answered with 403 by the system clients are written for.
            Self::AccessDenied | Self::InsufficientScope => 403,
            Self::TooManyRegistrations => 429,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
            Self::InvalidRequest
            | Self::InvalidGrant
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType
            | Self::UnsupportedResponseType
            | Self::UnsupportedResponseMode
            | Self::InvalidScope
            | Self::LoginRequired
            | Self::ConsentRequired
            | Self::InteractionRequired
            | Self::AccountSelectionRequired
            | Self::UnmetAuthenticationRequirements
            | Self::InvalidTarget
            | Self::InvalidDpopProof
            | Self::UnsupportedTokenType
            | Self::RequestNotSupported
            | Self::RequestUriNotSupported
            | Self::RegistrationNotSupported
            | Self::InvalidRedirectUri
            | Self::UnregistrableRedirectUri
            | Self::InvalidClientMetadata
            | Self::UnapprovedSoftwareStatement
            | Self::SessionNotFound
            | Self::AuthorizationPending
            | Self::SlowDown
            | Self::ExpiredToken
            | Self::GrantDenied
            | Self::CustomClaimsScriptFailed => 400,
        }
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A refusal. Serialises to the members of RFC 6749 §5.2; `detail` stays inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{}: {description}", error.as_str())]
pub struct OAuthError {
    /// The code.
    pub error: ErrorCode,
    /// For the developer of the client. Only the characters RFC 6749 §5.2 allows.
    #[serde(rename = "error_description")]
    pub description: Cow<'static, str>,
    /// The scope that was refused or is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// For the log of this server, never for the client.
    #[serde(skip)]
    pub detail: Option<Cow<'static, str>>,
}

impl OAuthError {
    /// A refusal with a public description.
    pub fn new(error: ErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        Self { error, description: printable(description.into()), scope: None, detail: None }
    }

    /// `invalid_request` with a description.
    pub fn invalid_request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::InvalidRequest, description)
    }

    /// `invalid_grant`. The public text never says why: only the log learns what did not match.
    pub fn invalid_grant(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::InvalidGrant, "grant request is invalid").with_detail(detail)
    }

    /// `invalid_client`. The public text never says whether the client exists.
    pub fn invalid_client(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::InvalidClient, "client authentication failed").with_detail(detail)
    }

    /// `invalid_target` with a description.
    pub fn invalid_target(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::InvalidTarget, description)
    }

    /// Names the scope that was refused or is missing.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Adds what only the log may learn.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The HTTP status of a direct answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.error.status()
    }

    /// The `code` member the reference system's SDKs require beside the RFC's.
    #[must_use]
    pub fn code(&self) -> String {
        match self.error {
            ErrorCode::SessionNotFound => "session.not_found".to_owned(),
            ErrorCode::CustomClaimsScriptFailed => "oidc.custom_claims_script_error".to_owned(),
            error => format!("oidc.{}", error.as_str()),
        }
    }
}

/// RFC 6749 §5.2: `error_description` holds %x20-21 / %x23-5B / %x5D-7E only.
fn printable(text: Cow<'static, str>) -> Cow<'static, str> {
    let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    if text.chars().all(allowed) {
        return text;
    }
    text.chars().map(|c| if allowed(c) { c } else { '?' }).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_the_members_of_the_rfc_and_never_the_detail() {
        let error = OAuthError::invalid_grant("code expired").with_scope("read");
        assert_eq!(
            serde_json::to_string(&error).unwrap(),
            r#"{"error":"invalid_grant","error_description":"grant request is invalid","scope":"read"}"#
        );
    }

    #[test]
    fn a_description_never_leaves_the_character_set_of_the_rfc() {
        let error = OAuthError::invalid_request("bad \"name\\\n é".to_owned());
        assert_eq!(error.description, "bad ?name?? ?");
    }

    #[test]
    fn a_lost_session_is_an_invalid_request_with_its_own_code() {
        let error = OAuthError::new(ErrorCode::SessionNotFound, "session not found");
        assert_eq!(
            (error.error.as_str(), error.code().as_str()),
            ("invalid_request", "session.not_found")
        );
        assert_eq!(OAuthError::invalid_request("x").code(), "oidc.invalid_request");
    }

    #[test]
    fn every_code_is_a_lower_case_word_with_an_error_status() {
        for code in ErrorCode::ALL {
            assert!(code.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
            assert!((400..=503).contains(&code.status()));
        }
    }
}
