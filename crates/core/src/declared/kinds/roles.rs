use std::collections::BTreeMap;

use super::{Looked, Refused, body, check_same, insert, member, read, shown, take, touched};
use crate::declared::model::{Action, Change};
use crate::declared::names::{ScopesOf, normal, scope_ids, scopes_of};
use crate::roles::{self, NewRole, RoleType};
use crate::{Error, JsonObject, Result, Tenant, resources};

pub(super) fn gather(tenant: &Tenant) -> Result<BTreeMap<String, JsonObject>> {
    let snapshot = tenant.snapshot();
    let own = snapshot.roles.iter().filter(|role| !roles::is_internal(role));
    own.map(|role| {
        let mut members = shown(role, &["tenantId", "id"])?;
        let scopes = scopes_of(&snapshot.resources, snapshot.roles.scope_ids(&role.id));
        insert(&mut members, "scopes", &scopes)?;
        Ok((role.name.clone(), members))
    })
    .collect()
}

pub(super) fn check(looked: &Looked<'_>, mut next: JsonObject) -> Result<JsonObject, Refused> {
    let scopes = take::<Vec<ScopesOf>>(&mut next, "scopes")?.unwrap_or_default();
    let new: NewRole = read(&next)?;
    // The body of the API has ids, which mean nothing elsewhere: gone from the outcome, they are refused as unknown.
    next.remove("scopeIds");
    roles::check_name(new.name.as_str())?;
    insert(&mut next, "type", &new.role_type)?;
    insert(&mut next, "isDefault", &new.is_default)?;
    check_same(looked, &next, "type")?;
    looked.names.check_scopes("scopes", &scopes)?;
    let of_people = |of: &ScopesOf| {
        new.role_type == RoleType::User
            && !roles::may_be_of_people(looked.tenant.id(), &of.resource)
    };
    if scopes.iter().any(of_people) {
        return Err(not_of_people("scopes"));
    }
    insert(&mut next, "scopes", &normal(scopes))?;
    Ok(next)
}

/// Refuses scopes that there are not, and those of the Management API for people.
pub(super) fn check_scopes(
    looked: &Looked<'_>,
    member: &str,
    role_type: RoleType,
    scopes: &[ScopesOf],
) -> Result<(), Refused> {
    looked.names.check_scopes(member, scopes)?;
    let is_managing = |of: &ScopesOf| resources::is_management_api(&of.resource);
    if role_type == RoleType::User && scopes.iter().any(is_managing) {
        return Err(not_of_people(member));
    }
    Ok(())
}

fn not_of_people(member: &str) -> Refused {
    let code = "role.management_api_scopes_not_assignable_to_user_role";
    Refused { path: member.to_owned(), cause: Error::refused(code).into() }
}

pub(super) async fn put(tenant: &Tenant, change: &Change) -> Result<()> {
    let scopes: Vec<ScopesOf> = member(&change.next, "scopes")?.unwrap_or_default();
    let scope_ids = scope_ids(&tenant.snapshot(), &scopes)?;
    if change.action == Action::Create {
        let mut members = change.next.clone();
        members.remove("scopes");
        insert(&mut members, "scopeIds", &scope_ids)?;
        roles::create(tenant, body(members)?).await?;
        return Ok(());
    }
    let id = id_of(tenant, &change.key)?;
    let has_other_scopes = change.touched.iter().any(|name| name == "scopes");
    let changes = body(touched(change, &["scopes"]))?;
    roles::declared::change(tenant, &id, changes, has_other_scopes.then_some(scope_ids)).await
}

pub(super) async fn delete(tenant: &Tenant, name: &str) -> Result<()> {
    roles::delete(tenant, &id_of(tenant, name)?).await
}

fn id_of(tenant: &Tenant, name: &str) -> Result<String> {
    let snapshot = tenant.snapshot();
    let found = snapshot.roles.iter().find(|role| role.name == name);
    Ok(found.ok_or_else(|| Error::not_found("roles", name))?.id.clone())
}
