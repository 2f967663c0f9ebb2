//! What keys are.

use aws_lc_rs::hmac;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use trinco_jose::{
    Algorithm, JwkSet, KeyEntry, KeyState, Keyring, SigningKey, Verifier, base64url_encode, sha256,
};
use trinco_oauth::Client;
use trinco_oauth::fapi::SecurityProfile;
use zeroize::Zeroizing;

use crate::{Error, Result};

/// What applications held to FAPI 2.0 use (§5.4.1).
pub const FAPI_ALGORITHMS: [Algorithm; 3] = [Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];

/// A new cookie key signs this many milliseconds after it was made: by then every node verifies with it.
const COOKIE_KEY_PAUSE_MS: i64 = 5_000;

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Signs ID tokens and JWT access tokens with this algorithm.
    Signing(Algorithm),
    /// Signs the tokens of applications held to FAPI 2.0, beside a [`Purpose::Signing`] key of an algorithm that they may not use.
    FapiSigning(Algorithm),
    /// Authenticates cookies.
    Cookie,
    /// Derives the successor of a rotated refresh token.
    Rotation,
}

/// The keys that operators see and rotate, by the names of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// Keys that sign tokens.
    PrivateKeys,
    /// Keys that authenticate cookies.
    CookieKeys,
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
    /// When it became current, or will: Unix milliseconds. `None` for the keys a tenant was created with.
    pub effective_at: Option<i64>,
    /// Of a previous key, when nothing needs it any more: Unix milliseconds.
    pub expires_at: Option<i64>,
}

/// What everyone may know of a key. It serialises as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyRecord {
    /// 21 characters; not the `kid` of tokens.
    pub id: String,
    /// Unix milliseconds; the API shows seconds, as the reference does.
    #[serde(serialize_with = "in_seconds")]
    pub created_at: i64,
    /// `RSA` or `EC`, for callers who know no others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_key_algorithm: Option<&'static str>,
    /// The algorithm itself (RFC 7518 §3.1).
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<Algorithm>,
    /// The security profile whose applications alone it signs for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_profile: Option<SecurityProfile>,
    /// Where it is in its life.
    #[schemars(with = "String")]
    #[serde(serialize_with = "state_name")]
    pub status: KeyState,
    /// When a staged key begins to sign: Unix milliseconds; the API shows seconds.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "option_in_seconds")]
    pub effective_at: Option<i64>,
    /// Of a previous key, when it will be removed: Unix milliseconds.
    #[serde(skip)]
    pub expires_at: Option<i64>,
}

fn in_seconds<S: Serializer>(ms: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(ms.div_euclid(1000))
}

fn option_in_seconds<S: Serializer>(ms: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    ms.map(|ms| ms.div_euclid(1000)).serialize(serializer)
}

fn state_name<S: Serializer>(state: &KeyState, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match state {
        KeyState::Next => "Next",
        KeyState::Current => "Current",
        KeyState::Previous => "Previous",
    })
}

impl KeyRecord {
    fn of(stored: &SealedKey) -> Self {
        let algorithm = match stored.purpose {
            Purpose::Signing(algorithm) | Purpose::FapiSigning(algorithm) => Some(algorithm),
            Purpose::Cookie | Purpose::Rotation => None,
        };
        let family = match algorithm {
            Some(Algorithm::RS256 | Algorithm::PS256) => Some("RSA"),
            Some(Algorithm::ES256 | Algorithm::ES384 | Algorithm::ES512) => Some("EC"),
            Some(Algorithm::EdDSA) | None => None,
        };
        Self {
            id: stored.id.clone(),
            created_at: stored.created_at,
            signing_key_algorithm: family,
            algorithm,
            security_profile: matches!(stored.purpose, Purpose::FapiSigning(_))
                .then_some(SecurityProfile::Fapi2),
            status: stored.state,
            effective_at: stored.effective_at,
            expires_at: stored.expires_at,
        }
    }

