use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use trinco_oauth::ApplicationType;
use trinco_oauth::client::Provenance;

use super::{Looked, Refused, body, read, shown};
use crate::access_control::{self, AccessControl, AccessControlChanges, OrganizationRoleRule};
use crate::declared::model::{Change, With};
use crate::declared::names::{Names, organization_role_ids, role_ids, role_names, sorted};
use crate::roles::RoleType;
use crate::{JsonObject, Result, Tenant};

/// Who may use an application, by names. A part that is absent stays as it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Rules {
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<Vec<String>>,
    roles: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organizations: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_roles: Option<Vec<Rule>>,
}

/// Members of an organization who hold one of these roles.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    organization: String,
    roles: Vec<String>,
}

pub(super) async fn gather(tenant: &Tenant, with: With) -> Result<BTreeMap<String, JsonObject>> {
    let snapshot = tenant.snapshot();
    let mut found = BTreeMap::new();
    for registered in snapshot.applications.iter() {
        let application = &registered.application;
        // Nobody signs in to a machine.
        if application.provenance != Provenance::Operator
            || application.application_type == ApplicationType::MachineToMachine
        {
            continue;
        }
        let rules = access_control::get(tenant, &application.id).await?;
        let template = &snapshot.organization_template;
        let rule = |rule: OrganizationRoleRule| Rule {
            organization: rule.organization_id,
            roles: sorted(
                rule.organization_role_ids
                    .iter()
                    .filter_map(|id| Some(template.role(id)?.name.clone()))
                    .collect(),
            ),
        };
        let roles = role_names(&snapshot, rules.user_role_ids.iter().map(String::as_str));
        let rules = Rules {
            users: with.users.then(|| sorted(rules.user_ids)),
            roles,
            organizations: with.organizations.then(|| sorted(rules.organization_ids)),
            organization_roles: with
                .organizations
                .then(|| rules.organization_role_rules.into_iter().map(rule).collect()),
        };
        found.insert(application.id.clone(), shown(&rules, &[])?);
    }
    Ok(found)
}

pub(super) fn check(looked: &Looked<'_>, next: &JsonObject) -> Result<JsonObject, Refused> {
    let rules: Rules = read(next)?;
    if looked.names.applications.get(looked.key) == Some(&ApplicationType::MachineToMachine) {
        return Err(Refused::at("", "is for applications that people sign in to"));
    }
    let names = looked.names;
    for (index, id) in rules.users.iter().flatten().enumerate() {
        Names::check(&names.users, &format!("users[{index}]"), "user", id)?;
    }
    Names::check_roles(&names.roles, "roles", &rules.roles, RoleType::User)?;
    for (index, id) in rules.organizations.iter().flatten().enumerate() {
        Names::check(&names.organizations, &format!("organizations[{index}]"), "organization", id)?;
    }
    let mut by_organization: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (index, rule) in rules.organization_roles.iter().flatten().enumerate() {
        let path = format!("organizationRoles[{index}]");
        Names::check(&names.organizations, &path, "organization", &rule.organization)?;
        for name in &rule.roles {
            if !names.organization_roles.contains_key(name) {
                return Err(Refused::at(&path, format!("there is no organization role {name}")));
            }
        }
        by_organization.entry(rule.organization.clone()).or_default().extend(rule.roles.clone());
    }
    let merged = by_organization.into_iter();
    let rules = Rules {
        users: rules.users.map(sorted),
        roles: sorted(rules.roles),
        organizations: rules.organizations.map(sorted),
        organization_roles: rules.organization_roles.is_some().then(|| {
            merged
                .map(|(organization, roles)| Rule { organization, roles: sorted(roles) })
                .collect()
        }),
    };
    // The room's own limits count entries, not ids.
    access_control::normal(AccessControl {
        user_ids: rules.users.clone().unwrap_or_default(),
        user_role_ids: rules.roles.clone(),
        organization_ids: rules.organizations.clone().unwrap_or_default(),
        organization_role_rules: rules
            .organization_roles
            .iter()
            .flatten()
            .map(|rule| OrganizationRoleRule {
                organization_id: rule.organization.clone(),
                organization_role_ids: rule.roles.clone(),
            })
            .collect(),
    })?;
    Ok(shown(&rules, &[])?)
}

pub(super) async fn put(tenant: &Tenant, change: &Change) -> Result<()> {
    let rules: Rules = body(change.next.clone())?;
    let snapshot = tenant.snapshot();
    let is_touched = |name: &str| change.touched.iter().any(|one| one == name);
    let rule = |rule: Rule| {
        Ok(OrganizationRoleRule {
            organization_id: rule.organization,
            organization_role_ids: organization_role_ids(&snapshot, &rule.roles)?,
        })
    };
    let of_organizations = rules.organization_roles.filter(|_| is_touched("organizationRoles"));
    let changes = AccessControlChanges {
        user_ids: rules.users.filter(|_| is_touched("users")),
        user_role_ids: is_touched("roles")
            .then(|| role_ids(&snapshot, &rules.roles))
            .transpose()?,
        organization_ids: rules.organizations.filter(|_| is_touched("organizations")),
        organization_role_rules: of_organizations
            .map(|rules| rules.into_iter().map(rule).collect::<Result<_>>())
            .transpose()?,
    };
    access_control::change(tenant, &change.key, changes).await?;
    Ok(())
}
