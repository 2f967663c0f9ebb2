//! Proofs that count once: which client assertions (RFC 7523 §3) and DPoP proofs (RFC 9449 §11.1) were accepted before.
//!
//! Only a hash of who signed and its `jti` is kept, and only until the proof would have expired anyway.

mod store;

use trinco_oauth::OAuthError;

use crate::{Result, Tenant, TokenHash};

/// The kinds of proof. One kind's `jti` says nothing about another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Signed by a client, named by its id.
    ClientAssertion,
    /// Signed by a key, named by its thumbprint.
    Dpop,
}

impl Proof {
    const fn name(self) -> &'static str {
        match self {
            Self::ClientAssertion => "client_assertion",
            Self::Dpop => "dpop",
        }
    }
}

/// Accepts a proof, the first time: one INSERT decides among requests on every node. `expires_at`: Unix seconds after which the
/// proof is refused for its age.
///
/// # Errors
/// `replayed` when `signer` has presented this `jti` before.
pub async fn spend(
    tenant: &Tenant,
    kind: Proof,
    signer: &str,
    jti: &str,
    expires_at: i64,
    replayed: OAuthError,
) -> Result<()> {
    // The signer's length keeps two pairs from reading the same.
    let id = TokenHash::of(&format!("{}\n{}\n{signer}\n{jti}", kind.name(), signer.len()));
    let is_first = tenant
        .write((id, expires_at * 1000), |tx, (id, expires_at)| {
            Box::pin(store::insert(tx, id, *expires_at))
        })
        .await?;
    if is_first { Ok(()) } else { Err(replayed.into()) }
}
