//! Who a user is elsewhere: the identities that social connectors found out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::model::User;
use super::{find, store, take, taken, unknown};
use crate::audit::{self, Entry, Outcome};
use crate::{Error, JsonObject, Result, Tenant, Text, secrets};

/// The longest name of a social provider.
const LONGEST_TARGET: usize = 256;
/// A user has no more identities than there can be connectors.
const MOST: usize = 100;

/// An account elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The provider's name for the user.
    pub user_id: Text<1, 256>,
    /// What the provider told of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<JsonObject>,
}

/// The identities of a user after a change.
#[derive(Clone, Debug)]
pub struct Linked {
    /// All of them, by target.
    pub identities: JsonObject,
    /// Whether there was none of that target before.
    pub is_new: bool,
}

/// Links an account elsewhere to a user, in place of the one of the same provider.
///
/// # Errors
/// `entity.not_exists_with_id`; `user.identity_already_in_use` when it is linked to another user; `guard.invalid_input`.
pub async fn put_identity(
    tenant: &Tenant,
    id: &str,
    target: &str,
    identity: Identity,
) -> Result<Linked> {
    if target.is_empty() || target.contains('\0') || target.chars().count() > LONGEST_TARGET {
        return Err(Error::invalid_input("params", "target", "must have 1 to 256 characters"));
    }
    let entry =
        Entry::new(tenant, "User.Identity.Link", Outcome::Success).user(id).fact("target", target);
    let value = serde_json::to_value(&identity)?;
    let input = (id.to_owned(), target.to_owned(), value, entry, tenant.now_ms());
    tenant
        .write(input, |tx, (id, target, value, entry, now)| {
            Box::pin(async move {
                take(tx, id, *now).await?;
                let mut user = find(tx, id).await?.ok_or_else(|| unknown(id))?;
                let is_new = user.identities.insert(target.clone(), value.clone()).is_none();
                if user.identities.len() > MOST {
                    return Err(Error::invalid_field("", "a user has at most 100 identities"));
                }
                store::set_identities(tx, id, &user.identities).await.map_err(taken)?;
                audit::append(tx, entry).await?;
                Ok(Linked { identities: user.identities, is_new })
            })
        })
        .await
}

/// Unlinks a user's account of this provider, and forgets the tokens that it gave.
///
/// # Errors
/// `entity.not_exists_with_id`; `user.identity_not_exist`.
pub async fn remove_identity(tenant: &Tenant, id: &str, target: &str) -> Result<User> {
    let entry = Entry::new(tenant, "User.Identity.Unlink", Outcome::Success)
        .user(id)
        .fact("target", target);
    let input = (id.to_owned(), target.to_owned(), entry, tenant.now_ms());
    tenant
        .write(input, |tx, (id, target, entry, now)| {
            Box::pin(async move {
                take(tx, id, *now).await?;
                let mut user = find(tx, id).await?.ok_or_else(|| unknown(id))?;
                if user.identities.remove(target).is_none() {
                    return Err(Error::refused("user.identity_not_exist"));
                }
                store::set_identities(tx, id, &user.identities).await.map_err(taken)?;
                secrets::forget_target(tx, id, target).await?;
                audit::append(tx, entry).await?;
                Ok(user)
            })
        })
        .await
}

/// The identities by target and by the provider's name for the user, as far as they have one.
pub(super) fn named(identities: &JsonObject) -> impl Iterator<Item = (&str, &str)> {
    identities.iter().filter_map(|(target, identity)| {
        Some((target.as_str(), identity.get("userId").and_then(Value::as_str)?))
    })
}
