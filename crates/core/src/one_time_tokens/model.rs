//! What a one-time token is. The serde shape is the shape of the Management API.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::experience::EmailAddress;
use crate::sessions::InteractionEvent;
use crate::{Error, Result, Secret, Text};

/// Seconds a token lasts unless its maker says otherwise, and at most: ten minutes and a month.
pub(super) const LIFETIME: i64 = 600;
const LONGEST_LIFETIME: i64 = 2_592_000;
/// How many organizations a token can let someone join.
const MOST_ORGANIZATIONS: usize = 100;

/// A one-time token.
#[derive(Clone, Debug, PartialEq)]
pub struct OneTimeToken {
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// 21 characters.
    pub id: String,
    /// The address it proves.
    pub email: String,
    /// 32 characters.
    pub token: Secret,
    /// What it is for.
    pub context: Context,
    /// Whether it can still be used.
    pub status: Status,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub expires_at: i64,
}

/// What a one-time token is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Context {
    /// Organizations that whoever signs up or in with it joins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jit_organization_ids: Option<Vec<Text<1, 21>>>,
    /// The one flow it can be used in; any when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interaction_event: Option<InteractionEvent>,
}

/// Whether a token can still be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Status {
    Active,
    Consumed,
    Revoked,
    Expired,
}

impl Status {
    /// As it is written in the API and kept.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Consumed => "consumed",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }

    /// The status of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Active, Self::Consumed, Self::Revoked, Self::Expired]
            .into_iter()
            .find(|status| status.as_str() == name)
    }
}

/// The body that creates a one-time token.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewOneTimeToken {
    /// The address it proves.
    pub email: EmailAddress,
    /// What it is for.
    #[serde(default)]
    pub context: Context,
    /// Seconds it lasts, at most a month.
    #[serde(default)]
    pub expires_in: Option<i64>,
}

impl NewOneTimeToken {
    /// Seconds it lasts.
    pub(super) fn lifetime(&self) -> Result<i64> {
        let seconds = self.expires_in.unwrap_or(LIFETIME);
        if (1..=LONGEST_LIFETIME).contains(&seconds) {
            Ok(seconds)
        } else {
            Err(Error::invalid_field("expiresIn", "must be 1 to 2592000 seconds"))
        }
    }

    pub(super) fn check_context(&self) -> Result<()> {
        let organizations = self.context.jit_organization_ids.as_ref().map_or(0, Vec::len);
        if organizations <= MOST_ORGANIZATIONS {
            return Ok(());
        }
        let rule = "has more than 100 organizations";
        Err(Error::invalid_field("context.jitOrganizationIds", rule))
    }
}
