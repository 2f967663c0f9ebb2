//! What an API resource is. The serde shape is the shape of the Management API.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules;
use crate::{Text, double_option, nullable};

/// An API that access tokens are issued for (RFC 8707).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// Its id.
    pub id: String,
    /// Shown to administrators.
    pub name: String,
    /// The resource indicator: what clients ask for and what tokens carry as audience. Never changes.
    pub indicator: String,
    /// Whether tokens are for this resource when a client asks for none.
    pub is_default: bool,
    /// How long an access token for it lives: seconds.
    pub access_token_ttl: i64,
    /// Unix milliseconds.
    #[serde(skip)]
    pub created_at: i64,
}

impl Resource {
    /// Whether this is a Management API, which is Trinco's own and read-only.
    pub fn is_management_api(&self) -> bool {
        rules::is_management_api(&self.indicator)
    }
}

/// A permission of an API resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceScope {
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// Its id.
    pub id: String,
    /// The resource it is a permission of.
    pub resource_id: String,
    /// The scope value in requests and tokens.
    pub name: String,
    /// Shown to administrators and on consent pages.
    pub description: Option<String>,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// The body that creates a resource.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewResource {
    /// Shown to administrators.
    pub name: Text<1, 256>,
    /// The resource indicator.
    pub indicator: Text<1, 2048>,
    /// Seconds; an hour unless given.
    #[serde(default)]
    pub access_token_ttl: Option<u32>,
}

/// The body that changes a resource: absent members stay as they are.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceChanges {
    /// Shown to administrators.
    pub name: Option<Text<1, 256>>,
    /// Seconds.
    pub access_token_ttl: Option<u32>,
}

/// The body that creates a scope.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct NewScope {
    /// Unique within the resource, without white space.
    pub name: Text<1, 256>,
    /// Shown to people.
    #[serde(default, deserialize_with = "nullable")]
    pub description: Option<Text<0, 2048>>,
}

/// The body that changes a scope: absent members stay as they are.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ScopeChanges {
    /// Unique within the resource, without white space.
    pub name: Option<Text<1, 256>>,
    /// Shown to people.
    #[serde(deserialize_with = "double_option")]
    pub description: Option<Option<Text<0, 2048>>>,
}

/// A resource with its scopes, ordered by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The resource.
    pub resource: Resource,
    /// Its scopes.
    pub scopes: Vec<ResourceScope>,
}

/// Every API resource of a tenant.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    by_id: BTreeMap<String, Arc<Entry>>,
    id_by_indicator: HashMap<String, String>,
    /// The resource of each scope, and where among the resource's scopes it is.
    place_of_scope: HashMap<String, (String, usize)>,
    default_id: Option<String>,
}

impl Catalogue {
    pub(super) fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut catalogue = Self::default();
        for entry in entries {
            let id = entry.resource.id.clone();
            catalogue.id_by_indicator.insert(entry.resource.indicator.clone(), id.clone());
            for (index, scope) in entry.scopes.iter().enumerate() {
                catalogue.place_of_scope.insert(scope.id.clone(), (id.clone(), index));
            }
            if entry.resource.is_default {
                catalogue.default_id = Some(id.clone());
            }
            catalogue.by_id.insert(id, Arc::new(entry));
        }
        catalogue
    }

    /// The resource with this id.
    pub fn get(&self, id: &str) -> Option<&Arc<Entry>> {
        self.by_id.get(id)
    }

    /// The resource with this indicator, compared character by character (RFC 8707 §2).
    pub fn by_indicator(&self, indicator: &str) -> Option<&Arc<Entry>> {
        self.get(self.id_by_indicator.get(indicator)?)
    }

    /// The resource tokens are for when a client asks for none.
    pub fn default_resource(&self) -> Option<&Arc<Entry>> {
        self.get(self.default_id.as_deref()?)
    }

    /// The scope with this id, and its resource.
    pub fn scope(&self, scope_id: &str) -> Option<(&Resource, &ResourceScope)> {
        let (resource_id, index) = self.place_of_scope.get(scope_id)?;
        let entry = self.by_id.get(resource_id)?;
        Some((&entry.resource, entry.scopes.get(*index)?))
    }

    /// Every resource, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.by_id.values()
    }
}
