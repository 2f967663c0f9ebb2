//! What the members of every organization can be allowed. The serde shape is the shape of the Management API.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::roles::RoleType;
use crate::{Text, double_option, nullable};

/// A role that users or applications can hold in an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationRole {
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// Its id.
    pub id: String,
    /// Unique within the tenant.
    pub name: String,
    /// Shown to administrators.
    pub description: Option<String>,
    /// Who can hold it. Never changes.
    #[serde(rename = "type")]
    pub role_type: RoleType,
    /// Unix milliseconds.
    #[serde(skip)]
    pub created_at: i64,
}

/// A permission within an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationScope {
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// Its id.
    pub id: String,
    /// Unique within the tenant; the scope value in tokens.
    pub name: String,
    /// Shown to administrators.
    pub description: Option<String>,
    /// Unix milliseconds.
    #[serde(skip)]
    pub created_at: i64,
}

/// The body that creates an organization role.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewOrganizationRole {
    /// Unique within the tenant.
    pub name: Text<1, 128>,
    /// Shown to administrators.
    #[serde(default, deserialize_with = "nullable")]
    pub description: Option<Text<0, 256>>,
    /// Who can hold it.
    #[serde(rename = "type", default)]
    pub role_type: RoleType,
    /// The organization scopes it begins with.
    #[serde(default)]
    pub organization_scope_ids: Vec<String>,
    /// The scopes of API resources it begins with.
    #[serde(default)]
    pub resource_scope_ids: Vec<String>,
}

/// The body that changes an organization role: absent members stay as they are.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OrganizationRoleChanges {
    /// Unique within the tenant.
    pub name: Option<Text<1, 128>>,
    /// Shown to administrators.
    #[serde(deserialize_with = "double_option")]
    pub description: Option<Option<Text<0, 256>>>,
    /// Who can hold it: can only be what it is already.
    #[serde(rename = "type")]
    pub role_type: Option<RoleType>,
}

/// The body that creates an organization scope.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct NewOrganizationScope {
    /// Unique within the tenant, without white space.
    pub name: Text<1, 128>,
    /// Shown to administrators.
    #[serde(default, deserialize_with = "nullable")]
    pub description: Option<Text<0, 256>>,
}

/// The body that changes an organization scope: absent members stay as they are.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OrganizationScopeChanges {
    /// Unique within the tenant, without white space.
    pub name: Option<Text<1, 128>>,
    /// Shown to administrators.
    #[serde(deserialize_with = "double_option")]
    pub description: Option<Option<Text<0, 256>>>,
}

/// Something by its id and name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A scope of an API resource, and the resource, by their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NamedResourceScope {
    /// The scope's id.
    pub id: String,
    /// The scope's name.
    pub name: String,
    /// The resource.
    pub resource: Named,
}

/// An organization role in a list, with what it allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationRoleSummary {
    /// The role.
    #[serde(flatten)]
    pub role: OrganizationRole,
    /// Its organization scopes.
    pub scopes: Vec<Named>,
    /// Its scopes of API resources.
    pub resource_scopes: Vec<NamedResourceScope>,
}

/// Every organization role and organization scope of a tenant.
#[derive(Clone, Debug, Default)]
pub struct Template {
    roles: BTreeMap<String, OrganizationRole>,
    scopes: BTreeMap<String, OrganizationScope>,
    scope_ids: HashMap<String, Vec<String>>,
    resource_scope_ids: HashMap<String, Vec<String>>,
}

impl Template {
    /// The pairs are of a role and a scope.
    pub(super) fn new(
        roles: Vec<OrganizationRole>,
        scopes: Vec<OrganizationScope>,
        role_scopes: Vec<(String, String)>,
        role_resource_scopes: Vec<(String, String)>,
    ) -> Self {
        let mut template = Self::default();
        template.roles.extend(roles.into_iter().map(|role| (role.id.clone(), role)));
        template.scopes.extend(scopes.into_iter().map(|scope| (scope.id.clone(), scope)));
        for (role_id, scope_id) in role_scopes {
            template.scope_ids.entry(role_id).or_default().push(scope_id);
        }
        for (role_id, scope_id) in role_resource_scopes {
            template.resource_scope_ids.entry(role_id).or_default().push(scope_id);
        }
        template
    }

    /// The organization role with this id.
    pub fn role(&self, id: &str) -> Option<&OrganizationRole> {
        self.roles.get(id)
    }

    /// The organization role with this name.
    pub fn role_by_name(&self, name: &str) -> Option<&OrganizationRole> {
        self.roles().find(|role| role.name == name)
    }

    /// Every organization role, in no particular order.
    pub fn roles(&self) -> impl Iterator<Item = &OrganizationRole> {
        self.roles.values()
    }

    /// The organization scope with this id.
    pub fn scope(&self, id: &str) -> Option<&OrganizationScope> {
        self.scopes.get(id)
    }

    /// Every organization scope, in no particular order.
    pub fn scopes(&self) -> impl Iterator<Item = &OrganizationScope> {
        self.scopes.values()
    }

    /// The organization scopes of a role.
    pub fn scopes_of(&self, role_id: &str) -> impl Iterator<Item = &OrganizationScope> {
        self.scope_ids.get(role_id).into_iter().flatten().filter_map(|id| self.scopes.get(id))
    }

    /// The names of the organization scopes of a role.
    pub fn scope_names(&self, role_id: &str) -> impl Iterator<Item = &str> {
        self.scopes_of(role_id).map(|scope| scope.name.as_str())
    }

    /// The ids of the scopes of API resources that a role holds.
    pub fn resource_scope_ids(&self, role_id: &str) -> impl Iterator<Item = &str> {
        self.resource_scope_ids.get(role_id).into_iter().flatten().map(String::as_str)
    }
}
