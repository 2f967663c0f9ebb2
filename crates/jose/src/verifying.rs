//! Public keys at work: which key, and does the signature match.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    EcdsaVerificationAlgorithm, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
};
use serde::de::DeserializeOwned;

use crate::algorithm::Algorithm;
use crate::error::{KeyError, VerifyError};
use crate::jwk::{Jwk, PublicKey};
use crate::jwt::{Compact, Expectation, Expiry, Header, Verified};

/// A parsed public key, bound to one algorithm.
#[derive(Clone)]
pub struct VerifyingKey {
    kid: Option<String>,
    algorithm: Algorithm,
    key: ParsedPublicKey,
}

impl VerifyingKey {
    /// Parses a public key and checks that its point is on the curve.
    ///
    /// # Errors
    /// [`KeyError::Rejected`] when the cryptographic library refuses the key.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        let key = match (jwk.public_key(), jwk.algorithm()) {
            (PublicKey::Ec { x, y }, Algorithm::ES256) => {
                parse_point(&ECDSA_P256_SHA256_FIXED, x, y)
            }
            (PublicKey::Ec { x, y }, Algorithm::ES384) => {
                parse_point(&ECDSA_P384_SHA384_FIXED, x, y)
            }
            (PublicKey::Ec { x, y }, Algorithm::ES512) => {
                parse_point(&ECDSA_P521_SHA512_FIXED, x, y)
            }
            (PublicKey::Okp { x }, Algorithm::EdDSA) => {
                ParsedPublicKey::new(&ED25519, x).map_err(|_| KeyError::Rejected)
            }
            (PublicKey::Rsa { n, e }, Algorithm::RS256) => RsaPublicKeyComponents { n, e }
                .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
                .map_err(|_| KeyError::Rejected),
            (PublicKey::Rsa { n, e }, Algorithm::PS256) => RsaPublicKeyComponents { n, e }
                .to_parsed_public_key(&RSA_PSS_2048_8192_SHA256)
                .map_err(|_| KeyError::Rejected),
            _ => Err(KeyError::Rejected),
        }?;
        Ok(Self { kid: jwk.kid().map(str::to_owned), algorithm: jwk.algorithm(), key })
    }

    pub(crate) fn verify_signature(
        &self,
        signing_input: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        self.key.verify_sig(signing_input, signature).map_err(|_| VerifyError::BadSignature)
    }

    /// The key id, if the key has one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The one algorithm the key verifies.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("kid", &self.kid)
            .field("alg", &self.algorithm)
            .finish_non_exhaustive()
    }
}

fn parse_point(
    curve: &'static EcdsaVerificationAlgorithm,
    x: &[u8],
    y: &[u8],
) -> Result<ParsedPublicKey, KeyError> {
    // SEC 1 §2.3.3: an uncompressed point is 0x04, x, y.
    ParsedPublicKey::new(curve, [&[4], x, y].concat()).map_err(|_| KeyError::Rejected)
}

/// Verifies tokens against a fixed set of keys, parsed once.
#[derive(Clone, Debug, Default)]
pub struct Verifier {
    keys: Vec<VerifyingKey>,
}

impl Verifier {
    /// Verifies a compact JWT and reads its claims.
    ///
    /// In this order: length, header (strict base64url, at most 1 KiB, no duplicate members, no
    /// `crit` or `b64`), algorithm, type, key, signature; then `iss`, `aud`, `exp` (required),
    /// `nbf` and `iat`; then the claims as `T`.
    ///
    /// `kid` selects the key. Without `kid`, the key is the only one of that algorithm.
    ///
    /// # Errors
    /// The first check that failed. On [`VerifyError::UnknownKey`] it may help to fetch the
    /// issuer's keys again.
    pub fn verify<T: DeserializeOwned>(
        &self,
        token: &str,
        expectation: &Expectation<'_>,
    ) -> Result<Verified<T>, VerifyError> {
        self.check(token, expectation, Expiry::Enforced)
    }

    /// As [`Verifier::verify`], but an expired token passes: it proves what was once issued, not
    /// what is still granted.
    ///
    /// For `id_token_hint` only, where a provider accepts expired ID tokens (OpenID Connect
    /// RP-Initiated Logout §2). `exp` must still be present.
    ///
    /// # Errors
    /// As [`Verifier::verify`], except [`VerifyError::Expired`].
    pub fn verify_ignoring_expiry<T: DeserializeOwned>(
        &self,
        token: &str,
        expectation: &Expectation<'_>,
    ) -> Result<Verified<T>, VerifyError> {
        self.check(token, expectation, Expiry::Ignored)
    }

    fn check<T: DeserializeOwned>(
        &self,
        token: &str,
        expectation: &Expectation<'_>,
        expiry: Expiry,
    ) -> Result<Verified<T>, VerifyError> {
        let compact = Compact::parse(token, expectation.max_token_length)?;
        expectation.check_header(&compact.header)?;
        self.key_for(&compact.header)?
            .key
            .verify_sig(compact.signing_input, &compact.signature)
            .map_err(|_| VerifyError::BadSignature)?;
        expectation.check_claims(&compact.payload, expiry)?;
        let claims = compact.claims()?;
        Ok(Verified { header: compact.header, claims })
    }

    fn key_for(&self, header: &Header) -> Result<&VerifyingKey, VerifyError> {
        let named = |key: &&VerifyingKey| match &header.kid {
            Some(kid) => key.kid.as_ref() == Some(kid),
            None => true,
        };
        let mut fitting =
            self.keys.iter().filter(named).filter(|key| key.algorithm == header.algorithm);
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key),
            // Two keys could be meant: trying both would let the token choose.
            (Some(_), Some(_)) => Err(VerifyError::UnknownKey),
            // RFC 8725 §3.1: the key decides the algorithm, not the token.
            (None, _) if header.kid.is_some() && self.keys.iter().any(|key| named(&key)) => {
                Err(VerifyError::KeyOfAnotherAlgorithm)
            }
            (None, _) => Err(VerifyError::UnknownKey),
        }
    }
}

impl FromIterator<VerifyingKey> for Verifier {
    fn from_iter<I: IntoIterator<Item = VerifyingKey>>(keys: I) -> Self {
        Self { keys: keys.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::base64url_decode;

    /// Two RFC examples whose payload is not a claims set, so only the signature can be checked.
    fn assert_signed(jwk: &str, token: &str) {
        let key = VerifyingKey::from_jwk(&serde_json::from_str(jwk).unwrap()).unwrap();
        let (signing_input, signature) = token.rsplit_once('.').unwrap();
        let signature = base64url_decode(signature).unwrap();
        assert!(key.key.verify_sig(signing_input.as_bytes(), &signature).is_ok());
        assert!(key.key.verify_sig(b"another message", &signature).is_err());
    }

    #[test]
    fn the_es512_example_of_rfc_7515_a_4_verifies() {
        assert_signed(
            r#"{"kty":"EC","crv":"P-521",
                "x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
                "y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"}"#,
            "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
        );
    }

    #[test]
    fn the_ed25519_example_of_rfc_8037_a_4_verifies() {
        assert_signed(
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        );
    }
}
