//! What a message is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Error, JsonObject, Result, TokenHash};

/// The occasion of a message: templates are chosen by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it")]
pub enum MessageType {
    SignIn,
    Register,
    ForgotPassword,
    OrganizationInvitation,
    Generic,
    UserPermissionValidation,
    BindNewIdentifier,
    MfaVerification,
    BindMfa,
}

impl MessageType {
    /// As it is stored and as the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "SignIn",
            Self::Register => "Register",
            Self::ForgotPassword => "ForgotPassword",
            Self::OrganizationInvitation => "OrganizationInvitation",
            Self::Generic => "Generic",
            Self::UserPermissionValidation => "UserPermissionValidation",
            Self::BindNewIdentifier => "BindNewIdentifier",
            Self::MfaVerification => "MfaVerification",
            Self::BindMfa => "BindMfa",
        }
    }

    /// The opposite of [`MessageType::as_str`].
    pub(crate) fn from_stored(text: &str) -> Result<Self> {
        let all = [
            Self::SignIn,
            Self::Register,
            Self::ForgotPassword,
            Self::OrganizationInvitation,
            Self::Generic,
            Self::UserPermissionValidation,
            Self::BindNewIdentifier,
            Self::MfaVerification,
            Self::BindMfa,
        ];
        all.into_iter()
            .find(|one| one.as_str() == text)
            .ok_or_else(|| Error::Internal(format!("a stored template is for the unknown {text}")))
    }
}

/// Who gets a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// An e-mail address.
    Email(String),
    /// The digits of a phone number, the country code first.
    Phone(String),
}

impl Recipient {
    /// The address or the digits.
    pub fn address(&self) -> &str {
        match self {
            Self::Email(address) => address,
            Self::Phone(digits) => digits,
        }
    }

    /// Stands for the recipient where something is kept of them `for_what`.
    pub(crate) fn hash(&self, for_what: &str) -> TokenHash {
        TokenHash::of(&match self {
            Self::Email(address) => format!("{for_what}:email:{}", address.to_lowercase()),
            Self::Phone(digits) => format!("{for_what}:phone:{digits}"),
        })
    }
}

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    /// Who gets it.
    pub to: Recipient,
    /// Its occasion.
    pub message_type: MessageType,
    /// What is filled into templates: `code` or `link`, and what else is known, such as `organization`, `application`, `user`.
    pub payload: JsonObject,
    /// The language it is wanted in, as a tag.
    pub locale: Option<String>,
}
