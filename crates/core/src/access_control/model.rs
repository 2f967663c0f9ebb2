//! Who may use an application. The serde shape is the shape of the Management API.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who may use an application whose access control is on. One rule that fits is enough; without any rule nobody may.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessControl {
    /// These users.
    pub user_ids: Vec<String>,
    /// Users who hold one of these roles.
    pub user_role_ids: Vec<String>,
    /// Members of one of these organizations.
    pub organization_ids: Vec<String>,
    /// Members who hold certain roles in an organization.
    pub organization_role_rules: Vec<OrganizationRoleRule>,
}

/// Members of an organization who hold one of these roles in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationRoleRule {
    /// The organization.
    pub organization_id: String,
    /// One of these roles; not empty.
    pub organization_role_ids: Vec<String>,
}

/// Lists that take the place of those there are; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct AccessControlChanges {
    pub(crate) user_ids: Option<Vec<String>>,
    pub(crate) user_role_ids: Option<Vec<String>>,
    pub(crate) organization_ids: Option<Vec<String>>,
    pub(crate) organization_role_rules: Option<Vec<OrganizationRoleRule>>,
}

impl From<AccessControl> for AccessControlChanges {
    fn from(whole: AccessControl) -> Self {
        Self {
            user_ids: Some(whole.user_ids),
            user_role_ids: Some(whole.user_role_ids),
            organization_ids: Some(whole.organization_ids),
            organization_role_rules: Some(whole.organization_role_rules),
        }
    }
}
