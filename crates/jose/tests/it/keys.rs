//! Reading and writing keys.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
};
use serde_json::{Value, json};
use trinco_jose::{
    Algorithm, Jwk, JwkSet, KeyError, SigningKey, VerifyingKey, base64url_decode, base64url_encode,
};

use crate::{claims, expectation, key, pem, verify};

fn jwk_json(algorithm: Algorithm) -> Value {
    serde_json::to_value(key(algorithm).public_jwk()).unwrap()
}

fn read(jwk: &Value) -> Result<(), String> {
    let jwk: Jwk = serde_json::from_value(jwk.clone()).map_err(|error| error.to_string())?;
    VerifyingKey::from_jwk(&jwk).map(|_| ()).map_err(|error| error.to_string())
}

#[test]
fn algorithm_names_read_back_and_no_other_name_does() {
    for algorithm in Algorithm::ALL {
        assert_eq!(algorithm.to_string().parse(), Ok(*algorithm));
        assert_eq!(serde_json::to_value(algorithm).unwrap(), algorithm.name());
    }
    for name in ["none", "HS256", "HS384", "HS512", "es256", "ES256K", "RS1", "", "ES256 "] {
        assert_eq!(name.parse::<Algorithm>(), Err(KeyError::UnsupportedAlgorithm));
        assert!(serde_json::from_value::<Algorithm>(json!(name)).is_err());
    }
}

#[test]
fn a_key_survives_pkcs8_and_pem() {
    for algorithm in Algorithm::ALL {
        let key = key(*algorithm);
        let der = key.to_pkcs8().unwrap();
        let token = key.sign_jwt(Some("at+jwt"), &claims()).unwrap();
        let read = [
            SigningKey::from_pkcs8(*algorithm, &der).unwrap(),
            SigningKey::from_pem(*algorithm, &pem("PRIVATE KEY", &der)).unwrap(),
            SigningKey::from_pem(*algorithm, &pem("PRIVATE KEY", &der).replace('\n', "\r\n"))
                .unwrap(),
        ];
        for read in read {
            assert_eq!(read.kid(), key.kid());
            assert_eq!(read.public_jwk(), key.public_jwk());
            assert!(verify(&read, &token, &expectation()).is_ok());
        }
    }
}

#[test]
fn sec1_pem_is_read_after_the_parameters_block() {
    for (algorithm, curve) in [
        (Algorithm::ES256, &ECDSA_P256_SHA256_FIXED_SIGNING),
        (Algorithm::ES384, &ECDSA_P384_SHA384_FIXED_SIGNING),
        (Algorithm::ES512, &ECDSA_P521_SHA512_FIXED_SIGNING),
    ] {
        let key = key(algorithm);
        let pair = EcdsaKeyPair::from_pkcs8(curve, &key.to_pkcs8().unwrap()).unwrap();
        let sec1 = pair.private_key().as_der().unwrap();
        let text =
            format!("{}{}", pem("EC PARAMETERS", &[6, 0]), pem("EC PRIVATE KEY", sec1.as_ref()));
        assert_eq!(SigningKey::from_pem(algorithm, &text).unwrap().kid(), key.kid());
        for other in Algorithm::ALL.iter().filter(|other| **other != algorithm) {
            assert_eq!(SigningKey::from_pem(*other, &text).unwrap_err(), KeyError::Rejected);
        }
    }
}

#[test]
fn a_private_key_for_another_algorithm_is_refused() {
    let is_rsa = |algorithm| matches!(algorithm, Algorithm::RS256 | Algorithm::PS256);
    for from in Algorithm::ALL {
        let der = key(*from).to_pkcs8().unwrap();
        for to in Algorithm::ALL {
            let fits = from == to || (is_rsa(*from) && is_rsa(*to));
            assert_eq!(SigningKey::from_pkcs8(*to, &der).is_ok(), fits, "{from} as {to}");
        }
    }
}

