use std::collections::BTreeMap;

use super::{Looked, Refused, body, read, shown, touched};
use crate::declared::model::Change;
use crate::experience::{self, SignInExperienceChanges};
use crate::{JsonObject, Result, Tenant};

/// An upload is of one installation.
const LEFT_OUT: &[&str] = &["tenantId", "id", "customUiAssets"];

pub(super) fn gather(tenant: &Tenant) -> Result<BTreeMap<String, JsonObject>> {
    Ok(BTreeMap::from([(String::new(), shown(&experience::get(tenant), LEFT_OUT)?)]))
}

pub(super) fn check(looked: &Looked<'_>, next: &JsonObject) -> Result<JsonObject, Refused> {
    let changes: SignInExperienceChanges = read(next)?;
    let changed = experience::changed(experience::get(looked.tenant), changes)?;
    Ok(shown(&changed, LEFT_OUT)?)
}

pub(super) async fn put(tenant: &Tenant, change: &Change) -> Result<()> {
    experience::update(tenant, body(touched(change, &[]))?).await?;
    Ok(())
}
