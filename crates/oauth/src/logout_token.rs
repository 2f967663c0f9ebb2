//! Logout tokens: how the provider tells a client that a session has ended (OpenID Connect Back-Channel Logout 1.0 §2.4).

use serde::Serialize;
use serde_json::{Map, Value, json};

/// The `typ` of a logout token (§2.4).
pub const LOGOUT_TOKEN_TYPE: &str = "logout+jwt";
/// The member of `events` that makes a JWT a logout token.
pub const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// A logout token lasts two minutes, the longest that §4 recommends: seconds.
pub const LOGOUT_TOKEN_LIFETIME: i64 = 120;

/// The claims of a logout token. There is never a `nonce`, so that it cannot be taken for an ID token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogoutTokenClaims {
    /// The issuer.
    pub iss: String,
    /// Who was signed in.
    pub sub: String,
    /// The client.
    pub aud: String,
    /// Unix seconds.
    pub iat: i64,
    /// Unix seconds.
    pub exp: i64,
    /// Unique to each token, also when the same session's end is told again.
    pub jti: String,
    /// The session, when the client asked to be told which; without it, every session of the user at the client is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// [`LOGOUT_EVENT`].
    pub events: Map<String, Value>,
}

impl LogoutTokenClaims {
    /// The claims of a token made at `now` (Unix seconds).
    #[must_use]
    pub fn new(
        issuer: &str,
        client_id: &str,
        subject: &str,
        session_id: Option<&str>,
        jti: String,
        now: i64,
    ) -> Self {
        Self {
            iss: issuer.to_owned(),
            sub: subject.to_owned(),
            aud: client_id.to_owned(),
            iat: now,
            exp: now.saturating_add(LOGOUT_TOKEN_LIFETIME),
            jti,
            sid: session_id.map(str::to_owned),
            events: Map::from_iter([(LOGOUT_EVENT.to_owned(), json!({}))]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logout_token_says_what_the_specification_asks_for_and_no_more() {
        let claims = |sid| {
            LogoutTokenClaims::new("https://id.example/oidc", "app", "user", sid, "j".into(), 1_000)
        };
        assert_eq!(
            serde_json::to_value(claims(Some("s1"))).unwrap(),
            json!({
                "iss": "https://id.example/oidc", "sub": "user", "aud": "app", "iat": 1_000, "exp": 1_120,
                "jti": "j", "sid": "s1", "events": { (LOGOUT_EVENT): {} },
            })
        );
        assert!(serde_json::to_value(claims(None)).unwrap().get("sid").is_none());
    }
}
