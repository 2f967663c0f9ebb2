//! Examples printed in the standards.

use serde_json::Value;
use trinco_jose::{
    Algorithm, Audience, Expectation, Jwk, JwkSet, TokenType, VerifyError, left_half_hash,
};

const RFC_7638_3_1: &str = r#"{"kty":"RSA","alg":"RS256","kid":"2011-04-29","e":"AQAB",
    "n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}"#;
const RFC_8037_A_2: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

const RFC_7515_A_2_KEY: &str = r#"{"kty":"RSA","e":"AQAB",
    "n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#;
const RFC_7515_A_2_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

const RFC_7515_A_3_KEY: &str = r#"{"kty":"EC","crv":"P-256",
    "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
const RFC_7515_A_3_SIGNATURE: &str =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

/// `{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}`
const RFC_7515_PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

fn jwk(json: &str) -> Jwk {
    serde_json::from_str(json).unwrap()
}

#[test]
fn thumbprints_are_those_of_rfc_7638_3_1_and_rfc_8037_a_3() {
    assert_eq!(jwk(RFC_7638_3_1).thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    assert_eq!(jwk(RFC_8037_A_2).thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn a_stated_kid_is_kept_and_the_thumbprint_does_not_depend_on_it() {
    let named = jwk(RFC_7638_3_1);
    assert_eq!(named.kid(), Some("2011-04-29"));
    let renamed = jwk(&RFC_7638_3_1.replace("2011-04-29", "other"));
    assert_eq!(named.thumbprint(), renamed.thumbprint());
}

fn assert_example_verifies(key: &str, header: &str, signature: &str) {
    let set = JwkSet::from_iter([jwk(key)]);
    let token = format!("{header}.{RFC_7515_PAYLOAD}.{signature}");
    let at = |now| Expectation::new(TokenType::JwtOrAbsent, "joe", Audience::Any, now);
    let verified = set.verify::<Value>(&token, &at(1_300_819_379)).unwrap();
    assert_eq!(verified.claims["http://example.com/is_root"], true);
    let expired = set.verify::<Value>(&token, &at(1_300_819_380)).unwrap_err();
    assert_eq!(expired, VerifyError::Expired);
}

#[test]
fn the_rs256_example_of_rfc_7515_a_2_verifies() {
    assert_example_verifies(RFC_7515_A_2_KEY, "eyJhbGciOiJSUzI1NiJ9", RFC_7515_A_2_SIGNATURE);
}

#[test]
fn the_es256_example_of_rfc_7515_a_3_verifies() {
    assert_example_verifies(RFC_7515_A_3_KEY, "eyJhbGciOiJFUzI1NiJ9", RFC_7515_A_3_SIGNATURE);
}

#[test]
fn at_hash_and_c_hash_are_those_of_openid_connect_core_a_4_and_a_6() {
    let access_token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
    let code = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk";
    assert_eq!(left_half_hash(Algorithm::RS256, access_token), "77QmUPtjPfzWtF2AnpK9RQ");
    assert_eq!(left_half_hash(Algorithm::RS256, code), "LDktKdoQak3Pk0cnXxCltA");
    // 384 and 512 bits, halved.
    assert_eq!(left_half_hash(Algorithm::ES384, code).len(), 32);
    assert_eq!(left_half_hash(Algorithm::ES512, code).len(), 43);
    assert_eq!(left_half_hash(Algorithm::EdDSA, code).len(), 43);
}
