//! Properties that hold for every input.

use proptest::prelude::*;
use serde_json::{Value, json};
use trinco_jose::{
    Algorithm, JwkSet, SigningKey, Verifier, VerifyError, base64url_decode, base64url_encode,
    constant_time_eq, decode_without_verifying,
};

use crate::{KEYS, claims, claims_with, expectation, key};

fn everybodys_verifier() -> Verifier {
    KEYS.iter().map(SigningKey::public_jwk).collect::<JwkSet>().verifier()
}

#[test]
fn any_single_bit_flip_is_rejected() {
    let verifier = everybodys_verifier();
    for algorithm in Algorithm::ALL {
        let token = key(*algorithm).sign_jwt(Some("at+jwt"), &claims()).unwrap();
        assert!(verifier.verify::<Value>(&token, &expectation()).is_ok());
        for position in 0..token.len() {
            // Flipping the top bit makes invalid UTF-8, which is not a `&str`.
            for bit in 0..7 {
                let mut bytes = token.clone().into_bytes();
                bytes[position] ^= 1 << bit;
                let flipped = String::from_utf8(bytes).unwrap();
                let result = verifier.verify::<Value>(&flipped, &expectation());
                assert!(result.is_err(), "{algorithm}: bit {bit} of byte {position}");
            }
        }
    }
}

/// Member values of every JSON kind. No floats: they do not always print as they were read.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_signed_verifies_and_reads_back(custom in json_value(), leeway: u32) {
        let claims = claims_with(json!({ "custom": custom }));
        let verifier = everybodys_verifier();
        let expectation = expectation().leeway_seconds(leeway).max_token_length(1 << 20);
        for key in KEYS.iter() {
            let token = key.sign_jwt(Some("at+jwt"), &claims).unwrap();
            let verified = verifier.verify::<Value>(&token, &expectation).unwrap();
            prop_assert_eq!(&verified.claims, &claims);
            prop_assert_eq!(verified.header.algorithm, key.algorithm());
            prop_assert_eq!(verified.header.kid.as_deref(), Some(key.kid()));
        }
    }

    #[test]
    fn a_token_of_an_unpublished_key_is_rejected(index in 0..Algorithm::ALL.len()) {
        let token = KEYS[index].sign_jwt(Some("at+jwt"), &claims()).unwrap();
        let others = KEYS.iter().enumerate().filter(|(at, _)| *at != index);
        let verifier = others.map(|(_, key)| key.public_jwk()).collect::<JwkSet>().verifier();
        let refused = verifier.verify::<Value>(&token, &expectation()).unwrap_err();
        prop_assert_eq!(refused, VerifyError::UnknownKey);
    }
}

proptest! {
    #[test]
    fn an_arbitrary_string_is_refused_without_panic(
        token in prop_oneof![any::<String>(), "[A-Za-z0-9_=.-]{0,300}"],
    ) {
        prop_assert!(everybodys_verifier().verify::<Value>(&token, &expectation()).is_err());
    }

    #[test]
    fn arbitrary_parts_are_refused_without_panic(
        header in prop_oneof![
            any::<Vec<u8>>(),
            json_value().prop_map(|header| header.to_string().into_bytes()),
            json_value().prop_map(|x| json!({ "alg": "ES256", "typ": "at+jwt", "x": x })
                .to_string().into_bytes()),
        ],
        payload in prop_oneof![
            any::<Vec<u8>>(),
            json_value().prop_map(|claims| claims.to_string().into_bytes()),
        ],
        signature in any::<Vec<u8>>(),
    ) {
        let token = [&header, &payload, &signature].map(base64url_encode).join(".");
        prop_assert!(everybodys_verifier().verify::<Value>(&token, &expectation()).is_err());
        // Whatever it answers, it answers.
        let _ = decode_without_verifying::<Value>(&token);
    }

    #[test]
    fn arbitrary_signed_claims_do_not_panic(claims in json_value(), name in "iss|aud|exp|nbf|iat") {
        let claims = claims_with(json!({ name: claims }));
        let token = key(Algorithm::EdDSA).sign_jwt(Some("at+jwt"), &claims).unwrap();
        let _ = everybodys_verifier().verify::<Value>(&token, &expectation());
    }

    #[test]
    fn arbitrary_keys_are_refused_without_panic(bytes: Vec<u8>, text: String) {
        for algorithm in Algorithm::ALL {
            prop_assert!(SigningKey::from_pkcs8(*algorithm, &bytes).is_err());
            prop_assert!(SigningKey::from_pem(*algorithm, &text).is_err());
            let wrapped = crate::pem("EC PRIVATE KEY", &bytes);
            prop_assert!(SigningKey::from_pem(*algorithm, &wrapped).is_err());
        }
        prop_assert!(JwkSet::from_json(&bytes).is_err());
    }

    #[test]
    fn base64url_has_one_spelling(bytes: Vec<u8>, text in "[A-Za-z0-9_=-]{0,40}") {
        prop_assert_eq!(base64url_decode(base64url_encode(&bytes)), Some(bytes));
        if let Some(decoded) = base64url_decode(&text) {
            prop_assert_eq!(base64url_encode(decoded), text);
        }
    }

    #[test]
    fn constant_time_eq_is_equality(a: Vec<u8>, b: Vec<u8>) {
        prop_assert_eq!(constant_time_eq(&a, &b), a == b);
        prop_assert!(constant_time_eq(&a, &a.clone()));
    }
}
