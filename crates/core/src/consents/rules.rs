//! What the consent scopes of an application allow, worked out from the configuration.

use std::collections::BTreeMap;

use trinco_oauth::Scope;
use trinco_oauth::consent::Ceiling;
use trinco_oauth::scope::ORGANIZATIONS_RESOURCE;
use trinco_oauth::token::AccessTokenKind;

use super::model::{
    ConsentScopes, ListedConsentScopes, ListedResource, ListedScope, NewConsentScopes,
    ResourceName, USER_SCOPES,
};
use crate::{Error, Result, Snapshot};

/// The most the application can be granted: scopes that count in the user's own tokens and in those of organizations.
/// For a stranger's client the list is all there is.
pub(super) fn ceiling(scopes: &ConsentScopes, snapshot: &Snapshot, is_stranger: bool) -> Ceiling {
    let mut resources = BTreeMap::from([(
        ORGANIZATIONS_RESOURCE.to_owned(),
        organization_scopes(scopes, snapshot),
    )]);
    let ids = scopes.resource_scopes.iter().chain(&scopes.organization_resource_scopes);
    for (resource, scope) in ids.filter_map(|id| snapshot.resources.scope(id)) {
        let known = resources.entry(resource.indicator.clone()).or_default();
        *known = known.union(&Scope::from_iter([&scope.name]));
    }
    Ceiling { scope: scopes.user_scopes.iter().collect(), resources, only_listed: is_stranger }
}

/// The permissions a token of this kind may hold. Being allowed a permission in organizations does not allow it outside of them.
pub(super) fn on_target(
    scopes: &ConsentScopes,
    snapshot: &Snapshot,
    kind: &AccessTokenKind,
) -> Scope {
    match kind {
        // Bounded by the granted scopes alone, which the ceiling has cut.
        AccessTokenKind::Opaque => Scope::empty(),
        AccessTokenKind::Organization { .. } => organization_scopes(scopes, snapshot),
        AccessTokenKind::Resource { indicator, organization_id } => {
            let ids = match organization_id {
                None => &scopes.resource_scopes,
                Some(_) => &scopes.organization_resource_scopes,
            };
            ids.iter()
                .filter_map(|id| snapshot.resources.scope(id))
                .filter(|(resource, _)| resource.indicator == *indicator)
                .map(|(_, scope)| scope.name.as_str())
                .collect()
        }
    }
}

fn organization_scopes(scopes: &ConsentScopes, snapshot: &Snapshot) -> Scope {
    scopes
        .organization_scopes
        .iter()
        .filter_map(|id| snapshot.organization_template.scope(id))
        .map(|scope| scope.name.as_str())
        .collect()
}

/// Of these scopes, those that exist and have a name in `wanted`; all that exist when nothing particular is wanted.
pub(super) fn narrowed(
    scopes: &ConsentScopes,
    wanted: Option<&Scope>,
    snapshot: &Snapshot,
) -> ConsentScopes {
    let is_wanted = |name: &str| wanted.is_none_or(|wanted| wanted.contains(name));
    let of_resource = |id: &&String| {
        let found = snapshot.resources.scope(id);
        found.is_some_and(|(_, scope)| is_wanted(&scope.name))
    };
    let of_organization = |id: &&String| {
        let found = snapshot.organization_template.scope(id);
        found.is_some_and(|scope| is_wanted(&scope.name))
    };
    let list = |list: &[String], keep: &dyn Fn(&&String) -> bool| {
        list.iter().filter(|id| keep(id)).cloned().collect()
    };
    ConsentScopes {
        user_scopes: list(&scopes.user_scopes, &|name| is_wanted(name)),
        resource_scopes: list(&scopes.resource_scopes, &of_resource),
        organization_scopes: list(&scopes.organization_scopes, &of_organization),
        organization_resource_scopes: list(&scopes.organization_resource_scopes, &of_resource),
    }
}

/// The names of scopes, each once.
pub(super) fn names(scopes: &ConsentScopes, snapshot: &Snapshot) -> Scope {
    let of_resources = scopes.resource_scopes.iter().chain(&scopes.organization_resource_scopes);
    let of_resources = of_resources
        .filter_map(|id| snapshot.resources.scope(id))
        .map(|(_, scope)| scope.name.as_str());
    let named: Scope = scopes.user_scopes.iter().map(String::as_str).chain(of_resources).collect();
    named.union(&organization_scopes(scopes, snapshot))
}

/// Refuses scopes that do not exist, and those of the Management API.
pub(super) fn check_new(new: &NewConsentScopes, snapshot: &Snapshot) -> Result<()> {
    let unknown = || Error::refused("application.user_consent_scopes_not_found");
    for id in new.resource_scopes.iter().chain(&new.organization_resource_scopes) {
        let (resource, _) = snapshot.resources.scope(id).ok_or_else(unknown)?;
        if resource.is_management_api() {
            return Err(Error::refused("application.consent_management_api_scopes_not_allowed"));
        }
    }
    let known = |id: &String| snapshot.organization_template.scope(id).is_some();
    if new.organization_scopes.iter().all(known) { Ok(()) } else { Err(unknown()) }
}

/// The scopes with their names, each list in a steady order.
pub(super) fn listed(scopes: &ConsentScopes, snapshot: &Snapshot) -> ListedConsentScopes {
    let mut organization_scopes: Vec<ListedScope> = scopes
        .organization_scopes
        .iter()
        .filter_map(|id| snapshot.organization_template.scope(id))
        .map(|scope| ListedScope {
            id: scope.id.clone(),
            name: scope.name.clone(),
            description: scope.description.clone(),
        })
        .collect();
    organization_scopes.sort_by(|one, other| one.name.cmp(&other.name));
    ListedConsentScopes {
        user_scopes: USER_SCOPES
            .iter()
            .filter(|known| scopes.user_scopes.iter().any(|scope| scope == *known))
            .map(|scope| (*scope).to_owned())
            .collect(),
        resource_scopes: by_resource(&scopes.resource_scopes, snapshot),
        organization_scopes,
        organization_resource_scopes: by_resource(&scopes.organization_resource_scopes, snapshot),
    }
}

fn by_resource(ids: &[String], snapshot: &Snapshot) -> Vec<ListedResource> {
    let mut found: BTreeMap<(String, String), ListedResource> = BTreeMap::new();
    for (resource, scope) in ids.iter().filter_map(|id| snapshot.resources.scope(id)) {
        let listed =
            found.entry((resource.name.clone(), resource.id.clone())).or_insert_with(|| {
                ListedResource {
                    resource: ResourceName {
                        id: resource.id.clone(),
                        name: resource.name.clone(),
                        indicator: resource.indicator.clone(),
                    },
                    scopes: Vec::new(),
                }
            });
        listed.scopes.push(ListedScope {
            id: scope.id.clone(),
            name: scope.name.clone(),
            description: scope.description.clone(),
        });
    }
    let mut listed: Vec<ListedResource> = found.into_values().collect();
    for resource in &mut listed {
        resource.scopes.sort_by(|one, other| one.name.cmp(&other.name));
    }
    listed
}
