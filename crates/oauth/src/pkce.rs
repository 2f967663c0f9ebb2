//! Proof Key for Code Exchange (RFC 7636), method `S256` only.

use aws_lc_rs::{constant_time, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{client::Client, error::OAuthError, params::Params};

/// The challenge an authorization code is bound to: BASE64URL(SHA-256(verifier)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CodeChallenge(String);

impl CodeChallenge {
    /// A well-formed S256 challenge: the 43 characters of an encoded SHA-256.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == digest::SHA256_OUTPUT_LEN).then(|| Self(text.to_owned()))
    }

    /// The text of the challenge.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The challenge of a verifier (RFC 7636 §4.2).
    #[must_use]
    pub fn of(verifier: &str) -> Self {
        Self(URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes())))
    }
}

impl TryFrom<String> for CodeChallenge {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("malformed code challenge")
    }
}

impl From<CodeChallenge> for String {
    fn from(challenge: CodeChallenge) -> Self {
        challenge.0
    }
}

/// Reads the challenge of an authorization request. Public clients must send one.
///
/// # Errors
/// `invalid_request` when it is missing, malformed or not `S256`.
pub fn requested(params: &Params, client: &Client) -> Result<Option<CodeChallenge>, OAuthError> {
    let method = params.get("code_challenge_method");
    let Some(challenge) = params.get("code_challenge") else {
        if method.is_some() {
            return Err(OAuthError::invalid_request(
                "code_challenge must accompany code_challenge_method",
            ));
        }
        // RFC 9700 §2.1.1: public clients must use PKCE. FAPI 2.0 §5.3.2.2: so must these.
        return if client.is_confidential() && !client.is_fapi2() {
            Ok(None)
        } else {
            Err(OAuthError::invalid_request("code_challenge is required of this client"))
        };
    };
    // RFC 7636 §4.3: an absent method means `plain`, which is not offered.
    if method != Some("S256") {
        return Err(OAuthError::invalid_request("code_challenge_method must be S256"));
    }
    CodeChallenge::parse(challenge)
        .map(Some)
        .ok_or_else(|| OAuthError::invalid_request("code_challenge is malformed"))
}

/// Checks a verifier against what the code is bound to (RFC 7636 §4.6), in constant time.
///
/// # Errors
/// `invalid_grant`, also for a verifier without a challenge: RFC 9700 §4.8.2 (PKCE downgrade).
pub fn verify(
    bound: Option<&CodeChallenge>,
    code_verifier: Option<&str>,
) -> Result<(), OAuthError> {
    match (bound, code_verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(OAuthError::invalid_grant("verifier for a code without challenge")),
        (Some(_), None) => Err(OAuthError::invalid_grant("code_verifier is missing")),
        (Some(challenge), Some(verifier)) => {
            let computed = CodeChallenge::of(verifier);
            let equal = constant_time::verify_slices_are_equal(
                computed.0.as_bytes(),
                challenge.0.as_bytes(),
            );
            match equal {
                Ok(()) if is_verifier(verifier) => Ok(()),
                _ => Err(OAuthError::invalid_grant("code_verifier does not match")),
            }
        }
    }
}

/// RFC 7636 §4.1: 43 to 128 unreserved characters.
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::client::ApplicationType;

    #[test]
    fn the_example_of_rfc_7636_appendix_b_verifies() {
        let challenge =
            CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
        assert!(
            verify(Some(&challenge), Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")).is_ok()
        );
    }

    #[test]
    fn a_verifier_for_a_code_without_challenge_is_refused() {
        assert!(verify(None, Some(&"a".repeat(43))).is_err());
        assert!(verify(Some(&CodeChallenge::of("x")), None).is_err());
        assert!(verify(None, None).is_ok());
    }

    #[test]
    fn a_short_verifier_is_refused_even_when_it_matches() {
        let short = "a".repeat(42);
        assert!(verify(Some(&CodeChallenge::of(&short)), Some(&short)).is_err());
    }

    #[test]
    fn a_public_client_must_send_a_challenge_and_a_confidential_one_may() {
        let (spa, web) = (
            Client::new("c", ApplicationType::SPA),
            Client::new("c", ApplicationType::Traditional),
        );
        assert!(requested(&Params::default(), &spa).is_err());
        assert_eq!(requested(&Params::default(), &web), Ok(None));
    }

    #[test]
    fn plain_and_malformed_challenges_are_refused() {
        let web = Client::new("c", ApplicationType::Traditional);
        let good = CodeChallenge::of("x");
        for query in [
            format!("code_challenge={}", good.as_str()),
            format!("code_challenge={}&code_challenge_method=plain", good.as_str()),
            "code_challenge=short&code_challenge_method=S256".to_owned(),
            "code_challenge_method=S256".to_owned(),
        ] {
            let params = Params::from_query(&query).unwrap();
            assert!(requested(&params, &web).is_err(), "{query}");
        }
        let query = format!("code_challenge={}&code_challenge_method=S256", good.as_str());
        assert_eq!(requested(&Params::from_query(&query).unwrap(), &web), Ok(Some(good)));
    }

    proptest! {
        #[test]
        fn a_verifier_matches_its_own_challenge_and_no_other(
            a in "[A-Za-z0-9._~-]{43,128}", b in "[A-Za-z0-9._~-]{43,128}"
        ) {
            let challenge = CodeChallenge::of(&a);
            prop_assert_eq!(CodeChallenge::parse(challenge.as_str()), Some(challenge.clone()));
            prop_assert!(verify(Some(&challenge), Some(&a)).is_ok());
            prop_assert_eq!(verify(Some(&challenge), Some(&b)).is_ok(), a == b);
        }

        #[test]
        fn text_outside_the_grammar_is_never_a_verifier(text in ".{0,140}") {
            let legal = (43..=128).contains(&text.len())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c));
            prop_assert_eq!(verify(Some(&CodeChallenge::of(&text)), Some(&text)).is_ok(), legal);
        }
    }
}
