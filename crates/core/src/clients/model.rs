//! What a tenant decides about clients that are known by a document.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::consents::ConsentScopes;

/// Whether there are such clients, and the most any of them may ask users for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DocumentSettings {
    /// Off unless switched on.
    pub enabled: bool,
    /// One list for all: nobody here has looked at any of them.
    pub consent_scopes: ConsentScopes,
}

/// The body that changes whether there are such clients.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
pub struct DocumentChanges {
    /// Absent: unchanged.
    #[serde(default)]
    pub enabled: Option<bool>,
}
