//! Proofs that count once: which client assertions (RFC 7523 §3) and DPoP proofs (RFC 9449 §11.1) were accepted before.
//!
//! Only a hash of who signed and its `jti` is kept, and only until the proof would have expired anyway.

mod store;

use trinco_db::Tx;
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

/// A proof as it is remembered once it is accepted.
#[derive(Clone, Debug)]
pub(crate) struct Once {
    id: TokenHash,
    expires_at: i64,
}

impl Once {
    /// The proof `jti` of `signer`. `expires_at`: Unix seconds after which it is refused for its age.
    pub(crate) fn new(kind: Proof, signer: &str, jti: &str, expires_at: i64) -> Self {
        // The signer's length keeps two pairs from reading the same.
        let id = TokenHash::of(&format!("{}\n{}\n{signer}\n{jti}", kind.name(), signer.len()));
        Self { id, expires_at: expires_at * 1000 }
    }
}

/// Accepts a proof in the transaction of what it is presented for; false when it was accepted before. One INSERT decides among requests
/// on every node.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn accept(tx: &mut Tx<'_>, proof: &Once) -> Result<bool> {
    store::insert(tx, &proof.id, proof.expires_at).await
}

/// Accepts a proof, the first time, by itself. As [`Once::new`] and [`accept`].
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
    let once = Once::new(kind, signer, jti, expires_at);
    let is_first = tenant.write(once, |tx, once| Box::pin(accept(tx, once))).await?;
    if is_first { Ok(()) } else { Err(replayed.into()) }
}
