//! The facts about a user that claims are made of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Everything claims may say about a user. Absent is `None`, never an empty string.
#[derive(Debug, Clone, Default)]
pub struct UserClaims {
    /// The user's id.
    pub sub: String,
    /// User name.
    pub username: Option<String>,
    /// Display name.
    pub name: Option<String>,
    /// Avatar URL.
    pub picture: Option<String>,
    /// E-mail address; always verified.
    pub email: Option<String>,
    /// Phone number; always verified.
    pub phone_number: Option<String>,
    /// Standard profile members.
    pub profile: Profile,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
    /// Names of roles.
    pub roles: Vec<String>,
    /// Organizations the user is a member of.
    pub organizations: Vec<Organization>,
    /// Roles there.
    pub organization_roles: Vec<OrganizationRole>,
    /// Whatever the operator keeps.
    pub custom_data: Map<String, Value>,
    /// Social identities by target.
    pub identities: Map<String, Value>,
    /// Enterprise identities.
    pub sso_identities: Vec<SsoIdentity>,
}

/// Standard claims kept in the user's profile, under the names of the Management API.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "OpenID Connect Core §5.1 defines each member")]
pub struct Profile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthdate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zoneinfo: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Map<String, Value>>,
}

/// An organization of the user, as `organization_data` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Organization {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `null` when there is none.
    pub description: Option<String>,
}

/// A role of the user in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationRole {
    /// The organization.
    pub organization_id: String,
    /// The role's name.
    pub role_name: String,
}

/// An identity at an enterprise's identity provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SsoIdentity {
    /// Who vouches for it.
    pub issuer: String,
    /// The user's id there.
    pub identity_id: String,
    /// What the provider said.
    pub detail: Map<String, Value>,
}
