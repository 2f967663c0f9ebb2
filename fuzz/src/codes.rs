//! What is bound to a code (PKCE), and the code that a person types.

use trinco_oauth::authorization::UserCode;
use trinco_oauth::pkce::{self, CodeChallenge};
use trinco_oauth::{ErrorCode, Params};

use crate::{check, clients};

/// The input is a verifier, a challenge, the parameters of a request and a typed code.
pub fn run(data: &[u8]) -> bool {
    let Some(text) = check::text(data) else { return false };
    let own = CodeChallenge::of(text);
    assert_eq!(CodeChallenge::parse(own.as_str()).as_ref(), Some(&own));
    let is_verifier = (43..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    assert_eq!(pkce::verify(Some(&own), Some(text)).is_ok(), is_verifier);
    let other = CodeChallenge::of("another verifier, of another client");
    let refused = pkce::verify(Some(&other), Some(text)).expect_err("another challenge");
    assert_eq!(refused.error, ErrorCode::InvalidGrant);
    check::refusal(&refused);
    assert!(pkce::verify(None, Some(text)).is_err() && pkce::verify(Some(&own), None).is_err());

    let challenge = CodeChallenge::parse(text);
    if let Some(challenge) = &challenge {
        assert_eq!((challenge.as_str(), text.len()), (text, 43));
    }
    if let Ok(params) = Params::from_query(text) {
        for client in clients::ALL.iter() {
            match pkce::requested(&params, client) {
                Ok(Some(_)) => assert_eq!(params.get("code_challenge_method"), Some("S256")),
                Ok(None) => assert!(client.is_confidential()),
                Err(error) => check::refusal(&error),
            }
        }
    }
    let typed = UserCode::parse(text);
    if let Some(code) = &typed {
        assert_eq!(code.letters().len(), UserCode::LENGTH);
        assert!(code.letters().bytes().all(|letter| UserCode::LETTERS.contains(&letter)));
        assert_eq!(UserCode::parse(&code.to_string()).as_ref(), Some(code));
        assert_eq!(UserCode::parse(&text.to_ascii_lowercase()).as_ref(), Some(code));
        assert!(!format!("{code:?}").contains(code.letters()));
    }
    is_verifier || challenge.is_some() || typed.is_some()
}
