//! What the settings are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trinco_oauth::claims::ExtendedClaim;

use crate::clients::DocumentSettings;
use crate::registrations::Policy;

/// A year: seconds.
const LONGEST_SESSION: i64 = 365 * 86_400;

/// The settings of one tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OidcSettings {
    /// What ID tokens hold beyond the standard claims; userinfo has all of them.
    pub enabled_extended_claims: Vec<ExtendedClaim>,
    /// A session lasts this long after its sign-in: seconds.
    pub session_ttl: i64,
    /// Clients that are known by a document of their own.
    pub documents: DocumentSettings,
    /// Clients that register themselves.
    pub registration: Policy,
}

/// Roles and organizations in ID tokens; sessions of 14 days.
impl Default for OidcSettings {
    fn default() -> Self {
        Self {
            enabled_extended_claims: ExtendedClaim::DEFAULT.to_vec(),
            session_ttl: crate::sessions::LIFETIME_MS / 1000,
            documents: DocumentSettings::default(),
            registration: Policy::default(),
        }
    }
}

/// What ID tokens say, as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IdTokenSettings {
    /// Absent from a request: none.
    #[serde(default)]
    pub enabled_extended_claims: Vec<ExtendedClaim>,
}

/// How long sessions last, as the API shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SessionSettings {
    /// Seconds.
    pub ttl: i64,
}

/// The body that changes how long sessions last.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
pub struct SessionChanges {
    /// Absent: unchanged.
    #[serde(default)]
    pub ttl: Option<SessionTtl>,
}

/// From a second to a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "i64")]
pub struct SessionTtl(i64);

impl SessionTtl {
    /// Seconds.
    pub const fn seconds(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for SessionTtl {
    type Error = &'static str;

    fn try_from(seconds: i64) -> Result<Self, Self::Error> {
        if (1..=LONGEST_SESSION).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err("must be from 1 to 31536000 seconds")
        }
    }
}
