use std::collections::BTreeMap;

use serde_json::Value;

use super::{Looked, Refused, body, insert, read, shown};
use crate::declared::model::{Change, With};
use crate::token_customizers::{self, Customizer, TokenType};
use crate::{Error, JsonObject, Result, Tenant, tenants};

pub(super) fn gather(tenant: &Tenant, with: With) -> Result<BTreeMap<String, JsonObject>> {
    let snapshot = tenant.snapshot();
    let mut found = BTreeMap::new();
    for token_type in TokenType::ALL {
        if let Some(customizer) = snapshot.token_customizers.get(token_type) {
            let mut members = whole(token_type, customizer)?;
            if !with.secrets {
                members.remove("environmentVariables");
            }
            found.insert(token_type.as_str().to_owned(), members);
        }
    }
    Ok(found)
}

fn whole(token_type: TokenType, customizer: &Customizer) -> Result<JsonObject> {
    let mut members = shown(customizer, &[])?;
    for name in ["environmentVariables", "contextSample", "tokenSample", "blockIssuanceOnError"] {
        members.entry(name).or_insert(Value::Null);
    }
    insert(&mut members, "tokens", &token_type)?;
    Ok(members)
}

pub(super) async fn check(
    looked: &Looked<'_>,
    mut next: JsonObject,
) -> Result<JsonObject, Refused> {
    if looked.tenant.id() == tenants::ADMIN {
        return Err(Error::refused("jwt_customizer.can_not_create_for_admin_tenant").into());
    }
    next.remove("tokens");
    let token_type = TokenType::from_name(looked.key).ok_or_else(|| {
        Refused::at("tokens", "must be access-token, client-credentials or id-token")
    })?;
    let customizer: Customizer = read(&next)?;
    token_customizers::check(looked.tenant, &customizer.script).await?;
    Ok(whole(token_type, &customizer)?)
}

pub(super) async fn put(tenant: &Tenant, change: &Change) -> Result<()> {
    let mut members = change.next.clone();
    members.remove("tokens");
    let customizer: Customizer = body(members)?;
    let touched = Some(change.touched.clone());
    let token_type = token_type(&change.key)?;
    token_customizers::put_members(tenant, token_type, &customizer, touched).await?;
    Ok(())
}

pub(super) async fn delete(tenant: &Tenant, key: &str) -> Result<()> {
    token_customizers::delete(tenant, token_type(key)?).await
}

fn token_type(key: &str) -> Result<TokenType> {
    TokenType::from_name(key).ok_or_else(|| Error::refused("entity.not_found"))
}
