//! Bearer tokens (RFC 6750): reading the `Authorization` header or a form, and the challenge of a refusal.

use std::fmt::Write;

use crate::{
    error::{ErrorCode, OAuthError},
    secret::Secret,
    token::MAX_TOKEN,
};

/// Why no token was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BearerError {
    /// There is no bearer token: answer with [`challenge`] and no error (RFC 6750 §3.1).
    #[error("no bearer token")]
    Missing,
    /// There is one, but malformed.
    #[error("malformed bearer token")]
    Malformed,
    /// There is one in the header and one in the form (RFC 6750 §2).
    #[error("two bearer tokens")]
    Twice,
}

impl BearerError {
    /// The HTTP status of an answer to a request without a token, whatever its body says (RFC 6750 §3).
    pub const STATUS: u16 = 401;

    /// The body of the answer.
    #[must_use]
    pub fn error(self) -> OAuthError {
        match self {
            Self::Missing => OAuthError::invalid_request("no access token provided"),
            Self::Malformed => OAuthError::new(ErrorCode::InvalidToken, "invalid token provided"),
            Self::Twice => {
                OAuthError::invalid_request("the access token is in more than one place")
            }
        }
    }
}

/// Reads the token of an `Authorization` header. Tokens in queries are not read (RFC 9700 §4.3.2).
///
/// # Errors
/// [`BearerError::Missing`] without a header or with another scheme, [`BearerError::Malformed`] when what follows
/// is not a `b64token` (RFC 6750 §2.1).
pub fn parse(authorization: Option<&str>) -> Result<Secret, BearerError> {
    let header = authorization.ok_or(BearerError::Missing)?;
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(BearerError::Missing);
    }
    b64token(token.trim_matches(' '))
}

/// Reads the token of a request whose form may have an `access_token` in place of the header (RFC 6750 §2.2).
///
/// # Errors
/// As [`parse`], and [`BearerError::Twice`] when the request has both.
pub fn parse_form(
    authorization: Option<&str>,
    access_token: Option<&str>,
) -> Result<Option<Secret>, BearerError> {
    match (authorization, access_token) {
        (Some(_), Some(_)) => Err(BearerError::Twice),
        (None, Some(token)) => b64token(token).map(Some),
        (_, None) => Ok(None),
    }
}

fn b64token(token: &str) -> Result<Secret, BearerError> {
    let body = token.trim_end_matches('=');
    let sound = (1..=MAX_TOKEN).contains(&token.len())
        && !body.is_empty()
        && body.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b));
    if sound { Ok(Secret::new(token)) } else { Err(BearerError::Malformed) }
}

/// The `WWW-Authenticate` value of a refused request to a protected resource (RFC 6750 §3). `error` is `None` when
/// the request had no token.
#[must_use]
pub fn challenge(realm: &str, error: Option<&OAuthError>) -> String {
    let mut value = format!("Bearer realm={}", quoted(realm));
    if let Some(error) = error {
        push(&mut value, "error", error.error.as_str());
        push(&mut value, "error_description", &error.description);
        if let Some(scope) = &error.scope {
            push(&mut value, "scope", scope);
        }
    }
    value
}

/// The `WWW-Authenticate` value of a failed client authentication (RFC 6749 §5.2, RFC 7617 §2).
#[must_use]
pub fn basic_challenge(realm: &str, error: &OAuthError) -> String {
    let mut value = format!("Basic realm={}", quoted(realm));
    push(&mut value, "error", error.error.as_str());
    push(&mut value, "error_description", &error.description);
    value
}

fn push(value: &mut String, name: &str, text: &str) {
    write!(value, ", {name}={}", quoted(text)).expect("writing to a string cannot fail");
}

/// RFC 9110 §5.6.4: a quoted string; what a header cannot hold becomes a question mark.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' '..='~' => quoted.push(c),
            _ => quoted.push('?'),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_scheme_is_read_in_any_case_and_other_schemes_are_no_token() {
        for header in ["Bearer abc-._~+/==", "bearer abc-._~+/==", "BEARER  abc-._~+/=="] {
            assert_eq!(parse(Some(header)).unwrap().expose(), "abc-._~+/==");
        }
        for header in [None, Some("Basic abc"), Some(""), Some("Bearerabc")] {
            assert_eq!(parse(header).unwrap_err(), BearerError::Missing);
        }
        for header in ["Bearer", "Bearer ", "Bearer ==", "Bearer a b", "Bearer a\"b", "Bearer a=b"]
        {
            assert_eq!(parse(Some(header)).unwrap_err(), BearerError::Malformed, "{header}");
        }
        let long = format!("Bearer {}", "a".repeat(MAX_TOKEN + 1));
        assert_eq!(parse(Some(&long)).unwrap_err(), BearerError::Malformed);
    }

    #[test]
    fn a_form_may_have_the_token_when_the_header_has_none() {
        let read = |header, form| {
            parse_form(header, form).map(|token| token.map(|token| token.expose().to_owned()))
        };
        assert_eq!(read(None, Some("abc")), Ok(Some("abc".to_owned())));
        assert_eq!(read(Some("Bearer abc"), None), Ok(None));
        assert_eq!(read(None, None), Ok(None));
        assert_eq!(read(None, Some("a b")), Err(BearerError::Malformed));
        assert_eq!(read(Some("Basic abc"), Some("abc")), Err(BearerError::Twice));
    }

    #[test]
    fn the_challenge_of_the_trace_is_reproduced() {
        let realm = "http://localhost:4001/oidc";
        assert_eq!(
            challenge(realm, Some(&BearerError::Malformed.error())),
            r#"Bearer realm="http://localhost:4001/oidc", error="invalid_token", error_description="invalid token provided""#
        );
        assert_eq!(challenge(realm, None), r#"Bearer realm="http://localhost:4001/oidc""#);
    }

    #[test]
    fn a_missing_scope_is_named() {
        let error = OAuthError::new(ErrorCode::InsufficientScope, "no").with_scope("openid");
        assert!(challenge("r", Some(&error)).ends_with(r#", scope="openid""#));
    }

    #[test]
    fn a_failed_client_is_told_to_use_basic() {
        let value = basic_challenge("r", &OAuthError::invalid_client("wrong secret"));
        assert!(value.starts_with(r#"Basic realm="r", error="invalid_client""#));
        assert!(!value.contains("wrong secret"));
    }

    proptest! {
        #[test]
        fn a_challenge_never_breaks_out_of_its_quotes_or_its_line(realm in ".{0,40}", scope in ".{0,40}") {
            let error = OAuthError::new(ErrorCode::InsufficientScope, realm.clone()).with_scope(scope);
            let value = challenge(&realm, Some(&error));
            prop_assert!(value.bytes().all(|b| (0x20..0x7F).contains(&b)));
            let mut outside = String::new();
            let mut chars = value.chars();
            let mut inside = false;
            while let Some(c) = chars.next() {
                match c {
                    '\\' if inside => { chars.next(); }
                    '"' => inside = !inside,
                    c if !inside => outside.push(c),
                    _ => {}
                }
            }
            prop_assert!(!inside);
            prop_assert_eq!(outside, "Bearer realm=, error=, error_description=, scope=");
        }
    }
}
