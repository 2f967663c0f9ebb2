//! Public keys and sets of them.

use serde_json::Value;
use trinco_jose::{Jwk, JwkSet, VerifyingKey};

use crate::check;

const MOST_KEYS: usize = 128;
const LONGEST: usize = 256 * 1024;

/// Reads the input as a key and as a set.
pub fn run(data: &[u8]) -> bool {
    check::at_the_limit(data, LONGEST, 32, |long| {
        let mut set = br#"{"keys":["#.to_vec();
        set.extend_from_slice(&long[..LONGEST - 16]);
        set.extend_from_slice(b"]}");
        let _ = JwkSet::from_json(&set);
    });
    let jwk = serde_json::from_slice::<Jwk>(data);
    if let Ok(jwk) = &jwk {
        key(jwk);
    }
    let set = JwkSet::from_json(data);
    if let Ok(set) = &set {
        assert!(set.keys().len() <= MOST_KEYS);
        set.keys().iter().for_each(key);
        let printed = serde_json::to_vec(set).expect("a set prints");
        assert_eq!(JwkSet::from_json(&printed).as_ref(), Ok(set));
        let token = crate::keys::sign(br#"{"alg":"EdDSA"}"#, b"{}");
        let _ = format!("{:?}", set.verifier());
        let expectation = trinco_jose::Expectation::new(
            trinco_jose::TokenType::Any,
            "i",
            trinco_jose::Audience::Any,
            0,
        );
        assert!(set.verify::<Value>(&token, &expectation).is_err(), "it has no issuer");
    }
    jwk.is_ok() || set.is_ok_and(|set| !set.keys().is_empty())
}

/// A key is what it prints, has a thumbprint of its own and nothing private.
fn key(jwk: &Jwk) {
    let printed = serde_json::to_value(jwk).expect("a key prints");
    let again: Jwk = serde_json::from_value(printed.clone()).expect("what is printed is read");
    assert_eq!(&again, jwk);
    assert_eq!((again.thumbprint(), again.thumbprint().len()), (jwk.thumbprint(), 43));
    let members = printed.as_object().expect("an object");
    let public = ["kty", "use", "kid", "alg", "crv", "x", "y", "e", "n"];
    assert!(members.keys().all(|name| public.contains(&name.as_str())));
    // RFC 7638 §3: the name of a key is not part of it.
    let mut renamed = printed;
    renamed["kid"] = Value::from("another name");
    let renamed: Jwk = serde_json::from_value(renamed).expect("the same key");
    assert_eq!(renamed.thumbprint(), jwk.thumbprint());
    if let Ok(key) = VerifyingKey::from_jwk(jwk) {
        assert_eq!((key.algorithm(), key.kid()), (jwk.algorithm(), jwk.kid()));
    }
}
