//! Behaviour of the crate as its users see it.
#![allow(clippy::unwrap_used, reason = "test fixtures fail loudly")]

mod attacks;
mod claims;
mod cross_check;
mod keyring;
mod keys;
mod proofs;
mod properties;
mod vectors;

use std::sync::LazyLock;

use serde_json::{Value, json};
use trinco_jose::{
    Algorithm, Audience, Expectation, SigningKey, TokenType, Verified, VerifyError,
    base64url_encode,
};

pub(crate) const ISSUER: &str = "https://id.example/oidc";
pub(crate) const AUDIENCE: &str = "https://api.example";
pub(crate) const NOW: i64 = 1_800_000_000;

static KEYS: LazyLock<Vec<SigningKey>> = LazyLock::new(|| {
    Algorithm::ALL.iter().map(|algorithm| SigningKey::generate(*algorithm).unwrap()).collect()
});

/// One key per algorithm, made once: RSA keys are slow to find.
pub(crate) fn key(algorithm: Algorithm) -> &'static SigningKey {
    KEYS.iter().find(|key| key.algorithm() == algorithm).unwrap()
}

pub(crate) fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "6jyb0ep4w08v", "iat": NOW, "exp": NOW + 3600 })
}

/// The claims with some replaced (or, with `null`, removed).
pub(crate) fn claims_with(changes: Value) -> Value {
    let mut claims = claims();
    let members = claims.as_object_mut().unwrap();
    let Value::Object(changes) = changes else { panic!("changes are members") };
    for (name, value) in changes {
        if value.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    claims
}

pub(crate) fn expectation() -> Expectation<'static> {
    Expectation::new(TokenType::Exactly("at+jwt"), ISSUER, Audience::Is(AUDIENCE), NOW)
}

/// Verifies against the public half of `key` alone.
pub(crate) fn verify(
    key: &SigningKey,
    token: &str,
    expectation: &Expectation<'_>,
) -> Result<Verified<Value>, VerifyError> {
    trinco_jose::JwkSet::from_iter([key.public_jwk()]).verify(token, expectation)
}

/// The token under another header. The signature stays, and so no longer matches.
pub(crate) fn with_header(token: &str, header: &str) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", base64url_encode(header))
}

/// PEM with 64 characters a line.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<_> =
        base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
