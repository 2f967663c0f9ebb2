//! Sessions as administrators see them, and end them.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use trinco_db::Tx;

use super::submission::Submission;
use super::{Session, end, store, take};
use crate::audit::{self, Entry, Outcome};
use crate::{Error, Result, Snapshot, Tenant, clients, grants, logout};

/// A session as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionDetails {
    /// The session as the protocol knows it.
    pub payload: SessionPayload,
    /// How someone last signed in to it, when that is known.
    pub last_submission: Option<Submission>,
    /// Which application they last signed in for, when that is known.
    pub client_id: Option<String>,
    /// Who signed in.
    pub account_id: String,
    /// Unix milliseconds.
    pub expires_at: i64,
}

/// A session as the protocol knows it: times in Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionPayload {
    /// When it ends.
    pub exp: i64,
    /// When it began.
    pub iat: i64,
    /// Its id.
    pub jti: String,
    /// Its id, as applications are told it.
    pub uid: String,
    /// What this describes.
    pub kind: SessionKind,
    /// When someone last signed in to it.
    pub login_ts: i64,
    /// Who.
    pub account_id: String,
    /// The applications it is used for.
    pub authorizations: BTreeMap<String, Authorization>,
}

/// What a payload describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum SessionKind {
    /// A session.
    Session,
}

/// What an application is allowed in a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Authorization {
    /// The session's id, as the application is told it.
    pub sid: String,
    /// The newest grant.
    pub grant_id: String,
    /// Whether it outlives the session.
    pub persists_logout: bool,
}

/// A session with what is kept of it for APIs.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) session: Session,
    pub(super) created_at: i64,
    pub(super) client_id: Option<String>,
    pub(super) last_submission: Option<Submission>,
}

/// Which grants end with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokedGrants {
    /// Those that do not outlive sessions.
    Usual,
    /// Those of the operator's own applications; the others stay.
    FirstParty,
    /// Every one.
    All,
}

/// The sessions of a user that have not ended, the newest first. A user there is not has none.
///
/// # Errors
/// When the database does not answer or holds something unreadable.
pub async fn list(tenant: &Tenant, user_id: &str) -> Result<Vec<SessionDetails>> {
    let input = (user_id.to_owned(), tenant.now_ms());
    tenant
        .scan(input, |conn, (user_id, now)| {
            Box::pin(async move {
                let mut shown = Vec::new();
                for kept in store::of_user(conn, user_id, *now).await? {
                    let authorizations =
                        grants::authorizations_of_session(conn, &kept.session.id, *now).await?;
                    shown.push(details(kept, authorizations));
                }
                Ok(shown)
            })
        })
        .await
}

/// A session of a user that has not ended.
///
/// # Errors
/// `oidc.session_not_found`; `oidc.invalid_session_account_id` when it is another user's.
pub async fn details_of(
    tenant: &Tenant,
    user_id: &str,
    session_id: &str,
) -> Result<SessionDetails> {
    let mut conn = tenant.read().await?;
    let now = tenant.now_ms();
    let found = store::find_kept(&mut conn, session_id).await?;
    let kept = found
        .filter(|kept| kept.session.expires_at > now)
        .ok_or_else(|| Error::refused("oidc.session_not_found"))?;
    check_owner(&kept.session, user_id)?;
    let authorizations = grants::authorizations_of_session(&mut conn, session_id, now).await?;
    Ok(details(kept, authorizations))
}

/// Ends a session of a user.
///
/// # Errors
/// `oidc.session_not_found`; `oidc.invalid_session_account_id` when it is another user's.
pub async fn revoke(
    tenant: &Tenant,
    user_id: &str,
    session_id: &str,
    revoked: RevokedGrants,
) -> Result<()> {
    let entry = Entry::new(tenant, "RevokeGrants", Outcome::Success)
        .user(user_id)
        .fact("reason", "session-revoked")
        .fact("sessionId", session_id);
    let input = (user_id.to_owned(), session_id.to_owned(), revoked, tenant.snapshot(), entry);
    tenant
        .write(input, |tx, (user_id, session_id, revoked, snapshot, entry)| {
            Box::pin(async move {
                let kept = store::find_kept(tx, session_id).await?;
                let kept = kept.ok_or_else(|| Error::refused("oidc.session_not_found"))?;
                check_owner(&kept.session, user_id)?;
                match revoked {
                    RevokedGrants::Usual => end(tx, session_id, None).await?,
                    RevokedGrants::FirstParty => {
                        end_but_for_others(tx, session_id, snapshot).await?;
                    }
                    RevokedGrants::All => {
                        take(tx, session_id).await?;
                        logout::queue_of_session(tx, session_id).await?;
                        grants::revoke_everything_of_session(tx, session_id).await?;
                        store::delete(tx, session_id).await?;
                    }
                }
                audit::append(tx, entry).await
            })
        })
        .await
}

/// What third-party applications were granted stays, whether or not it would outlive the session.
async fn end_but_for_others(
    tx: &mut Tx<'_>,
    session_id: &str,
    snapshot: &Arc<Snapshot>,
) -> Result<()> {
    take(tx, session_id).await?;
    logout::queue_of_session(tx, session_id).await?;
    for (client_id, grant_id) in grants::of_session(tx, session_id).await? {
        if !matches!(clients::standing(snapshot, &client_id), clients::Standing::ThirdParty(_)) {
            grants::revoke_one(tx, &grant_id).await?;
        }
    }
    store::delete(tx, session_id).await
}

fn check_owner(session: &Session, user_id: &str) -> Result<()> {
    if session.user_id == user_id {
        Ok(())
    } else {
        Err(Error::refused("oidc.invalid_session_account_id"))
    }
}

fn details(kept: Kept, authorizations: Vec<grants::SessionGrant>) -> SessionDetails {
    let Kept { session, created_at, client_id, last_submission } = kept;
    // The newest grant of a client comes last.
    let authorizations = authorizations
        .into_iter()
        .map(|grant| {
            let authorization = Authorization {
                sid: session.id.clone(),
                grant_id: grant.grant_id,
                persists_logout: grant.outlives_session,
            };
            (grant.client_id, authorization)
        })
        .collect();
    SessionDetails {
        payload: SessionPayload {
            exp: session.expires_at.div_euclid(1000),
            iat: created_at.div_euclid(1000),
            jti: session.id.clone(),
            uid: session.id,
            kind: SessionKind::Session,
            login_ts: session.authenticated_at.div_euclid(1000),
            account_id: session.user_id.clone(),
            authorizations,
        },
        last_submission,
        client_id,
        account_id: session.user_id,
        expires_at: session.expires_at,
    }
}