    /// Whether it signs as applications held to FAPI 2.0 may have it.
    fn is_for_fapi(&self) -> bool {
        self.algorithm.is_some_and(|algorithm| FAPI_ALGORITHMS.contains(&algorithm))
    }
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
    fapi: Option<Keyring>,
    verifier: Verifier,
    jwks: JwkSet,
    jwks_json: String,
    jwks_etag: String,
    cookie: Vec<CookieKey>,
    rotation: Vec<RotationKey>,
    private_keys: Vec<KeyRecord>,
    fapi_keys: Vec<KeyRecord>,
    cookie_keys: Vec<KeyRecord>,
    rotation_keys: Vec<KeyRecord>,
}

impl Keys {
    /// `opened` has the current keys first.
    pub(super) fn from_opened(opened: Vec<(SealedKey, Zeroizing<Vec<u8>>)>) -> Result<Self> {
        let (mut signing, mut fapi) = (Vec::new(), Vec::new());
        let (mut cookie, mut rotation) = (Vec::new(), Vec::new());
        let (mut private_keys, mut cookie_keys) = (Vec::new(), Vec::new());
        let (mut rotation_keys, mut fapi_keys) = (Vec::new(), Vec::new());
        for (stored, material) in opened {
            let record = KeyRecord::of(&stored);
            let symmetric = |material: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, material);
            match stored.purpose {
                Purpose::Signing(algorithm) => {
                    signing.push((stored.state, entry(stored, algorithm, &material)?));
                    private_keys.push(record);
                }
                Purpose::FapiSigning(algorithm) => {
                    fapi.push((stored.state, entry(stored, algorithm, &material)?));
                    fapi_keys.push(record);
                }
                Purpose::Cookie => {
                    cookie.push(CookieKey(symmetric(&material)));
                    cookie_keys.push(record);
                }
                Purpose::Rotation => {
                    rotation.push(RotationKey { id: stored.id, key: symmetric(&material) });
                    rotation_keys.push(record);
                }
            }
        }
        if cookie.is_empty() || rotation.is_empty() {
            return Err(Error::Internal(
                "the tenant lacks a cookie key or a rotation key".to_owned(),
            ));
        }
        let signing = ring(signing)?;
        let fapi = if fapi.is_empty() { None } else { Some(ring(fapi)?) };
        let jwks: JwkSet = [Some(&signing), fapi.as_ref()]
            .into_iter()
            .flatten()
            .flat_map(Keyring::entries)
            .map(|(_, entry)| entry.key.public_jwk())
            .collect();
        let jwks_json = serde_json::to_string(&jwks)?;
        let jwks_etag = format!("\"{}\"", base64url_encode(sha256(jwks_json.as_bytes())));
        // The API lists a staged key first.
        private_keys.sort_by_key(|record| record.status != KeyState::Next);
        fapi_keys.sort_by_key(|record| record.status != KeyState::Next);
        Ok(Self {
            verifier: jwks.verifier(),
            signing,
            fapi,
            jwks,
            jwks_json,
            jwks_etag,
            cookie,
            rotation,
            private_keys,
            fapi_keys,
            cookie_keys,
            rotation_keys,
        })
    }

    /// The key that signs.
    pub fn signing(&self) -> &SigningKey {
        &self.signing.current().key
    }

    /// The key that signs for a client.
    ///
    /// # Errors
    /// When the client is held to a profile that none of the keys fits: one is made when a client is first held to it.
    pub fn signing_for(&self, client: &Client) -> Result<&SigningKey> {
        if !client.is_fapi2() {
            return Ok(self.signing());
        }
        self.fapi_signing().ok_or_else(|| {
            Error::Internal("the tenant has no key for applications held to FAPI 2.0".to_owned())
        })
    }

    /// The key that signs for clients held to FAPI 2.0, if there is one.
    pub(super) fn fapi_signing(&self) -> Option<&SigningKey> {
        let own = self.fapi.as_ref().map(|ring| &ring.current().key);
        own.or_else(|| {
            Some(self.signing()).filter(|key| FAPI_ALGORITHMS.contains(&key.algorithm()))
        })
    }

    /// Whether clients held to FAPI 2.0 have a key, and still have one when a staged key begins to sign for the others.
    pub(super) fn provides_for_fapi(&self) -> bool {
        let mut in_use =
            self.private_keys.iter().filter(|record| record.status != KeyState::Previous);
        self.fapi.is_some() || in_use.all(KeyRecord::is_for_fapi)
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

    /// The entity tag of [`Keys::jwks_json`] (RFC 9110 §8.8.3).
    pub fn jwks_etag(&self) -> &str {
        &self.jwks_etag
    }

    /// The algorithm that new tokens are signed with.
    pub fn algorithm(&self) -> Algorithm {
        self.signing().algorithm()
    }

    /// The algorithms of all published keys, the current one first, each once.
    pub fn algorithms(&self) -> Vec<Algorithm> {
        let mut algorithms = Vec::new();
        for (_, entry) in [Some(&self.signing), self.fapi.as_ref()]
            .into_iter()
            .flatten()
            .flat_map(Keyring::entries)
        {
            if !algorithms.contains(&entry.key.algorithm()) {
                algorithms.push(entry.key.algorithm());
            }
        }
        algorithms
    }

    /// The keys that authenticate cookies, the newest first.
    pub fn cookie(&self) -> &[CookieKey] {
        &self.cookie
    }

    /// The key that authenticates new cookies: the newest that every node knows by now, or else the oldest there is.
    pub fn cookie_signing(&self, now_ms: i64) -> &CookieKey {
        let is_known_everywhere =
            |record: &KeyRecord| record.created_at + COOKIE_KEY_PAUSE_MS <= now_ms;
        let newest = self.cookie_keys.iter().position(is_known_everywhere);
        &self.cookie[newest.unwrap_or(self.cookie.len() - 1)]
    }

    /// The key that derives new refresh tokens.
    pub fn current_rotation(&self) -> &RotationKey {
        &self.rotation[0]
    }

    /// The rotation key with this id.
    pub fn rotation(&self, id: &str) -> Option<&RotationKey> {
        self.rotation.iter().find(|key| key.id == id)
    }

    /// What everyone may know of the keys that sign for clients held to FAPI 2.0 alone.
    pub fn fapi_records(&self) -> &[KeyRecord] {
        &self.fapi_keys
    }

    /// What everyone may know of the keys of a type: a staged one, the current one, then the previous ones.
    pub fn records(&self, of: KeyType) -> &[KeyRecord] {
        match of {
            KeyType::PrivateKeys => &self.private_keys,
            KeyType::CookieKeys => &self.cookie_keys,
        }
    }

    /// The records of every key, of whatever purpose.
    pub(super) fn all_records(&self) -> impl Iterator<Item = &KeyRecord> {
        self.private_keys
            .iter()
            .chain(&self.fapi_keys)
            .chain(&self.cookie_keys)
            .chain(&self.rotation_keys)
    }
}

fn entry(stored: SealedKey, algorithm: Algorithm, material: &[u8]) -> Result<KeyEntry> {
    let key = SigningKey::from_pkcs8(algorithm, material)
        .map_err(|error| Error::Internal(format!("a stored signing key is unreadable: {error}")))?;
    Ok(KeyEntry { id: stored.id, created_at: stored.created_at / 1000, key })
}

fn ring(entries: Vec<(KeyState, KeyEntry)>) -> Result<Keyring> {
    Keyring::from_entries(entries).map_err(|error| {
        Error::Internal(format!("the tenant's signing keys are inconsistent: {error}"))
    })
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Keys({})", self.signing().kid())
    }
}
