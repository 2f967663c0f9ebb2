use std::collections::BTreeMap;

use serde_json::Value;

use super::{Refused, body, insert, member, read, shown, take, touched};
use crate::declared::document::{scope_key, split_scope_key};
use crate::declared::model::{Action, Change};
use crate::resources::declared::Declared;
use crate::resources::{self, NewResource, NewScope};
use crate::{Error, JsonObject, Result, Tenant};

pub(super) fn gather(tenant: &Tenant) -> Result<BTreeMap<String, JsonObject>> {
    let snapshot = tenant.snapshot();
    let own = snapshot.resources.iter().filter(|entry| !entry.resource.is_management_api());
    own.map(|entry| {
        let members = shown(&entry.resource, &["tenantId", "id"])?;
        Ok((entry.resource.indicator.clone(), members))
    })
    .collect()
}

pub(super) fn gather_scopes(tenant: &Tenant) -> Result<BTreeMap<String, JsonObject>> {
    let snapshot = tenant.snapshot();
    let own = snapshot.resources.iter().filter(|entry| !entry.resource.is_management_api());
    own.flat_map(|entry| entry.scopes.iter().map(move |scope| (&entry.resource, scope)))
        .map(|(resource, scope)| {
            let members = shown(scope, &["tenantId", "id", "resourceId", "createdAt"])?;
            Ok((scope_key(&resource.indicator, &scope.name), members))
        })
        .collect()
}

pub(super) fn check(next: &JsonObject) -> Result<JsonObject, Refused> {
    let mut members = next.clone();
    let is_default = take::<bool>(&mut members, "isDefault")?.unwrap_or(false);
    let new: NewResource = read(&members)?;
    resources::check(&new, &[])?;
    let ttl = new.access_token_ttl.map_or(resources::DEFAULT_ACCESS_TOKEN_TTL, i64::from);
    insert(&mut members, "accessTokenTtl", &ttl)?;
    insert(&mut members, "isDefault", &is_default)?;
    Ok(members)
}

pub(super) fn check_scope(next: &JsonObject) -> Result<JsonObject, Refused> {
    let new: NewScope = read(next)?;
    if new.name.as_str().contains(char::is_whitespace) {
        return Err(Error::refused("scope.name_with_space").into());
    }
    let mut members = next.clone();
    members.entry("description").or_insert(Value::Null);
    Ok(members)
}

pub(super) async fn put(tenant: &Tenant, change: &Change) -> Result<()> {
    let is_default: bool = member(&change.next, "isDefault")?.unwrap_or(false);
    if change.action == Action::Create {
        let mut members = change.next.clone();
        members.remove("isDefault");
        let new = Declared::New(body(members)?);
        return resources::declared::put(tenant, new, is_default.then_some(true)).await;
    }
    if change.touched.is_empty() {
        // It is the default no longer, which the one that is has seen to.
        return Ok(());
    }
    let is_touched = change.touched.iter().any(|name| name == "isDefault");
    let changes = body(touched(change, &["isDefault"]))?;
    let declared = Declared::Change(id_of(tenant, &change.key)?, changes);
    resources::declared::put(tenant, declared, is_touched.then_some(is_default)).await
}

pub(super) async fn put_scope(tenant: &Tenant, change: &Change) -> Result<()> {
    let (indicator, name) = split_scope_key(&change.key);
    let resource_id = id_of(tenant, indicator)?;
    if change.action == Action::Create {
        resources::create_scope(tenant, &resource_id, body(change.next.clone())?).await?;
    } else {
        let id = scope_id(tenant, indicator, name)?;
        resources::update_scope(tenant, &resource_id, &id, body(touched(change, &[]))?).await?;
    }
    Ok(())
}

pub(super) async fn delete(tenant: &Tenant, indicator: &str) -> Result<()> {
    resources::delete(tenant, &id_of(tenant, indicator)?).await
}

pub(super) async fn delete_scope(tenant: &Tenant, key: &str) -> Result<()> {
    let (indicator, name) = split_scope_key(key);
    let scope_id = scope_id(tenant, indicator, name)?;
    resources::delete_scope(tenant, &id_of(tenant, indicator)?, &scope_id).await
}

fn id_of(tenant: &Tenant, indicator: &str) -> Result<String> {
    let snapshot = tenant.snapshot();
    let found = snapshot.resources.by_indicator(indicator);
    Ok(found.ok_or_else(|| Error::not_found("resources", indicator))?.resource.id.clone())
}

fn scope_id(tenant: &Tenant, indicator: &str, name: &str) -> Result<String> {
    let snapshot = tenant.snapshot();
    let entry = snapshot.resources.by_indicator(indicator);
    let found = entry.and_then(|entry| entry.scopes.iter().find(|scope| scope.name == name));
    Ok(found.ok_or_else(|| Error::not_found("scopes", name))?.id.clone())
}
