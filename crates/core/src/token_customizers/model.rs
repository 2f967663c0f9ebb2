//! What a script that adds claims is. The serde shape is the shape of the Management API.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use trinco_script::{Secrets, limits};

use crate::{Error, JsonObject, Result, Secret};

/// The name of the function a script defines.
pub(super) const FUNCTION: &str = "getCustomJwtClaims";
/// Bytes of the environment variables as JSON.
const LARGEST_ENVIRONMENT: usize = 16 * 1024;
/// Bytes of a sample as JSON.
const LARGEST_SAMPLE: usize = 64 * 1024;

/// The tokens that a script is for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum TokenType {
    /// JWT access tokens of users.
    AccessToken,
    /// JWT access tokens of machines.
    ClientCredentials,
    /// ID tokens. Ours alone.
    IdToken,
}

impl TokenType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::AccessToken, Self::ClientCredentials, Self::IdToken];

    /// As in paths and bodies of the API, and as it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "access-token",
            Self::ClientCredentials => "client-credentials",
            Self::IdToken => "id-token",
        }
    }

    /// The opposite of [`TokenType::as_str`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|token_type| token_type.as_str() == name)
    }

    /// As the API's list calls it.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::AccessToken => "jwt.accessToken",
            Self::ClientCredentials => "jwt.clientCredentials",
            Self::IdToken => "jwt.idToken",
        }
    }

    /// As the audit log calls it.
    pub(super) const fn audit_key(self) -> &'static str {
        match self {
            Self::AccessToken => "JwtCustomizer.AccessToken",
            Self::ClientCredentials => "JwtCustomizer.ClientCredentials",
            Self::IdToken => "JwtCustomizer.IdToken",
        }
    }
}

/// The text of a script: not empty, at most [`limits::SCRIPT`] bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Script(Arc<str>);

impl Script {
    /// The text.
    pub fn source(&self) -> &Arc<str> {
        &self.0
    }
}

impl TryFrom<String> for Script {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.len() {
            0 => Err("must not be empty".to_owned()),
            1..=limits::SCRIPT if text.contains('\0') => {
                Err("must not contain null characters".to_owned())
            }
            1..=limits::SCRIPT => Ok(Self(text.into())),
            _ => Err(format!("is longer than {} KiB", limits::SCRIPT / 1024)),
        }
    }
}

impl From<Script> for String {
    fn from(script: Script) -> Self {
        script.0.as_ref().to_owned()
    }
}

/// The environment variables of a script: names with texts. They may be secret, so they do not print.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "BTreeMap<String, String>")]
#[schemars(with = "BTreeMap<String, String>")]
pub struct Environment(Secret);

impl Environment {
    /// From the JSON text that was kept.
    pub(crate) fn from_json(text: Secret) -> Self {
        Self(text)
    }

    /// A JSON object.
    pub(crate) fn json(&self) -> &Secret {
        &self.0
    }

    /// The variables.
    pub(crate) fn variables(&self) -> BTreeMap<String, String> {
        serde_json::from_str(self.0.reveal()).unwrap_or_default()
    }

    /// Their values, which a script's words are told without.
    pub(crate) fn secrets(&self) -> Secrets {
        Secrets::new(self.variables().into_values())
    }
}

impl TryFrom<BTreeMap<String, String>> for Environment {
    type Error = String;

    fn try_from(variables: BTreeMap<String, String>) -> Result<Self, String> {
        let json = serde_json::to_string(&variables).map_err(|error| error.to_string())?;
        if json.len() > LARGEST_ENVIRONMENT {
            return Err(format!("is longer than {} KiB", LARGEST_ENVIRONMENT / 1024));
        }
        Ok(Self(Secret::new(json)))
    }
}

impl Serialize for Environment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.variables().serialize(serializer)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Environment(…)")
    }
}

/// What a script is tried with: at most 64 KiB of JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "JsonObject", into = "JsonObject")]
pub struct Sample(pub(super) JsonObject);

impl TryFrom<JsonObject> for Sample {
    type Error = String;

    fn try_from(members: JsonObject) -> Result<Self, String> {
        let length = serde_json::to_string(&members).map_or(usize::MAX, |json| json.len());
        if length > LARGEST_SAMPLE {
            return Err(format!("is longer than {} KiB", LARGEST_SAMPLE / 1024));
        }
        Ok(Self(members))
    }
}

impl From<Sample> for JsonObject {
    fn from(sample: Sample) -> Self {
        sample.0
    }
}

/// A script and what belongs to it: as it is kept, as the API shows it and as it is put.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Customizer {
    /// It defines the function `getCustomJwtClaims`.
    pub script: Script,
    /// Handed to the function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_variables: Option<Environment>,
    /// A context to try it with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_sample: Option<Sample>,
    /// A token to try it with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_sample: Option<Sample>,
    /// Whether there is no token when the script fails; else the token lacks what the script would have added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_issuance_on_error: Option<bool>,
}

/// The body that changes a script: absent members stay as they are.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "as in Customizer")]
pub struct CustomizerChanges {
    pub script: Option<Script>,
    pub environment_variables: Option<Environment>,
    pub context_sample: Option<Sample>,
    pub token_sample: Option<Sample>,
    pub block_issuance_on_error: Option<bool>,
}

/// A script in a list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct NamedCustomizer {
    /// Which tokens it is for, such as `jwt.accessToken`.
    pub key: &'static str,
    /// The script.
    pub value: Customizer,
}

/// The body that tries a script.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Trial {
    /// What it would be for.
    pub token_type: TokenType,
    /// The script.
    pub script: Script,
    /// Handed to the function.
    #[serde(default)]
    pub environment_variables: Option<Environment>,
    /// Handed to the function.
    pub token: Sample,
    /// Handed to the function.
    pub context: Sample,
}

/// The scripts of a tenant.
#[derive(Clone, Debug, Default)]
pub struct Customizers(pub(super) BTreeMap<TokenType, Arc<Customizer>>);

impl Customizers {
    /// The script for these tokens.
    pub fn get(&self, token_type: TokenType) -> Option<&Arc<Customizer>> {
        self.0.get(&token_type)
    }
}

/// A stored token type.
pub(super) fn stored_token_type(name: &str) -> Result<TokenType> {
    TokenType::from_name(name)
        .ok_or_else(|| Error::Internal(format!("a stored script is for unknown tokens: {name}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bodies_are_bounded_where_they_are_read() {
        let long = "x".repeat(limits::SCRIPT + 1);
        for body in [
            json!({ "script": "" }),
            json!({ "script": "a\0b" }),
            json!({ "script": long }),
            json!({ "script": "x", "environmentVariables": { "A": 1 } }),
            json!({ "script": "x", "environmentVariables": { "A": "x".repeat(LARGEST_ENVIRONMENT) } }),
            json!({ "script": "x", "contextSample": { "a": "x".repeat(LARGEST_SAMPLE) } }),
            json!({ "script": "x", "tokenSample": [] }),
            json!({}),
        ] {
            assert!(serde_json::from_value::<Customizer>(body.clone()).is_err(), "{body}");
        }
    }

    #[test]
    fn environment_variables_do_not_print() {
        let body = json!({ "script": "x", "environmentVariables": { "KEY": "hunter2" } });
        let read: Customizer = serde_json::from_value(body.clone()).unwrap();
        assert!(!format!("{read:?}").contains("hunter2"));
        assert_eq!(serde_json::to_value(&read).unwrap(), body);
    }
}
