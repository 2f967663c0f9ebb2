//! Registered claims: who, for whom, when (RFC 7519 §4.1).

use serde::Deserialize;
use serde_json::{Value, json};
use trinco_jose::{
    Algorithm, Audience, Expectation, JwkSet, SignError, TokenType, VerifyError,
    decode_without_verifying,
};

use crate::{AUDIENCE, ISSUER, NOW, claims, claims_with, expectation, key, verify};

fn outcome(changes: Value, expectation: &Expectation<'_>) -> Result<(), VerifyError> {
    let key = key(Algorithm::EdDSA);
    let token = key.sign_jwt(Some("at+jwt"), &claims_with(changes)).unwrap();
    verify(key, &token, expectation).map(|_| ())
}

#[test]
fn the_issuer_is_compared_exactly() {
    assert_eq!(outcome(json!({}), &expectation()), Ok(()));
    for issuer in [
        json!(null),
        json!(""),
        json!("https://id.example/oidc/"),
        json!("HTTPS://id.example/oidc"),
    ] {
        assert_eq!(
            outcome(json!({ "iss": issuer }), &expectation()),
            Err(VerifyError::WrongIssuer)
        );
    }
    let refused = outcome(json!({ "iss": [ISSUER] }), &expectation());
    assert_eq!(refused, Err(VerifyError::Malformed("claims")));
}

#[test]
fn the_audience_is_a_string_or_an_array() {
    let expected = |audience| Expectation::new(TokenType::Any, ISSUER, audience, NOW);
    let both = ["https://other.example", AUDIENCE];
    let wrong = Err(VerifyError::WrongAudience);
    let cases = [
        (json!(AUDIENCE), Audience::Is(AUDIENCE), Ok(())),
        (json!(["x", AUDIENCE]), Audience::Is(AUDIENCE), Ok(())),
        (json!(["x", AUDIENCE]), Audience::OneOf(&both), Ok(())),
        (json!("https://other.example"), Audience::OneOf(&both), Ok(())),
        (json!("x"), Audience::Any, Ok(())),
        (json!(null), Audience::Any, Ok(())),
        (json!("x"), Audience::Is(AUDIENCE), wrong),
        (json!([]), Audience::Is(AUDIENCE), wrong),
        (json!(null), Audience::Is(AUDIENCE), wrong),
        (json!("x"), Audience::OneOf(&both), wrong),
        (json!(AUDIENCE), Audience::OneOf(&[]), wrong),
        (json!(["x", 7]), Audience::Any, Err(VerifyError::Malformed("claims"))),
    ];
    for (aud, audience, result) in cases {
        assert_eq!(
            outcome(json!({ "aud": aud }), &expected(audience)),
            result,
            "{aud} {audience:?}"
        );
    }
}

#[test]
fn time_is_checked_to_the_second_and_with_leeway() {
    let strict = expectation();
    let lenient = expectation().leeway_seconds(30);
    let cases = [
        (json!({ "exp": NOW + 1 }), Ok(()), Ok(())),
        (json!({ "exp": NOW }), Err(VerifyError::Expired), Ok(())),
        (json!({ "exp": NOW - 29 }), Err(VerifyError::Expired), Ok(())),
        (json!({ "exp": NOW - 30 }), Err(VerifyError::Expired), Err(VerifyError::Expired)),
        (json!({ "exp": null }), Err(VerifyError::MissingExpiry), Err(VerifyError::MissingExpiry)),
        (json!({ "exp": (NOW as f64) + 0.5 }), Err(VerifyError::Expired), Ok(())),
        (json!({ "exp": u64::MAX }), Ok(()), Ok(())),
        (json!({ "exp": 1e300 }), Ok(()), Ok(())),
        (json!({ "exp": -1 }), Err(VerifyError::Expired), Err(VerifyError::Expired)),
        (json!({ "nbf": NOW }), Ok(()), Ok(())),
        (json!({ "nbf": NOW + 30 }), Err(VerifyError::NotYetValid), Ok(())),
        (json!({ "nbf": NOW + 31 }), Err(VerifyError::NotYetValid), Err(VerifyError::NotYetValid)),
        (json!({ "iat": NOW + 30 }), Err(VerifyError::IssuedInTheFuture), Ok(())),
        (
            json!({ "iat": NOW + 31 }),
            Err(VerifyError::IssuedInTheFuture),
            Err(VerifyError::IssuedInTheFuture),
        ),
        (json!({ "iat": null, "nbf": null }), Ok(()), Ok(())),
    ];
    for (changes, strictly, leniently) in cases {
        assert_eq!(outcome(changes.clone(), &strict), strictly, "{changes}");
        assert_eq!(outcome(changes.clone(), &lenient), leniently, "{changes}");
    }
    let refused = outcome(json!({ "exp": "tomorrow" }), &strict);
    assert_eq!(refused, Err(VerifyError::Malformed("claims")));
}

