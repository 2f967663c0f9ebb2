//! What a role is. The serde shape is the shape of the Management API.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trinco_oauth::ApplicationType;

use crate::resources::{Resource, ResourceScope};
use crate::{Error, Result, Text};

/// Who can hold a role. Never changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RoleType {
    /// Users.
    #[default]
    User,
    /// Machine-to-machine applications.
    MachineToMachine,
}

impl RoleType {
    /// As it is stored and as the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::MachineToMachine => "MachineToMachine",
        }
    }

    /// The opposite of [`RoleType::as_str`].
    pub(crate) fn from_stored(text: &str) -> Result<Self> {
        match text {
            "User" => Ok(Self::User),
            "MachineToMachine" => Ok(Self::MachineToMachine),
            other => Err(Error::Internal(format!("a stored role has the unknown type {other}"))),
        }
    }
}

/// A role: a set of scopes that users or applications hold together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// Its id.
    pub id: String,
    /// Unique within the tenant.
    pub name: String,
    /// Shown to administrators.
    pub description: String,
    /// Who can hold it.
    #[serde(rename = "type")]
    pub role_type: RoleType,
    /// Whether new users get it.
    pub is_default: bool,
    /// Unix milliseconds.
    #[serde(skip)]
    pub created_at: i64,
}

/// The body that creates a role.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewRole {
    /// Unique within the tenant.
    pub name: Text<1, 128>,
    /// Shown to administrators.
    pub description: Text<1, 128>,
    /// Who can hold it.
    #[serde(rename = "type", default)]
    pub role_type: RoleType,
    /// Whether new users get it.
    #[serde(default)]
    pub is_default: bool,
    /// The scopes it begins with.
    #[serde(default)]
    pub scope_ids: Vec<String>,
}

/// The body that changes a role: absent members stay as they are.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RoleChanges {
    /// Unique within the tenant.
    pub name: Option<Text<1, 128>>,
    /// Shown to administrators.
    pub description: Option<Text<1, 128>>,
    /// Whether new users get it.
    pub is_default: Option<bool>,
}

/// A role in a list, with a few of those who hold it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoleSummary {
    /// The role.
    #[serde(flatten)]
    pub role: Role,
    /// How many users hold it.
    pub users_count: i64,
    /// Some of them.
    pub featured_users: Vec<FeaturedUser>,
    /// How many applications hold it.
    pub applications_count: i64,
    /// Some of them.
    pub featured_applications: Vec<FeaturedApplication>,
}

/// What a list shows of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FeaturedUser {
    /// The user's id.
    pub id: String,
    /// A picture.
    pub avatar: Option<String>,
    /// The user's name.
    pub name: Option<String>,
}

/// What a list shows of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FeaturedApplication {
    /// The client id.
    pub id: String,
    /// Shown to people.
    pub name: String,
    /// The kind.
    #[serde(rename = "type")]
    pub application_type: ApplicationType,
}

/// A scope of a role, and the resource it is a permission of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ScopeOfRole {
    /// The scope.
    #[serde(flatten)]
    pub scope: ResourceScope,
    /// Its resource.
    pub resource: Resource,
}

/// Every role of a tenant, the scopes it holds, and the applications that hold it.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    by_id: BTreeMap<String, Role>,
    scope_ids: HashMap<String, Vec<String>>,
    of_application: HashMap<String, Vec<String>>,
    applications: HashMap<String, Vec<String>>,
}

impl Catalogue {
    /// `scopes` are pairs of role and scope, `applications` pairs of application and role.
    pub(super) fn new(
        roles: Vec<Role>,
        scopes: Vec<(String, String)>,
        applications: Vec<(String, String)>,
    ) -> Self {
        let mut catalogue = Self::default();
        catalogue.by_id.extend(roles.into_iter().map(|role| (role.id.clone(), role)));
        for (role_id, scope_id) in scopes {
            catalogue.scope_ids.entry(role_id).or_default().push(scope_id);
        }
        for (application_id, role_id) in applications {
            let holders = catalogue.applications.entry(role_id.clone()).or_default();
            holders.push(application_id.clone());
            catalogue.of_application.entry(application_id).or_default().push(role_id);
        }
        catalogue
    }

    /// The role with this id.
    pub fn get(&self, id: &str) -> Option<&Role> {
        self.by_id.get(id)
    }

    /// Every role, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Role> {
        self.by_id.values()
    }

    /// The ids of the roles an application holds.
    pub fn of_application(&self, application_id: &str) -> impl Iterator<Item = &str> {
        ids(self.of_application.get(application_id))
    }

    /// The ids of the applications that hold a role.
    pub fn applications(&self, role_id: &str) -> impl Iterator<Item = &str> {
        ids(self.applications.get(role_id))
    }

    /// The ids of the scopes a role holds.
    pub fn scope_ids(&self, role_id: &str) -> impl Iterator<Item = &str> {
        ids(self.scope_ids.get(role_id))
    }

    /// The roles new users get.
    pub fn default_user_roles(&self) -> impl Iterator<Item = &Role> {
        self.iter().filter(|role| role.is_default && role.role_type == RoleType::User)
    }
}

fn ids(list: Option<&Vec<String>>) -> impl Iterator<Item = &str> {
    list.into_iter().flatten().map(String::as_str)
}
