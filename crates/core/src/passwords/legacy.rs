//! Hashes that describe how they were made: a JSON array of the algorithm, its arguments and the hash. The argument `@` is the
//! password.
//!
//! - `["sha256", ["salt", "@"], "hex"]`: the hash of all arguments one after the other.
//! - `["pbkdf2", ["salt", "1000", "20", "sha512", "@"], "hex"]`: salt (`hex:…` for bytes), iterations, length and hash of PBKDF2.
//! - `["firebase-scrypt", ["salt", "signer key", "salt separator", "rounds", "mem cost", "@"], "base64"]`: Firebase's own use of
//!   scrypt, with what its project's settings and its export say.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::pbkdf2;
use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use super::foreign;
use crate::{Error, Result};

const PASSWORD: &str = "@";
/// How much hashing a comparison may cost: blocks of PBKDF2 times iterations. OWASP asks for up to 1.4 million of the weakest hash.
const MOST_ITERATIONS: u64 = 4_000_000;
const MOST_DERIVED: usize = 256;
/// Firebase's projects have rounds of 8 and a memory cost of 14: 16 MiB.
const MOST_ROUNDS: u32 = 16;
const MOST_MEMORY_COST: u8 = 16;

/// How a hash was made, and the hash.
pub(super) struct Legacy {
    method: Method,
    hash: Vec<u8>,
}

enum Method {
    Digest { name: String, arguments: Vec<String> },
    Pbkdf2 { algorithm: pbkdf2::Algorithm, salt: Vec<u8>, iterations: NonZeroU32 },
    Firebase { salt: Vec<u8>, signer_key: Vec<u8>, params: scrypt::Params },
}

impl Legacy {
    /// Reads a description.
    ///
    /// # Errors
    /// `password.invalid_legacy_password_format`, `password.unsupported_legacy_hash_algorithm`.
    pub(super) fn read(text: &str) -> Result<Self> {
        let (algorithm, arguments, hash): (String, Vec<String>, String) =
            serde_json::from_str(text).map_err(|_| malformed())?;
        if !arguments.iter().any(|argument| argument == PASSWORD) {
            return Err(malformed());
        }
        let (method, hash) = match algorithm.to_ascii_lowercase().as_str() {
            "pbkdf2" => pbkdf2(&arguments, &hash)?,
            "firebase-scrypt" => firebase(&arguments, &hash)?,
            name => {
                let length = foreign::digest(name, b"")
                    .ok_or_else(|| Error::refused("password.unsupported_legacy_hash_algorithm"))?;
                let hash = foreign::hex(&hash).filter(|hash| hash.len() == length.len());
                let name = name.to_owned();
                (Method::Digest { name, arguments }, hash.ok_or_else(malformed)?)
            }
        };
        Ok(Self { method, hash })
    }

    /// Whether the hash is the password's.
    pub(super) fn matches(&self, password: &str) -> Result<bool> {
        let hash = match &self.method {
            Method::Digest { name, arguments } => {
                let all: String = arguments
                    .iter()
                    .map(|argument| if argument == PASSWORD { password } else { argument })
                    .collect();
                foreign::digest(name, all.as_bytes()).ok_or_else(malformed)?
            }
            Method::Pbkdf2 { algorithm, salt, iterations } => {
                let mut derived = vec![0; self.hash.len()];
                pbkdf2::derive(*algorithm, *iterations, salt, password.as_bytes(), &mut derived);
                derived
            }
            Method::Firebase { salt, signer_key, params } => {
                let mut key = zeroize::Zeroizing::new([0; 32]);
                let failed = |_| Error::Internal("scrypt failed".to_owned());
                scrypt::scrypt(password.as_bytes(), salt, params, key.as_mut()).map_err(failed)?;
                encrypt(key.as_ref(), signer_key)?
            }
        };
        Ok(verify_slices_are_equal(&hash, &self.hash).is_ok())
    }
}

fn pbkdf2(arguments: &[String], hash: &str) -> Result<(Method, Vec<u8>)> {
    let [salt, iterations, length, digest, _password] = arguments else {
        return Err(malformed());
    };
    let (algorithm, block) = match digest.to_ascii_lowercase().as_str() {
        "sha1" => (pbkdf2::PBKDF2_HMAC_SHA1, 20),
        "sha256" => (pbkdf2::PBKDF2_HMAC_SHA256, 32),
        "sha384" => (pbkdf2::PBKDF2_HMAC_SHA384, 48),
        "sha512" => (pbkdf2::PBKDF2_HMAC_SHA512, 64),
        _ => return Err(Error::refused("password.unsupported_legacy_hash_algorithm")),
    };
    let salt = match salt.strip_prefix("hex:") {
        Some(digits) => foreign::hex(digits).ok_or_else(malformed)?,
        None => salt.clone().into_bytes(),
    };
    let iterations: NonZeroU32 = iterations.parse().map_err(|_| malformed())?;
    let length: usize = length.parse().map_err(|_| malformed())?;
    let hash = foreign::hex(hash).ok_or_else(malformed)?;
    let work = length.div_ceil(block) as u64 * u64::from(iterations.get());
    if hash.len() != length || !(1..=MOST_DERIVED).contains(&length) || work > MOST_ITERATIONS {
        return Err(malformed());
    }
    Ok((Method::Pbkdf2 { algorithm, salt, iterations }, hash))
}

fn firebase(arguments: &[String], hash: &str) -> Result<(Method, Vec<u8>)> {
    let [salt, signer_key, separator, rounds, memory_cost, _password] = arguments else {
        return Err(malformed());
    };
    let mut salt = base64(salt)?;
    salt.extend(base64(separator)?);
    let rounds: u32 = rounds.parse().map_err(|_| malformed())?;
    let memory_cost: u8 = memory_cost.parse().map_err(|_| malformed())?;
    if !(1..=MOST_ROUNDS).contains(&rounds) || !(1..=MOST_MEMORY_COST).contains(&memory_cost) {
        return Err(malformed());
    }
    let params = scrypt::Params::new(memory_cost, rounds, 1).map_err(|_| malformed())?;
    let (signer_key, hash) = (base64(signer_key)?, base64(hash)?);
    if signer_key.is_empty() || signer_key.len() != hash.len() {
        return Err(malformed());
    }
    Ok((Method::Firebase { salt, signer_key, params }, hash))
}

/// In either alphabet, padded or not: Firebase's command line and its libraries differ.
fn base64(text: &str) -> Result<Vec<u8>> {
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    ENGINE.decode(text.replace('-', "+").replace('_', "/")).map_err(|_| malformed())
}

/// AES-256 in counter mode from zero: each key encrypts one thing.
fn encrypt(key: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
    let failed = |_| Error::Internal("AES failed".to_owned());
    let mut text = plain.to_vec();
    UnboundCipherKey::new(&AES_256, key)
        .and_then(EncryptingKey::ctr)
        .and_then(|key| {
            key.less_safe_encrypt(&mut text, EncryptionContext::Iv128([0_u8; 16].into()))
        })
        .map_err(failed)?;
    Ok(text)
}

fn malformed() -> Error {
    Error::refused("password.invalid_legacy_password_format")
}
