use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Secret, Text};

/// A personal access token of a user.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonalAccessToken {
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// Whose it is.
    pub user_id: String,
    /// Unique for the user.
    pub name: String,
    /// `pat_` and 32 characters.
    pub value: Secret,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds; it cannot be exchanged from then on.
    pub expires_at: Option<i64>,
}

/// The body that creates a personal access token.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewPersonalAccessToken {
    /// Unique for the user.
    pub name: Text<1, 256>,
    /// Unix milliseconds.
    #[serde(default)]
    pub expires_at: Option<i64>,
}
