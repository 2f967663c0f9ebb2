//! A tenant as a file: what there is, written down so that it can be applied to this tenant or another one.
//!
//! A file declares things of some kinds. Applying it first works out a [`Plan`]: what would be made, changed and, on request, deleted.
//! Everything about it that can be checked is checked before anything is written. Then each thing is made what the file says by the use
//! cases of its own room, in an order in which nothing is referred to before it is there. A run that breaks off can be repeated: what
//! is as the file says already is left alone.

mod diff;
mod document;
mod kinds;
mod model;
mod names;
mod yaml;

use std::collections::BTreeSet;

use serde_json::{Value, json};

pub use document::LARGEST_FILE;
pub use model::{Action, Cause, Change, Failure, Kind, MemberChange, Plan, Problem, With};

use document::{File, split_scope_key};
use kinds::{Looked, Refused, Wanted};
use model::Things;
use names::Names;

use crate::audit::{self, Outcome};
use crate::roles::RoleType;
use crate::{Error, JsonObject, Result, Tenant, users};

/// So many mistakes are told at once.
const MOST_PROBLEMS: usize = 20;

/// The tenant as a file.
///
/// # Errors
/// When the database does not answer, or the tenant is larger than a file may be.
pub async fn export(tenant: &Tenant, with: With) -> Result<String> {
    tenant.refresh().await?;
    let is_wanted = |kind: &Kind| match kind {
        Kind::User => with.users,
        Kind::Organization => with.organizations,
        _ => true,
    };
    let kinds: BTreeSet<Kind> = Kind::ALL.into_iter().filter(is_wanted).collect();
    let (things, _) = kinds::gather(tenant, Wanted { kinds: &kinds, users: None, with }).await?;
    let text = document::write(things, tenant.id(), with);
    if text.len() > LARGEST_FILE {
        return Err(Error::Internal(
            "the file would be larger than 32 MiB: copy such a tenant with its database".to_owned(),
        ));
    }
    Ok(text)
}

/// What applying a file would come to. With `prune`, things of the file's kinds that are not in it are to be deleted.
///
/// # Errors
/// [`Failure::File`] when the file cannot be applied.
pub async fn plan(tenant: &Tenant, text: &str, prune: bool) -> Result<Plan, Failure> {
    tenant.refresh().await?;
    let file = document::read(text).map_err(|problem| Failure::File(vec![problem]))?;
    let wanted = Wanted {
        kinds: &file.kinds,
        users: (!prune).then(|| keys(&file.things, Kind::User)),
        with: With { organizations: true, users: true, secrets: true },
    };
    let (current, other_users) = kinds::gather(tenant, wanted).await?;
    let names = names_of(tenant, &file, &current, prune).await?;
    let mut problems = check_defaults(&file);
    let mut plan = Plan::default();
    let mut after = Things::new();
    for (kind, things) in &file.things {
        for (key, members) in things {
            let was = current.get(kind).and_then(|things| things.get(key));
            let looked = Looked { tenant, names: &names, key, current: was };
            match consider(*kind, &looked, members).await {
                Ok((next, change)) => {
                    after.entry(*kind).or_default().insert(key.clone(), next);
                    match change {
                        Some(change) => plan.changes.push(change),
                        None => plan.unchanged += 1,
                    }
                }
                Err(refused) => problems.push(problem(&file, *kind, key, refused)),
            }
            if problems.len() >= MOST_PROBLEMS {
                return Err(Failure::File(problems));
            }
        }
    }
    let line = |id: &str, path: &str| file.line(Kind::User, id, path);
    problems.extend(kinds::check_unique(tenant, &after, &plan.changes, line).await?);
    if !problems.is_empty() {
        problems.sort_by_key(|problem| problem.line);
        problems.truncate(MOST_PROBLEMS);
        return Err(Failure::File(problems));
    }
    leave_or_delete(&file, &current, prune, &mut plan);
    if other_users > 0 {
        plan.left.insert(Kind::User, other_users);
    }
    Ok(plan)
}

/// Applies a file: makes a [`plan`] and carries it out.
///
/// # Errors
/// As [`plan`]; [`Failure::Half`] when something could not be done after all;
/// [`Failure::Unrecorded`].
pub async fn apply(tenant: &Tenant, text: &str, prune: bool) -> Result<Plan, Failure> {
    let plan = plan(tenant, text, prune).await?;
    for (done, change) in plan.changes.iter().enumerate() {
        let made = match change.action {
            Action::Create | Action::Change => kinds::put(tenant, change).await,
            Action::Delete => kinds::delete(tenant, change.kind, &change.key).await,
        };
        if let Err(error) = made {
            // What went wrong first is what is told.
            if let Err(error) = record(tenant, &plan, done, Outcome::Error).await {
                tracing::warn!(%error, "a file that was half applied is not in the audit log");
            }
            let change = Box::new(change.clone());
            return Err(Failure::Half { change, error, done, of: plan.changes.len() });
        }
    }
    record(tenant, &plan, plan.changes.len(), Outcome::Success)
        .await
        .map_err(Failure::Unrecorded)?;
    Ok(plan)
}

