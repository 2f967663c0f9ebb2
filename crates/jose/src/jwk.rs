//! Public keys as JSON (RFC 7517, RFC 7518 §6, RFC 8037 §2).

use std::fmt;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use crate::algorithm::Algorithm;
use crate::encoding::{base64url_decode, base64url_encode, sha256};
use crate::error::{KeyError, VerifyError};
use crate::jwt::{Expectation, Verified};
use crate::verifying::{Verifier, VerifyingKey};

/// The longest JWK set that is read, in bytes. Sets with certificate chains reach 30 kB.
const MAX_SET_LENGTH: usize = 256 * 1024;
/// The most keys that are read from one set.
const MAX_SET_KEYS: usize = 128;

/// A public key that verifies signatures of one algorithm.
///
/// Reading one checks everything but the curve equation, which [`VerifyingKey::from_jwk`] adds.
/// Unknown members are ignored, and private ones (`d`, `p`, …) have nowhere to go.
///
/// A key without `alg` gets the algorithm of its curve; an RSA key without `alg` is `RS256`, the
/// default of OpenID Connect.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Members", into = "Members")]
pub struct Jwk {
    kid: Option<String>,
    algorithm: Algorithm,
    key: PublicKey,
}

/// The key itself, big-endian and without leading zeros where the standard has none.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum PublicKey {
    /// A point on the algorithm's curve, both coordinates at full length.
    Ec { x: Vec<u8>, y: Vec<u8> },
    /// An Ed25519 key.
    Okp { x: Vec<u8> },
    /// Modulus and exponent.
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

impl Jwk {
    /// The key id, if the key has one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The one algorithm the key is for.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The RFC 7638 thumbprint: SHA-256 over the required members in alphabetical order, in
    /// base64url.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let crv = self.algorithm.curve().map_or("", |(name, _)| name);
        let canonical = match &self.key {
            PublicKey::Ec { x, y } => format!(
                r#"{{"crv":"{crv}","kty":"EC","x":"{}","y":"{}"}}"#,
                base64url_encode(x),
                base64url_encode(y)
            ),
            PublicKey::Okp { x } => {
                format!(r#"{{"crv":"{crv}","kty":"OKP","x":"{}"}}"#, base64url_encode(x))
            }
            PublicKey::Rsa { n, e } => format!(
                r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
                base64url_encode(e),
                base64url_encode(n)
            ),
        };
        base64url_encode(sha256(canonical.as_bytes()))
    }

    /// A key whose id is its thumbprint.
    pub(crate) fn named_by_thumbprint(
        algorithm: Algorithm,
        key: PublicKey,
    ) -> Result<Self, KeyError> {
        let mut jwk = Self::new(None, algorithm, key)?;
        jwk.kid = Some(jwk.thumbprint());
        Ok(jwk)
    }

    pub(crate) fn public_key(&self) -> &PublicKey {
        &self.key
    }

    fn new(kid: Option<String>, algorithm: Algorithm, key: PublicKey) -> Result<Self, KeyError> {
        let coordinate = algorithm.curve().map_or(0, |(_, length)| length);
        let fits = match (&key, algorithm) {
            (PublicKey::Ec { x, y }, Algorithm::ES256 | Algorithm::ES384 | Algorithm::ES512) => {
                x.len() == coordinate && y.len() == coordinate
            }
            (PublicKey::Okp { x }, Algorithm::EdDSA) => x.len() == coordinate,
            (PublicKey::Rsa { n, e }, Algorithm::RS256 | Algorithm::PS256) => {
                rsa_modulus_is_sound(n) && rsa_exponent_is_sound(e)
            }
            _ => false,
        };
        if fits { Ok(Self { kid, algorithm, key }) } else { Err(KeyError::Rejected) }
    }
}

/// 2048 to 8192 bits (RFC 7518 §3.3 sets the minimum), odd, no leading zero octet (§6.3.1.1).
fn rsa_modulus_is_sound(n: &[u8]) -> bool {
    let bits = n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
    n.first() != Some(&0)
        && n.last().is_some_and(|last| last & 1 == 1)
        && (2048..=8192).contains(&bits)
}

/// Odd and at least 3: with an exponent of 1 every message would be its own signature.
fn rsa_exponent_is_sound(e: &[u8]) -> bool {
    (1..=4).contains(&e.len()) && e[0] != 0 && e[e.len() - 1] & 1 == 1 && e != [1]
}

impl fmt::Debug for Jwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwk").field("kid", &self.kid).field("alg", &self.algorithm).finish()
    }
}

/// The JSON shape, in the order in which members are written.
#[derive(Serialize, Deserialize)]
struct Members {
    kty: String,
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    public_key_use: Option<String>,
    #[serde(default, skip_serializing)]
    key_ops: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    n: Option<String>,
}

impl TryFrom<Members> for Jwk {
    type Error = KeyError;

