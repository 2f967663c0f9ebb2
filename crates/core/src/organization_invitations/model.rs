//! What an invitation is. The serde shape is the shape of the Management API.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::experience::EmailAddress;
use crate::organization_template::Named;
use crate::{Text, nullable};

/// An invitation into an organization, by e-mail.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Invitation {
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// Its id.
    pub id: String,
    /// The user who invites.
    pub inviter_id: Option<String>,
    /// The e-mail address of whom is invited.
    pub invitee: String,
    /// The user who accepted.
    pub accepted_user_id: Option<String>,
    /// The organization.
    pub organization_id: String,
    /// What has become of it.
    pub status: Status,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
    /// Unix milliseconds.
    pub expires_at: i64,
    /// The roles that whoever accepts gets.
    pub organization_roles: Vec<Named>,
}

/// What has become of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum Status {
    /// It waits.
    Pending,
    /// Someone has become a member by it.
    Accepted,
    /// It has waited too long.
    Expired,
    /// It was taken back.
    Revoked,
}

impl Status {
    /// As it is kept.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Accepted => "Accepted",
            Self::Expired => "Expired",
            Self::Revoked => "Revoked",
        }
    }

    /// The status with this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        let all = [Self::Pending, Self::Accepted, Self::Expired, Self::Revoked];
        all.into_iter().find(|status| status.name() == name)
    }
}

/// The body that creates an invitation.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewInvitation {
    /// The user who invites.
    #[serde(default, deserialize_with = "nullable")]
    pub inviter_id: Option<Text<1, 21>>,
    /// The e-mail address of whom is invited.
    pub invitee: EmailAddress,
    /// The organization.
    pub organization_id: Text<1, 21>,
    /// Unix milliseconds.
    pub expires_at: i64,
    /// The roles that whoever accepts gets.
    #[serde(default)]
    pub organization_role_ids: Vec<Text<1, 128>>,
    /// What the message about it says; without it, there is no message.
    #[serde(default)]
    pub message_payload: MessageWanted,
}

/// Whether a message is sent, and what its template is filled with.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[schemars(with = "MessageOrFalse")]
pub struct MessageWanted(pub Option<MessagePayload>);

/// What [`MessageWanted`] is read from.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum MessageOrFalse {
    Flag(bool),
    Payload(MessagePayload),
}

impl<'de> Deserialize<'de> for MessageWanted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match MessageOrFalse::deserialize(deserializer) {
            Ok(MessageOrFalse::Flag(false)) => Ok(Self(None)),
            Ok(MessageOrFalse::Payload(payload)) => Ok(Self(Some(payload))),
            Ok(MessageOrFalse::Flag(true)) | Err(_) => {
                Err(de::Error::custom("must be false, or an object of texts"))
            }
        }
    }
}

/// What the template of a message is filled with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MessagePayload {
    /// A code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Text<0, 256>>,
    /// Where the invitation is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<Text<0, 2048>>,
    /// The language of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<Text<0, 128>>,
    /// The languages that are preferred, separated by spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ui_locales: Option<Text<0, 256>>,
}

/// The body that ends an invitation.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusChange {
    /// How it ends.
    pub status: Ending,
    /// The user who accepts.
    #[serde(default, deserialize_with = "nullable")]
    pub accepted_user_id: Option<Text<1, 21>>,
}

/// How an invitation is ended by someone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Ending {
    /// It is accepted.
    Accepted,
    /// It is taken back.
    Revoked,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_wanted_by_saying_what_is_in_it() {
        let read = |json: &str| serde_json::from_str::<MessageWanted>(json);
        assert_eq!(read("false").unwrap(), MessageWanted(None));
        let link = read(r#"{"link":"https://a.example/join"}"#).unwrap().0.unwrap().link.unwrap();
        assert_eq!(link.as_str(), "https://a.example/join");
        for bad in ["true", "1", "null", r#""x""#, r#"{"link":1}"#] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