#[test]
fn broken_pem_is_refused() {
    let good = pem("PRIVATE KEY", &key(Algorithm::ES256).to_pkcs8().unwrap());
    let read = |text: &str| SigningKey::from_pem(Algorithm::ES256, text).map(|_| ());
    assert_eq!(read(&good), Ok(()));
    let cases = [
        (String::new(), KeyError::Malformed),
        ("-----BEGIN PRIVATE KEY-----".to_owned(), KeyError::Malformed),
        ("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----".to_owned(), KeyError::Rejected),
        (good.replace("END PRIVATE", "END EC PRIVATE"), KeyError::Malformed),
        (good.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"), KeyError::Malformed),
        (
            good.replace("PRIVATE KEY-----\n", "PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"),
            KeyError::Malformed,
        ),
        (good.replacen('M', "*", 1), KeyError::Malformed),
        (format!("{}{good}", "\n".repeat(20_000)), KeyError::TooLong),
    ];
    for (text, expected) in cases {
        assert_eq!(read(&text), Err(expected), "{}", &text[..text.len().min(80)]);
    }
}

#[test]
fn neither_debug_nor_json_shows_the_private_key() {
    for algorithm in Algorithm::ALL {
        let key = key(*algorithm);
        let printed = format!("{key:?}");
        assert_eq!(
            printed,
            format!("SigningKey {{ kid: {:?}, alg: {algorithm:?}, .. }}", key.kid())
        );
        let members = jwk_json(*algorithm);
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(members.get(private).is_none());
        }
    }
}

#[test]
fn members_are_written_in_the_published_order() {
    let order = |algorithm| {
        let json = serde_json::to_string(&key(algorithm).public_jwk()).unwrap();
        let names: Vec<String> = json.split('"').skip(1).step_by(4).map(str::to_owned).collect();
        names.join(" ")
    };
    assert_eq!(order(Algorithm::ES384), "kty use kid alg crv x y");
    assert_eq!(order(Algorithm::EdDSA), "kty use kid alg crv x");
    assert_eq!(order(Algorithm::RS256), "kty use kid alg e n");
}

#[test]
fn a_private_jwk_is_read_as_its_public_half() {
    let mut with_private = jwk_json(Algorithm::ES256);
    with_private["d"] = json!("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI");
    with_private["x5c"] = json!(["MIIB"]);
    let jwk: Jwk = serde_json::from_value(with_private).unwrap();
    assert_eq!(jwk, key(Algorithm::ES256).public_jwk());
    assert_eq!(serde_json::to_value(&jwk).unwrap(), jwk_json(Algorithm::ES256));
}

#[test]
fn a_jwk_without_alg_gets_the_one_of_its_kind() {
    for (algorithm, read_as) in [
        (Algorithm::ES256, Algorithm::ES256),
        (Algorithm::ES384, Algorithm::ES384),
        (Algorithm::ES512, Algorithm::ES512),
        (Algorithm::EdDSA, Algorithm::EdDSA),
        (Algorithm::RS256, Algorithm::RS256),
        (Algorithm::PS256, Algorithm::RS256),
    ] {
        let mut members = jwk_json(algorithm);
        members.as_object_mut().unwrap().retain(|name, _| name != "alg" && name != "use");
        let jwk: Jwk = serde_json::from_value(members).unwrap();
        assert_eq!(jwk.algorithm(), read_as);
    }
}

#[test]
fn a_jwk_that_contradicts_itself_is_refused() {
    let change = |algorithm, name: &str, value: Value| {
        let mut members = jwk_json(algorithm);
        members[name] = value;
        read(&members)
    };
    let rejected = KeyError::Rejected.to_string();
    let x = jwk_json(Algorithm::ES256)["x"].as_str().unwrap().to_owned();
    let bytes = base64url_decode(&x).unwrap();
    let padded = base64url_encode([&[0], &bytes[..]].concat());
    let cases = [
        ("alg", json!("ES384"), rejected.clone()),
        ("alg", json!("EdDSA"), rejected.clone()),
        ("alg", json!("RS256"), rejected.clone()),
        ("alg", json!("HS256"), KeyError::UnsupportedAlgorithm.to_string()),
        ("alg", json!("none"), KeyError::UnsupportedAlgorithm.to_string()),
        ("crv", json!("P-384"), rejected.clone()),
        ("crv", json!("secp256k1"), KeyError::UnsupportedKeyType.to_string()),
        ("crv", json!(null), KeyError::Malformed.to_string()),
        ("kty", json!("oct"), KeyError::UnsupportedKeyType.to_string()),
        ("kty", json!("OKP"), KeyError::UnsupportedKeyType.to_string()),
        ("use", json!("enc"), KeyError::NotForSignatures.to_string()),
        ("key_ops", json!(["sign"]), KeyError::NotForSignatures.to_string()),
        ("x", json!(padded), rejected.clone()),
        ("x", json!(base64url_encode(&bytes[1..])), rejected.clone()),
        ("x", json!(format!("{x}=")), KeyError::Malformed.to_string()),
        ("x", json!(null), KeyError::Malformed.to_string()),
        // Not on the curve.
        ("x", json!(base64url_encode([0; 32])), rejected.clone()),
        ("y", json!(base64url_encode([7; 32])), rejected),
    ];
    for (name, value, expected) in cases {
        assert_eq!(change(Algorithm::ES256, name, value.clone()), Err(expected), "{name}: {value}");
    }
    assert_eq!(change(Algorithm::ES256, "key_ops", json!(["verify"])), Ok(()));
}