#[test]
fn only_expiry_is_ignored_when_expiry_is_ignored() {
    let key = key(Algorithm::EdDSA);
    let verifier = JwkSet::from_iter([key.public_jwk()]).verifier();
    let ignoring = |changes: Value| {
        let token = key.sign_jwt(Some("at+jwt"), &claims_with(changes)).unwrap();
        verifier.verify_ignoring_expiry::<Value>(&token, &expectation()).map(|_| ())
    };
    assert_eq!(ignoring(json!({ "exp": NOW - 86_400 })), Ok(()));
    assert_eq!(ignoring(json!({ "exp": null })), Err(VerifyError::MissingExpiry));
    assert_eq!(ignoring(json!({ "iss": "x" })), Err(VerifyError::WrongIssuer));
    assert_eq!(ignoring(json!({ "aud": "x" })), Err(VerifyError::WrongAudience));
    assert_eq!(ignoring(json!({ "nbf": NOW + 1 })), Err(VerifyError::NotYetValid));
    let forged = crate::with_header(
        &key.sign_jwt(Some("at+jwt"), &claims()).unwrap(),
        r#"{"alg":"EdDSA","typ":"at+jwt","cty":"x"}"#,
    );
    let refused = verifier.verify_ignoring_expiry::<Value>(&forged, &expectation()).unwrap_err();
    assert_eq!(refused, VerifyError::BadSignature);
}

#[test]
fn the_type_is_compared_without_case_and_prefix() {
    let key = key(Algorithm::EdDSA);
    let expected =
        |typ| Expectation::new(TokenType::Exactly(typ), ISSUER, Audience::Is(AUDIENCE), NOW);
    let signed = |typ| key.sign_jwt(typ, &claims()).unwrap();
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt"] {
        assert!(verify(key, &signed(Some(typ)), &expected("at+jwt")).is_ok());
        assert!(verify(key, &signed(Some("at+jwt")), &expected(typ)).is_ok());
    }
    for typ in
        [None, Some("JWT"), Some("text/at+jwt"), Some("at+jwt "), Some(""), Some("application/")]
    {
        let refused = verify(key, &signed(typ), &expected("at+jwt")).unwrap_err();
        assert_eq!(refused, VerifyError::WrongType);
    }
}

#[test]
fn an_algorithm_outside_the_expectation_is_refused() {
    let key = key(Algorithm::EdDSA);
    let token = key.sign_jwt(Some("at+jwt"), &claims()).unwrap();
    let only_es384 = expectation().algorithms(&[Algorithm::ES384]);
    let refused = verify(key, &token, &only_es384).unwrap_err();
    assert_eq!(refused, VerifyError::AlgorithmNotAccepted);
}

#[test]
fn a_token_longer_than_the_limit_is_refused() {
    let key = key(Algorithm::EdDSA);
    let long = claims_with(json!({ "padding": "x".repeat(8000) }));
    let token = key.sign_jwt(Some("at+jwt"), &long).unwrap();
    assert_eq!(verify(key, &token, &expectation()).unwrap_err(), VerifyError::TooLong);
    assert!(verify(key, &token, &expectation().max_token_length(token.len())).is_ok());
    let one_less = expectation().max_token_length(token.len() - 1);
    assert_eq!(verify(key, &token, &one_less).unwrap_err(), VerifyError::TooLong);
    assert_eq!(decode_without_verifying::<Value>(&token).unwrap_err(), VerifyError::TooLong);
}

#[test]
fn claims_come_out_typed_with_the_header() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Subject {
        sub: String,
    }
    let key = key(Algorithm::ES384);
    let token = key.sign_jwt(Some("at+jwt"), &claims()).unwrap();
    let set = JwkSet::from_iter([key.public_jwk()]);
    let verified = set.verify::<Subject>(&token, &expectation()).unwrap();
    assert_eq!(verified.claims, Subject { sub: "6jyb0ep4w08v".to_owned() });
    assert_eq!(verified.header.algorithm, Algorithm::ES384);
    assert_eq!(verified.header.typ.as_deref(), Some("at+jwt"));
    assert_eq!(verified.header.kid.as_deref(), Some(key.kid()));
    let refused = set.verify::<Vec<u8>>(&token, &expectation()).unwrap_err();
    assert_eq!(refused, VerifyError::UnexpectedClaims);
    let unverified = decode_without_verifying::<Subject>(&token).unwrap();
    assert_eq!(unverified.untrusted_claims, verified.claims);
    assert_eq!(unverified.header, verified.header);
}

#[test]
fn the_header_is_alg_typ_kid_in_this_order() {
    let key = key(Algorithm::ES384);
    let header = |typ| {
        let token = key.sign_jwt(typ, &claims()).unwrap();
        String::from_utf8(trinco_jose::base64url_decode(token.split('.').next().unwrap()).unwrap())
            .unwrap()
    };
    let kid = key.kid();
    assert_eq!(header(None), format!(r#"{{"alg":"ES384","kid":"{kid}"}}"#));
    assert_eq!(
        header(Some("at+jwt")),
        format!(r#"{{"alg":"ES384","typ":"at+jwt","kid":"{kid}"}}"#)
    );
    assert_eq!(
        header(Some("logout+jwt")),
        format!(r#"{{"alg":"ES384","typ":"logout+jwt","kid":"{kid}"}}"#)
    );
    assert_eq!(header(Some("a\"b")), format!(r#"{{"alg":"ES384","typ":"a\"b","kid":"{kid}"}}"#));
}

#[test]
fn claims_that_are_not_an_object_are_not_signed() {
    let key = key(Algorithm::EdDSA);
    for claims in [json!([1]), json!("text"), json!(null), json!(7)] {
        assert_eq!(key.sign_jwt(None, &claims).unwrap_err(), SignError::ClaimsNotAnObject);
    }
}
