//! Claims that are asked for one by one: the `claims` parameter (OpenID Connect Core §5.5).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::table;
use crate::error::{ErrorCode, OAuthError};

/// Longest `claims` parameter, in bytes.
pub const MAX_LENGTH: usize = 8 * 1024;

/// Claims that belong to the authentication and not to the user.
const AUTH_TIME: &str = "auth_time";
const ACR: &str = "acr";

/// What was asked for beyond the scopes, as far as this server knows the claims.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RequestedClaims {
    /// In the ID token.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub id_token: BTreeSet<String>,
    /// From the userinfo endpoint.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub userinfo: BTreeSet<String>,
    /// The user it must be, by the `value` of `sub` (§5.5.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// In the ID token only with one of these values (§5.5.1).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub id_token_values: BTreeMap<String, Vec<Value>>,
    /// From the userinfo endpoint only with one of these values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub userinfo_values: BTreeMap<String, Vec<Value>>,
}

impl RequestedClaims {
    /// Reads the parameter. Unknown members and claims are left out, as §5.5 has it.
    ///
    /// # Errors
    /// `invalid_request` when it is not what §5.5 describes; `unmet_authentication_requirements` when one of several
    /// context classes (`acr`) is essential, because this server promises none (§5.5.1.1).
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let members: Members = serde_json::from_str(text).map_err(|cause| {
            OAuthError::invalid_request("claims is not a claims request in JSON")
                .with_detail(format!("line {}, column {}", cause.line(), cause.column()))
        })?;
        let (id_token, userinfo) =
            (members.id_token.unwrap_or_default(), members.userinfo.unwrap_or_default());
        let mut subject = None;
        for (name, wish) in id_token.iter().chain(&userinfo) {
            let wish = Wish::of(wish)?;
            if name == "sub" && !wish.accepted.is_empty() {
                let [Value::String(only)] = wish.accepted.as_slice() else {
                    return Err(OAuthError::invalid_request("claims asks for no one user"));
                };
                if subject.as_ref().is_some_and(|other| other != only) {
                    return Err(OAuthError::invalid_request("claims asks for two users"));
                }
                subject = Some(only.clone());
            }
            if name == ACR && wish.is_essential && !wish.accepted.is_empty() {
                return Err(OAuthError::new(
                    ErrorCode::UnmetAuthenticationRequirements,
                    "no authentication context class is promised",
                ));
            }
        }
        let known = |asked: Map<String, Value>| -> BTreeSet<String> {
            asked.into_iter().map(|(name, _)| name).filter(|name| is_known(name)).collect()
        };
        let (id_token_values, userinfo_values) = (wanted(&id_token)?, wanted(&userinfo)?);
        Ok(Self {
            id_token: known(id_token),
            userinfo: known(userinfo),
            subject,
            id_token_values,
            userinfo_values,
        })
    }

    /// Whether the ID token must say when the user signed in.
    #[must_use]
    pub fn wants_auth_time(&self) -> bool {
        self.id_token.contains(AUTH_TIME)
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn is_known(name: &str) -> bool {
    name == AUTH_TIME || table::CLAIMS.iter().any(|claim| claim.name == name)
}

/// The values that claims of the user are wanted with, those of claims that are wanted with any left out.
fn wanted(asked: &Map<String, Value>) -> Result<BTreeMap<String, Vec<Value>>, OAuthError> {
    let mut values = BTreeMap::new();
    for (name, wish) in asked.iter().filter(|(name, _)| is_known(name)) {
        let accepted = Wish::of(wish)?.accepted;
        if !accepted.is_empty() {
            values.insert(name.clone(), accepted);
        }
    }
    Ok(values)
}

#[derive(Deserialize)]
struct Members {
    id_token: Option<Map<String, Value>>,
    userinfo: Option<Map<String, Value>>,
}

/// How one claim is asked for (§5.5.1).
struct Wish {
    is_essential: bool,
    accepted: Vec<Value>,
}

impl Wish {
    fn of(wish: &Value) -> Result<Self, OAuthError> {
        let malformed = || OAuthError::invalid_request("claims asks for a claim in no known way");
        let members = match wish {
            Value::Null => return Ok(Self { is_essential: false, accepted: Vec::new() }),
            Value::Object(members) => members,
            _ => return Err(malformed()),
        };
        let is_essential = match members.get("essential") {
            None => false,
            Some(essential) => essential.as_bool().ok_or_else(malformed)?,
        };
        let mut accepted: Vec<Value> = members.get("value").cloned().into_iter().collect();
        if let Some(values) = members.get("values") {
            accepted.extend(values.as_array().ok_or_else(malformed)?.iter().cloned());
        }
        Ok(Self { is_essential, accepted })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(set: &BTreeSet<String>) -> Vec<&str> {
        set.iter().map(String::as_str).collect()
    }

    #[test]
    fn the_example_of_the_standard_is_read() {
        let asked = RequestedClaims::parse(
            r#"{"userinfo": {"given_name": {"essential": true}, "nickname": null,
                 "email": {"essential": true}, "picture": null, "http://example.info/claims/groups": null},
                "id_token": {"auth_time": {"essential": true}, "acr": {"values": ["urn:mace:incommon:iap:silver"]}}}"#,
        )
        .unwrap();
        assert_eq!(names(&asked.userinfo), ["email", "given_name", "nickname", "picture"]);
        assert_eq!(names(&asked.id_token), ["auth_time"]);
        assert!(asked.wants_auth_time());
    }

    #[test]
    fn one_user_can_be_asked_for_and_not_two() {
        let one = RequestedClaims::parse(r#"{"id_token": {"sub": {"value": "ana"}}}"#).unwrap();
        assert_eq!(one.subject.as_deref(), Some("ana"));
        assert!(!one.is_empty() && one.id_token.is_empty());
        for several in [
            r#"{"id_token": {"sub": {"values": ["ana", "rui"]}}}"#,
            r#"{"id_token": {"sub": {"value": "ana"}}, "userinfo": {"sub": {"value": "rui"}}}"#,
            r#"{"id_token": {"sub": {"value": 7}}}"#,
        ] {
            assert!(RequestedClaims::parse(several).is_err(), "{several}");
        }
        assert!(RequestedClaims::parse(r#"{"id_token": {"sub": null}}"#).unwrap().is_empty());
    }

    #[test]
    fn an_essential_context_class_cannot_be_met_and_a_voluntary_one_is_left_out() {
        let essential = r#"{"id_token": {"acr": {"essential": true, "value": "phr"}}}"#;
        let error = RequestedClaims::parse(essential).unwrap_err().error;
        assert_eq!(error, ErrorCode::UnmetAuthenticationRequirements);
        for fine in [
            r#"{"id_token": {"acr": {"essential": true}}}"#,
            r#"{"id_token": {"acr": {"value": "phr"}}}"#,
        ] {
            assert!(RequestedClaims::parse(fine).unwrap().is_empty(), "{fine}");
        }
    }

    #[test]
    fn what_is_no_claims_request_is_refused() {
        for text in [
            "",
            "[]",
            "\"x\"",
            "{",
            r#"{"id_token": []}"#,
            r#"{"userinfo": {"email": true}}"#,
            r#"{"userinfo": {"email": {"essential": "yes"}}}"#,
            r#"{"userinfo": {"email": {"values": "a"}}}"#,
        ] {
            assert!(RequestedClaims::parse(text).is_err(), "{text}");
        }
        assert!(RequestedClaims::parse("{}").unwrap().is_empty());
        assert!(RequestedClaims::parse(r#"{"id_token": null, "x": 1}"#).unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn no_text_panics_and_only_known_claims_are_kept(text in "\\PC{0,80}", name in "[a-z_]{1,12}") {
            let _ = RequestedClaims::parse(&text);
            let asked = RequestedClaims::parse(&format!(r#"{{"userinfo": {{"{name}": null}}}}"#)).unwrap();
            prop_assert_eq!(asked.userinfo.contains(&name), is_known(&name));
        }
    }
}