#[test]
fn rsa_keys_are_2048_to_8192_bits_with_a_sound_exponent() {
    let modulus = |bytes: usize, first: u8, last: u8| {
        let mut n = vec![0xA5; bytes];
        n[0] = first;
        n[bytes - 1] = last;
        n
    };
    let read_rsa = |n: &[u8], e: &[u8]| {
        read(&json!({ "kty": "RSA", "n": base64url_encode(n), "e": base64url_encode(e) }))
    };
    let f4 = [1, 0, 1];
    assert_eq!(read_rsa(&modulus(256, 0x80, 1), &f4), Ok(()));
    assert_eq!(read_rsa(&modulus(1024, 0xFF, 1), &f4), Ok(()));
    assert_eq!(read_rsa(&modulus(256, 0x80, 1), &[3]), Ok(()));
    let refused = [
        (modulus(256, 0x7F, 1), f4.to_vec()),
        (modulus(128, 0xFF, 1), f4.to_vec()),
        (modulus(1025, 0x01, 1), f4.to_vec()),
        (modulus(257, 0x00, 1), f4.to_vec()),
        (modulus(256, 0x80, 2), f4.to_vec()),
        (vec![], f4.to_vec()),
        (modulus(256, 0x80, 1), vec![]),
        (modulus(256, 0x80, 1), vec![1]),
        (modulus(256, 0x80, 1), vec![2]),
        (modulus(256, 0x80, 1), vec![0, 1, 0, 1]),
        (modulus(256, 0x80, 1), vec![1, 0, 0, 0, 1]),
    ];
    for (n, e) in refused {
        assert_eq!(read_rsa(&n, &e), Err(KeyError::Rejected.to_string()), "{} {e:?}", n.len());
    }
}

#[test]
fn a_set_skips_what_it_cannot_use() {
    let ours = jwk_json(Algorithm::ES384);
    let mut twice = ours.to_string();
    twice.insert_str(1, r#""kty":"EC","#);
    let json = format!(
        r#"{{"extra":1,"keys":[{{"kty":"oct","k":"AAAA"}},{{"kty":"EC","crv":"secp256k1"}},7,null,{twice},
        {{"kty":"RSA","alg":"RSA-OAEP","use":"enc","n":"AQ","e":"AQAB"}},{ours}]}}"#
    );
    let set = JwkSet::from_json(json.as_bytes()).unwrap();
    assert_eq!(set.keys(), [key(Algorithm::ES384).public_jwk()]);
    assert_eq!(serde_json::to_value(&set).unwrap(), json!({ "keys": [ours] }));
}

#[test]
fn a_set_of_another_shape_or_size_is_refused() {
    for json in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":null}"#, r#"{"keys":[]} x"#] {
        assert_eq!(JwkSet::from_json(json.as_bytes()), Err(KeyError::Malformed), "{json}");
    }
    let many = |count: usize| format!(r#"{{"keys":[{}]}}"#, vec!["1"; count].join(","));
    assert_eq!(JwkSet::from_json(many(128).as_bytes()), Ok(JwkSet::default()));
    assert_eq!(JwkSet::from_json(many(129).as_bytes()), Err(KeyError::Malformed));
    let long = format!(r#"{{"keys":[]}}{}"#, " ".repeat(256 * 1024));
    assert_eq!(JwkSet::from_json(long.as_bytes()), Err(KeyError::TooLong));
}
