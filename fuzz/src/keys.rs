//! One key with which targets sign what the fuzzer writes, so that what lies behind the signature is reached. It is the same in every
//! run, and Ed25519 signatures are too: a right signature can be told by making it again.

use std::sync::LazyLock;

use aws_lc_rs::signature::Ed25519KeyPair;
use trinco_jose::{Algorithm, SigningKey, base64url_encode};

static PAIR: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed of 32 bytes"));

/// The key as the product knows keys.
pub(crate) static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    let der = PAIR.to_pkcs8v1().expect("it exports");
    SigningKey::from_pkcs8(Algorithm::EdDSA, der.as_ref()).expect("it reads back")
});

/// A compact JWS over these bytes, whatever they are.
pub(crate) fn sign(header: &[u8], payload: &[u8]) -> String {
    let input = format!("{}.{}", base64url_encode(header), base64url_encode(payload));
    let signature = signature_of(&input);
    format!("{input}.{signature}")
}

/// Whether the last part of a token is the key's signature over what stands before it.
pub(crate) fn is_signed(token: &str) -> bool {
    token.rsplit_once('.').is_some_and(|(input, signature)| signature_of(input) == signature)
}

/// The token with one bit of its signature turned around.
pub(crate) fn with_a_broken_signature(token: &str) -> String {
    let (input, signature) = token.rsplit_once('.').unwrap_or((token, ""));
    let mut bytes = trinco_jose::base64url_decode(signature).unwrap_or_default();
    if let Some(byte) = bytes.get_mut(input.len() % 64) {
        *byte ^= 1;
    }
    format!("{input}.{}", base64url_encode(bytes))
}

fn signature_of(input: &str) -> String {
    base64url_encode(PAIR.sign(input.as_bytes()))
}
