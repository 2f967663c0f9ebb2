//! Client assertions: `private_key_jwt` (RFC 7523 §3, OpenID Connect Core §9). The caller has verified the signature
//! with a key the client registered; here is what the claims must say.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer};

use crate::{client::Client, error::OAuthError, token::MAX_TOKEN};

/// The value of `client_assertion_type` (RFC 7523 §2.2).
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The algorithms an assertion may be signed with: no HMAC, whose key would be a secret on both sides.
pub const ALGORITHMS: [&str; 5] = ["RS256", "PS256", "ES256", "ES384", "EdDSA"];

/// The furthest an assertion may expire from now: seconds. It is remembered until then. An hour is what common libraries ask for.
pub const MAX_LIFETIME: i64 = 3600;

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
    pub aud: AudienceClaim,
    /// Unique.
    pub jti: String,
    /// Unix seconds.
    #[serde(deserialize_with = "seconds")]
    pub exp: i64,
}

/// RFC 7519 §4.1.3: a string, or an array of strings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum AudienceClaim {
    /// `"aud": "…"`.
    One(String),
    /// `"aud": ["…"]`.
    Many(Vec<String>),
}

impl AudienceClaim {
    /// The audience, if there is just one.
    fn only(&self) -> Option<&str> {
        match self {
            Self::One(audience) => Some(audience),
            Self::Many(audiences) => match audiences.as_slice() {
                [audience] => Some(audience),
                _ => None,
            },
        }
    }
}

/// What this server is called.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// Its issuer identifier (RFC 8414 §2).
    pub issuer: &'a str,
    /// Its token endpoint and the endpoint at hand, which assertions may be for, too (RFC 7523 §3, RFC 9126 §2).
    pub endpoints: &'a [&'a str],
}

/// Checks the claims of an assertion whose signature is the client's. `typ`: the header's. `now`: Unix
/// seconds. That the `jti` was not seen before is the caller's to find out.
///
/// # Errors
/// `invalid_client`; the detail says why.
pub fn check(
    claims: &Claims,
    typ: Option<&str>,
    client: &Client,
    names: Names<'_>,
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
    if claims.iss != client.client_id || claims.sub != client.client_id {
        return refuse("the assertion is not about this client");
    }
    // With a second audience, that audience could present the assertion here.
    let is_for_us = if client.is_fapi2() {
        // FAPI 2.0 §5.3.2.1: the issuer, as a string.
        matches!(&claims.aud, AudienceClaim::One(audience) if audience == names.issuer)
    } else {
        claims
            .aud
            .only()
            .is_some_and(|audience| audience == names.issuer || names.endpoints.contains(&audience))
    };
    if !is_for_us {
        return refuse("the assertion is for another audience");
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
    use crate::client::ApplicationType;
    use crate::fapi::SecurityProfile;

    const ISSUER: &str = "https://id.example/oidc";
    const NOW: i64 = 1_800_000_000;

    fn claims() -> Claims {
        Claims {
            iss: "app".into(),
            sub: "app".into(),
            aud: AudienceClaim::One(ISSUER.into()),
            jti: "j".into(),
            exp: NOW + 60,
        }
    }

    const NAMES: Names<'_> =
        Names { issuer: ISSUER, endpoints: &["https://id.example/oidc/token"] };

    fn app() -> Client {
        Client::new("app", ApplicationType::Traditional)
    }

    fn many(audiences: &[&str]) -> AudienceClaim {
        AudienceClaim::Many(audiences.iter().map(|audience| (*audience).to_owned()).collect())
    }

    fn accepts(claims: &Claims) -> bool {
        check(claims, None, &app(), NAMES, NOW).is_ok()
    }

    #[test]
    fn an_assertion_is_from_and_about_the_client_for_this_server_alone() {
        assert!(accepts(&claims()));
        assert!(accepts(&Claims { aud: many(&["https://id.example/oidc/token"]), ..claims() }));
        for other in [
            Claims { iss: "other".into(), ..claims() },
            Claims { sub: "other".into(), ..claims() },
            Claims { aud: many(&["https://other.example"]), ..claims() },
            Claims { aud: many(&[ISSUER, "https://other.example"]), ..claims() },
            Claims { aud: many(&[]), ..claims() },
            Claims { jti: String::new(), ..claims() },
            Claims { jti: "j".repeat(257), ..claims() },
        ] {
            assert!(!accepts(&other), "{other:?}");
        }
    }

    #[test]
    fn under_fapi_2_an_assertion_is_for_the_issuer_and_says_so_in_a_string() {
        let bank = Client { security_profile: Some(SecurityProfile::Fapi2), ..app() };
        let accepts = |aud| check(&Claims { aud, ..claims() }, None, &bank, NAMES, NOW).is_ok();
        assert!(accepts(AudienceClaim::One(ISSUER.into())));
        assert!(!accepts(AudienceClaim::One(NAMES.endpoints[0].into())));
        assert!(!accepts(many(&[ISSUER])));
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
            assert_eq!(check(&claims(), typ, &app(), NAMES, NOW).is_ok(), fits, "{typ:?}");
        }
    }

    #[test]
    fn claims_are_read_as_the_standard_writes_them() {
        let read = |value| serde_json::from_value::<Claims>(value);
        let one = json!({ "iss": "a", "sub": "a", "aud": "x", "jti": "j", "exp": 1.9 });
        let many = json!({ "iss": "a", "sub": "a", "aud": ["x"], "jti": "j", "exp": 1 });
        let (one, many) = (read(one).unwrap(), read(many).unwrap());
        assert_eq!((one.aud.only(), one.exp), (many.aud.only(), many.exp));
        for missing in ["iss", "sub", "aud", "jti", "exp"] {
            let mut value = json!({ "iss": "a", "sub": "a", "aud": "x", "jti": "j", "exp": 1 });
            value.as_object_mut().unwrap().remove(missing);
            assert!(read(value).is_err(), "{missing}");
        }
    }

    proptest! {
        #[test]
        fn an_assertion_lives_for_an_hour_at_most(ahead in -5000i64..5000) {
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
