//! `Authorization` headers with access tokens, and the challenges that answer them.

use trinco_oauth::token::MAX_TOKEN;
use trinco_oauth::{ErrorCode, OAuthError, Secret, bearer, dpop};

use crate::check;

/// Reads the input as a header, and as the text of a challenge.
pub fn run(data: &[u8]) -> bool {
    let Some(text) = check::text(data) else { return false };
    let error = OAuthError::new(ErrorCode::InsufficientScope, text.to_owned()).with_scope(text);
    check_quotes(&bearer::challenge(text, Some(&error)));
    check_quotes(&bearer::basic_challenge(text, &error));
    check_quotes(&dpop::challenge(Some(&error)));
    if let Ok(thumbprint) = dpop::parse_thumbprint(text) {
        assert!(trinco_jose::base64url_decode(&thumbprint).is_none_or(|bytes| bytes.len() == 32));
    }
    if let Ok(token) = bearer::parse_form(None, Some(text)) {
        assert_eq!(token.as_ref().map(Secret::expose), Some(text));
        let header = format!("Bearer {text}");
        assert_eq!(bearer::parse(Some(&header)).map(|read| read.expose() == text), Ok(true));
    }
    assert!(bearer::parse_form(Some(text), Some(text)).is_err(), "a token in two places");
    let plain = bearer::parse(Some(text));
    let presented = dpop::parse_authorization(Some(text));
    if let Ok(token) = &plain {
        assert_eq!(presented.as_ref().map(|read| read.token.expose()), Ok(token.expose()));
    }
    let Ok(presented) = presented else { return false };
    let token = presented.token.expose();
    assert!((1..=MAX_TOKEN).contains(&token.len()) && text.trim_end().ends_with(token));
    assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b)));
    let scheme = text.split(' ').next().unwrap_or_default().to_ascii_lowercase();
    assert!(scheme == "bearer" || scheme == "dpop");
    true
}

/// RFC 9110 §11.6.1: a scheme and `name="text"` pairs, in one line that no text breaks out of.
fn check_quotes(challenge: &str) {
    assert!(challenge.bytes().all(|byte| (0x20..0x7F).contains(&byte)));
    let mut inside = false;
    let mut outside = String::new();
    let mut chars = challenge.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if inside => assert!(chars.next().is_some()),
            '"' => inside = !inside,
            c if !inside => outside.push(c),
            _ => {}
        }
    }
    assert!(!inside, "an open quote");
    let names = ["realm", "error", "error_description", "scope", "algs"];
    let (_, pairs) = outside.split_once(' ').expect("a scheme first");
    for pair in pairs.split(", ") {
        assert!(pair.strip_suffix('=').is_some_and(|name| names.contains(&name)), "{challenge}");
    }
}
