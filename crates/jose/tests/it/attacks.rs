//! Named attacks (RFC 8725 §2). Where a header is forged, the signature over it is usually a real
//! one, so that nothing but the rule under test can refuse the token.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::json;
use trinco_jose::{Algorithm, Jwk, JwkSet, SigningKey, TokenType, VerifyError, base64url_encode};

use crate::{claims, claims_with, expectation, key, pem, verify, with_header};

/// Signs any header and payload with an ES256 key, as the issuer's own broken code might.
fn sign_raw(key: &SigningKey, header: &str, payload: &str) -> String {
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.to_pkcs8().unwrap())
        .unwrap();
    let input = format!("{}.{}", base64url_encode(header), base64url_encode(payload));
    let signature = pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
    format!("{input}.{}", base64url_encode(signature))
}

fn refusal(header: &str) -> VerifyError {
    let key = key(Algorithm::ES256);
    verify(key, &sign_raw(key, header, &claims().to_string()), &expectation()).unwrap_err()
}

#[test]
fn a_plain_header_signed_by_the_test_helper_is_accepted() {
    let key = key(Algorithm::ES256);
    let token = sign_raw(key, r#"{"alg":"ES256","typ":"at+jwt"}"#, &claims().to_string());
    assert!(verify(key, &token, &expectation()).is_ok());
}

#[test]
fn alg_none_is_refused() {
    let key = key(Algorithm::ES256);
    let token = key.sign_jwt(Some("at+jwt"), &claims()).unwrap();
    for name in ["none", "None", "NONE", "nOnE", ""] {
        let forged = with_header(&token, &json!({ "alg": name, "typ": "at+jwt" }).to_string());
        assert_eq!(
            verify(key, &forged, &expectation()).unwrap_err(),
            VerifyError::AlgorithmNotAccepted
        );
        let unsigned = &forged[..=forged.rfind('.').unwrap()];
        assert_eq!(
            verify(key, unsigned, &expectation()).unwrap_err(),
            VerifyError::AlgorithmNotAccepted
        );
    }
}

#[test]
fn an_empty_signature_is_refused() {
    for algorithm in Algorithm::ALL {
        let key = key(*algorithm);
        let token = key.sign_jwt(Some("at+jwt"), &claims()).unwrap();
        let unsigned = &token[..=token.rfind('.').unwrap()];
        let refused = verify(key, unsigned, &expectation()).unwrap_err();
        assert_eq!(refused, VerifyError::BadSignature);
    }
}

#[test]
fn an_all_zero_signature_is_refused() {
    for (algorithm, length) in [
        (Algorithm::ES256, 64),
        (Algorithm::ES384, 96),
        (Algorithm::ES512, 132),
        (Algorithm::EdDSA, 64),
    ] {
        let key = key(algorithm);
        let token = key.sign_jwt(Some("at+jwt"), &claims()).unwrap();
        let input = &token[..=token.rfind('.').unwrap()];
        let forged = format!("{input}{}", base64url_encode(vec![0; length]));
        let refused = verify(key, &forged, &expectation()).unwrap_err();
        assert_eq!(refused, VerifyError::BadSignature);
    }
}

#[test]
fn hmac_with_the_public_key_is_refused() {
    let key = key(Algorithm::RS256);
    let published = serde_json::to_vec(&key.public_jwk()).unwrap();
    for secret in [published.clone(), pem("PUBLIC KEY", &published).into_bytes()] {
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(key.kid().to_owned());
        let secret = jsonwebtoken::EncodingKey::from_secret(&secret);
        let forged = jsonwebtoken::encode(&header, &claims(), &secret).unwrap();
        assert_eq!(
            verify(key, &forged, &expectation()).unwrap_err(),
            VerifyError::AlgorithmNotAccepted
        );
    }
}

#[test]
fn a_key_of_another_algorithm_is_refused() {
    // The same RSA key would verify both paddings; it is published for RS256 only.
    let rs256 = key(Algorithm::RS256);
    let ps256 = SigningKey::from_pkcs8(Algorithm::PS256, &rs256.to_pkcs8().unwrap()).unwrap();
    assert_eq!(ps256.kid(), rs256.kid());
    let token = ps256.sign_jwt(Some("at+jwt"), &claims()).unwrap();
    assert!(verify(&ps256, &token, &expectation()).is_ok());
    assert_eq!(
        verify(rs256, &token, &expectation()).unwrap_err(),
        VerifyError::KeyOfAnotherAlgorithm
    );
}

#[test]
fn an_embedded_jwk_is_ignored() {
    let (ours, attackers) =
        (key(Algorithm::ES256), SigningKey::generate(Algorithm::ES256).unwrap());
    let embedded = serde_json::to_value(attackers.public_jwk()).unwrap();
    let header = |kid: Option<&str>| {
        let mut header = json!({ "alg": "ES256", "typ": "at+jwt", "jwk": embedded,
            "jku": "https://attacker.example/jwks", "x5u": "https://attacker.example/x5u",
            "x5c": ["MIIB"] });
        if let Some(kid) = kid {
            header["kid"] = json!(kid);
        }
        header.to_string()
    };
    let payload = claims().to_string();
    let cases = [
        (None, VerifyError::BadSignature),
        (Some(ours.kid()), VerifyError::BadSignature),
        (Some(attackers.kid()), VerifyError::UnknownKey),
    ];
    for (kid, expected) in cases {
        let forged = sign_raw(&attackers, &header(kid), &payload);
        assert_eq!(verify(ours, &forged, &expectation()).unwrap_err(), expected);
    }
    // Ignored, not forbidden: our own key under such a header still counts.
    let signed = sign_raw(ours, &header(None), &payload);
    assert!(verify(ours, &signed, &expectation()).is_ok());
}

#[test]
fn crit_is_refused() {
    let extended = [
        r#"{"alg":"ES256","typ":"at+jwt","crit":["exp"],"exp":1}"#,
        r#"{"alg":"ES256","typ":"at+jwt","crit":[]}"#,
        r#"{"alg":"ES256","typ":"at+jwt","crit":null}"#,
        r#"{"alg":"ES256","typ":"at+jwt","b64":false,"crit":["b64"]}"#,
        r#"{"alg":"ES256","typ":"at+jwt","b64":true}"#,
        r#"{"alg":"ES256","typ":"at+jwt","\u0063rit":["x"]}"#,
    ];
    for header in extended {
        assert_eq!(refusal(header), VerifyError::CriticalExtension, "{header}");
    }
}

#[test]
fn a_duplicate_header_member_is_refused() {
    let ambiguous = [
        r#"{"alg":"none","alg":"ES256","typ":"at+jwt"}"#,
        r#"{"alg":"ES256","typ":"at+jwt","typ":"JWT"}"#,
        r#"{"alg":"ES256","typ":"at+jwt","unknown":1,"unknown":2}"#,
        r#"{"alg":"ES256","typ":"at+jwt","\u0061lg":"ES256"}"#,
    ];
    for header in ambiguous {
        assert_eq!(refusal(header), VerifyError::Malformed("header"), "{header}");
    }
}

#[test]
fn a_header_of_another_shape_is_refused() {
    let deep =
        format!(r#"{{"alg":"ES256","typ":"at+jwt","x":{}1{}}}"#, "[".repeat(300), "]".repeat(300));
    let long = format!(r#"{{"alg":"ES256","typ":"at+jwt","x":"{}"}}"#, "a".repeat(1024));
    let shapes = [
        "",
        "[]",
        "\"ES256\"",
        "null",
        "{}",
        r#"{"typ":"at+jwt"}"#,
        r#"{"alg":null}"#,
        r#"{"alg":["ES256"]}"#,
        r#"{"alg":"ES256","kid":7}"#,
        r#"{"alg":"ES256"} trailing"#,
        &long,
    ];
    for header in shapes {
        assert_eq!(refusal(header), VerifyError::Malformed("header"), "{header}");
    }
    let key = key(Algorithm::ES256);
    // Deep nesting inside an ignored member is skipped without recursion.
    let token = sign_raw(key, &deep, &claims().to_string());
    assert!(verify(key, &token, &expectation()).is_ok());
}

#[test]
fn a_second_key_with_the_same_id_is_not_tried() {
    let (ours, other) = (key(Algorithm::ES256), SigningKey::generate(Algorithm::ES256).unwrap());
    let mut twin = serde_json::to_value(other.public_jwk()).unwrap();
    twin["kid"] = json!(ours.kid());
    let twin: Jwk = serde_json::from_value(twin).unwrap();
    let token = ours.sign_jwt(Some("at+jwt"), &claims()).unwrap();
    let set = JwkSet::from_iter([ours.public_jwk(), twin]);
    assert_eq!(
        set.verify::<serde_json::Value>(&token, &expectation()).unwrap_err(),
        VerifyError::UnknownKey
    );
}

#[test]
fn without_a_kid_the_only_key_of_the_algorithm_is_used_and_two_are_refused() {
    let (ours, other) = (key(Algorithm::ES256), SigningKey::generate(Algorithm::ES256).unwrap());
    let token = sign_raw(ours, r#"{"alg":"ES256","typ":"at+jwt"}"#, &claims().to_string());
    let verify = |keys: Vec<Jwk>| {
        JwkSet::from_iter(keys).verify::<serde_json::Value>(&token, &expectation()).map(|_| ())
    };
    let es384 = key(Algorithm::ES384).public_jwk();
    assert_eq!(verify(vec![es384.clone(), ours.public_jwk()]), Ok(()));
    assert_eq!(verify(vec![ours.public_jwk(), other.public_jwk()]), Err(VerifyError::UnknownKey));
    assert_eq!(verify(vec![es384]), Err(VerifyError::UnknownKey));
}

#[test]
fn an_access_token_is_not_an_id_token_and_the_reverse() {
    let key = key(Algorithm::ES384);
    let access_token = key.sign_jwt(Some("at+jwt"), &claims()).unwrap();
    let id_token = key.sign_jwt(None, &claims()).unwrap();
    let id_token_expected = trinco_jose::Expectation::new(
        TokenType::JwtOrAbsent,
        crate::ISSUER,
        trinco_jose::Audience::Any,
        crate::NOW,
    );
    assert!(verify(key, &id_token, &id_token_expected).is_ok());
    let refused = verify(key, &access_token, &id_token_expected).unwrap_err();
    assert_eq!(refused, VerifyError::WrongType);
    assert_eq!(verify(key, &id_token, &expectation()).unwrap_err(), VerifyError::WrongType);
}

#[test]
fn a_duplicate_registered_claim_is_refused() {
    let key = key(Algorithm::ES256);
    let payload = claims().to_string().replacen('{', r#"{"exp":9999999999,"#, 1);
    let token = sign_raw(key, r#"{"alg":"ES256","typ":"at+jwt"}"#, &payload);
    assert_eq!(verify(key, &token, &expectation()).unwrap_err(), VerifyError::Malformed("claims"));
}

#[test]
fn other_spellings_of_a_token_are_refused() {
    let key = key(Algorithm::EdDSA);
    let token = key.sign_jwt(Some("at+jwt"), &claims_with(json!({ "n": "ÿþ?>" }))).unwrap();
    assert!(verify(key, &token, &expectation()).is_ok());
    let spellings = [
        format!("{token}="),
        format!("{token}=="),
        format!(" {token}"),
        format!("{token}\n"),
        format!("{token}."),
        format!(".{token}"),
        token.replacen('.', ".\n", 1),
        token.replacen('.', "..", 1),
        token.replace('.', ""),
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
    ];
    for spelling in spellings {
        let refused = verify(key, &spelling, &expectation()).unwrap_err();
        assert!(matches!(refused, VerifyError::Malformed(_)), "{spelling:?}: {refused:?}");
    }
    // The last character of a 64-byte signature carries four bits that must be zero.
    let last = token.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let index = alphabet.find(last).unwrap();
    let sibling = &alphabet[index + 1..index + 2];
    let respelled = format!("{}{sibling}", &token[..token.len() - 1]);
    assert_eq!(
        verify(key, &respelled, &expectation()).unwrap_err(),
        VerifyError::Malformed("signature")
    );
}
