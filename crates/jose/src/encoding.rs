//! base64url, digests and comparison: the small things tokens are made of.

use aws_lc_rs::{constant_time, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::algorithm::Algorithm;

/// Encodes as base64url without padding (RFC 7515 §2).
#[must_use]
pub fn base64url_encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes base64url strictly: no padding, no white space, no non-zero trailing bits, so that a
/// value has exactly one encoding. `None` for anything else.
#[must_use]
pub fn base64url_decode(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Encodes as base64url onto the end of `out`.
pub(crate) fn base64url_append(bytes: &[u8], out: &mut String) {
    URL_SAFE_NO_PAD.encode_string(bytes, out);
}

/// The length of `bytes` bytes once in base64url.
pub(crate) const fn base64url_length(bytes: usize) -> usize {
    bytes.saturating_mul(4).div_ceil(3)
}

/// The SHA-256 digest of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// The value of `at_hash` or `c_hash`: the left half of the value's hash, in base64url, with the
/// hash of the ID token's algorithm (OpenID Connect Core §3.1.3.6, §3.3.2.11). Ed25519 hashes
/// with SHA-512.
#[must_use]
pub fn left_half_hash(algorithm: Algorithm, value: &str) -> String {
    let hash = match algorithm {
        Algorithm::ES256 | Algorithm::RS256 | Algorithm::PS256 => &digest::SHA256,
        Algorithm::ES384 => &digest::SHA384,
        Algorithm::ES512 | Algorithm::EdDSA => &digest::SHA512,
    };
    let digest = digest::digest(hash, value.as_bytes());
    let bytes = digest.as_ref();
    base64url_encode(&bytes[..bytes.len() / 2])
}

/// Compares two secrets in time that depends on their lengths only.
#[must_use]
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}
