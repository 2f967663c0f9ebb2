//! What a third-party client can be granted at most: the consent scopes its operator lists for it.
//!
//! The ceiling is applied twice: to the request, so that the consent page never asks for more, and again to the grant each time
//! a token is issued, so that a scope taken off the list is gone from the next token on.

use std::collections::BTreeMap;

use crate::{
    authorization::AuthorizationRequest,
    grant::GrantedScopes,
    scope::{OFFLINE_ACCESS, OPENID, Scope},
};

/// The most a client can be granted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ceiling {
    /// Reserved scopes; `openid` and `offline_access`, which reveal nothing, are always allowed.
    pub scope: Scope,
    /// Permissions by resource indicator. A resource that is not listed allows none.
    pub resources: BTreeMap<String, Scope>,
    /// Whether there are not even tokens without permissions for a resource that is not listed. They name the user in an audience of
    /// the client's choice, which is for clients that someone here has looked at.
    pub only_listed: bool,
}

impl Ceiling {
    /// The request without what lies above. RFC 6749 §3.3: the server may grant less than was asked for.
    #[must_use]
    pub fn limit_request(&self, request: AuthorizationRequest) -> AuthorizationRequest {
        let mut request = request;
        request.scope = self.reserved(&request.scope);
        request.resources.retain(|resource| self.reaches(&resource.indicator));
        for resource in &mut request.resources {
            resource.scope = self.on(&resource.indicator, &resource.scope);
        }
        request
    }

    /// Whether there can be tokens for this resource at all.
    #[must_use]
    pub fn reaches(&self, indicator: &str) -> bool {
        !self.only_listed || self.resources.contains_key(indicator)
    }

    /// The grant without what lies above. Its resources stay, with fewer permissions, when they are within reach.
    #[must_use]
    pub fn limit(&self, granted: &GrantedScopes) -> GrantedScopes {
        let resources = granted
            .resources
            .iter()
            .filter(|(indicator, _)| self.reaches(indicator))
            .map(|(indicator, scope)| (indicator.clone(), self.on(indicator, scope)))
            .collect();
        GrantedScopes { scope: self.reserved(&granted.scope), resources }
    }

    fn reserved(&self, scope: &Scope) -> Scope {
        let always = Scope::from_iter([OPENID, OFFLINE_ACCESS]);
        scope.intersection(&self.scope.union(&always))
    }

    fn on(&self, indicator: &str, scope: &Scope) -> Scope {
        self.resources.get(indicator).map(|allowed| scope.intersection(allowed)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scope() -> impl Strategy<Value = Scope> {
        prop::collection::vec(
            prop::sample::select(vec!["openid", "offline_access", "profile", "email", "phone"]),
            0..5,
        )
        .prop_map(Scope::from_iter)
    }

    fn resources() -> impl Strategy<Value = BTreeMap<String, Scope>> {
        prop::collection::btree_map("https://[ab]\\.example", scope(), 0..3)
    }

    fn granted() -> impl Strategy<Value = GrantedScopes> {
        (scope(), resources()).prop_map(|(scope, resources)| GrantedScopes { scope, resources })
    }

    fn ceiling() -> impl Strategy<Value = Ceiling> {
        let parts = (scope(), resources(), any::<bool>());
        parts.prop_map(|(scope, resources, only_listed)| Ceiling { scope, resources, only_listed })
    }

    #[test]
    fn a_client_without_a_list_can_only_identify_the_user() {
        let granted = GrantedScopes {
            scope: Scope::parse("openid offline_access profile").unwrap(),
            resources: [("https://a.example".to_owned(), Scope::parse("read").unwrap())].into(),
        };
        let limited = Ceiling::default().limit(&granted);
        assert_eq!(limited.all(), Scope::parse("openid offline_access").unwrap());
    }

    #[test]
    fn a_permission_of_one_api_does_not_allow_its_namesake_of_another() {
        let read = || Scope::parse("read").unwrap();
        let on = |indicator: &str| GrantedScopes {
            resources: [(indicator.to_owned(), read())].into(),
            ..GrantedScopes::default()
        };
        let ceiling = Ceiling {
            resources: [("https://a.example".to_owned(), read())].into(),
            ..Ceiling::default()
        };
        assert_eq!(ceiling.limit(&on("https://a.example")).all(), read());
        assert!(ceiling.limit(&on("https://b.example")).all().is_empty());
        // A stranger's client does not even learn there who the user is.
        let for_strangers = Ceiling { only_listed: true, ..ceiling };
        assert!(for_strangers.limit(&on("https://b.example")).is_empty());
        assert_eq!(for_strangers.limit(&on("https://a.example")).all(), read());
    }

    proptest! {
        #[test]
        fn nothing_is_added_and_nothing_above_stays(granted in granted(), ceiling in ceiling()) {
            let limited = ceiling.limit(&granted);
            let always = Scope::from_iter([OPENID, OFFLINE_ACCESS]);
            prop_assert!(limited.scope.is_subset_of(&granted.scope));
            prop_assert!(limited.scope.is_subset_of(&ceiling.scope.union(&always)));
            for (indicator, scope) in &limited.resources {
                prop_assert!(ceiling.resources.contains_key(indicator) || !ceiling.only_listed);
                prop_assert!(scope.is_subset_of(&granted.resources[indicator]));
                let allowed = ceiling.resources.get(indicator).cloned().unwrap_or_default();
                prop_assert!(scope.is_subset_of(&allowed));
            }
            prop_assert_eq!(&ceiling.limit(&limited), &limited);
        }

        #[test]
        fn a_lower_ceiling_never_grants_more(granted in granted(), high in ceiling(), cut in ceiling()) {
            let low = Ceiling {
                scope: high.scope.intersection(&cut.scope),
                resources: high.resources.iter().map(|(indicator, scope)| {
                    let cut = cut.resources.get(indicator).cloned().unwrap_or_default();
                    (indicator.clone(), scope.intersection(&cut))
                }).collect(),
                only_listed: high.only_listed || cut.only_listed,
            };
            let (few, many) = (low.limit(&granted), high.limit(&granted));
            prop_assert!(few.scope.is_subset_of(&many.scope));
            for (indicator, scope) in &few.resources {
                prop_assert!(scope.is_subset_of(&many.resources[indicator]));
            }
        }
    }
}
