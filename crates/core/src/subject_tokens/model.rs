use schemars::JsonSchema;
use serde::Deserialize;

use crate::{JsonObject, Secret, Text};

/// A subject token is exchanged within ten minutes: milliseconds.
pub(super) const LIFETIME_MS: i64 = 600_000;
/// How every subject token begins.
pub(super) const PREFIX: &str = "sub_";

/// The body that creates a subject token.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewSubjectToken {
    /// Whom it stands for.
    pub user_id: Text<1, 21>,
    /// Whatever the exchange may want to know about why.
    #[serde(default)]
    pub context: JsonObject,
}

/// A new subject token: the only time its value is known.
#[derive(Clone, Debug)]
pub struct SubjectToken {
    /// `sub_` and 21 characters.
    pub value: Secret,
    /// Seconds.
    pub expires_in: i64,
}
