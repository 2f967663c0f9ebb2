//! What there will be to refer to: what the file has, and what stays of the tenant.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::document::{self, File};
use super::keys;
use super::model::{Kind, Things};
use super::names::Names;
use crate::roles::RoleType;
use crate::{JsonObject, Result, Tenant, users};

/// Everything there will be to refer to.
pub(super) async fn names(
    tenant: &Tenant,
    file: &File,
    current: &Things,
    prune: bool,
) -> Result<Names> {
    let snapshot = tenant.snapshot();
    let stays = |kind: Kind| !(prune && file.kinds.contains(&kind));
    let mut names = Names::default();
    for entry in snapshot.resources.iter() {
        let indicator = &entry.resource.indicator;
        let is_kept = entry.resource.is_management_api()
            || ((stays(Kind::Resource) || file.things[&Kind::Resource].contains_key(indicator))
                && !(prune && file.listed.contains(indicator)));
        if is_kept {
            let keys = entry.scopes.iter().map(|scope| document::scope_key(indicator, &scope.name));
            names.scopes.extend(keys);
        }
    }
    names.scopes.extend(keys(&file.things, Kind::Scope));
    let template = &snapshot.organization_template;
    if stays(Kind::OrganizationScope) {
        names.organization_scopes.extend(template.scopes().map(|scope| scope.name.clone()));
    }
    names.organization_scopes.extend(keys(&file.things, Kind::OrganizationScope));
    if stays(Kind::Role) {
        let own = snapshot.roles.iter().filter(|role| !crate::roles::is_internal(role));
        names.roles.extend(own.map(|role| (role.name.clone(), role.role_type)));
    }
    if stays(Kind::OrganizationRole) {
        names
            .organization_roles
            .extend(template.roles().map(|role| (role.name.clone(), role.role_type)));
    }
    let types =
        [(Kind::Role, &mut names.roles), (Kind::OrganizationRole, &mut names.organization_roles)];
    for (kind, known) in types {
        for key in keys(&file.things, kind) {
            let role_type = type_of(file, current, kind, &key).unwrap_or(json!(RoleType::User));
            known.insert(key, serde_json::from_value(role_type).unwrap_or_default());
        }
    }
    if stays(Kind::Application) {
        for registered in snapshot.applications.iter() {
            let application = &registered.application;
            names.applications.insert(application.id.clone(), application.application_type);
        }
    }
    for key in keys(&file.things, Kind::Application) {
        let kind = type_of(file, current, Kind::Application, &key);
        if let Some(Ok(kind)) = kind.map(serde_json::from_value) {
            names.applications.insert(key, kind);
        }
    }
    names.users.extend(keys(&file.things, Kind::User));
    names.organizations.extend(keys(&file.things, Kind::Organization));
    let in_file = |kind: Kind| file.things.get(&kind).into_iter().flatten();
    let (user_ids, organization_ids) = referred(
        in_file(Kind::Organization).map(|(_, members)| members),
        in_file(Kind::AccessControl).map(|(_, members)| members),
    );
    // What the file does not say of a thing stays, and so does what that refers to: it was there a moment ago.
    let as_it_is =
        |kind: Kind| in_file(kind).filter_map(move |(key, _)| current.get(&kind)?.get(key));
    let (kept_users, kept_organizations) =
        referred(as_it_is(Kind::Organization), as_it_is(Kind::AccessControl));
    if stays(Kind::User) {
        names.users.extend(kept_users);
        let unknown: Vec<String> =
            user_ids.into_iter().filter(|id| !names.users.contains(id)).collect();
        names.users.extend(users::declared::some(tenant, unknown).await?.into_keys());
    }
    if stays(Kind::Organization) {
        names.organizations.extend(kept_organizations);
        for id in organization_ids.difference(&names.organizations.clone()) {
            match crate::organizations::get(tenant, id).await {
                Ok(_) => {
                    names.organizations.insert(id.clone());
                }
                Err(error) if error.code().is_some() => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(names)
}

/// The type of a thing that the file has: it says so, or the thing is there already.
fn type_of(file: &File, current: &Things, kind: Kind, key: &str) -> Option<Value> {
    let of = |things: &Things| things.get(&kind)?.get(key)?.get("type").cloned();
    of(&file.things).or_else(|| of(current))
}

/// The users and organizations that organizations and rules of access control refer to.
fn referred<'a>(
    organizations: impl Iterator<Item = &'a JsonObject>,
    rules: impl Iterator<Item = &'a JsonObject>,
) -> (BTreeSet<String>, BTreeSet<String>) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let list = |members: &'a JsonObject, name: &str| {
        members.get(name).and_then(Value::as_array).into_iter().flatten()
    };
    let (mut users, mut named) = (BTreeSet::new(), BTreeSet::new());
    for members in organizations {
        users.extend(list(members, "users").filter_map(|one| text(one.get("id")?)));
    }
    for members in rules {
        users.extend(list(members, "users").filter_map(text));
        named.extend(list(members, "organizations").filter_map(text));
        named.extend(
            list(members, "organizationRoles").filter_map(|rule| text(rule.get("organization")?)),
        );
    }
    (users, named)
}
