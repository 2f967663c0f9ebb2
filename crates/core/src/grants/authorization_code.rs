//! The authorization code grant (RFC 6749 §4.1.3).

use trinco_oauth::dpop;
use trinco_oauth::pkce::CodeChallenge;
use trinco_oauth::token::{AuthorizationCodeRequest, IssuedCode, TokenResponse, check_code};
use trinco_oauth::{Client, OAuthError};

use super::first_tokens::{self, OneTime, Redemption};
use super::model::StoredCode;
use super::store;
use crate::dpop::Proof;
use crate::{Error, Result, Tenant, TokenHash};

/// Exchanges a code for tokens, bound to the key that was proven, if one was. A code works once; presenting it again revokes what it issued.
///
/// # Errors
/// `invalid_grant` for a code that is unknown, spent, expired, another client's, or presented with another redirect URI or without
/// its verifier or key; `invalid_dpop_proof` when its key is not proven; `invalid_target`.
pub(super) async fn exchange(
    tenant: &Tenant,
    client: &Client,
    request: &AuthorizationCodeRequest,
    proof: Option<&Proof>,
) -> Result<TokenResponse> {
    let mut conn = tenant.read().await?;
    let found = store::find_code(&mut conn, &TokenHash::of(request.code.expose())).await?;
    let (stored, grant) = found.ok_or_else(|| OAuthError::invalid_grant("unknown code"))?;
    let code = OneTime::AuthorizationCode(stored.hash.clone());
    let challenge = challenge_of(&stored)?;
    let issued = IssuedCode {
        client_id: &stored.client_id,
        redirect_uri: &stored.redirect_uri,
        code_challenge: challenge.as_ref(),
        expires_at: stored.expires_at.div_euclid(1000),
        consumed_at: stored.consumed_at.map(|at| at.div_euclid(1000)),
    };
    if let Err(refused) = check_code(request, client, &issued, tenant.now()) {
        drop(conn);
        if refused.revoke_grant {
            // A replay without the key would have been refused the first time, too.
            dpop::check_grant(stored.dpop_jkt.as_deref(), proof.map(Proof::key))?;
            first_tokens::revoke_replayed(tenant, &code, &client.client_id, &grant.id).await?;
        }
        return Err(refused.error.into());
    }
    dpop::check_grant(stored.dpop_jkt.as_deref(), proof.map(Proof::key))?;
    let resource = request.resource.as_deref();
    let redemption = Redemption { client, code, grant, resource, proof };
    first_tokens::redeem(tenant, conn, redemption).await
}

fn challenge_of(code: &StoredCode) -> Result<Option<CodeChallenge>> {
    let unreadable = || Error::Internal("a stored code challenge is unreadable".to_owned());
    code.code_challenge
        .as_deref()
        .map(|text| CodeChallenge::parse(text).ok_or_else(unreadable))
        .transpose()
}
