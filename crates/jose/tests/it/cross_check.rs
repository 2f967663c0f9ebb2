//! Both directions against the `jsonwebtoken` crate.

use jsonwebtoken::{DecodingKey, EncodingKey, Validation};
use serde_json::Value;
use trinco_jose::{Algorithm, SigningKey};

use crate::{AUDIENCE, ISSUER, claims, expectation, key, pem, verify};

const SHARED: [(Algorithm, jsonwebtoken::Algorithm); 5] = [
    (Algorithm::ES256, jsonwebtoken::Algorithm::ES256),
    (Algorithm::ES384, jsonwebtoken::Algorithm::ES384),
    (Algorithm::EdDSA, jsonwebtoken::Algorithm::EdDSA),
    (Algorithm::RS256, jsonwebtoken::Algorithm::RS256),
    (Algorithm::PS256, jsonwebtoken::Algorithm::PS256),
];

fn their_key(key: &SigningKey) -> EncodingKey {
    let pem = pem("PRIVATE KEY", &key.to_pkcs8().unwrap());
    match key.algorithm() {
        Algorithm::ES256 | Algorithm::ES384 | Algorithm::ES512 => {
            EncodingKey::from_ec_pem(pem.as_bytes())
        }
        Algorithm::EdDSA => EncodingKey::from_ed_pem(pem.as_bytes()),
        Algorithm::RS256 | Algorithm::PS256 => EncodingKey::from_rsa_pem(pem.as_bytes()),
    }
    .unwrap()
}

#[test]
fn tokens_signed_here_verify_there() {
    for (ours, theirs) in SHARED {
        let key = key(ours);
        let token = key.sign_jwt(Some("at+jwt"), &claims()).unwrap();
        let jwk = serde_json::from_value(serde_json::to_value(key.public_jwk()).unwrap()).unwrap();
        let mut validation = Validation::new(theirs);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        // The other crate reads the system clock; the fixed time of these tests is not its now.
        validation.validate_exp = false;
        let decoded = jsonwebtoken::decode::<Value>(
            &token,
            &DecodingKey::from_jwk(&jwk).unwrap(),
            &validation,
        )
        .unwrap();
        assert_eq!(decoded.claims, claims());
        assert_eq!(decoded.header.kid.as_deref(), Some(key.kid()));
    }
}

#[test]
fn tokens_signed_there_verify_here() {
    for (ours, theirs) in SHARED {
        let key = key(ours);
        let mut header = jsonwebtoken::Header::new(theirs);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(key.kid().to_owned());
        let token = jsonwebtoken::encode(&header, &claims(), &their_key(key)).unwrap();
        assert_eq!(verify(key, &token, &expectation()).unwrap().claims, claims());
    }
}