/// One entry for a file; the changes themselves are told by their counts, since a file can hold secrets.
async fn record(tenant: &Tenant, plan: &Plan, done: usize, outcome: Outcome) -> Result<()> {
    let (created, changed, deleted) = plan.counts();
    let entry = audit::Entry::new(tenant, "Configuration.Apply", outcome)
        .fact("created", created)
        .fact("changed", changed)
        .fact("deleted", deleted)
        .fact("unchanged", plan.unchanged)
        .fact("done", done);
    audit::record(tenant, entry).await
}

/// What a thing will be, and what changes for it to be so.
async fn consider(
    kind: Kind,
    looked: &Looked<'_>,
    members: &JsonObject,
) -> Result<(JsonObject, Option<Change>), Refused> {
    // What the file does not say stays as it is.
    let mut wanted = looked.current.cloned().unwrap_or_default();
    wanted.extend(members.clone());
    let next = kinds::check(kind, looked, wanted).await?;
    for (name, value) in members {
        match next.get(name) {
            None if !value.is_null() => return Err(Refused::at(name, "is not known")),
            Some(kept) if value.is_null() && !kept.is_null() => {
                return Err(Refused::at(name, "must not be null; leave it out to have it stay"));
            }
            _ => {}
        }
    }
    let empty = JsonObject::new();
    let was = looked.current.unwrap_or(&empty);
    let differing = diff::members(kind, was, &next);
    if looked.current.is_some() && differing.is_empty() {
        return Ok((next, None));
    }
    let touched = next.iter().filter(|(name, value)| was.get(*name) != Some(*value));
    let change = Change {
        kind,
        key: looked.key.to_owned(),
        action: if looked.current.is_some() { Action::Change } else { Action::Create },
        members: differing,
        touched: touched.map(|(name, _)| name.clone()).collect(),
        next: next.clone(),
    };
    Ok((next, Some(change)))
}

fn problem(file: &File, kind: Kind, key: &str, refused: Refused) -> Problem {
    let line = file.line(kind, key, &refused.path);
    let place = match (key, refused.path.as_str()) {
        ("", "") => kind.noun().to_owned(),
        ("", path) => format!("{}: {path}", kind.noun()),
        (key, "") => format!("{} {key}", kind.noun()),
        (key, path) => format!("{} {key}: {path}", kind.noun()),
    };
    Problem { line, place, cause: refused.cause }
}

/// Two default resources would take the place of each other at every run.
fn check_defaults(file: &File) -> Vec<Problem> {
    let resources = file.things.get(&Kind::Resource).into_iter().flatten();
    let defaults =
        resources.filter(|(_, members)| members.get("isDefault") == Some(&Value::Bool(true)));
    let further = defaults.skip(1).map(|(key, _)| {
        problem(
            file,
            Kind::Resource,
            key,
            Refused::at("isDefault", "is true of another resource already"),
        )
    });
    further.collect()
}

/// Counts what is not in the file, or has it deleted: what refers to something goes before it.
fn leave_or_delete(file: &File, current: &Things, prune: bool, plan: &mut Plan) {
    for (kind, things) in current.iter().rev() {
        let mentioned = file.things.get(kind);
        for key in things.keys() {
            let is_mentioned = mentioned.is_some_and(|things| things.contains_key(key));
            let is_countable = match kind {
                // Of resources whose scopes the file does not list, it says nothing.
                Kind::Scope => file.listed.contains(split_scope_key(key).0),
                Kind::AccessControl => false,
                kind => kind.key().is_some(),
            };
            if is_mentioned || !is_countable {
                continue;
            }
            if prune {
                plan.changes.push(Change {
                    kind: *kind,
                    key: key.clone(),
                    action: Action::Delete,
                    members: Vec::new(),
                    next: JsonObject::new(),
                    touched: Vec::new(),
                });
            } else {
                *plan.left.entry(*kind).or_default() += 1;
            }
        }
    }
}

fn keys(things: &Things, kind: Kind) -> Vec<String> {
    things.get(&kind).into_iter().flat_map(|things| things.keys().cloned()).collect()
}

/// Everything there will be to refer to.
async fn names_of(tenant: &Tenant, file: &File, current: &Things, prune: bool) -> Result<Names> {
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
    let (user_ids, organization_ids) = referred(file);
    if stays(Kind::User) {
        let unknown: Vec<String> =
            user_ids.into_iter().filter(|id| !names.users.contains(id)).collect();
        names.users.extend(users::declared::some(tenant, unknown).await?.into_keys());
    }
    if stays(Kind::Organization) {
        for id in organization_ids {
            match crate::organizations::get(tenant, &id).await {
                Ok(_) => {
                    names.organizations.insert(id);
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

/// The users and organizations that the file refers to.
fn referred(file: &File) -> (BTreeSet<String>, BTreeSet<String>) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let list = |members: &JsonObject, name: &str| {
        members.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let (mut users, mut organizations) = (BTreeSet::new(), BTreeSet::new());
    for members in file.things.get(&Kind::Organization).into_iter().flat_map(|all| all.values()) {
        users.extend(list(members, "users").iter().filter_map(|one| text(one.get("id")?)));
    }
    for members in file.things.get(&Kind::AccessControl).into_iter().flat_map(|all| all.values()) {
        users.extend(list(members, "users").iter().filter_map(text));
        organizations.extend(list(members, "organizations").iter().filter_map(text));
        let rules = list(members, "organizationRoles");
        organizations.extend(rules.iter().filter_map(|rule| text(rule.get("organization")?)));
    }
    (users, organizations)
}
