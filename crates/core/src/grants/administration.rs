//! Grants as administrators see them, and revoke them.

use schemars::JsonSchema;
use serde::Serialize;
use trinco_db::{Conn, Tx};

use super::store;
use crate::audit::{self, Entry, Outcome};
use crate::{Error, Result, Tenant, clients};

/// A grant as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrantDetails {
    /// Its id.
    pub id: String,
    /// The grant as the protocol knows it.
    pub payload: GrantPayload,
    /// Unix milliseconds.
    pub expires_at: i64,
    /// Whom it is given to.
    pub application: GrantedApplication,
}

/// A grant as the protocol knows it: times in Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrantPayload {
    /// When it ends.
    pub exp: i64,
    /// When it was given.
    pub iat: i64,
    /// Its id.
    pub jti: String,
    /// What this describes.
    pub kind: GrantKind,
    /// Whom it is given to.
    pub client_id: String,
    /// Who gave it.
    pub account_id: String,
}

/// What a payload describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum GrantKind {
    /// A grant.
    Grant,
}

/// An application that was granted something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GrantedApplication {
    /// Its id: the URL of its document for a client that is known by one.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A grant of a session.
#[derive(Clone, Debug)]
pub(crate) struct SessionGrant {
    pub(crate) client_id: String,
    pub(crate) grant_id: String,
    pub(crate) outlives_session: bool,
}

/// Whose applications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplicationKind {
    /// The operator's own.
    FirstParty,
    /// Others'.
    ThirdParty,
}

/// What a user has granted and has not ended, the newest first, to applications of this kind or of any. A user there is not has
/// granted nothing.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    tenant: &Tenant,
    user_id: &str,
    kind: Option<ApplicationKind>,
) -> Result<Vec<GrantDetails>> {
    let input = (user_id.to_owned(), tenant.now_ms());
    let mut found = tenant
        .scan(input, |conn, (user_id, now)| Box::pin(store::of_user(conn, user_id, *now)))
        .await?;
    if let Some(kind) = kind {
        let snapshot = tenant.snapshot();
        let kind_of = |client_id: &str| match clients::standing(&snapshot, client_id) {
            clients::Standing::FirstParty => Some(ApplicationKind::FirstParty),
            clients::Standing::ThirdParty(_) => Some(ApplicationKind::ThirdParty),
            clients::Standing::Unknown => None,
        };
        found.retain(|grant| kind_of(&grant.application.id) == Some(kind));
    }
    Ok(found)
}

/// Revokes a grant of a user with every token that came from it.
///
/// # Errors
/// `oidc.invalid_grant` when the user has given no such grant.
pub async fn revoke_of_user(tenant: &Tenant, user_id: &str, grant_id: &str) -> Result<()> {
    let entry = Entry::new(tenant, "RevokeGrants", Outcome::Success)
        .user(user_id)
        .fact("reason", "grant-revoked")
        .fact("grantIds", vec![grant_id]);
    tenant
        .write(
            (user_id.to_owned(), grant_id.to_owned(), entry),
            |tx, (user_id, grant_id, entry)| {
                Box::pin(async move {
                    let client_id = store::delete_grant_of_user(tx, user_id, grant_id).await?;
                    let client_id =
                        client_id.ok_or_else(|| Error::refused("oidc.invalid_grant"))?;
                    audit::append(tx, &entry.clone().application(&client_id)).await
                })
            },
        )
        .await
}

/// The grants of a session that have not ended, the newest of each client last.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn authorizations_of_session(
    conn: &mut Conn<'_>,
    session_id: &str,
    now_ms: i64,
) -> Result<Vec<SessionGrant>> {
    store::of_session(conn, session_id, now_ms).await
}

/// The clients and ids of a session's grants.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn of_session(
    conn: &mut Conn<'_>,
    session_id: &str,
) -> Result<Vec<(String, String)>> {
    let found = store::of_session(conn, session_id, i64::MIN).await?;
    Ok(found.into_iter().map(|grant| (grant.client_id, grant.grant_id)).collect())
}

/// Revokes every grant of a session, those included that would outlive it.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn revoke_everything_of_session(tx: &mut Tx<'_>, session_id: &str) -> Result<()> {
    for (_, grant_id) in of_session(tx, session_id).await? {
        store::delete_grant(tx, &grant_id).await?;
    }
    Ok(())
}

/// Revokes a grant.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn revoke_one(tx: &mut Tx<'_>, grant_id: &str) -> Result<()> {
    store::delete_grant(tx, grant_id).await
}
