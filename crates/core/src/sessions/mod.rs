//! Sessions: browsers that have signed in.
//!
//! The browser holds a random cookie value, of which only the hash is kept. The value changes at every sign-in; the session's id,
//! which APIs show and applications are told, stays as long as nobody signs out.

mod administration;
mod end;
mod store;
mod submission;

use trinco_db::Tx;

pub use administration::{
    Authorization, RevokedGrants, SessionDetails, SessionKind, SessionPayload, details_of, list,
    revoke,
};
pub use end::{SignOut, sign_out, sign_out_requested};
pub use submission::{
    InteractionEvent, ShownIdentifier, ShownIdentifierType, Submission, VerificationRecord,
};

use crate::{Result, Secret, Tenant, TokenHash, grants, logout};

/// A session lasts this long after its sign-in, unless the tenant says otherwise: 14 days in milliseconds.
pub const LIFETIME_MS: i64 = 14 * 86_400_000;

/// A browser that has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// What APIs show.
    pub id: String,
    /// Who signed in.
    pub user_id: String,
    /// When they last did: Unix milliseconds.
    pub authenticated_at: i64,
    /// Unix milliseconds.
    pub expires_at: i64,
}

/// A session about to start: made before the transaction that starts it.
#[derive(Clone, Debug)]
pub struct NewSession {
    session: Session,
    cookie_hash: TokenHash,
    /// The id it gets when the session that it goes on with has ended meanwhile.
    spare_id: String,
}

/// The session behind a cookie value, unless it has expired.
///
/// # Errors
/// When the database does not answer.
pub async fn find(tenant: &Tenant, cookie: &str) -> Result<Option<Session>> {
    let found = store::find(&mut tenant.read().await?, &TokenHash::of(cookie)).await?;
    Ok(found.filter(|session| session.expires_at > tenant.now_ms()))
}

/// The session with this id, unless it has expired.
///
/// # Errors
/// When the database does not answer.
pub async fn find_by_id(tenant: &Tenant, id: &str) -> Result<Option<Session>> {
    let found = store::find_by_id(&mut tenant.read().await?, id).await?;
    Ok(found.filter(|session| session.expires_at > tenant.now_ms()))
}

/// Prepares the session of `user_id`, and the value its cookie will hold. When the browser already has a session of the same user
/// it goes on under a new cookie value; the session of another user ends.
pub fn prepare(tenant: &Tenant, user_id: &str, current: Option<&Session>) -> (NewSession, Secret) {
    let cookie = Secret::new(tenant.new_token());
    let now = tenant.now_ms();
    let id = current
        .filter(|session| session.user_id == user_id)
        .map_or_else(|| tenant.new_id(), |same| same.id.clone());
    let session = Session {
        id,
        user_id: user_id.to_owned(),
        authenticated_at: now,
        expires_at: now + tenant.snapshot().oidc_settings.session_ttl * 1000,
    };
    let cookie_hash = TokenHash::of(cookie.reveal());
    (NewSession { session, cookie_hash, spare_id: tenant.new_id() }, cookie)
}

/// Starts a prepared session in place of the browser's `current` one, and returns its id.
///
/// # Errors
/// When the database does not answer.
pub async fn start<'n>(
    tx: &mut Tx<'_>,
    new: &'n NewSession,
    current: Option<&Session>,
) -> Result<&'n str> {
    let NewSession { session, cookie_hash, spare_id } = new;
    match current {
        Some(current) if current.id == session.id => {
            if !store::renew(tx, session, cookie_hash).await? {
                // It has just ended, and applications are being told so: what they hear must not be about the new one.
                store::insert(tx, spare_id, session, cookie_hash).await?;
                return Ok(spare_id);
            }
        }
        current => {
            if let Some(other) = current {
                end(tx, &other.id, None).await?;
            }
            store::insert(tx, &session.id, session, cookie_hash).await?;
        }
    }
    Ok(&session.id)
}

/// Notes how someone has signed in to a session, and for which client.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn record_submission(
    tx: &mut Tx<'_>,
    session_id: &str,
    client_id: &str,
    submission: &Submission,
) -> Result<()> {
    store::set_submission(tx, session_id, client_id, submission).await
}

/// Holds on to a session until the transaction ends, so that it does not end meanwhile; false when it has.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn take(tx: &mut Tx<'_>, session_id: &str) -> Result<bool> {
    store::take(tx, session_id).await
}

/// Ends a session: its grants are revoked, but for those with `offline_access`, which outlive it (OpenID Connect Core §11).
/// `client_id` names the client that asked for it, all of whose grants end. Clients that want to be told will be.
///
/// # Errors
/// When the database does not answer.
pub async fn end(tx: &mut Tx<'_>, session_id: &str, client_id: Option<&str>) -> Result<()> {
    // What joins the session meanwhile waits, and then finds it gone.
    take(tx, session_id).await?;
    logout::queue_of_session(tx, session_id).await?;
    grants::revoke_all_of_session(tx, session_id, client_id).await?;
    store::delete(tx, session_id).await
}

/// Ends every session of a user. Clients that want to be told will be.
///
/// # Errors
/// When the database does not answer.
pub async fn end_all_of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<()> {
    store::take_of_user(tx, user_id).await?;
    logout::queue_of_user(tx, user_id).await?;
    store::delete_of_user(tx, user_id).await
}
