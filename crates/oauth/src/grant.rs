//! What a user has granted to a client: reserved scopes, and permissions resource by resource, so that `read` of
//! one API is never taken for `read` of another.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    authorization::AuthorizationRequest,
    scope::{ORGANIZATIONS_RESOURCE, Scope},
};

/// Granted scopes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GrantedScopes {
    /// Reserved scopes, e.g. `openid profile`.
    pub scope: Scope,
    /// Permissions by resource indicator.
    pub resources: BTreeMap<String, Scope>,
}

impl GrantedScopes {
    /// Everything a request asks for.
    #[must_use]
    pub fn of(request: &AuthorizationRequest) -> Self {
        let resources = request
            .resources
            .iter()
            .map(|resource| (resource.indicator.clone(), resource.scope.clone()))
            .collect();
        Self { scope: request.scope.clone(), resources }
    }

    /// What a request asks for beyond this grant. A resource that is not in the grant is missing even without permissions: a token
    /// for it says who the user is.
    #[must_use]
    pub fn missing(&self, request: &AuthorizationRequest) -> Self {
        let asked = Self::of(request);
        let resources = asked
            .resources
            .iter()
            .filter_map(|(indicator, scope)| {
                let missing = match self.resources.get(indicator) {
                    Some(granted) => {
                        Some(scope.difference(granted)).filter(|more| !more.is_empty())
                    }
                    // Tokens for organizations are about those that the user chooses.
                    None if indicator == ORGANIZATIONS_RESOURCE && scope.is_empty() => None,
                    None => Some(scope.clone()),
                };
                missing.map(|scope| (indicator.clone(), scope))
            })
            .collect();
        Self { scope: asked.scope.difference(&self.scope), resources }
    }

    /// This grant and another.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut resources = self.resources.clone();
        for (indicator, scope) in &other.resources {
            let known = resources.entry(indicator.clone()).or_default();
            *known = known.union(scope);
        }
        Self { scope: self.scope.union(&other.scope), resources }
    }

    /// Every scope in one set: what introspection of a refresh token prints.
    #[must_use]
    pub fn all(&self) -> Scope {
        self.resources.values().fold(self.scope.clone(), |all, scope| all.union(scope))
    }

    /// Whether nothing is granted, not even a resource without permissions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scope.is_empty() && self.resources.is_empty()
    }
}
