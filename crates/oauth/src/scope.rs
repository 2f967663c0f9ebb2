//! Scopes: ordered sets of scope tokens (RFC 6749 §3.3), and the reserved ones.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{ErrorCode, OAuthError};

/// Longest scope token, in bytes.
pub const MAX_TOKEN: usize = 256;
/// Most scope tokens in one request.
pub const MAX_TOKENS: usize = 200;

/// OpenID Connect Core §3.1.2.1.
pub const OPENID: &str = "openid";
/// OpenID Connect Core §11.
pub const OFFLINE_ACCESS: &str = "offline_access";
/// OpenID Connect Core §5.4.
pub const PROFILE: &str = "profile";
/// OpenID Connect Core §5.4.
pub const EMAIL: &str = "email";
/// OpenID Connect Core §5.4.
pub const PHONE: &str = "phone";
/// OpenID Connect Core §5.4.
pub const ADDRESS: &str = "address";
/// The user's custom data.
pub const CUSTOM_DATA: &str = "custom_data";
/// The user's social and enterprise identities.
pub const IDENTITIES: &str = "identities";
/// The user's roles.
pub const ROLES: &str = "roles";
/// The user's organizations, and the right to ask for organization tokens.
pub const ORGANIZATIONS: &str = "urn:logto:scope:organizations";
/// The user's roles in each organization.
pub const ORGANIZATION_ROLES: &str = "urn:logto:scope:organization_roles";
/// The user's own sessions in the Account API.
pub const SESSIONS: &str = "urn:logto:scope:sessions";
/// The user's own trusted devices in the Account API.
pub const TRUSTED_DEVICES: &str = "urn:logto:scope:trusted_devices";

/// The reserved scopes, in the order discovery lists them.
pub const RESERVED: [&str; 13] = [
    OPENID,
    OFFLINE_ACCESS,
    PROFILE,
    EMAIL,
    PHONE,
    ADDRESS,
    CUSTOM_DATA,
    IDENTITIES,
    ROLES,
    ORGANIZATIONS,
    ORGANIZATION_ROLES,
    SESSIONS,
    TRUSTED_DEVICES,
];

/// The resource indicator that stands for the organization permissions of every organization.
pub const ORGANIZATIONS_RESOURCE: &str = "urn:logto:resource:organizations";

const ORGANIZATION_URN: &str = "urn:logto:organization:";

/// The audience of an organization's tokens.
#[must_use]
pub fn organization_urn(organization_id: &str) -> String {
    format!("{ORGANIZATION_URN}{organization_id}")
}

/// The organization an audience names, if it names one.
#[must_use]
pub fn parse_organization_urn(audience: &str) -> Option<&str> {
    audience.strip_prefix(ORGANIZATION_URN).filter(|id| !id.is_empty())
}

/// An ordered set of scope tokens. Order is that of first appearance; equality ignores it.
#[derive(Clone, Default)]
pub struct Scope(Vec<String>);

impl Scope {
    /// No scope at all.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Vec::new())
    }

    /// Parses a space-separated list.
    ///
    /// # Errors
    /// `invalid_scope` for a character outside RFC 6749 §3.3, a token over [`MAX_TOKEN`] or more than
    /// [`MAX_TOKENS`].
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let refused = |why| Err(OAuthError::new(ErrorCode::InvalidScope, why));
        let mut scope = Self::empty();
        for token in text.split(' ').filter(|token| !token.is_empty()) {
            if !is_scope_token(token) {
                return refused("scope holds a malformed token");
            }
            scope.push(token);
            if scope.0.len() > MAX_TOKENS {
                return refused("scope holds too many tokens");
            }
        }
        Ok(scope)
    }

    /// The reserved scopes of this one.
    #[must_use]
    pub fn reserved(&self) -> Self {
        self.filter(|token| RESERVED.contains(&token))
    }

    /// Whether the token is in the set.
    #[must_use]
    pub fn contains(&self, token: &str) -> bool {
        self.0.iter().any(|known| known == token)
    }

    /// What is in both, in the order of `self`.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.filter(|token| other.contains(token))
    }

    /// What is in `self` but not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.filter(|token| !other.contains(token))
    }

    /// What is in either: `self` first, then what `other` adds.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.iter().chain(other.iter()).collect()
    }

    /// `self` without one token.
    #[must_use]
    pub fn without(&self, token: &str) -> Self {
        self.filter(|known| known != token)
    }

    /// Whether everything in `self` is in `other`.
    #[must_use]
    pub fn is_subset_of(&self, other: &Self) -> bool {
        self.iter().all(|token| other.contains(token))
    }

    /// The tokens in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// How many tokens.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn filter(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|token| keep(token)).cloned().collect())
    }

    fn push(&mut self, token: &str) {
        if !self.contains(token) {
            self.0.push(token.to_owned());
        }
    }
}

