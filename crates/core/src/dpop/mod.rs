//! Proofs of possession (RFC 9449): which key a request proves.

use trinco_jose::{Algorithm, base64url_encode, sha256, verify_proof};
use trinco_oauth::Client;
use trinco_oauth::dpop::{self, Claims, MAX_AGE, PROOF_TYPE, Request};

use crate::keys::FAPI_ALGORITHMS;
use crate::{Result, Tenant, replay};

const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA, Algorithm::PS256, Algorithm::RS256];

/// The thumbprint of the key that `proof` proves for a request of `client`, where it is known, to `url`, with the access token it comes with at a protected resource.
/// The proof is spent by that.
///
/// # Errors
/// `invalid_dpop_proof`, whatever is wrong with it.
pub async fn verify(
    tenant: &Tenant,
    client: Option<&Client>,
    proof: &str,
    method: &str,
    url: &str,
    access_token: Option<&str>,
) -> Result<String> {
    let algorithms: &[Algorithm] =
        if client.is_some_and(Client::is_fapi2) { &FAPI_ALGORITHMS } else { &ALGORITHMS };
    let verified = verify_proof::<Claims>(proof, PROOF_TYPE, algorithms)
        .map_err(|error| dpop::invalid(error.to_string()))?;
    let hash = access_token.map(|token| base64url_encode(sha256(token.as_bytes())));
    let request = Request { method, url, access_token_hash: hash.as_deref() };
    dpop::check(&verified.claims, &request, tenant.now())?;
    let key = verified.key_thumbprint;
    let replayed = dpop::invalid("the proof was used before");
    // Refused for its age from the second after.
    let until = verified.claims.iat + MAX_AGE + 1;
    replay::spend(tenant, replay::Proof::Dpop, &key, &verified.claims.jti, until, replayed).await?;
    Ok(key)
}

/// Refuses a token request without a proof from a client that always proves a key (RFC 9449 §5.2).
///
/// # Errors
/// `invalid_dpop_proof`.
pub fn require(client: &Client, proven: Option<&str>) -> Result<()> {
    if client.dpop_bound_access_tokens && proven.is_none() {
        return Err(dpop::invalid("this client must bind its access tokens").into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_discovery_lists_is_what_is_accepted() {
        let listed = dpop::ALGORITHMS.map(|name| name.parse().expect("a known name"));
        assert!(listed.iter().all(|algorithm| ALGORITHMS.contains(algorithm)), "{listed:?}");
        assert!(ALGORITHMS.iter().all(|algorithm| listed.contains(algorithm)), "{listed:?}");
    }
}
