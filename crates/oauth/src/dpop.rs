//! DPoP (RFC 9449): tokens that are good only together with a proof of a key. The caller has verified the proof's
//! signature with the key the proof brings; here is what it must say, and which key a token wants.

use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

use crate::{
    bearer::BearerError,
    client_assertion::seconds,
    error::{ErrorCode, OAuthError},
    secret::Secret,
    token::TokenType,
};

/// The `typ` of a proof (RFC 9449 §4.2).
pub const PROOF_TYPE: &str = "dpop+jwt";

/// The algorithms a proof may be signed with.
pub const ALGORITHMS: [&str; 6] = ["ES256", "ES384", "EdDSA", "Ed25519", "PS256", "RS256"];

/// How old a proof may be: seconds. It is remembered that long.
pub const MAX_AGE: i64 = 60;

/// How far a client's clock may be ahead: seconds.
pub const MAX_AHEAD: i64 = 10;

/// Longest `jti`, in bytes.
const MAX_JTI: usize = 256;

/// The claims of a proof (RFC 9449 §4.2).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Claims {
    /// Unique.
    pub jti: String,
    /// The method of the request.
    pub htm: String,
    /// Its URL, without query and fragment.
    pub htu: String,
    /// Unix seconds.
    #[serde(deserialize_with = "seconds")]
    pub iat: i64,
    /// Unix seconds from which on it counts, if it says so (RFC 7519 §4.1.5).
    #[serde(default, deserialize_with = "seconds_if_any")]
    pub nbf: Option<i64>,
    /// Unix seconds until which it counts, if it says so (RFC 7519 §4.1.4).
    #[serde(default, deserialize_with = "seconds_if_any")]
    pub exp: Option<i64>,
    /// The base64url of the SHA-256 of the access token, at a protected resource.
    #[serde(default)]
    pub ath: Option<String>,
}

/// The request a proof is presented with.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// `POST`.
    pub method: &'a str,
    /// Absolute; query and fragment do not count.
    pub url: &'a str,
    /// The base64url of the SHA-256 of the access token that comes with it, if one does.
    pub access_token_hash: Option<&'a str>,
}

/// Checks the claims of a proof whose signature is right (RFC 9449 §4.3). `now`: Unix seconds. That the `jti` was not
/// seen before is the caller's to find out.
///
/// # Errors
/// `invalid_dpop_proof`; the detail says why.
pub fn check(claims: &Claims, request: &Request<'_>, now: i64) -> Result<(), OAuthError> {
    if claims.htm != request.method {
        return Err(invalid("the proof is for another method"));
    }
    if !is_same_url(&claims.htu, request.url) {
        return Err(invalid("the proof is for another URL"));
    }
    // FAPI 2.0 §5.3.2.1 (13).
    if claims.iat.max(claims.nbf.unwrap_or(claims.iat)) > now.saturating_add(MAX_AHEAD) {
        return Err(invalid("the proof is from the future"));
    }
    if claims.iat < now.saturating_sub(MAX_AGE) || claims.exp.is_some_and(|end| end <= now) {
        return Err(invalid("the proof is too old"));
    }
    if !(1..=MAX_JTI).contains(&claims.jti.len()) {
        return Err(invalid("the proof has no usable jti"));
    }
    if request.access_token_hash.is_some() && claims.ath.as_deref() != request.access_token_hash {
        return Err(invalid("the proof is for another access token"));
    }
    Ok(())
}

fn seconds_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    seconds(deserializer).map(Some)
}

/// `invalid_dpop_proof`, with a detail for the log.
#[must_use]
pub fn invalid(detail: impl Into<std::borrow::Cow<'static, str>>) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidDpopProof, "the DPoP proof is missing or invalid")
        .with_detail(detail)
}

/// RFC 9449 §4.3 (9): scheme, host and default port are normalised, query and fragment ignored.
fn is_same_url(one: &str, other: &str) -> bool {
    let normal = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    matches!((normal(one), normal(other)), (Some(one), Some(other)) if one == other)
}

