//! What a user is. The serde shape is the shape of the Management API.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use trinco_oauth::claims::Profile;
use trinco_oauth::registration::document;

use super::identifiers::{PhoneNumber, Username};
use crate::experience::{EmailAddress, WebUrl, clearable, optional};
use crate::passwords::PasswordAlgorithm;
use crate::{JsonObject, Secret, Text};

/// The longest password the Management API sets, in characters: hashing has a price.
const LONGEST_PASSWORD: usize = 4096;

/// A person who can sign in.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// 12 characters; the `sub` of tokens.
    pub id: String,
    /// Unique.
    pub username: Option<String>,
    /// Unique in any letter case; always verified.
    pub primary_email: Option<String>,
    /// Unique; digits only; always verified.
    pub primary_phone: Option<String>,
    /// Shown to people.
    pub name: Option<String>,
    /// A picture.
    pub avatar: Option<String>,
    /// Standard claims (OpenID Connect Core §5.1).
    pub profile: Profile,
    /// Social identities by target.
    pub identities: JsonObject,
    /// Whatever the operator keeps here.
    pub custom_data: JsonObject,
    /// Where the user came from.
    pub application_id: Option<String>,
    /// May not sign in, and has no tokens.
    pub is_suspended: bool,
    /// Must choose a new password.
    pub is_password_expired: bool,
    /// Whether there is a password. The digest never leaves the store.
    pub has_password: bool,
    /// Unix milliseconds.
    pub password_updated_at: Option<i64>,
    /// Unix milliseconds.
    pub last_sign_in_at: Option<i64>,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
}

impl User {
    /// A user of whom nothing is known, made now.
    pub(super) fn blank(now_ms: i64) -> Self {
        Self {
            id: String::new(),
            username: None,
            primary_email: None,
            primary_phone: None,
            name: None,
            avatar: None,
            profile: Profile::default(),
            identities: JsonObject::new(),
            custom_data: JsonObject::new(),
            application_id: None,
            is_suspended: false,
            is_password_expired: false,
            has_password: false,
            password_updated_at: None,
            last_sign_in_at: None,
            created_at: now_ms,
            updated_at: now_ms,
        }
    }
}

/// A user as the API shows one.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "User")]
struct Shown<'a> {
    /// 12 characters; the `sub` of tokens.
    id: &'a str,
    username: Option<&'a str>,
    primary_email: Option<&'a str>,
    /// Digits only, the country code first.
    primary_phone: Option<&'a str>,
    /// Shown to people.
    name: Option<&'a str>,
    /// A picture.
    avatar: Option<&'a str>,
    custom_data: &'a JsonObject,
    /// Social identities by target.
    identities: &'a JsonObject,
    /// Unix milliseconds.
    last_sign_in_at: Option<i64>,
    /// Unix milliseconds.
    created_at: i64,
    /// Unix milliseconds.
    updated_at: i64,
    /// Standard claims (OpenID Connect Core §5.1).
    profile: &'a Profile,
    /// The application the user came from.
    application_id: Option<&'a str>,
    /// The client the user came from, when a document describes it.
    cimd_client_id: Option<&'a str>,
    is_suspended: bool,
    has_password: bool,
}

impl<'a> From<&'a User> for Shown<'a> {
    fn from(user: &'a User) -> Self {
        // The API tells applications that are registered here from clients that are known by a document.
        let through = user.application_id.as_deref();
        let is_document = through.is_some_and(document::is_url);
        Self {
            id: &user.id,
            username: user.username.as_deref(),
            primary_email: user.primary_email.as_deref(),
            primary_phone: user.primary_phone.as_deref(),
            name: user.name.as_deref(),
            avatar: user.avatar.as_deref(),
            custom_data: &user.custom_data,
            identities: &user.identities,
            last_sign_in_at: user.last_sign_in_at,
            created_at: user.created_at,
            updated_at: user.updated_at,
            profile: &user.profile,
            application_id: through.filter(|_| !is_document),
            cimd_client_id: through.filter(|_| is_document),
            is_suspended: user.is_suspended,
            has_password: user.has_password,
        }
    }
}

impl Serialize for User {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Shown::from(self).serialize(serializer)
    }
}

impl JsonSchema for User {
    fn schema_name() -> Cow<'static, str> {
        Shown::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Shown::json_schema(generator)
    }
}

