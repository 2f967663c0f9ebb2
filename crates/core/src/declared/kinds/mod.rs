//! A file for each kind of thing, with the same three questions: what there is (`gather`), whether it can be as the file says
//! (`check`, which answers with the whole thing as it will be), and how it becomes so (`put`, `delete`).

mod access_control;
mod applications;
mod custom_claims;
mod oidc_settings;
mod organizations;
mod resources;
mod roles;
mod sign_in_experience;
mod template;
mod users;

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::model::{Cause, Change, Kind, Things, With};
use super::names::Names;
use crate::{Error, JsonObject, Result, Tenant};

/// More users or organizations than this are no matter for a file.
const MOST: i64 = 100_000;

/// Why something in the file cannot be, and which member it is about.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) path: String,
    pub(super) cause: Cause,
}

impl Refused {
    pub(super) fn at(path: &str, phrase: impl Into<String>) -> Self {
        Self { path: path.to_owned(), cause: Cause::Phrase(phrase.into()) }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        let path = match &error {
            Error::Refused(refusal) => refusal
                .values
                .iter()
                .find(|(name, _)| *name == "path")
                .map(|(_, path)| path.clone()),
            _ => None,
        };
        Self { path: path.unwrap_or_default(), cause: error.into() }
    }
}

/// What there is to be looked at.
pub(super) struct Wanted<'a> {
    pub(super) kinds: &'a BTreeSet<Kind>,
    /// Only these users; all of them when `None`.
    pub(super) users: Option<Vec<String>>,
    pub(super) with: With,
}

/// Things as they are. The second is how many users there are that were not asked for.
pub(super) async fn gather(tenant: &Tenant, wanted: Wanted<'_>) -> Result<(Things, usize)> {
    let mut things = Things::new();
    let mut others = 0;
    for kind in wanted.kinds {
        let of_kind = match kind {
            Kind::Resource => resources::gather(tenant)?,
            Kind::Scope => resources::gather_scopes(tenant)?,
            Kind::OrganizationScope => template::gather_scopes(tenant)?,
            Kind::Role => roles::gather(tenant)?,
            Kind::OrganizationRole => template::gather_roles(tenant)?,
            Kind::SignInExperience => sign_in_experience::gather(tenant)?,
            Kind::OidcSettings => oidc_settings::gather(tenant)?,
            Kind::CustomClaims => custom_claims::gather(tenant, wanted.with)?,
            Kind::Application => applications::gather(tenant, wanted.with).await?,
            Kind::User => {
                let (users, more) = users::gather(tenant, &wanted).await?;
                others = more;
                users
            }
            Kind::Organization => organizations::gather(tenant, wanted.with).await?,
            Kind::AccessControl => access_control::gather(tenant, wanted.with).await?,
        };
        things.insert(*kind, of_kind);
    }
    Ok((things, others))
}

/// A thing to look at before anything is written.
pub(super) struct Looked<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) names: &'a Names,
    pub(super) key: &'a str,
    /// What it is now.
    pub(super) current: Option<&'a JsonObject>,
}

/// The thing as it will be, or why it cannot.
pub(super) async fn check(
    kind: Kind,
    looked: &Looked<'_>,
    next: JsonObject,
) -> Result<JsonObject, Refused> {
    match kind {
        Kind::Resource => resources::check(&next),
        Kind::Scope => resources::check_scope(&next),
        Kind::OrganizationScope => template::check_scope(&next),
        Kind::Role => roles::check(looked, next),
        Kind::OrganizationRole => template::check_role(looked, next),
        Kind::SignInExperience => sign_in_experience::check(looked, &next),
        Kind::OidcSettings => oidc_settings::check(looked, next),
        Kind::CustomClaims => custom_claims::check(looked, next).await,
        Kind::Application => applications::check(looked, next),
        Kind::User => users::check(looked, next),
        Kind::Organization => organizations::check(looked, next),
        Kind::AccessControl => access_control::check(looked, &next),
    }
}

/// Makes or changes a thing.
pub(super) async fn put(tenant: &Tenant, change: &Change) -> Result<()> {
    match change.kind {
        Kind::Resource => resources::put(tenant, change).await,
        Kind::Scope => resources::put_scope(tenant, change).await,
        Kind::OrganizationScope => template::put_scope(tenant, change).await,
        Kind::Role => roles::put(tenant, change).await,
        Kind::OrganizationRole => template::put_role(tenant, change).await,
        Kind::SignInExperience => sign_in_experience::put(tenant, change).await,
        Kind::OidcSettings => oidc_settings::put(tenant, change).await,
        Kind::CustomClaims => custom_claims::put(tenant, change).await,
        Kind::Application => applications::put(tenant, change).await,
        Kind::User => users::put(tenant, change).await,
        Kind::Organization => organizations::put(tenant, change).await,
        Kind::AccessControl => access_control::put(tenant, change).await,
    }
}

