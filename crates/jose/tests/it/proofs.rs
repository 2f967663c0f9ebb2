//! Proofs that bring their own key (RFC 9449 §4).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use proptest::prelude::*;
use serde_json::{Value, json};
use trinco_jose::{Algorithm, SigningKey, VerifyError, base64url_encode, verify_proof};

use crate::key;

const TYPE: &str = "dpop+jwt";

fn sign(key: &SigningKey, header: &str, payload: &str) -> String {
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.to_pkcs8().unwrap())
        .unwrap();
    let input = format!("{}.{}", base64url_encode(header), base64url_encode(payload));
    let signature = pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
    format!("{input}.{}", base64url_encode(signature))
}

/// A proof by the ES256 key, whose header has some members replaced or, with `null`, removed.
fn proof(changes: &Value) -> String {
    let key = key(Algorithm::ES256);
    let mut header = json!({ "alg": "ES256", "typ": TYPE, "jwk": key.public_jwk() });
    for (name, value) in changes.as_object().unwrap() {
        header[name] = value.clone();
    }
    header.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    sign(key, &header.to_string(), r#"{"jti":"x"}"#)
}

fn verify(token: &str) -> Result<(String, Value), VerifyError> {
    verify_proof::<Value>(token, TYPE, &[Algorithm::ES256, Algorithm::ES384])
        .map(|proof| (proof.key_thumbprint, proof.claims))
}

#[test]
fn a_proof_tells_its_key_and_its_claims() {
    let key = key(Algorithm::ES256);
    let expected = Ok((key.public_jwk().thumbprint(), json!({ "jti": "x" })));
    assert_eq!(verify(&proof(&json!({}))), expected);
    assert_eq!(verify(&proof(&json!({ "typ": "application/DPoP+jwt" }))), expected);
}

#[test]
fn the_example_of_rfc_9449_4_2_verifies() {
    let token = concat!(
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0Rs",
        "cEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2",
        "In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2Vu",
        "IiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg",
    );
    let (thumbprint, claims) = verify(token).unwrap();
    // The `jkt` of RFC 9449 §6.1.
    assert_eq!(thumbprint, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    assert_eq!(claims["htm"], "POST");
}

#[test]
fn a_proof_without_the_right_header_is_refused() {
    let other = SigningKey::generate(Algorithm::ES256).unwrap().public_jwk();
    let mut private = json!(key(Algorithm::ES256).public_jwk());
    private["d"] = json!("AAAA");
    let rsa = json!(key(Algorithm::RS256).public_jwk());
    for (changes, error) in [
        (json!({ "alg": "none" }), VerifyError::AlgorithmNotAccepted),
        (json!({ "alg": "HS256" }), VerifyError::AlgorithmNotAccepted),
        (json!({ "alg": "RS256", "jwk": rsa }), VerifyError::AlgorithmNotAccepted),
        (json!({ "alg": "ES384" }), VerifyError::KeyOfAnotherAlgorithm),
        (json!({ "typ": "JWT" }), VerifyError::WrongType),
        (json!({ "typ": null }), VerifyError::Malformed("header")),
        (json!({ "jwk": null }), VerifyError::Malformed("header")),
        (json!({ "jwk": {} }), VerifyError::UnknownKey),
        (json!({ "jwk": private }), VerifyError::UnknownKey),
        (json!({ "jwk": { "kty": "oct", "k": "AAAA" } }), VerifyError::UnknownKey),
        (json!({ "jwk": other }), VerifyError::BadSignature),
        (json!({ "crit": ["x"] }), VerifyError::CriticalExtension),
        (json!({ "b64": false }), VerifyError::CriticalExtension),
        (json!({ "pad": "x".repeat(4096) }), VerifyError::Malformed("header")),
    ] {
        let refused = verify(&proof(&changes)).unwrap_err();
        // A key that states another `alg` than the header is refused as it is read.
        let fits = refused == error
            || (error == VerifyError::KeyOfAnotherAlgorithm && refused == VerifyError::UnknownKey);
        assert!(fits, "{changes}: {refused:?}");
    }
    assert_eq!(verify(&"a".repeat(9000)).unwrap_err(), VerifyError::TooLong);
    for token in ["", "a", "a.b", "a.b.c.d"] {
        assert!(matches!(verify(token), Err(VerifyError::Malformed(_))));
    }
}

#[test]
fn an_rsa_key_without_alg_is_read_as_the_header_says() {
    let mut jwk = json!(key(Algorithm::PS256).public_jwk());
    jwk.as_object_mut().unwrap().remove("alg");
    let header = json!({ "alg": "PS256", "typ": TYPE, "jwk": jwk }).to_string();
    // The signature is of another kind: what counts here is how far it gets.
    let token = sign(key(Algorithm::ES256), &header, "{}");
    let refused = verify_proof::<Value>(&token, TYPE, &[Algorithm::PS256]).unwrap_err();
    assert_eq!(refused, VerifyError::BadSignature);
}

#[test]
fn a_header_with_two_keys_is_refused() {
    let key = key(Algorithm::ES256);
    let jwk = json!(key.public_jwk());
    let header = format!(r#"{{"alg":"ES256","typ":"dpop+jwt","jwk":{jwk},"jwk":{jwk}}}"#);
    assert_eq!(verify(&sign(key, &header, "{}")).unwrap_err(), VerifyError::Malformed("header"));
}

proptest! {
    #[test]
    fn no_text_panics_or_passes(text in "[a-zA-Z0-9._-]{0,300}") {
        prop_assert!(verify(&text).is_err());
    }
}
