//! Names in place of ids. What a file refers to is looked for in the file and in the tenant before anything is written; the ids are
//! looked up when they are needed, for what is made has none before.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use trinco_oauth::ApplicationType;

use super::document::scope_key;
use super::kinds::Refused;
use crate::consents::{ListedConsentScopes, ListedResource, NewConsentScopes, UserScope};
use crate::resources::Catalogue;
use crate::roles::RoleType;
use crate::{Error, Result, Snapshot};

/// Scopes of one resource.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScopesOf {
    /// The resource's indicator.
    pub(super) resource: String,
    /// Their names.
    pub(super) scopes: Vec<String>,
}

/// The scopes an application may ask users for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Consent {
    pub(super) user_scopes: Vec<String>,
    pub(super) resource_scopes: Vec<ScopesOf>,
    pub(super) organization_scopes: Vec<String>,
    pub(super) organization_resource_scopes: Vec<ScopesOf>,
}

/// Everything that can be referred to once the file is applied.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) scopes: BTreeSet<String>,
    pub(super) roles: BTreeMap<String, RoleType>,
    pub(super) organization_scopes: BTreeSet<String>,
    pub(super) organization_roles: BTreeMap<String, RoleType>,
    pub(super) applications: BTreeMap<String, ApplicationType>,
    pub(super) users: BTreeSet<String>,
    pub(super) organizations: BTreeSet<String>,
}

impl Names {
    /// Refuses a reference to what there is not.
    pub(super) fn check_scopes(&self, member: &str, scopes: &[ScopesOf]) -> Result<(), Refused> {
        for (index, of) in scopes.iter().enumerate() {
            for name in &of.scopes {
                if !self.scopes.contains(&scope_key(&of.resource, name)) {
                    let phrase = format!("there is no scope {name} of a resource {}", of.resource);
                    return Err(Refused::at(&format!("{member}[{index}]"), phrase));
                }
            }
        }
        Ok(())
    }

    /// Refuses roles that there are not, or that are not for such a holder.
    pub(super) fn check_roles(
        known: &BTreeMap<String, RoleType>,
        member: &str,
        roles: &[String],
        holder: RoleType,
    ) -> Result<(), Refused> {
        for (index, name) in roles.iter().enumerate() {
            let path = format!("{member}[{index}]");
            match known.get(name) {
                Some(role_type) if *role_type == holder => {}
                Some(_) => {
                    return Err(Refused::at(
                        &path,
                        format!("the role {name} is not for {holder:?}"),
                    ));
                }
                None => return Err(Refused::at(&path, format!("there is no role {name}"))),
            }
        }
        Ok(())
    }

    /// Refuses a name that is not among those there are.
    pub(super) fn check(
        known: &BTreeSet<String>,
        path: &str,
        noun: &str,
        name: &str,
    ) -> Result<(), Refused> {
        if known.contains(name) {
            return Ok(());
        }
        Err(Refused::at(
            path,
            format!("there is no {noun} {name}, neither in the file nor in the tenant"),
        ))
    }

    /// Refuses consent scopes that cannot be.
    pub(super) fn check_consent(&self, member: &str, consent: &Consent) -> Result<(), Refused> {
        for (index, scope) in consent.user_scopes.iter().enumerate() {
            UserScope::try_from(scope.clone())
                .map_err(|rule| Refused::at(&format!("{member}.userScopes[{index}]"), rule))?;
        }
        for (list, scopes) in [
            ("resourceScopes", &consent.resource_scopes),
            ("organizationResourceScopes", &consent.organization_resource_scopes),
        ] {
            let path = format!("{member}.{list}");
            self.check_scopes(&path, scopes)?;
            if scopes.iter().any(|of| crate::resources::is_management_api(&of.resource)) {
                let code = "application.consent_management_api_scopes_not_allowed";
                return Err(Refused { path, cause: Error::refused(code).into() });
            }
        }
        for name in &consent.organization_scopes {
            let path = format!("{member}.organizationScopes");
            Self::check(&self.organization_scopes, &path, "organization scope", name)?;
        }
        Ok(())
    }
}

/// Every resource once, every scope once, all in order.
pub(super) fn normal(scopes: Vec<ScopesOf>) -> Vec<ScopesOf> {
    let mut by_resource: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for of in scopes {
        by_resource.entry(of.resource).or_default().extend(of.scopes);
    }
    let of = |(resource, scopes): (String, BTreeSet<String>)| ScopesOf {
        resource,
        scopes: scopes.into_iter().collect(),
    };
    by_resource.into_iter().filter(|(_, scopes)| !scopes.is_empty()).map(of).collect()
}

