//! Who a user is at the identity providers of enterprises.

mod store;

use schemars::JsonSchema;
use serde::Serialize;
use trinco_db::{Conn, Tx};

use crate::{JsonObject, Result, Tenant};

/// An account at an enterprise's identity provider.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SsoIdentity {
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// 21 characters.
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// Who says so.
    pub issuer: String,
    /// The issuer's name for the user.
    pub identity_id: String,
    /// What the issuer told of the user.
    pub detail: JsonObject,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
    /// The connector it came by.
    pub sso_connector_id: String,
}

/// What a sign-in at an enterprise's identity provider found out.
#[derive(Clone, Debug)]
pub struct NewSsoIdentity {
    /// Who says so.
    pub issuer: String,
    /// The issuer's name for the user.
    pub identity_id: String,
    /// The connector it came by.
    pub sso_connector_id: String,
    /// What the issuer told of the user.
    pub detail: JsonObject,
}

/// The identities of a user, in the order in which they were linked.
///
/// # Errors
/// When the database does not answer or holds something unreadable.
pub async fn of_user(conn: &mut Conn<'_>, user_id: &str) -> Result<Vec<SsoIdentity>> {
    store::of_user(conn, user_id).await
}

/// Links an identity to a user, or notes anew what is told of one that is linked to the same user already.
///
/// # Errors
/// `user.identity_already_in_use` when it is another user's.
pub async fn link(tenant: &Tenant, user_id: &str, new: NewSsoIdentity) -> Result<()> {
    let input = (tenant.new_id(), user_id.to_owned(), new, tenant.now_ms());
    tenant
        .write(input, |tx, (id, user_id, new, now)| Box::pin(put(tx, id, user_id, new, *now)))
        .await
}

/// [`link`] as part of another change. `id` is the new identity's.
///
/// # Errors
/// As [`link`].
pub(crate) async fn put(
    tx: &mut Tx<'_>,
    id: &str,
    user_id: &str,
    new: &NewSsoIdentity,
    now_ms: i64,
) -> Result<()> {
    if store::put(tx, id, user_id, new, now_ms).await? {
        Ok(())
    } else {
        Err(crate::Error::refused("user.identity_already_in_use"))
    }
}
