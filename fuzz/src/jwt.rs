//! JWTs. Two lines are a header and a payload, which are signed with a known key; anything else is a token as it stands.

use std::sync::LazyLock;

use serde_json::Value;
use trinco_jose::{
    Audience, Expectation, JwkSet, TokenType, Verifier, base64url_decode, decode_without_verifying,
};

use crate::keys::{self, KEY};
use crate::{check, clients};

/// Now: Unix seconds.
pub(crate) const NOW: i64 = 1_800_000_000;
const LEEWAY: u32 = 10;
const LONGEST: usize = 8 * 1024;

/// Keys of every kind: the signing one and two that are published in RFC 7517 (appendix A.1).
static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let published = br#"{"keys":[
        {"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","kid":"1"},
        {"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}
    ]}"#;
    let set = JwkSet::from_json(published).expect("a set");
    assert_eq!(set.keys().len(), 2);
    set.keys().iter().cloned().chain([KEY.public_jwk()]).collect::<JwkSet>().verifier()
});

fn expectations() -> [Expectation<'static>; 3] {
    let new = |kind, audience| Expectation::new(kind, clients::ISSUER, audience, NOW);
    [
        new(TokenType::Exactly("at+jwt"), Audience::Is(clients::API)),
        new(TokenType::JwtOrAbsent, Audience::OneOf(&["web", "spa"])).leeway_seconds(LEEWAY),
        new(TokenType::Any, Audience::Any).leeway_seconds(LEEWAY),
    ]
}

/// Verifies the input.
pub fn run(data: &[u8]) -> bool {
    let Some(text) = check::text(data) else { return false };
    check::at_the_limit(data, LONGEST, 16, |long| {
        let long = keys::sign(br#"{"alg":"EdDSA"}"#, &long[..LONGEST / 2]);
        let _ = VERIFIER.verify::<Value>(&long, &expectations()[2]);
    });
    let token = match text.split_once('\n') {
        Some((header, payload)) => keys::sign(header.as_bytes(), payload.as_bytes()),
        None => text.to_owned(),
    };
    let _ = decode_without_verifying::<Value>(&token);
    let mut accepted = false;
    for (at, expectation) in expectations().iter().enumerate() {
        let late = VERIFIER.verify_ignoring_expiry::<Value>(&token, expectation);
        let Ok(verified) = VERIFIER.verify::<Value>(&token, expectation) else { continue };
        accepted = true;
        assert!(late.is_ok() && token.len() <= LONGEST);
        assert!(keys::is_signed(&token), "nobody signed this");
        let broken = keys::with_a_broken_signature(&token);
        assert!(VERIFIER.verify::<Value>(&broken, expectation).is_err());
        means_what_it_says(&token, at, &verified.claims);
    }
    accepted
}

/// What a JSON reader without any rules sees in the token.
fn means_what_it_says(token: &str, expectation: usize, claims: &Value) {
    let mut parts = token.split('.');
    let mut json = || -> Value {
        let bytes = base64url_decode(parts.next().unwrap_or_default()).expect("base64url");
        serde_json::from_slice(&bytes).expect("JSON")
    };
    let (header, payload) = (json(), json());
    assert_eq!(&payload, claims);
    // RFC 9864 §2.2: two names of one algorithm.
    assert!(header["alg"] == "EdDSA" || header["alg"] == "Ed25519");
    assert!(header.get("crit").is_none() && header.get("b64").is_none());
    assert!(header.get("kid").is_none_or(|kid| kid.is_null() || kid == KEY.kid()));
    assert_eq!(payload["iss"], clients::ISSUER);
    let typ =
        header["typ"].as_str().map(|typ| typ.to_ascii_lowercase().replace("application/", ""));
    let is_for = |name: &str| {
        let listed = payload["aud"].as_array().is_some_and(|all| all.iter().any(|aud| aud == name));
        listed || payload["aud"] == name
    };
    let leeway = match expectation {
        0 => {
            assert!(typ.as_deref() == Some("at+jwt") && is_for(clients::API));
            0.0
        }
        1 => {
            assert!(typ.is_none_or(|typ| typ == "jwt") && (is_for("web") || is_for("spa")));
            f64::from(LEEWAY)
        }
        _ => f64::from(LEEWAY),
    };
    let now = NOW as f64;
    assert!(payload["exp"].as_f64().is_some_and(|exp| exp.floor() + leeway > now));
    for name in ["nbf", "iat"] {
        assert!(payload[name].as_f64().is_none_or(|at| at.floor() <= now + leeway));
    }
}