/// The body that creates a user. All members are optional.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NewUser {
    /// Unique.
    #[serde(deserialize_with = "optional")]
    pub username: Option<Username>,
    /// Unique in any letter case.
    #[serde(deserialize_with = "optional")]
    pub primary_email: Option<EmailAddress>,
    /// Unique.
    #[serde(deserialize_with = "optional")]
    pub primary_phone: Option<PhoneNumber>,
    /// In clear; only its hash is kept.
    #[serde(deserialize_with = "optional_password")]
    pub password: Option<Secret>,
    /// A hash made elsewhere.
    #[serde(deserialize_with = "optional_password")]
    pub password_digest: Option<Secret>,
    /// How that was made.
    pub password_algorithm: Option<PasswordAlgorithm>,
    /// Shown to people.
    pub name: Option<Text<0, 128>>,
    /// A picture.
    #[serde(deserialize_with = "optional")]
    pub avatar: Option<WebUrl>,
    /// Whatever the operator keeps here.
    pub custom_data: JsonObject,
    /// Standard claims.
    pub profile: Profile,
}

/// The body that changes a user: absent members stay as they are; `null` and the empty string clear; the rest replaces.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "as in User")]
pub struct UserChanges {
    #[serde(deserialize_with = "clearable")]
    pub username: Option<Option<Username>>,
    #[serde(deserialize_with = "clearable")]
    pub primary_email: Option<Option<EmailAddress>>,
    #[serde(deserialize_with = "clearable")]
    pub primary_phone: Option<Option<PhoneNumber>>,
    #[serde(deserialize_with = "clearable")]
    pub name: Option<Option<Name>>,
    #[serde(deserialize_with = "clearable")]
    pub avatar: Option<Option<WebUrl>>,
    pub custom_data: Option<JsonObject>,
    pub profile: Option<Profile>,
}

/// A name people are shown: up to 128 characters.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(transparent)]
pub struct Name(pub(super) Text<1, 128>);

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Text::new(text).map(Self)
    }
}

/// Someone who signs up with a user name and a password.
#[derive(Clone, Debug)]
pub struct Registration {
    /// As typed.
    pub username: String,
    /// As typed.
    pub password: Secret,
    /// The application they came from.
    pub application_id: Option<String>,
}

/// A body that holds a password and nothing else.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct PasswordBody {
    /// In clear.
    #[serde(deserialize_with = "password")]
    pub password: Secret,
}

fn optional_password<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Secret>, D::Error> {
    password(deserializer).map(Some)
}

fn password<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    let secret = Secret::new(String::deserialize(deserializer)?);
    match secret.reveal().chars().count() {
        0 => Err(de::Error::custom("must not be empty")),
        1..=LONGEST_PASSWORD => Ok(secret),
        _ => Err(de::Error::custom("has more than 4096 characters")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_with_a_password_does_not_print_it() {
        let body: NewUser =
            serde_json::from_value(json!({ "username": "ana", "password": "hunter2!" })).unwrap();
        assert!(!format!("{body:?}").contains("hunter2"));
        let body: PasswordBody = serde_json::from_value(json!({ "password": "hunter2!" })).unwrap();
        assert!(!format!("{body:?}").contains("hunter2"));
    }

    #[test]
    fn bodies_are_checked_where_they_are_read() {
        for body in [
            json!({ "username": "9ana" }),
            json!({ "username": "ana@x" }),
            json!({ "primaryEmail": "ana" }),
            json!({ "primaryPhone": "+5511" }),
            json!({ "password": "" }),
            json!({ "avatar": "javascript:x" }),
            json!({ "name": "x".repeat(129) }),
            json!({ "passwordAlgorithm": "rot13" }),
        ] {
            assert!(serde_json::from_value::<NewUser>(body.clone()).is_err(), "{body}");
        }
        let new: NewUser =
            serde_json::from_value(json!({ "avatar": "", "username": null })).unwrap();
        assert_eq!((new.avatar, new.username), (None, None));
    }

    #[test]
    fn a_user_is_shown_with_every_required_member_and_without_the_digest() {
        let user = User {
            id: "u".to_owned(),
            has_password: true,
            password_updated_at: Some(1),
            updated_at: 2,
            ..User::blank(1)
        };
        let expected = json!({
            "id": "u", "username": null, "primaryEmail": null, "primaryPhone": null, "name": null, "avatar": null,
            "customData": {}, "identities": {}, "lastSignInAt": null, "createdAt": 1, "updatedAt": 2, "profile": {},
            "applicationId": null, "cimdClientId": null, "isSuspended": false, "hasPassword": true,
        });
        assert_eq!(serde_json::to_value(user).unwrap(), expected);
    }
}
