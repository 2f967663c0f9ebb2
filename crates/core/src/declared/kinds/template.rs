use std::collections::BTreeMap;

use serde_json::Value;

use super::roles::check_scopes;
use super::{Looked, Refused, body, check_same, insert, member, read, shown, take, touched};
use crate::declared::model::{Action, Change};
use crate::declared::names::{
    Names, ScopesOf, normal, organization_scope_ids, scope_ids, scopes_of, sorted,
};
use crate::organization_template::declared::Allowed;
use crate::organization_template::{self as template, NewOrganizationRole, NewOrganizationScope};
use crate::{Error, JsonObject, Result, Tenant};

pub(super) fn gather_scopes(tenant: &Tenant) -> Result<BTreeMap<String, JsonObject>> {
    let snapshot = tenant.snapshot();
    let scopes = snapshot.organization_template.scopes();
    scopes.map(|scope| Ok((scope.name.clone(), shown(scope, &["tenantId", "id"])?))).collect()
}

pub(super) fn gather_roles(tenant: &Tenant) -> Result<BTreeMap<String, JsonObject>> {
    let snapshot = tenant.snapshot();
    let template = &snapshot.organization_template;
    template
        .roles()
        .map(|role| {
            let mut members = shown(role, &["tenantId", "id"])?;
            let scopes = template.scope_names(&role.id).map(str::to_owned).collect();
            insert(&mut members, "scopes", &sorted(scopes))?;
            let of_resources =
                scopes_of(&snapshot.resources, template.resource_scope_ids(&role.id));
            insert(&mut members, "resourceScopes", &of_resources)?;
            Ok((role.name.clone(), members))
        })
        .collect()
}

pub(super) fn check_scope(next: &JsonObject) -> Result<JsonObject, Refused> {
    let new: NewOrganizationScope = read(next)?;
    template::scopes::check_name(new.name.as_str())?;
    let mut members = next.clone();
    members.entry("description").or_insert(Value::Null);
    Ok(members)
}

pub(super) fn check_role(looked: &Looked<'_>, mut next: JsonObject) -> Result<JsonObject, Refused> {
    let scopes = take::<Vec<String>>(&mut next, "scopes")?.unwrap_or_default();
    let of_resources = take::<Vec<ScopesOf>>(&mut next, "resourceScopes")?.unwrap_or_default();
    let new: NewOrganizationRole = read(&next)?;
    // The body of the API has ids, which mean nothing elsewhere: gone from the outcome, they are refused as unknown.
    next.remove("organizationScopeIds");
    next.remove("resourceScopeIds");
    insert(&mut next, "type", &new.role_type)?;
    check_same(looked, &next, "type")?;
    for (index, name) in scopes.iter().enumerate() {
        let path = format!("scopes[{index}]");
        Names::check(&looked.names.organization_scopes, &path, "organization scope", name)?;
    }
    check_scopes(looked, "resourceScopes", new.role_type, &of_resources)?;
    next.entry("description").or_insert(Value::Null);
    insert(&mut next, "scopes", &sorted(scopes))?;
    insert(&mut next, "resourceScopes", &normal(of_resources))?;
    Ok(next)
}

pub(super) async fn put_scope(tenant: &Tenant, change: &Change) -> Result<()> {
    if change.action == Action::Create {
        template::scopes::create(tenant, body(change.next.clone())?).await?;
    } else {
        let id = scope_id(tenant, &change.key)?;
        template::scopes::update(tenant, &id, body(touched(change, &[]))?).await?;
    }
    Ok(())
}

pub(super) async fn put_role(tenant: &Tenant, change: &Change) -> Result<()> {
    let snapshot = tenant.snapshot();
    let names: Vec<String> = member(&change.next, "scopes")?.unwrap_or_default();
    let scopes = organization_scope_ids(&snapshot, &names)?;
    let of_resources: Vec<ScopesOf> = member(&change.next, "resourceScopes")?.unwrap_or_default();
    let of_resources = scope_ids(&snapshot, &of_resources)?;
    if change.action == Action::Create {
        let mut members = change.next.clone();
        members.remove("scopes");
        members.remove("resourceScopes");
        insert(&mut members, "organizationScopeIds", &scopes)?;
        insert(&mut members, "resourceScopeIds", &of_resources)?;
        template::create_role(tenant, body(members)?).await?;
        return Ok(());
    }
    let id = role_id(tenant, &change.key)?;
    let is_touched = |member: &str| change.touched.iter().any(|name| name == member);
    let changes = body(touched(change, &["scopes", "resourceScopes"]))?;
    let allowed = Allowed {
        scope_ids: is_touched("scopes").then_some(scopes),
        resource_scope_ids: is_touched("resourceScopes").then_some(of_resources),
    };
    template::declared::change_role(tenant, &id, changes, allowed).await
}

pub(super) async fn delete_scope(tenant: &Tenant, name: &str) -> Result<()> {
    template::scopes::delete(tenant, &scope_id(tenant, name)?).await
}

pub(super) async fn delete_role(tenant: &Tenant, name: &str) -> Result<()> {
    template::delete_role(tenant, &role_id(tenant, name)?).await
}

fn scope_id(tenant: &Tenant, name: &str) -> Result<String> {
    let ids = organization_scope_ids(&tenant.snapshot(), &[name.to_owned()])?;
    ids.into_iter().next().ok_or_else(|| Error::not_found("organization_scopes", name))
}

fn role_id(tenant: &Tenant, name: &str) -> Result<String> {
    let snapshot = tenant.snapshot();
    let found = snapshot.organization_template.role_by_name(name);
    Ok(found.ok_or_else(|| Error::not_found("organization_roles", name))?.id.clone())
}
