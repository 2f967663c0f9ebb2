//! Authorization codes.

use super::AuthorizationCodeRequest;
use crate::{
    client::Client,
    error::OAuthError,
    pkce::{self, CodeChallenge},
    secret::Secret,
};

/// What is kept of an authorization code.
#[derive(Debug, Clone, Copy)]
pub struct IssuedCode<'a> {
    /// Whom it was issued to.
    pub client_id: &'a str,
    /// The redirect URI it was sent to.
    pub redirect_uri: &'a str,
    /// What it is bound to.
    pub code_challenge: Option<&'a CodeChallenge>,
    /// When it ends: Unix seconds.
    pub expires_at: i64,
    /// When it was spent: Unix seconds.
    pub consumed_at: Option<i64>,
}

/// A refused code. The answer is always the same `invalid_grant`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct RefusedCode {
    /// The answer.
    pub error: OAuthError,
    /// Whether everything the code's grant issued must be revoked.
    pub revoke_grant: bool,
}

/// Checks a presented code before it is spent. Spending it must be one atomic step of the caller; losing that race
/// is a replay. `now`: Unix seconds.
///
/// # Errors
/// [`RefusedCode`].
pub fn check_code(
    request: &AuthorizationCodeRequest,
    client: &Client,
    code: &IssuedCode<'_>,
    now: i64,
) -> Result<(), RefusedCode> {
    let refuse = |why| RefusedCode { error: OAuthError::invalid_grant(why), revoke_grant: false };
    if code.client_id != client.client_id {
        return Err(refuse("code of another client"));
    }
    if request.redirect_uri != code.redirect_uri {
        return Err(refuse("redirect_uri differs from the authorization request"));
    }
    if client.is_fapi2() && code.code_challenge.is_none() {
        // FAPI 2.0 §5.3.2.2. The client was held to the profile after it had asked for the code.
        return Err(refuse(
            "code of a request without code_challenge, which this client needs now",
        ));
    }
    let verifier = request.code_verifier.as_ref().map(Secret::expose);
    pkce::verify(code.code_challenge, verifier)
        .map_err(|error| RefusedCode { error, revoke_grant: false })?;
    if code.consumed_at.is_some() {
        // RFC 6749 §4.1.2, RFC 9700 §4.5: a replayed code revokes what its first use issued. Only here, where everything else
        // is right: a used code alone, read in a browser's history, must not end anybody's session.
        return Err(RefusedCode { revoke_grant: true, ..refuse("code was used before") });
    }
    if now >= code.expires_at {
        return Err(refuse("code expired"));
    }
    Ok(())
}
