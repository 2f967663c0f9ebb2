//! Proofs of possession: compact JWTs that bring the public key which verifies them (RFC 9449 §4.2).
//!
//! Everywhere else in this crate a key in a header is never read. Here the caller learns which key it was, by its
//! thumbprint, and has to hold that against what it knows.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::encoding::{base64url_decode, base64url_length};
use crate::error::VerifyError;
use crate::jwk::Jwk;
use crate::jwt::is_media_type;
use crate::verifying::VerifyingKey;

/// The longest header that is read, in bytes: an RSA key of 8192 bits takes 1.4 kB.
const MAX_HEADER_LENGTH: usize = 4 * 1024;
/// The longest proof that is read, in bytes.
const MAX_LENGTH: usize = 8 * 1024;
/// Members of a JWK that only a private or a symmetric key has (RFC 7518 §6).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A proof whose signature is right. Anyone can make one: what counts is the key.
#[derive(Clone, Debug)]
pub struct Proof<T> {
    /// The RFC 7638 thumbprint of the key, SHA-256 in base64url.
    pub key_thumbprint: String,
    /// What it was signed with: a key may be good for several.
    pub algorithm: Algorithm,
    /// The claims. None of them is checked.
    pub claims: T,
}

#[derive(Deserialize)]
struct ProofHeader {
    alg: String,
    typ: String,
    jwk: Map<String, Value>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// Verifies a compact JWT of at most 8 KiB with the public key in its own header.
///
/// # Errors
/// [`VerifyError`] when it is too long or malformed, of another `typ` or algorithm, has `crit` or `b64`, brings no
/// usable public key or a private one ([`VerifyError::UnknownKey`]), or the signature is wrong.
pub fn verify_proof<T: DeserializeOwned>(
    token: &str,
    typ: &str,
    algorithms: &[Algorithm],
) -> Result<Proof<T>, VerifyError> {
    let malformed = VerifyError::Malformed;
    if token.len() > MAX_LENGTH {
        return Err(VerifyError::TooLong);
    }
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed("parts"));
    };
    if header.len() > base64url_length(MAX_HEADER_LENGTH) {
        return Err(malformed("header"));
    }
    let signing_input = &token[..header.len() + 1 + payload.len()];
    let header: ProofHeader =
        serde_json::from_slice(&base64url_decode(header).ok_or(malformed("header"))?)
            .map_err(|_| malformed("header"))?;
    // RFC 7515 §4.1.11, RFC 7797 §7.
    if header.others.contains_key("crit") || header.others.contains_key("b64") {
        return Err(VerifyError::CriticalExtension);
    }
    let algorithm: Algorithm = header.alg.parse().map_err(|_| VerifyError::AlgorithmNotAccepted)?;
    if !algorithms.contains(&algorithm) {
        return Err(VerifyError::AlgorithmNotAccepted);
    }
    if !is_media_type(&header.typ, typ) {
        return Err(VerifyError::WrongType);
    }
    let jwk = public_key(header.jwk, algorithm)?;
    VerifyingKey::from_jwk(&jwk).map_err(|_| VerifyError::UnknownKey)?.verify_signature(
        signing_input.as_bytes(),
        &base64url_decode(signature).ok_or(malformed("signature"))?,
    )?;
    let payload = base64url_decode(payload).ok_or(malformed("claims"))?;
    let claims = serde_json::from_slice(&payload).map_err(|_| VerifyError::UnexpectedClaims)?;
    Ok(Proof { key_thumbprint: jwk.thumbprint(), algorithm, claims })
}

fn public_key(mut members: Map<String, Value>, algorithm: Algorithm) -> Result<Jwk, VerifyError> {
    // RFC 9449 §4.3 (7): a private key would be everyone's by now.
    if PRIVATE_MEMBERS.iter().any(|name| members.contains_key(*name)) {
        return Err(VerifyError::UnknownKey);
    }
    // An RSA key says nothing of its padding unless it has `alg`; the header does.
    members.entry("alg").or_insert_with(|| algorithm.name().into());
    let jwk: Jwk =
        serde_json::from_value(Value::Object(members)).map_err(|_| VerifyError::UnknownKey)?;
    if jwk.algorithm() == algorithm { Ok(jwk) } else { Err(VerifyError::KeyOfAnotherAlgorithm) }
}
