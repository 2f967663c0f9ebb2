//! What a tenant allows clients that register themselves, and what they are told. The serde shapes of the policy and of initial access
//! tokens are the Management API's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use trinco_oauth::{ApplicationType, GrantType};

use crate::consents::{ConsentScopes, NewConsentScopes};
use crate::{Secret, Text, double_option, nullable};

/// Who may register what (RFC 7591 §5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Policy {
    /// Off unless switched on.
    pub enabled: bool,
    /// Whether only who holds an initial access token may register.
    pub requires_initial_access_token: bool,
    /// The kinds of application that may register.
    pub application_types: Vec<RegistrableType>,
    /// The grants a registered application may use.
    pub grant_types: Vec<RegistrableGrant>,
    /// Where redirect URIs may lead: hosts, `*.` and a host, schemes with their colon. `None`: any https host, loopback, and schemes that
    /// are domain names in reverse.
    pub redirect_uri_hosts: Option<Vec<Text<1, 255>>>,
    /// The most any of them may ask users for.
    pub consent_scopes: ConsentScopes,
    /// How many there may be at once.
    pub max_registrations: Between<1, 10_000>,
    /// How many may register within an hour.
    pub max_registrations_per_hour: Between<1, 1_000>,
    /// Days after which one is deleted that nobody signs in to.
    pub unused_ttl_in_days: Between<1, 365>,
}

impl Default for Policy {
    fn default() -> Self {
        use RegistrableType as T;
        Self {
            enabled: false,
            requires_initial_access_token: true,
            application_types: vec![T::Native, T::SPA, T::Traditional],
            grant_types: vec![RegistrableGrant::AuthorizationCode, RegistrableGrant::RefreshToken],
            redirect_uri_hosts: None,
            consent_scopes: ConsentScopes::default(),
            max_registrations: Between(100),
            max_registrations_per_hour: Between(20),
            unused_ttl_in_days: Between(30),
        }
    }
}

/// The body that changes the policy: absent members stay as they are, present ones replace the old value.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "as in Policy")]
pub struct PolicyChanges {
    pub enabled: Option<bool>,
    pub requires_initial_access_token: Option<bool>,
    pub application_types: Option<Vec<RegistrableType>>,
    pub grant_types: Option<Vec<RegistrableGrant>>,
    #[serde(deserialize_with = "double_option")]
    pub redirect_uri_hosts: Option<Option<Vec<Text<1, 255>>>>,
    pub consent_scopes: Option<NewConsentScopes>,
    pub max_registrations: Option<Between<1, 10_000>>,
    pub max_registrations_per_hour: Option<Between<1, 1_000>>,
    pub unused_ttl_in_days: Option<Between<1, 365>>,
}

/// The kinds of application that can register: those that belong to someone else and act for users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "as in ApplicationType")]
pub enum RegistrableType {
    Native,
    SPA,
    Traditional,
}

impl RegistrableType {
    /// The kind of application.
    pub const fn application_type(self) -> ApplicationType {
        match self {
            Self::Native => ApplicationType::Native,
            Self::SPA => ApplicationType::SPA,
            Self::Traditional => ApplicationType::Traditional,
        }
    }

    /// `application_type` (OpenID Connect Dynamic Client Registration §2).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::SPA | Self::Traditional => "web",
        }
    }
}

/// The grants that a registered application can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "as in GrantType")]
pub enum RegistrableGrant {
    AuthorizationCode,
    RefreshToken,
}

impl RegistrableGrant {
    /// The value of `grant_type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => GrantType::AuthorizationCode.as_str(),
            Self::RefreshToken => GrantType::RefreshToken.as_str(),
        }
    }
}

/// A number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u32", into = "u32")]
pub struct Between<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Between<MIN, MAX> {
    /// The number.
    pub fn get(self) -> i64 {
        i64::from(self.0)
    }
}

impl<const MIN: u32, const MAX: u32> TryFrom<u32> for Between<MIN, MAX> {
    type Error = String;
    fn try_from(number: u32) -> Result<Self, String> {
        if (MIN..=MAX).contains(&number) {
            Ok(Self(number))
        } else {
            Err(format!("must be from {MIN} to {MAX}"))
        }
    }
}

impl<const MIN: u32, const MAX: u32> From<Between<MIN, MAX>> for u32 {
    fn from(number: Between<MIN, MAX>) -> Self {
        number.0
    }
}

/// Lets its holder register clients (RFC 7591 §3). The value is shown once, when it is created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InitialAccessToken {
    /// 21 characters.
    pub id: String,
    /// Shown to administrators.
    pub name: String,
    /// How many clients were registered with it.
    pub uses: i64,
    /// How many may be.
    pub max_uses: Option<i64>,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds; it is good for nothing after that.
    pub expires_at: Option<i64>,
}

/// The body that creates an initial access token.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewInitialAccessToken {
    /// Shown to administrators.
    pub name: Text<1, 128>,
    /// How many clients may be registered with it; any number when absent.
    #[serde(default, deserialize_with = "nullable")]
    pub max_uses: Option<Between<1, 10_000>>,
    /// Unix milliseconds; never when absent.
    #[serde(default, deserialize_with = "nullable")]
    pub expires_at: Option<i64>,
}

/// What a client is told of its registration (RFC 7591 §3.2.1, RFC 7592 §3).
#[derive(Clone, Debug)]
pub struct Information {
    /// The client's metadata as it is registered, and its id.
    pub metadata: Map<String, Value>,
    /// The secret, of a client that has one, and when it expires: Unix milliseconds.
    pub client_secret: Option<(Secret, Option<i64>)>,
    /// What opens the registration later.
    pub registration_access_token: Secret,
}