/// Collects the names of permissions. A name that cannot be a scope token cannot be asked for, so it is left out.
impl<S: AsRef<str>> FromIterator<S> for Scope {
    fn from_iter<I: IntoIterator<Item = S>>(tokens: I) -> Self {
        let mut scope = Self::empty();
        for token in tokens {
            if is_scope_token(token.as_ref()) {
                scope.push(token.as_ref());
            }
        }
        scope
    }
}

impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.is_subset_of(other)
    }
}

impl Eq for Scope {}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({self})")
    }
}

impl FromStr for Scope {
    type Err = OAuthError;
    fn from_str(text: &str) -> Result<Self, OAuthError> {
        Self::parse(text)
    }
}

/// The space-separated form.
impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    /// Reads what was stored, so the number of tokens is not limited as in a request.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let tokens = || text.split(' ').filter(|token| !token.is_empty());
        if !tokens().all(is_scope_token) {
            return Err(de::Error::custom("malformed scope token"));
        }
        Ok(tokens().collect())
    }
}

/// RFC 6749 §3.3: 1*( %x21 / %x23-5B / %x5D-7E ).
fn is_scope_token(token: &str) -> bool {
    (1..=MAX_TOKEN).contains(&token.len())
        && token.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scope() -> impl Strategy<Value = Scope> {
        prop::collection::vec("[a-e]{1,2}", 0..12).prop_map(Scope::from_iter)
    }

    #[test]
    fn tokens_keep_their_order_and_appear_once() {
        let scope = Scope::parse("openid  profile openid email").unwrap();
        assert_eq!(scope.to_string(), "openid profile email");
    }

    #[test]
    fn characters_outside_the_grammar_are_refused() {
        for text in ["a\"b", "a\\b", "a\tb", "é", "a\nb", &"x".repeat(MAX_TOKEN + 1)] {
            let error = Scope::parse(text).unwrap_err();
            assert_eq!(error.error, ErrorCode::InvalidScope, "{text}");
        }
    }

    #[test]
    fn a_request_may_not_hold_more_tokens_than_the_limit() {
        let tokens = |n: usize| (0..n).map(|i| format!("t{i} ")).collect::<String>();
        assert!(Scope::parse(&tokens(MAX_TOKENS)).is_ok());
        assert!(Scope::parse(&tokens(MAX_TOKENS + 1)).is_err());
    }

    #[test]
    fn an_organization_urn_is_read_back() {
        assert_eq!(parse_organization_urn(&organization_urn("0h4h7dw4hjq1")), Some("0h4h7dw4hjq1"));
        assert_eq!(parse_organization_urn("urn:logto:organization:"), None);
        assert_eq!(parse_organization_urn(ORGANIZATIONS_RESOURCE), None);
    }

    #[test]
    fn stored_scopes_are_read_back_as_text() {
        let scope = Scope::parse("openid read:things").unwrap();
        let json = serde_json::to_string(&scope).unwrap();
        assert_eq!(json, r#""openid read:things""#);
        assert_eq!(serde_json::from_str::<Scope>(&json).unwrap(), scope);
        assert!(serde_json::from_str::<Scope>(r#""a\"b""#).is_err());
    }

    proptest! {
        #[test]
        fn scopes_obey_the_algebra_of_sets(a in scope(), b in scope(), c in scope()) {
            prop_assert_eq!(a.union(&b), b.union(&a));
            prop_assert_eq!(a.intersection(&b), b.intersection(&a));
            prop_assert_eq!(&a.union(&a.intersection(&b)), &a);
            prop_assert_eq!(
                a.intersection(&b.union(&c)), a.intersection(&b).union(&a.intersection(&c)));
            prop_assert!(a.intersection(&b).is_subset_of(&a));
            prop_assert!(a.is_subset_of(&a.union(&b)));
            prop_assert!(a.difference(&b).intersection(&b).is_empty());
            prop_assert_eq!(a.difference(&b).union(&a.intersection(&b)), a);
        }

        #[test]
        fn printing_and_parsing_agree(text in ".{0,80}") {
            if let Ok(scope) = Scope::parse(&text) {
                let printed = scope.to_string();
                prop_assert_eq!(Scope::parse(&printed).unwrap().to_string(), printed);
            }
        }
    }
}
