//! Signature algorithms, by their JWA names (RFC 7518 §3.1, RFC 8037 §3.1).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::KeyError;

/// A signature algorithm with a public and a private half.
///
/// `none` and the HMAC family are absent on purpose: with no shared-secret algorithm to choose,
/// a public key cannot be passed off as a secret (RFC 8725 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// ECDSA on P-521 with SHA-512.
    ES512,
    /// Ed25519, the only curve accepted under this name. RFC 9864 §2.2 has it as `Ed25519`, which is read but not written.
    EdDSA,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a 32-byte salt.
    PS256,
}

impl Algorithm {
    /// Every algorithm of this crate.
    pub const ALL: &[Self] =
        &[Self::ES256, Self::ES384, Self::ES512, Self::EdDSA, Self::RS256, Self::PS256];

    /// The name used in `alg`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::EdDSA => "EdDSA",
            Self::RS256 => "RS256",
            Self::PS256 => "PS256",
        }
    }

    /// The curve's name in `crv` and the bytes in one coordinate; `None` for RSA.
    pub(crate) const fn curve(self) -> Option<(&'static str, usize)> {
        match self {
            Self::ES256 => Some(("P-256", 32)),
            Self::ES384 => Some(("P-384", 48)),
            Self::ES512 => Some(("P-521", 66)),
            Self::EdDSA => Some(("Ed25519", 32)),
            Self::RS256 | Self::PS256 => None,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = KeyError;

    /// Reads a JWA name, case-sensitively (RFC 7515 §4.1.1), or `Ed25519`.
    ///
    /// # Errors
    /// [`KeyError::UnsupportedAlgorithm`] for every other name, `none` and `HS256` included.
    fn from_str(name: &str) -> Result<Self, KeyError> {
        // RFC 9864 §2.2: the same signatures under a name that says which curve.
        if name == "Ed25519" {
            return Ok(Self::EdDSA);
        }
        Self::ALL
            .iter()
            .copied()
            .find(|algorithm| algorithm.name() == name)
            .ok_or(KeyError::UnsupportedAlgorithm)
    }
}

impl Serialize for Algorithm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Algorithm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
