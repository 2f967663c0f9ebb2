//! JSON Web Tokens the strict way: asymmetric keys, JWK sets, compact JWS, key rotation.
//!
//! The crate is pure: it opens nothing and reads no clock. The time is an argument.
//!
//! # Signing
//!
//! A [`SigningKey`] is bound to one [`Algorithm`] for life, and its key id is the RFC 7638
//! thumbprint of its public half.
//!
//! ```
//! use trinco_jose::{Algorithm, Audience, Expectation, JwkSet, SigningKey, TokenType};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = SigningKey::generate(Algorithm::ES384)?;
//! let claims = serde_json::json!({
//!     "iss": "https://id.example", "aud": "https://api.example",
//!     "sub": "6jyb0ep4w08v", "iat": 1_800_000_000, "exp": 1_800_003_600,
//! });
//! let token = key.sign_jwt(Some("at+jwt"), &claims)?;
//!
//! // What the world sees: serve this as JSON at `jwks_uri`.
//! let published = serde_json::to_vec(&JwkSet::from_iter([key.public_jwk()]))?;
//!
//! // The other side parses the set once and keeps the verifier.
//! let verifier = JwkSet::from_json(&published)?.verifier();
//! let expectation = Expectation::new(
//!     TokenType::Exactly("at+jwt"),
//!     "https://id.example",
//!     Audience::Is("https://api.example"),
//!     1_800_000_060, // now, Unix seconds
//! );
//! let verified = verifier.verify::<serde_json::Value>(&token, &expectation)?;
//! assert_eq!(verified.claims["sub"], "6jyb0ep4w08v");
//! # Ok(())
//! # }
//! ```
//!
//! # What cannot go wrong
//!
//! - `none` and the HMAC algorithms do not exist here, so a token cannot ask for them (RFC 8725
//!   §3.1, §3.2).
//! - A key verifies one algorithm. A header that names another is refused.
//! - `jwk`, `jku`, `x5u` and `x5c` in a token's header are never read: keys come from you. The one
//!   exception, [`verify_proof`], is for proofs of possession (RFC 9449) and answers with the key.
//! - An [`Expectation`] cannot be built without saying the type, issuer, audience and time.
//! - Claims come out only after the signature; the one exception, [`decode_without_verifying`],
//!   says so in its name and in its type.
//! - Private keys are never printed, and a [`Jwk`] has no place to hold one.

mod algorithm;
mod encoding;
mod error;
mod jwk;
mod jwt;
mod keyring;
mod pem;
mod proof;
mod signing;
mod verifying;

pub use algorithm::Algorithm;
pub use encoding::{base64url_decode, base64url_encode, constant_time_eq, left_half_hash, sha256};
pub use error::{KeyError, KeyringError, SignError, VerifyError};
pub use jwk::{Jwk, JwkSet};
pub use jwt::{
    Audience, Expectation, Header, TokenType, Unverified, Verified, decode_without_verifying,
};
pub use keyring::{KeyEntry, KeyState, Keyring};
pub use proof::{Proof, verify_proof};
pub use signing::SigningKey;
pub use verifying::{Verifier, VerifyingKey};