/// The thumbprint a `dpop_jkt` parameter names (RFC 9449 §10): SHA-256 in base64url.
///
/// # Errors
/// `invalid_request` for anything else.
pub fn parse_thumbprint(text: &str) -> Result<String, OAuthError> {
    let sound = text.len() == 43
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if sound {
        Ok(text.to_owned())
    } else {
        Err(OAuthError::invalid_request("dpop_jkt must be a SHA-256 thumbprint in base64url"))
    }
}

/// Whether a code or refresh token may be used with the key that was proven, if one was.
///
/// # Errors
/// `invalid_dpop_proof` when a key is asked for and none proven, `invalid_grant` for another key.
pub fn check_grant(bound_to: Option<&str>, proven: Option<&str>) -> Result<(), OAuthError> {
    match (bound_to, proven) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(invalid("the grant is bound to a key and comes without a proof")),
        (Some(bound), Some(proven)) if bound == proven => Ok(()),
        (Some(_), Some(_)) => Err(OAuthError::invalid_grant("bound to another key")),
    }
}

/// Whether an access token may be used with the key that was proven, if one was: a bound token with its key alone, a
/// bearer token without (RFC 9449 §7.1, §7.2).
///
/// # Errors
/// `invalid_token`.
pub fn check_access(bound_to: Option<&str>, proven: Option<&str>) -> Result<(), OAuthError> {
    if bound_to == proven {
        return Ok(());
    }
    let error = OAuthError::new(ErrorCode::InvalidToken, "invalid token provided");
    Err(error.with_detail("the token is bound to another key, or to one that was not proven"))
}

/// An access token as it was presented.
#[derive(Debug, Clone)]
pub struct Presented {
    /// The token.
    pub token: Secret,
    /// By its scheme.
    pub token_type: TokenType,
}

/// Reads the token of an `Authorization` header, `Bearer` or `DPoP`.
///
/// # Errors
/// As [`crate::bearer::parse`].
pub fn parse_authorization(authorization: Option<&str>) -> Result<Presented, BearerError> {
    let (scheme, rest) = authorization
        .and_then(|header| header.split_once(' '))
        .unwrap_or((authorization.unwrap_or_default(), ""));
    if !scheme.eq_ignore_ascii_case("dpop") {
        let token = crate::bearer::parse(authorization)?;
        return Ok(Presented { token, token_type: TokenType::Bearer });
    }
    let token = crate::bearer::parse(Some(&format!("Bearer {rest}")))?;
    Ok(Presented { token, token_type: TokenType::DPoP })
}

/// The `cnf` member of a bound token (RFC 9449 §6.1, §6.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// The RFC 7638 thumbprint of the key, SHA-256 in base64url.
    pub jkt: String,
}

