//! What keys are.

use aws_lc_rs::hmac;
use trinco_jose::{Algorithm, JwkSet, KeyEntry, KeyState, Keyring, SigningKey, Verifier};
use zeroize::Zeroizing;

use crate::{Error, Result};

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Signs ID tokens and JWT access tokens with this algorithm.
    Signing(Algorithm),
    /// Authenticates cookies.
    Cookie,
    /// Derives the successor of a rotated refresh token.
    Rotation,
}

/// A key as it is stored.
#[derive(Clone, Debug)]
pub struct SealedKey {
    /// 21 characters.
    pub id: String,
    /// What it is for.
    pub purpose: Purpose,
    /// Where it is in its life.
    pub state: KeyState,
    /// PKCS#8 for signing keys, 32 bytes otherwise; sealed.
    pub material: String,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// A key that authenticates cookies and forms.
#[derive(Clone)]
pub struct CookieKey(hmac::Key);

/// A key that derives refresh tokens from their predecessors.
#[derive(Clone)]
pub struct RotationKey {
    /// The id that is stored beside each token it derives from.
    pub id: String,
    key: hmac::Key,
}

impl CookieKey {
    /// HMAC-SHA-256 of `message`.
    pub fn sign(&self, message: &[u8]) -> hmac::Tag {
        hmac::sign(&self.0, message)
    }

    /// Whether `tag` is the HMAC of `message`; in constant time.
    pub fn verify(&self, message: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.0, message, tag).is_ok()
    }
}

impl RotationKey {
    /// HMAC-SHA-256 of `message`.
    pub fn sign(&self, message: &[u8]) -> hmac::Tag {
        hmac::sign(&self.key, message)
    }
}

/// The keys of one tenant, opened.
pub struct Keys {
    signing: Keyring,
    verifier: Verifier,
    jwks: JwkSet,
    jwks_json: String,
    cookie: Vec<CookieKey>,
    rotation: Vec<RotationKey>,
}

impl Keys {
    /// `opened` has the current keys first.
    pub(super) fn from_opened(opened: Vec<(SealedKey, Zeroizing<Vec<u8>>)>) -> Result<Self> {
        let mut signing = Vec::new();
        let mut cookie = Vec::new();
        let mut rotation = Vec::new();
        for (stored, material) in opened {
            let symmetric = |material: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, material);
            match stored.purpose {
                Purpose::Signing(algorithm) => {
                    let key = SigningKey::from_pkcs8(algorithm, &material).map_err(|error| {
                        Error::Internal(format!("a stored signing key is unreadable: {error}"))
                    })?;
                    let entry =
                        KeyEntry { id: stored.id, created_at: stored.created_at / 1000, key };
                    signing.push((stored.state, entry));
                }
                Purpose::Cookie => cookie.push(CookieKey(symmetric(&material))),
                Purpose::Rotation => {
                    rotation.push(RotationKey { id: stored.id, key: symmetric(&material) });
                }
            }
        }
        if cookie.is_empty() || rotation.is_empty() {
            return Err(Error::Internal(
                "the tenant lacks a cookie key or a rotation key".to_owned(),
            ));
        }
        let signing = Keyring::from_entries(signing).map_err(|error| {
            Error::Internal(format!("the tenant's signing keys are inconsistent: {error}"))
        })?;
        let jwks = signing.jwks();
        let jwks_json = serde_json::to_string(&jwks)?;
        Ok(Self { verifier: jwks.verifier(), signing, jwks, jwks_json, cookie, rotation })
    }

    /// The key that signs.
    pub fn signing(&self) -> &SigningKey {
        &self.signing.current().key
    }

    /// Verifies what any of the published keys signed.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Public keys, the current one first (RFC 7517 §5).
    pub fn jwks(&self) -> &JwkSet {
        &self.jwks
    }

    /// [`Keys::jwks`] as it is served.
    pub fn jwks_json(&self) -> &str {
        &self.jwks_json
    }

    /// The algorithm that new tokens are signed with.
    pub fn algorithm(&self) -> Algorithm {
        self.signing().algorithm()
    }

    /// The key that authenticates new cookies, then those still accepted.
    pub fn cookie(&self) -> &[CookieKey] {
        &self.cookie
    }

    /// The key that derives new refresh tokens.
    pub fn current_rotation(&self) -> &RotationKey {
        &self.rotation[0]
    }

    /// The rotation key with this id.
    pub fn rotation(&self, id: &str) -> Option<&RotationKey> {
        self.rotation.iter().find(|key| key.id == id)
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Keys({})", self.signing().kid())
    }
}
