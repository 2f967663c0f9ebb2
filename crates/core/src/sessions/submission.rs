//! How someone last signed in to a session: what APIs show of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::users::Identifier;

/// What someone comes to the sign-in pages for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it")]
pub enum InteractionEvent {
    SignIn,
    Register,
    ForgotPassword,
}

/// The end of an interaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Submission {
    /// What the person came for.
    pub interaction_event: InteractionEvent,
    /// Who they turned out to be.
    pub user_id: String,
    /// How.
    pub verification_records: Vec<VerificationRecord>,
    /// Circumstances, such as the browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in_context: Option<BTreeMap<String, String>>,
}

/// What someone has shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type")]
pub enum VerificationRecord {
    /// A password.
    Password {
        /// 21 characters.
        id: String,
        /// Whose.
        identifier: ShownIdentifier,
        /// Whether it was the right one.
        verified: bool,
    },
    /// A new account with a password.
    NewPasswordIdentity {
        /// 21 characters.
        id: String,
        /// Whose.
        identifier: ShownIdentifier,
    },
}

/// What someone said who they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShownIdentifier {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: ShownIdentifierType,
    /// As it was typed.
    pub value: String,
}

/// What someone said who they are by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum ShownIdentifierType {
    Username,
    Email,
    Phone,
}

impl From<&Identifier> for ShownIdentifier {
    fn from(identifier: &Identifier) -> Self {
        let (kind, value) = match identifier {
            Identifier::Username(value) => (ShownIdentifierType::Username, value),
            Identifier::Email(value) => (ShownIdentifierType::Email, value),
            Identifier::Phone(value) => (ShownIdentifierType::Phone, value),
        };
        Self { kind, value: value.clone() }
    }
}
