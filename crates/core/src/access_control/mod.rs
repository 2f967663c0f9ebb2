//! Access control: which users may sign in to an application.
//!
//! The switch is a field of the application; the rules stand beside it and stay when it is off. They are read from the database, not
//! from the snapshot, because they refer to users and organizations.

mod model;
mod rules;
mod store;

use trinco_db::Conn;
use trinco_oauth::{ErrorCode, OAuthError};

pub(crate) use model::AccessControlChanges;
pub use model::{AccessControl, OrganizationRoleRule};

use crate::applications::{self, RegisteredClient};
use crate::clients::{self, Standing};
use crate::{Result, Section, Snapshot, Tenant};

/// The rules of an application.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn get(tenant: &Tenant, application_id: &str) -> Result<AccessControl> {
    applications::get(tenant, application_id).await?;
    store::find(&mut tenant.read().await?, application_id).await
}

/// Gives an application these rules in place of those it has, and returns them as they are kept.
///
/// # Errors
/// `entity.not_exists_with_id`; `guard.invalid_input`; `entity.relation_foreign_key_not_found` when a rule names something that does
/// not exist.
pub async fn replace(
    tenant: &Tenant,
    application_id: &str,
    new: AccessControl,
) -> Result<AccessControl> {
    change(tenant, application_id, new.into()).await
}

/// Gives an application these lists in place of those it has, and returns its rules as they are kept.
///
/// # Errors
/// As [`replace`].
pub(crate) async fn change(
    tenant: &Tenant,
    application_id: &str,
    changes: AccessControlChanges,
) -> Result<AccessControl> {
    applications::get(tenant, application_id).await?;
    // Moving the version serialises those who change the rules at once.
    tenant
        .configure(
            &[Section::Applications],
            (application_id.to_owned(), changes),
            |tx, _, (id, changes)| {
                Box::pin(async move {
                    let was = store::find(tx, id).await?;
                    let new = rules::normal(rules::changed(was, changes))?;
                    store::clear(tx, id).await?;
                    store::insert(tx, id, &new).await.map_err(|error| {
                        error.if_missing("entity.relation_foreign_key_not_found")
                    })?;
                    store::find(tx, id).await
                })
            },
        )
        .await
}

/// The rules as [`replace`] would keep them.
///
/// # Errors
/// `guard.invalid_input`.
pub(crate) fn normal(rules: AccessControl) -> Result<AccessControl> {
    rules::normal(rules)
}

/// Refuses a user whom the rules of the application do not let in.
///
/// # Errors
/// `access_denied`.
pub async fn check(
    conn: &mut Conn<'_>,
    registered: &RegisteredClient,
    user_id: &str,
) -> Result<()> {
    if !registered.application.app_level_access_control_enabled
        || store::is_listed(conn, &registered.application.id, user_id).await?
    {
        return Ok(());
    }
    // 400 at the token endpoint, as the reference system answers and RFC 6749 §5.2 asks.
    Err(OAuthError::new(ErrorCode::GrantDenied, "the user may not use this application").into())
}

/// [`check`], for a client that has authenticated.
///
/// # Errors
/// As [`check`].
pub async fn check_client(
    conn: &mut Conn<'_>,
    snapshot: &Snapshot,
    client_id: &str,
    user_id: &str,
) -> Result<()> {
    match (clients::standing(snapshot, client_id), snapshot.applications.get(client_id)) {
        (Standing::Unknown, _) => Err(OAuthError::invalid_grant("the client is gone").into()),
        (_, Some(registered)) => check(conn, registered, user_id).await,
        // A client known by its document has no rules of its own.
        (_, None) => Ok(()),
    }
}
