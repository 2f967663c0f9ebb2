//! What a user has granted to a client: reserved scopes, and permissions resource by resource, so that `read` of
//! one API is never taken for `read` of another.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{authorization::AuthorizationRequest, scope::Scope};

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

    /// What a request asks for beyond this grant.
    #[must_use]
    pub fn missing(&self, request: &AuthorizationRequest) -> Self {
        let asked = Self::of(request);
        let resources = asked
            .resources
            .iter()
            .map(|(indicator, scope)| {
                let granted = self.resources.get(indicator);
                (indicator.clone(), granted.map_or(scope.clone(), |known| scope.difference(known)))
            })
            .filter(|(_, scope)| !scope.is_empty())
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

    /// Whether nothing is granted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scope.is_empty() && self.resources.values().all(Scope::is_empty)
    }
}