/// Deletes a thing. That there is none any more is no failure.
pub(super) async fn delete(tenant: &Tenant, kind: Kind, key: &str) -> Result<()> {
    let deleted = match kind {
        Kind::Resource => resources::delete(tenant, key).await,
        Kind::Scope => resources::delete_scope(tenant, key).await,
        Kind::OrganizationScope => template::delete_scope(tenant, key).await,
        Kind::Role => roles::delete(tenant, key).await,
        Kind::OrganizationRole => template::delete_role(tenant, key).await,
        Kind::CustomClaims => custom_claims::delete(tenant, key).await,
        Kind::Application => crate::applications::delete(tenant, key).await,
        Kind::User => crate::users::delete(tenant, key).await,
        Kind::Organization => crate::organizations::delete(tenant, key).await,
        // Belongs to something else, or is always there.
        Kind::SignInExperience | Kind::OidcSettings | Kind::AccessControl => Ok(()),
    };
    match deleted {
        Err(error)
            if matches!(error.code(), Some("entity.not_exists_with_id" | "entity.not_found")) =>
        {
            Ok(())
        }
        other => other,
    }
}

/// Reads members strictly: an unknown one, however deep, is refused, and the path of what is wrong is told.
fn read<T: DeserializeOwned>(members: &JsonObject) -> Result<T, Refused> {
    read_as(members, |path| path)
}

/// As [`read`]; `named` says what a path is called in the file.
fn read_as<T: DeserializeOwned>(
    members: &JsonObject,
    named: impl Fn(String) -> String,
) -> Result<T, Refused> {
    let mut unknown = None;
    let mut track = serde_path_to_error::Track::new();
    let value = Value::Object(members.clone());
    let tracked = serde_path_to_error::Deserializer::new(value, &mut track);
    let read = serde_ignored::deserialize(tracked, |path| {
        unknown.get_or_insert_with(|| path.to_string());
    });
    match (read, unknown) {
        (Ok(_), Some(path)) => Err(Refused::at(&named(path), "is not known")),
        (Ok(read), None) => Ok(read),
        (Err(error), _) => {
            let path = named(track.path().to_string().trim_start_matches('.').to_owned());
            let said = error.to_string();
            // Readers repeat what they cannot read, but for the name of something that is missing.
            if said.starts_with("unknown field") {
                return Err(Refused::at(&path, "is not known"));
            }
            if is_secret(&path) && !said.starts_with("missing field") {
                return Err(Refused::at(&path, OF_ANOTHER_TYPE));
            }
            Err(Refused::at(&path, said))
        }
    }
}

/// What is said of a secret instead of what it is.
const OF_ANOTHER_TYPE: &str =
    "is not of the right type, and is not shown; a text that looks like a number needs quotes";

/// Whether a path leads to something that is never shown, or to a password, which a file does not hold but someone may write there.
fn is_secret(path: &str) -> bool {
    let first = path.split(['.', '[']).next().unwrap_or_default();
    first == "password" || Kind::ALL.iter().any(|kind| kind.secrets().contains(&first))
}

/// Takes one member out and reads it as [`read`] does; `None` when it is absent.
fn take<T: DeserializeOwned>(members: &mut JsonObject, name: &str) -> Result<Option<T>, Refused> {
    #[derive(Deserialize)]
    struct Alone<T> {
        it: T,
    }
    let Some(value) = members.remove(name) else { return Ok(None) };
    let alone = JsonObject::from_iter([("it".to_owned(), value)]);
    let read: Alone<T> = read_as(&alone, |path| path.replacen("it", name, 1))?;
    Ok(Some(read.it))
}

/// Something as the API shows it, without the members that a file leaves out.
fn shown(what: &impl Serialize, without: &[&str]) -> Result<JsonObject> {
    match serde_json::to_value(what)? {
        Value::Object(mut members) => {
            for name in without {
                members.remove(*name);
            }
            Ok(members)
        }
        _ => Err(Error::Internal("what a file holds must be objects".to_owned())),
    }
}

/// A body made of members that have been checked.
fn body<T: DeserializeOwned>(members: JsonObject) -> Result<T> {
    serde_json::from_value(Value::Object(members))
        .map_err(|error| Error::Internal(format!("what was checked is not read: {error}")))
}

/// The members of a change that differ, without some.
fn touched(change: &Change, without: &[&str]) -> JsonObject {
    let names = change.touched.iter().filter(|name| !without.contains(&name.as_str()));
    names.filter_map(|name| Some((name.clone(), change.next.get(name)?.clone()))).collect()
}

/// A member of a thing that has been checked.
fn member<T: DeserializeOwned>(members: &JsonObject, name: &str) -> Result<Option<T>> {
    let Some(value) = members.get(name) else { return Ok(None) };
    serde_json::from_value(value.clone())
        .map(Some)
        .map_err(|error| Error::Internal(format!("what was checked is not read: {error}")))
}

/// Refuses a member that never changes.
fn check_same(looked: &Looked<'_>, next: &JsonObject, name: &str) -> Result<(), Refused> {
    let Some(current) = looked.current else { return Ok(()) };
    if current.get(name) == next.get(name) {
        return Ok(());
    }
    let was = current.get(name).map(Value::to_string).unwrap_or_default();
    Err(Refused::at(
        name,
        format!("is {was} and can never change; delete it first, or give it another name"),
    ))
}

fn insert(members: &mut JsonObject, name: &str, value: &impl Serialize) -> Result<()> {
    members.insert(name.to_owned(), serde_json::to_value(value)?);
    Ok(())
}
