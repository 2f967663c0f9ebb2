//! What a third-party application may ask for, and what users have allowed it. The serde shapes are the Management API's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trinco_oauth::scope::RESERVED;

/// The reserved scopes that need to be on a third-party application's list, in the order they are shown.
/// All but `openid` and `offline_access`, the first two, which reveal nothing.
pub const USER_SCOPES: &[&str] = RESERVED.split_at(2).1;

/// The consent scopes of an application, by id. What an id stood for may be gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ConsentScopes {
    /// Reserved scopes.
    pub(super) user_scopes: Vec<String>,
    /// Scopes of API resources, for the user's own tokens.
    pub(super) resource_scopes: Vec<String>,
    /// Organization scopes.
    pub(super) organization_scopes: Vec<String>,
    /// Scopes of API resources, for tokens in the name of an organization.
    pub(super) organization_resource_scopes: Vec<String>,
}

impl ConsentScopes {
    /// Adds scopes; those it has already stay.
    pub(crate) fn add(&mut self, new: &NewConsentScopes) {
        fn extend<'a>(list: &mut Vec<String>, new: impl Iterator<Item = &'a String>) {
            for scope in new {
                if !list.contains(scope) {
                    list.push(scope.clone());
                }
            }
        }
        extend(&mut self.user_scopes, new.user_scopes.iter().map(|scope| &scope.0));
        extend(&mut self.resource_scopes, new.resource_scopes.iter());
        extend(&mut self.organization_scopes, new.organization_scopes.iter());
        extend(&mut self.organization_resource_scopes, new.organization_resource_scopes.iter());
    }

    /// Those that both have.
    pub(crate) fn intersection(&self, other: &Self) -> Self {
        let both = |one: &[String], other: &[String]| {
            one.iter().filter(|scope| other.contains(scope)).cloned().collect()
        };
        Self {
            user_scopes: both(&self.user_scopes, &other.user_scopes),
            resource_scopes: both(&self.resource_scopes, &other.resource_scopes),
            organization_scopes: both(&self.organization_scopes, &other.organization_scopes),
            organization_resource_scopes: both(
                &self.organization_resource_scopes,
                &other.organization_resource_scopes,
            ),
        }
    }

    /// Takes a scope off a list; false when it was not on it.
    pub(crate) fn remove(&mut self, scope_type: ScopeType, scope: &str) -> bool {
        let list = match scope_type {
            ScopeType::UserScopes => &mut self.user_scopes,
            ScopeType::ResourceScopes => &mut self.resource_scopes,
            ScopeType::OrganizationScopes => &mut self.organization_scopes,
            ScopeType::OrganizationResourceScopes => &mut self.organization_resource_scopes,
        };
        let before = list.len();
        list.retain(|known| known != scope);
        list.len() < before
    }
}

/// The body that adds consent scopes; absent lists add none.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NewConsentScopes {
    /// Reserved scopes.
    pub user_scopes: Vec<UserScope>,
    /// Ids of scopes of API resources.
    pub resource_scopes: Vec<String>,
    /// Ids of organization scopes.
    pub organization_scopes: Vec<String>,
    /// Ids of scopes of API resources in organizations.
    pub organization_resource_scopes: Vec<String>,
}

/// One of [`USER_SCOPES`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct UserScope(pub(super) String);

impl TryFrom<String> for UserScope {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if USER_SCOPES.contains(&text.as_str()) {
            Ok(Self(text))
        } else {
            Err("must be a scope of user data")
        }
    }
}

/// Which list a consent scope is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "as in ConsentScopes")]
pub enum ScopeType {
    UserScopes,
    ResourceScopes,
    OrganizationScopes,
    OrganizationResourceScopes,
}

/// The consent scopes of an application with their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListedConsentScopes {
    /// Reserved scopes.
    pub user_scopes: Vec<String>,
    /// Scopes of API resources, by resource.
    pub resource_scopes: Vec<ListedResource>,
    /// Organization scopes.
    pub organization_scopes: Vec<ListedScope>,
    /// Scopes of API resources in organizations, by resource.
    pub organization_resource_scopes: Vec<ListedResource>,
}

/// An API resource and some of its scopes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ListedResource {
    /// The resource.
    pub resource: ResourceName,
    /// The scopes.
    pub scopes: Vec<ListedScope>,
}

/// An API resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ResourceName {
    /// Its id.
    pub id: String,
    /// Shown to people.
    pub name: String,
    /// The resource indicator (RFC 8707).
    pub indicator: String,
}

/// A scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ListedScope {
    /// Its id.
    pub id: String,
    /// Its value in tokens.
    pub name: String,
    /// Shown to people.
    pub description: Option<String>,
}

/// What a user answered on the consent page, made before the transaction that remembers it.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Everything the user has allowed by now.
    pub granted: trinco_oauth::grant::GrantedScopes,
    /// The organizations that were chosen, when there was a choice: in place of those chosen before.
    pub organization_ids: Option<Vec<String>>,
}
