//! Client assertions: `private_key_jwt` (RFC 7523 §3, OpenID Connect Core §9). The caller has verified the signature
//! with a key the client registered; here is what the claims must say.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer};

use crate::{error::OAuthError, token::MAX_TOKEN};

/// The value of `client_assertion_type` (RFC 7523 §2.2).
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The algorithms an assertion may be signed with: no HMAC, whose key would be a secret on both sides.
pub const ALGORITHMS: [&str; 5] = ["RS256", "PS256", "ES256", "ES384", "EdDSA"];

/// The furthest an assertion may expire from now: seconds. It is remembered until then.
pub const MAX_LIFETIME: i64 = 300;

/// How much the clocks of client and server may differ: seconds.
pub const CLOCK_SKEW: i64 = 10;

/// Longest `jti`, in bytes.
const MAX_JTI: usize = 256;

/// The claims of an assertion.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Claims {
    /// The client.
    pub iss: String,
    /// The client again.
    pub sub: String,
    /// This server, and nobody else.
    #[serde(deserialize_with = "one_or_many")]
    pub aud: Vec<String>,
    /// Unique.
    pub jti: String,
    /// Unix seconds.
    #[serde(deserialize_with = "seconds")]
    pub exp: i64,
}

/// Checks the claims of an assertion whose signature is the client's. `typ`: the header's. `audiences`: what this
/// server is called (its issuer, its token endpoint, the endpoint at hand: RFC 7523 §3, RFC 9126 §2). `now`: Unix
/// seconds. That the `jti` was not seen before is the caller's to find out.
///
/// # Errors
/// `invalid_client`; the detail says why.
pub fn check(
    claims: &Claims,
    typ: Option<&str>,
    client_id: &str,
    audiences: &[&str],
    now: i64,
) -> Result<(), OAuthError> {
    let refuse = |why: &'static str| Err(OAuthError::invalid_client(why));
    // RFC 8725 §3.11: another kind of token by the same key is no assertion.
    let fits = |typ: &str| {
        ["jwt", "client-authentication+jwt"].iter().any(|known| typ.eq_ignore_ascii_case(known))
    };
    if !typ.is_none_or(fits) {
        return refuse("the assertion is another type of token");
    }
    if claims.iss != client_id || claims.sub != client_id {
        return refuse("the assertion is not about this client");
    }
    // With a second audience, that audience could present the assertion here.
    match claims.aud.as_slice() {
        [audience] if audiences.contains(&audience.as_str()) => {}
        _ => return refuse("the assertion is for another audience"),
    }
    if now >= claims.exp.saturating_add(CLOCK_SKEW) {
        return refuse("the assertion has expired");
    }
    if claims.exp > now.saturating_add(MAX_LIFETIME + CLOCK_SKEW) {
        return refuse("the assertion expires too late");
    }
    if !(1..=MAX_JTI).contains(&claims.jti.len()) {
        return refuse("the assertion has no usable jti");
    }
    Ok(())
}

/// Whom an assertion claims to be from. Unverified: good for finding the client's keys, and for nothing else.
#[must_use]
pub fn unverified_subject(assertion: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Subject {
        sub: String,
    }
    let payload = assertion.split('.').nth(1).filter(|_| assertion.len() <= MAX_TOKEN)?;
    let claims: Subject = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    Some(claims.sub)
}

/// RFC 7519 §4.1.3: a string, or an array of strings.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(one) => vec![one],
        OneOrMany::Many(many) => many,
    })
}

/// RFC 7519 §2: a number of seconds, with fractions allowed.
pub(crate) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Number {
        Whole(i64),
        Fraction(f64),
    }
    Ok(match Number::deserialize(deserializer)? {
        Number::Whole(seconds) => seconds,
        Number::Fraction(seconds) => seconds.floor() as i64,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://id.example/oidc";
    const NOW: i64 = 1_800_000_000;

    fn claims() -> Claims {
        Claims {
            iss: "app".into(),
            sub: "app".into(),
            aud: vec![ISSUER.into()],
            jti: "j".into(),
            exp: NOW + 60,
        }
    }

    fn accepts(claims: &Claims) -> bool {
        check(claims, None, "app", &[ISSUER, "https://id.example/oidc/token"], NOW).is_ok()
    }

    #[test]
    fn an_assertion_is_from_and_about_the_client_for_this_server_alone() {
        assert!(accepts(&claims()));
        assert!(accepts(&Claims { aud: vec![format!("{ISSUER}/token")], ..claims() }));
        for other in [
            Claims { iss: "other".into(), ..claims() },
            Claims { sub: "other".into(), ..claims() },
            Claims { aud: vec!["https://other.example".into()], ..claims() },
            Claims { aud: vec![ISSUER.into(), "https://other.example".into()], ..claims() },
            Claims { aud: vec![], ..claims() },
            Claims { jti: String::new(), ..claims() },
            Claims { jti: "j".repeat(257), ..claims() },
        ] {
            assert!(!accepts(&other), "{other:?}");
        }
    }

    #[test]
    fn another_type_of_token_is_no_assertion() {
        for (typ, fits) in [
            (None, true),
            (Some("JWT"), true),
            (Some("client-authentication+jwt"), true),
            (Some("at+jwt"), false),
            (Some("dpop+jwt"), false),
            (Some(""), false),
        ] {
            assert_eq!(check(&claims(), typ, "app", &[ISSUER], NOW).is_ok(), fits, "{typ:?}");
        }
    }

    #[test]
    fn claims_are_read_as_the_standard_writes_them() {
        let read = |value| serde_json::from_value::<Claims>(value);
        let one = json!({ "iss": "a", "sub": "a", "aud": "x", "jti": "j", "exp": 1.9 });
        let many = json!({ "iss": "a", "sub": "a", "aud": ["x"], "jti": "j", "exp": 1 });
        assert_eq!(read(one).unwrap(), read(many).unwrap());
        for missing in ["iss", "sub", "aud", "jti", "exp"] {
            let mut value = json!({ "iss": "a", "sub": "a", "aud": "x", "jti": "j", "exp": 1 });
            value.as_object_mut().unwrap().remove(missing);
            assert!(read(value).is_err(), "{missing}");
        }
    }

    proptest! {
        #[test]
        fn an_assertion_lives_for_five_minutes_at_most(ahead in -1000i64..1000) {
            let claims = Claims { exp: NOW + ahead, ..claims() };
            let fits = ahead > -CLOCK_SKEW && ahead <= MAX_LIFETIME + CLOCK_SKEW;
            prop_assert_eq!(accepts(&claims), fits);
        }

        #[test]
        fn no_text_panics(text in ".{0,200}") {
            let _ = unverified_subject(&text);
        }
    }
}
