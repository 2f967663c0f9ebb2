//! Claims a tenant adds to its tokens.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Claims by which a token is verified, bound or told from others (RFC 7519 §4.1, RFC 7800 §3.1, RFC 8693 §4, RFC 9068 §2.2, OpenID
/// Connect Core §2, §3.1.3.6, Back-Channel Logout §2.4), and the one that says in whose name it is.
const PROTECTED: [&str; 26] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "client_id",
    "scope",
    "cnf",
    "act",
    "may_act",
    "sid",
    "nonce",
    "auth_time",
    "acr",
    "amr",
    "azp",
    "at_hash",
    "c_hash",
    "s_hash",
    "sub_jwk",
    "events",
    "typ",
    "token_use",
    "organization_id",
];

/// What clients find a person's account by, and which Trinco vouches for in ID tokens.
const PROTECTED_IN_ID_TOKENS: [&str; 4] =
    ["email", "email_verified", "phone_number", "phone_number_verified"];

/// Claims that a tenant added: none of them says what the standards let a token say about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CustomClaims(Map<String, Value>);

impl CustomClaims {
    /// Those of `claims` that an access token may have.
    #[must_use]
    pub fn of_access_token(claims: Map<String, Value>) -> Self {
        Self::without(claims, &[])
    }

    /// Those of `claims` that an ID token may have.
    #[must_use]
    pub fn of_id_token(claims: Map<String, Value>) -> Self {
        Self::without(claims, &PROTECTED_IN_ID_TOKENS)
    }

    fn without(claims: Map<String, Value>, further: &[&str]) -> Self {
        let is_free = |name: &str| !PROTECTED.contains(&name) && !further.contains(&name);
        Self(claims.into_iter().filter(|(name, _)| is_free(name)).collect())
    }

    /// The claims.
    #[must_use]
    pub fn into_inner(self) -> Map<String, Value> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn all(names: &[&str]) -> Map<String, Value> {
        names.iter().map(|name| ((*name).to_owned(), json!("x"))).collect()
    }

    #[test]
    fn protected_claims_are_left_out_and_others_kept() {
        let mut given = all(&PROTECTED);
        given.extend(all(&["groups", "email", "Sub", "https://example.com/plan"]));
        let kept = |claims: CustomClaims| claims.into_inner().into_iter().map(|(name, _)| name);
        let access: Vec<String> = kept(CustomClaims::of_access_token(given.clone())).collect();
        assert_eq!(access, ["Sub", "email", "groups", "https://example.com/plan"]);
        let id: Vec<String> = kept(CustomClaims::of_id_token(given)).collect();
        assert_eq!(id, ["Sub", "groups", "https://example.com/plan"]);
    }
}