/// The `WWW-Authenticate` value that asks for DPoP (RFC 9449 §7.1). `error` is `None` when the request had no token.
#[must_use]
pub fn challenge(error: Option<&OAuthError>) -> String {
    let algorithms = ALGORITHMS.join(" ");
    match error {
        Some(error) => format!(
            r#"DPoP error="{}", error_description="{}", algs="{algorithms}""#,
            error.error.as_str(),
            error.description
        ),
        None => format!(r#"DPoP algs="{algorithms}""#),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_800_000_000;
    const URL: &str = "https://id.example/oidc/token";

    fn claims() -> Claims {
        Claims {
            jti: "j".into(),
            htm: "POST".into(),
            htu: URL.into(),
            iat: NOW,
            nbf: None,
            exp: None,
            ath: None,
        }
    }

    fn accepts(claims: &Claims, access_token_hash: Option<&str>) -> bool {
        check(claims, &Request { method: "POST", url: URL, access_token_hash }, NOW).is_ok()
    }

    #[test]
    fn a_proof_is_for_one_method_and_one_url() {
        assert!(accepts(&claims(), None));
        for htu in [
            "https://id.example/oidc/token?x=1#y",
            "HTTPS://ID.example/oidc/token",
            "https://id.example:443/oidc/token",
            "https://id.example/oidc/../oidc/token",
        ] {
            assert!(accepts(&Claims { htu: htu.into(), ..claims() }, None), "{htu}");
        }
        for htu in [
            "http://id.example/oidc/token",
            "https://id.example:8443/oidc/token",
            "https://id.example/oidc/token/",
            "https://id.example/oidc/Token",
            "https://evil.example/oidc/token",
            "/oidc/token",
            "",
        ] {
            assert!(!accepts(&Claims { htu: htu.into(), ..claims() }, None), "{htu}");
        }
        for htm in ["GET", "post", ""] {
            assert!(!accepts(&Claims { htm: htm.into(), ..claims() }, None), "{htm}");
        }
        for jti in [String::new(), "j".repeat(257)] {
            assert!(!accepts(&Claims { jti, ..claims() }, None));
        }
    }

    #[test]
    fn a_proof_may_say_from_when_and_until_when_it_counts() {
        let read = |more: &str| {
            let claims = format!(r#"{{"jti":"j","htm":"POST","htu":"{URL}","iat":{NOW}{more}}}"#);
            serde_json::from_str::<Claims>(&claims)
        };
        for (more, counts) in [
            (format!(r#","nbf":{}"#, NOW - 1000), true),
            (format!(r#","nbf":{}"#, NOW + MAX_AHEAD), true),
            (format!(r#","nbf":{}"#, NOW + MAX_AHEAD + 1), false),
            (format!(r#","exp":{}"#, NOW + 1), true),
            (format!(r#","exp":{NOW}"#), false),
            (format!(r#","nbf":{NOW}.5,"exp":{NOW}.5"#), false),
        ] {
            assert_eq!(accepts(&read(&more).expect("claims"), None), counts, "{more}");
        }
        for more in [r#","nbf":"soon""#, r#","exp":null"#, r#","nbf":[1]"#] {
            assert!(read(more).is_err(), "{more}");
        }
    }

    #[test]
    fn at_a_resource_a_proof_names_the_access_token() {
        let with = |ath: Option<&str>| Claims { ath: ath.map(Into::into), ..claims() };
        assert!(accepts(&with(Some("h")), Some("h")));
        assert!(!accepts(&with(Some("other")), Some("h")));
        assert!(!accepts(&with(None), Some("h")));
    }

    #[test]
    fn a_bound_token_wants_its_key_and_a_bearer_token_none() {
        for (bound, proven, access, grant) in [
            (None, None, true, true),
            (Some("a"), Some("a"), true, true),
            (Some("a"), Some("b"), false, false),
            (Some("a"), None, false, false),
            (None, Some("a"), false, true),
        ] {
            assert_eq!(check_access(bound, proven).is_ok(), access, "{bound:?} {proven:?}");
            assert_eq!(check_grant(bound, proven).is_ok(), grant, "{bound:?} {proven:?}");
        }
    }

    #[test]
    fn both_schemes_are_read_in_any_case() {
        let read = |header: &str| parse_authorization(Some(header)).map(|read| read.token_type);
        assert_eq!(read("Bearer abc"), Ok(TokenType::Bearer));
        assert_eq!(read("dpop abc"), Ok(TokenType::DPoP));
        assert_eq!(read("DPoP"), Err(BearerError::Malformed));
        assert_eq!(read("DPoP a b"), Err(BearerError::Malformed));
        assert_eq!(read("Basic abc"), Err(BearerError::Missing));
        assert_eq!(parse_authorization(None).unwrap_err(), BearerError::Missing);
    }

    #[test]
    fn a_thumbprint_is_43_characters_of_base64url() {
        assert!(parse_thumbprint(&"a".repeat(43)).is_ok());
        for text in ["", &"a".repeat(42), &"a".repeat(44), &"=".repeat(43)] {
            assert!(parse_thumbprint(text).is_err());
        }
    }

    proptest! {
        #[test]
        fn a_proof_is_good_for_a_minute(age in -200i64..200) {
            let claims = Claims { iat: NOW - age, ..claims() };
            prop_assert_eq!(accepts(&claims, None), (-MAX_AHEAD..=MAX_AGE).contains(&age));
        }

        #[test]
        fn no_header_panics(header in ".{0,60}", htu in ".{0,60}") {
            let _ = parse_authorization(Some(&header));
            let _ = accepts(&Claims { htu, ..claims() }, None);
        }
    }
}
