use std::collections::BTreeMap;

use serde_json::Value;

use super::{Looked, MOST, Refused, Wanted, insert, member, read, shown, take};
use crate::declared::model::{Action, Change, With};
use crate::declared::names::{Names, role_ids, role_names, sorted};
use crate::passwords::PasswordDigest;
use crate::roles::RoleType;
use crate::users::declared::{self, Declared, Entry};
use crate::users::{self, NewUser, User};
use crate::{Error, JsonObject, Page, Result, Snapshot, Tenant};

/// What the API shows of a user and a file leaves out: times, and where the user came from.
const LEFT_OUT: &[&str] =
    &["createdAt", "updatedAt", "lastSignInAt", "applicationId", "cimdClientId", "hasPassword"];

pub(super) async fn gather(
    tenant: &Tenant,
    wanted: &Wanted<'_>,
) -> Result<(BTreeMap<String, JsonObject>, usize)> {
    let entries = match &wanted.users {
        Some(ids) => declared::some(tenant, ids.clone()).await?,
        None => declared::all(tenant, MOST).await?.map_err(|total| too_many("users", total))?,
    };
    let others = if wanted.users.is_some() {
        let page = Page { offset: 0, limit: 1 };
        let total = users::list(tenant, users::Filter::default(), page).await?.total;
        usize::try_from(total).unwrap_or_default().saturating_sub(entries.len())
    } else {
        0
    };
    let snapshot = tenant.snapshot();
    let found = entries
        .into_iter()
        .map(|(id, entry)| Ok((id, members(&snapshot, &entry, wanted.with)?)))
        .collect::<Result<_>>()?;
    Ok((found, others))
}

/// More than a file is for.
pub(super) fn too_many(what: &str, total: i64) -> Error {
    Error::Internal(format!(
        "there are {total} {what}, and a file is for {MOST} at most: copy such a tenant with its database"
    ))
}

fn members(snapshot: &Snapshot, entry: &Entry, with: With) -> Result<JsonObject> {
    let mut members = of_user(&entry.user)?;
    let roles = role_names(snapshot, entry.role_ids.iter().map(String::as_str));
    insert(&mut members, "roles", &roles)?;
    if with.secrets {
        let digest = entry.digest.as_ref().map(PasswordDigest::to_text);
        insert(&mut members, "passwordDigest", &digest)?;
    }
    Ok(members)
}

fn of_user(user: &User) -> Result<JsonObject> {
    let mut members = shown(user, LEFT_OUT)?;
    insert(&mut members, "isPasswordExpired", &user.is_password_expired)?;
    Ok(members)
}

pub(super) fn check(looked: &Looked<'_>, mut next: JsonObject) -> Result<JsonObject, Refused> {
    let is_usable = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if looked.current.is_none() && (looked.key.len() > 64 || !looked.key.chars().all(is_usable)) {
        return Err(Refused::at("id", "must be up to 64 letters, digits, - and _"));
    }
    let roles = take::<Vec<String>>(&mut next, "roles")?;
    let digest = take::<Option<String>>(&mut next, "passwordDigest")?;
    if let Some(roles) = &roles {
        Names::check_roles(&looked.names.roles, "roles", roles, RoleType::User)?;
    }
    if let Some(Some(text)) = &digest
        && PasswordDigest::from_text(text).is_none()
    {
        return Err(Refused::at(
            "passwordDigest",
            "must be an Argon2id digest such as $argon2id$v=19$m=19456,t=2,p=1$…, or another after its name, as Bcrypt:$2b$…",
        ));
    }
    let user = understood(looked.tenant, looked.key, next)?;
    let mut members = of_user(&user)?;
    let names = ["username", "primaryEmail", "primaryPhone"];
    let has_identifier = |members: &JsonObject| {
        names.iter().any(|name| members.get(*name).is_some_and(Value::is_string))
            || members
                .get("identities")
                .and_then(Value::as_object)
                .is_some_and(|all| !all.is_empty())
    };
    if looked.current.is_some_and(has_identifier) && !has_identifier(&members) {
        return Err(Error::refused("user.last_sign_in_method_required").into());
    }
    if let Some(roles) = roles {
        insert(&mut members, "roles", &sorted(roles))?;
    }
    if let Some(digest) = digest {
        insert(&mut members, "passwordDigest", &digest)?;
    }
    Ok(members)
}

fn understood(tenant: &Tenant, id: &str, mut next: JsonObject) -> Result<User, Refused> {
    let identities = take::<JsonObject>(&mut next, "identities")?.unwrap_or_default();
    let is_suspended = take::<bool>(&mut next, "isSuspended")?.unwrap_or(false);
    let is_password_expired = take::<bool>(&mut next, "isPasswordExpired")?.unwrap_or(false);
    next.remove("id");
    // The API takes a name or none, where the file has null for none.
    if next.get("name").is_some_and(Value::is_null) {
        next.remove("name");
    }
    let new: NewUser = read(&next)?;
    let user = declared::draft(tenant, id, new, identities)?;
    Ok(User { is_suspended, is_password_expired, ..user })
}

pub(super) async fn put(tenant: &Tenant, change: &Change) -> Result<()> {
    let mut members = change.next.clone();
    let is_new = change.action == Action::Create;
    let is_touched = |name: &str| change.touched.iter().any(|one| one == name);
    let roles: Option<Vec<String>> = member(&members, "roles")?;
    let digest: Option<Option<String>> = member(&members, "passwordDigest")?;
    members.remove("roles");
    members.remove("passwordDigest");
    let user = understood(tenant, &change.key, members)
        .map_err(|_| Error::Internal("a user that was checked is not read".to_owned()))?;
    let digest = digest
        .filter(|_| is_touched("passwordDigest"))
        .map(|text| text.and_then(|text| PasswordDigest::from_text(&text)));
    let role_ids = roles
        .filter(|_| is_touched("roles"))
        .map(|names| role_ids(&tenant.snapshot(), &names))
        .transpose()?;
    let now = tenant.now_ms();
    let has_password = matches!(digest, Some(Some(_)));
    let user = User { has_password, password_updated_at: has_password.then_some(now), ..user };
    let touched = change.touched.clone();
    declared::put(tenant, Declared { user, is_new, touched, digest, role_ids }).await
}