/// Each once, in order.
pub(super) fn sorted(names: Vec<String>) -> Vec<String> {
    names.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

impl Consent {
    pub(super) fn normal(self) -> Self {
        Self {
            user_scopes: sorted(self.user_scopes),
            resource_scopes: normal(self.resource_scopes),
            organization_scopes: sorted(self.organization_scopes),
            organization_resource_scopes: normal(self.organization_resource_scopes),
        }
    }

    /// By their names.
    pub(super) fn of(listed: ListedConsentScopes) -> Self {
        let resources = |listed: Vec<ListedResource>| {
            let of = |one: ListedResource| ScopesOf {
                resource: one.resource.indicator,
                scopes: one.scopes.into_iter().map(|scope| scope.name).collect(),
            };
            listed.into_iter().map(of).collect()
        };
        let scopes = Self {
            user_scopes: listed.user_scopes,
            resource_scopes: resources(listed.resource_scopes),
            organization_scopes: listed
                .organization_scopes
                .into_iter()
                .map(|one| one.name)
                .collect(),
            organization_resource_scopes: resources(listed.organization_resource_scopes),
        };
        scopes.normal()
    }

    /// By their ids.
    pub(super) fn ids(&self, snapshot: &Snapshot) -> Result<NewConsentScopes> {
        let user_scopes = self.user_scopes.iter().cloned().map(UserScope::try_from);
        Ok(NewConsentScopes {
            user_scopes: user_scopes
                .collect::<std::result::Result<_, _>>()
                .map_err(|rule| Error::invalid_field("userScopes", rule))?,
            resource_scopes: scope_ids(snapshot, &self.resource_scopes)?,
            organization_scopes: organization_scope_ids(snapshot, &self.organization_scopes)?,
            organization_resource_scopes: scope_ids(snapshot, &self.organization_resource_scopes)?,
        })
    }
}

/// The scopes with these ids by their names.
pub(super) fn scopes_of<'a>(
    resources: &Catalogue,
    ids: impl Iterator<Item = &'a str>,
) -> Vec<ScopesOf> {
    let of = |id| {
        let (resource, scope) = resources.scope(id)?;
        Some(ScopesOf { resource: resource.indicator.clone(), scopes: vec![scope.name.clone()] })
    };
    normal(ids.filter_map(of).collect())
}

/// The ids of scopes.
pub(super) fn scope_ids(snapshot: &Snapshot, scopes: &[ScopesOf]) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for of in scopes {
        let entry = snapshot.resources.by_indicator(&of.resource);
        for name in &of.scopes {
            let found =
                entry.and_then(|entry| entry.scopes.iter().find(|scope| scope.name == *name));
            ids.push(found.ok_or_else(|| Error::not_found("scopes", name))?.id.clone());
        }
    }
    Ok(ids)
}

/// The ids of organization scopes.
pub(super) fn organization_scope_ids(snapshot: &Snapshot, names: &[String]) -> Result<Vec<String>> {
    let id = |name: &String| {
        let mut scopes = snapshot.organization_template.scopes();
        let found = scopes.find(|scope| scope.name == *name);
        Ok(found.ok_or_else(|| Error::not_found("organization_scopes", name))?.id.clone())
    };
    names.iter().map(id).collect()
}

/// The ids of roles.
pub(super) fn role_ids(snapshot: &Snapshot, names: &[String]) -> Result<Vec<String>> {
    let id = |name: &String| {
        let found = snapshot.roles.iter().find(|role| role.name == *name);
        Ok(found.ok_or_else(|| Error::not_found("roles", name))?.id.clone())
    };
    names.iter().map(id).collect()
}

/// The ids of organization roles.
pub(super) fn organization_role_ids(snapshot: &Snapshot, names: &[String]) -> Result<Vec<String>> {
    let id = |name: &String| {
        let found = snapshot.organization_template.role_by_name(name);
        Ok(found.ok_or_else(|| Error::not_found("organization_roles", name))?.id.clone())
    };
    names.iter().map(id).collect()
}

/// The names of the roles with these ids, without Trinco's own.
pub(super) fn role_names<'a>(
    snapshot: &Snapshot,
    ids: impl Iterator<Item = &'a str>,
) -> Vec<String> {
    let roles = ids.filter_map(|id| snapshot.roles.get(id));
    sorted(
        roles
            .filter(|role| !crate::roles::is_internal(role))
            .map(|role| role.name.clone())
            .collect(),
    )
}
