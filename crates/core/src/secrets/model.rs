//! What is kept of the tokens that other providers gave.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Secret;

/// Whose tokens they are and who gave them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provider {
    /// A social connector.
    Social {
        /// The connector.
        connector_id: String,
        /// The provider's name, such as `google`.
        target: String,
    },
    /// An enterprise's identity provider.
    Enterprise {
        /// The connector.
        sso_connector_id: String,
        /// Who issued them.
        issuer: String,
    },
}

impl Provider {
    /// As it is kept: the kind, the connector, and the name.
    pub(super) fn columns(&self) -> (&'static str, &str, &str) {
        match self {
            Self::Social { connector_id, target } => ("social", connector_id, target),
            Self::Enterprise { sso_connector_id, issuer } => {
                ("enterprise", sso_connector_id, issuer)
            }
        }
    }
}

/// What may be shown of the tokens that a provider gave for a user. The tokens themselves stay sealed.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenSet {
    /// 21 characters.
    pub id: String,
    /// Whose they are.
    pub user_id: String,
    /// Who gave them.
    pub provider: Provider,
    /// The provider's name for the user.
    pub identity_id: String,
    /// What they are.
    pub metadata: TokenSetMetadata,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
}

/// What the tokens are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenSetMetadata {
    /// What the access token is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// When it expires: Unix seconds, as the provider said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// How it is presented, such as `Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_type: Option<String>,
    /// Whether it can be renewed.
    pub has_refresh_token: bool,
}

/// Tokens as a provider gives them.
#[derive(Clone, Debug)]
pub struct NewTokenSet {
    /// Who gave them.
    pub provider: Provider,
    /// The provider's name for the user.
    pub identity_id: String,
    /// The answer of its token endpoint: a JSON document.
    pub tokens: Secret,
    /// What may be shown of them.
    pub metadata: TokenSetMetadata,
}
