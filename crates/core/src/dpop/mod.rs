//! Proofs of possession (RFC 9449): which key a request proves, and that it proves it once.

use trinco_db::Tx;
use trinco_jose::{Algorithm, base64url_encode, sha256, verify_proof};
use trinco_oauth::Client;
use trinco_oauth::dpop::{self, Claims, MAX_AGE, PROOF_TYPE, Request};

use crate::keys::FAPI_ALGORITHMS;
use crate::replay::{self, Once};
use crate::{Result, Snapshot, Tenant};

const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA, Algorithm::PS256, Algorithm::RS256];

/// A proof that is right. It counts once it is spent, which is left until what it is presented with has turned out to be good: a proof is
/// free to make, and nobody without a token fills the memory of proofs.
#[derive(Clone, Debug)]
pub struct Proof {
    key: String,
    algorithm: Algorithm,
    once: Once,
}

impl Proof {
    /// The thumbprint of the key it proves.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Holds a proof beside an access token to what the token's client may sign with (FAPI 2.0 §5.4.1): whose the token is, is not known
    /// when the proof is read.
    ///
    /// # Errors
    /// `invalid_dpop_proof`.
    pub fn check_for(&self, snapshot: &Snapshot, client_id: &str) -> Result<()> {
        let registered = snapshot.applications.get(client_id);
        let is_fapi2 = registered.is_some_and(|registered| registered.client.is_fapi2());
        if is_fapi2 && !FAPI_ALGORITHMS.contains(&self.algorithm) {
            return Err(dpop::invalid("the client's profile does not know the algorithm").into());
        }
        Ok(())
    }

    /// Spends the proof by itself: at protected resources.
    ///
    /// # Errors
    /// `invalid_dpop_proof` when it was spent before.
    pub async fn spend(&self, tenant: &Tenant) -> Result<()> {
        tenant.write(self.clone(), |tx, proof| Box::pin(proof.spend_in(tx))).await
    }

    /// Spends the proof in the transaction that issues what it was presented for; all of it is undone when it was spent before.
    ///
    /// # Errors
    /// As [`Proof::spend`].
    pub(crate) async fn spend_in(&self, tx: &mut Tx<'_>) -> Result<()> {
        if replay::accept(tx, &self.once).await? {
            return Ok(());
        }
        Err(dpop::invalid("the proof was used before").into())
    }
}

/// Reads the proof of a request of `client`, where it is known, to `url`, with the access token it comes with at a protected resource.
///
/// # Errors
/// `invalid_dpop_proof`, whatever is wrong with it.
pub fn read(
    tenant: &Tenant,
    client: Option<&Client>,
    proof: &str,
    method: &str,
    url: &str,
    access_token: Option<&str>,
) -> Result<Proof> {
    let algorithms: &[Algorithm] =
        if client.is_some_and(Client::is_fapi2) { &FAPI_ALGORITHMS } else { &ALGORITHMS };
    let verified = verify_proof::<Claims>(proof, PROOF_TYPE, algorithms)
        .map_err(|error| dpop::invalid(error.to_string()))?;
    let hash = access_token.map(|token| base64url_encode(sha256(token.as_bytes())));
    let request = Request { method, url, access_token_hash: hash.as_deref() };
    dpop::check(&verified.claims, &request, tenant.now())?;
    let (key, algorithm) = (verified.key_thumbprint, verified.algorithm);
    // Refused for its age from the second after.
    let until = verified.claims.iat + MAX_AGE + 1;
    let once = Once::new(replay::Proof::Dpop, &key, &verified.claims.jti, until);
    Ok(Proof { key, algorithm, once })
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