    fn try_from(members: Members) -> Result<Self, KeyError> {
        // RFC 7517 §4.2, §4.3: when a key says what it is for, that is a limit.
        let wrong_use = members.public_key_use.is_some_and(|value| value != "sig");
        let wrong_ops = members.key_ops.is_some_and(|ops| !ops.iter().any(|op| op == "verify"));
        if wrong_use || wrong_ops {
            return Err(KeyError::NotForSignatures);
        }
        let stated = members.alg.as_deref().map(str::parse::<Algorithm>).transpose()?;
        let bytes =
            |member: Option<String>| member.and_then(base64url_decode).ok_or(KeyError::Malformed);
        let by_kind = match (members.kty.as_str(), members.crv.as_deref()) {
            ("EC", Some("P-256")) => Algorithm::ES256,
            ("EC", Some("P-384")) => Algorithm::ES384,
            ("EC", Some("P-521")) => Algorithm::ES512,
            ("OKP", Some("Ed25519")) => Algorithm::EdDSA,
            // OpenID Connect Core §3.1.3.7 (7): RS256 unless something else is agreed.
            ("RSA", _) => Algorithm::RS256,
            ("EC" | "OKP", None) => return Err(KeyError::Malformed),
            _ => return Err(KeyError::UnsupportedKeyType),
        };
        let (key, algorithm) = match by_kind {
            Algorithm::RS256 | Algorithm::PS256 => (
                PublicKey::Rsa { n: bytes(members.n)?, e: bytes(members.e)? },
                stated.unwrap_or(by_kind),
            ),
            Algorithm::EdDSA => (PublicKey::Okp { x: bytes(members.x)? }, by_kind),
            Algorithm::ES256 | Algorithm::ES384 | Algorithm::ES512 => {
                (PublicKey::Ec { x: bytes(members.x)?, y: bytes(members.y)? }, by_kind)
            }
        };
        if stated.is_some_and(|stated| stated != algorithm) {
            return Err(KeyError::Rejected);
        }
        Self::new(members.kid, algorithm, key)
    }
}

impl From<Jwk> for Members {
    fn from(jwk: Jwk) -> Self {
        let kty = match jwk.key {
            PublicKey::Ec { .. } => "EC",
            PublicKey::Okp { .. } => "OKP",
            PublicKey::Rsa { .. } => "RSA",
        };
        let (x, y, e, n) = match jwk.key {
            PublicKey::Ec { x, y } => (Some(x), Some(y), None, None),
            PublicKey::Okp { x } => (Some(x), None, None, None),
            PublicKey::Rsa { n, e } => (None, None, Some(e), Some(n)),
        };
        Self {
            kty: kty.to_owned(),
            public_key_use: Some("sig".to_owned()),
            key_ops: None,
            kid: jwk.kid,
            alg: Some(jwk.algorithm.name().to_owned()),
            crv: jwk.algorithm.curve().map(|(name, _)| name.to_owned()),
            x: x.map(base64url_encode),
            y: y.map(base64url_encode),
            e: e.map(base64url_encode),
            n: n.map(base64url_encode),
        }
    }
}

/// A set of public keys, as served at `jwks_uri` (RFC 7517 §5).
///
/// Reading a set skips the keys that this crate cannot use: unknown types and algorithms, keys
/// for encryption, malformed ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct JwkSet {
    keys: Vec<Jwk>,
}

impl JwkSet {
    /// Reads a set of at most 256 KiB and 128 keys.
    ///
    /// # Errors
    /// [`KeyError::TooLong`], or [`KeyError::Malformed`] when it is not a JWK set.
    pub fn from_json(json: &[u8]) -> Result<Self, KeyError> {
        if json.len() > MAX_SET_LENGTH {
            return Err(KeyError::TooLong);
        }
        serde_json::from_slice(json).map_err(|_| KeyError::Malformed)
    }

    /// The usable keys, in the order of the set.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// Parses every key, ready to verify many tokens. Keys off their curve are left out.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        self.keys.iter().filter_map(|jwk| VerifyingKey::from_jwk(jwk).ok()).collect()
    }

    /// Verifies one token. To verify more, keep a [`JwkSet::verifier`].
    ///
    /// # Errors
    /// As [`Verifier::verify`].
    pub fn verify<T: serde::de::DeserializeOwned>(
        &self,
        token: &str,
        expectation: &Expectation<'_>,
    ) -> Result<Verified<T>, VerifyError> {
        self.verifier().verify(token, expectation)
    }
}

impl FromIterator<Jwk> for JwkSet {
    fn from_iter<I: IntoIterator<Item = Jwk>>(keys: I) -> Self {
        Self { keys: keys.into_iter().collect() }
    }
}

impl<'de> Deserialize<'de> for JwkSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Entry>,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Entry {
            Usable(Box<Jwk>),
            // RFC 7517 §5: keys that are not understood are ignored.
            Unusable(IgnoredAny),
        }
        let set = Set::deserialize(deserializer)?;
        if set.keys.len() > MAX_SET_KEYS {
            return Err(serde::de::Error::custom("too many keys"));
        }
        Ok(set
            .keys
            .into_iter()
            .filter_map(|entry| match entry {
                Entry::Usable(jwk) => Some(*jwk),
                Entry::Unusable(IgnoredAny) => None,
            })
            .collect())
    }
}
