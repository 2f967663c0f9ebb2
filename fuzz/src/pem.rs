//! Private keys: PEM, and the DER inside of it.

use trinco_jose::{Algorithm, Audience, Expectation, JwkSet, KeyError, SigningKey, TokenType};

use crate::check;

const LONGEST: usize = 16 * 1024;

/// Reads the input as a key of every algorithm.
pub fn run(data: &[u8]) -> bool {
    let mut accepted = Vec::new();
    for algorithm in Algorithm::ALL {
        if let Ok(key) = SigningKey::from_pkcs8(*algorithm, data) {
            works(&key, *algorithm);
        }
        let Some(text) = check::text(data) else { continue };
        match SigningKey::from_pem(*algorithm, text) {
            Ok(key) => {
                assert!(text.len() <= LONGEST);
                works(&key, *algorithm);
                accepted.push(*algorithm);
            }
            Err(KeyError::TooLong) => assert!(text.len() > LONGEST),
            Err(_) => {}
        }
    }
    let rsa = [Algorithm::RS256, Algorithm::PS256];
    assert!(accepted.len() <= 1 || accepted == rsa, "one key of several kinds: {accepted:?}");
    !accepted.is_empty()
}

/// A key that was read is the key that is written, and signs what its public half verifies.
fn works(key: &SigningKey, algorithm: Algorithm) {
    assert_eq!(key.algorithm(), algorithm);
    let der = key.to_pkcs8().expect("it exports");
    let again = SigningKey::from_pkcs8(algorithm, &der).expect("what is written is read");
    assert_eq!((again.kid(), again.public_jwk()), (key.kid(), key.public_jwk()));
    assert_eq!(key.kid(), key.public_jwk().thumbprint());
    let claims = serde_json::json!({ "iss": "i", "exp": 2 });
    let token = key.sign_jwt(None, &claims).expect("it signs");
    let expectation = Expectation::new(TokenType::Any, "i", Audience::Any, 1);
    let set: JwkSet = [key.public_jwk()].into_iter().collect();
    assert!(set.verify::<serde_json::Value>(&token, &expectation).is_ok());
}
