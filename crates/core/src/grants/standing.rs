//! Whether a grant still stands when its client comes back for tokens.

use trinco_db::Conn;
use trinco_oauth::OAuthError;

use super::model::Grant;
use super::store;
use crate::audit::{self, Entry};
use crate::authorization::Subject;
use crate::{Error, Result, Snapshot, Tenant, access_control, consents};

/// What is left of a grant today, and its user as the client may see them: users are suspended, applications closed to them and
/// consent scopes narrowed long after the grant was given.
///
/// # Errors
/// `invalid_grant` when the user is gone or suspended; `access_denied` when the user may no longer use the application.
pub(super) async fn check(
    conn: &mut Conn<'_>,
    snapshot: &Snapshot,
    grant: Grant,
) -> Result<(Subject, Grant)> {
    let subject =
        consents::organizations::subject(conn, snapshot, &grant.user_id, &grant.client_id)
            .await?
            .filter(|subject| !subject.user.is_suspended)
            .ok_or_else(|| OAuthError::invalid_grant("the user is gone or suspended"))?;
    access_control::check_client(conn, snapshot, &grant.client_id, &grant.user_id).await?;
    let scopes = consents::limit_grant(snapshot, &grant.client_id, &grant.scopes);
    Ok((subject, Grant { scopes, ..grant }))
}

/// Storing a token fails when its grant was revoked, or its user or application deleted, between the look and the write.
pub(super) fn gone(error: Error) -> Error {
    match error {
        Error::Database(trinco_db::Error::ForeignKey) => {
            OAuthError::invalid_grant("the grant, its user or its application is gone").into()
        }
        other => other,
    }
}

/// Revokes a grant, and says why in the audit log.
pub(super) async fn revoke(tenant: &Tenant, grant_id: &str, entry: Entry) -> Result<()> {
    tenant
        .write((grant_id.to_owned(), entry), |tx, (grant_id, entry)| {
            Box::pin(async move {
                store::delete_grant(tx, grant_id).await?;
                audit::append(tx, entry).await
            })
        })
        .await
}
