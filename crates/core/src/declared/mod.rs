//! A tenant as a file: what there is, written down so that it can be applied to this tenant or another one.
//!
//! A file declares things of some kinds. Applying it first works out a [`Plan`]: what would be made, changed and, on request, deleted.
//! Everything about it that can be checked is checked before anything is written. Then each thing is made what the file says by the use
//! cases of its own room, in an order in which nothing is referred to before it is there. A run that breaks off can be repeated: what
//! is as the file says already is left alone.

mod carry_out;
mod diff;
mod document;
mod kinds;
mod known;
mod model;
mod names;
mod unique;
mod yaml;

use std::collections::BTreeSet;

use serde_json::Value;

pub use carry_out::{apply, carry_out};
pub use document::LARGEST_FILE;
pub use model::{Action, Cause, Change, Failure, Kind, MemberChange, Plan, Problem, With};

use document::{File, split_scope_key};
use kinds::{Looked, Refused, Wanted};
use model::Things;

use crate::{Error, JsonObject, Result, Tenant};

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
    let names = known::names(tenant, &file, &current, prune).await?;
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
    leave_or_delete(&file, &current, prune, &mut plan);
    show_old_default(&file, &current, &mut plan);
    let names = unique::UserNames::new(tenant, &current, &after);
    let mut taken = names.check(tenant, &plan.changes).await?;
    if taken.is_empty() {
        taken = names.hand_over(&mut plan.changes);
    }
    let of_user = |taken: unique::Taken| {
        problem(&file, Kind::User, &taken.user, Refused::at(&taken.path, taken.phrase))
    };
    problems.extend(taken.into_iter().map(of_user));
    if !problems.is_empty() {
        problems.sort_by_key(|problem| problem.line);
        problems.truncate(MOST_PROBLEMS);
        return Err(Failure::File(problems));
    }
    if other_users > 0 {
        plan.left.insert(Kind::User, other_users);
    }
    Ok(plan)
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

/// Whoever becomes the default resource takes that from another, which so changes too, be it in the file or not. The use case that makes
/// one the default does it; this says so.
fn show_old_default(file: &File, current: &Things, plan: &mut Plan) {
    let is_default = |members: &JsonObject| members.get("isDefault") == Some(&Value::Bool(true));
    let is_touched = |change: &Change| change.touched.iter().any(|name| name == "isDefault");
    let takes = |change: &Change| {
        change.kind == Kind::Resource && is_touched(change) && is_default(&change.next)
    };
    let Some(at) = plan.changes.iter().position(takes) else { return };
    let resources = current.get(&Kind::Resource).into_iter().flatten();
    let mut others = resources.filter(|(key, _)| **key != plan.changes[at].key);
    let Some((key, was)) = others.find(|(_, members)| is_default(members)) else { return };
    let shown = MemberChange {
        path: "isDefault".to_owned(),
        old: Some(Value::Bool(true)),
        new: Some(Value::Bool(false)),
        secret: false,
    };
    let of_it = |change: &&mut Change| change.kind == Kind::Resource && change.key == *key;
    match plan.changes.iter_mut().find(of_it) {
        Some(change) if change.action == Action::Delete || is_touched(change) => {}
        Some(change) => change.members.push(shown),
        None => {
            if file.things[&Kind::Resource].contains_key(key) {
                plan.unchanged -= 1;
            } else if let Some(left) = plan.left.get_mut(&Kind::Resource) {
                *left -= 1;
                plan.left.retain(|_, count| *count > 0);
            }
            let change = Change {
                kind: Kind::Resource,
                key: key.clone(),
                action: Action::Change,
                members: vec![shown],
                next: was.clone(),
                touched: Vec::new(),
            };
            plan.changes.insert(at + 1, change);
        }
    }
}

fn keys(things: &Things, kind: Kind) -> Vec<String> {
    things.get(&kind).into_iter().flat_map(|things| things.keys().cloned()).collect()
}
