//! Grants: what users allowed applications, and the tokens that come from it.
//!
//! Each authorization is a grant of its own, and every token belongs to one. Deleting the grant deletes its tokens: that is
//! revocation. Tokens are random; only their hashes are kept.

mod administration;
mod authorization_code;
mod client_credentials;
mod customized;
mod device_code;
mod endpoint;
mod exchange;
mod first_tokens;
mod inspection;
mod model;
mod refresh_token;
mod standing;
mod store;
mod tokens;

use trinco_db::{Conn, Tx};
use trinco_oauth::AuthorizationRequest;
use trinco_oauth::claims::RequestedClaims;
use trinco_oauth::grant::GrantedScopes;

pub use administration::{
    ApplicationKind, GrantDetails, GrantKind, GrantPayload, GrantedApplication, list,
    revoke_of_user,
};
pub(crate) use administration::{
    SessionGrant, authorizations_of_session, of_session, revoke_everything_of_session, revoke_one,
};
pub use endpoint::{Issued, answer};
pub use exchange::Exchanged;
pub use inspection::{introspect, revoke, userinfo};
pub use model::Grant;
pub(crate) use model::ORGANIZATION_TOKEN_LIFETIME;

use model::{CODE_LIFETIME_MS, StoredCode, UNREDEEMED_LIFETIME_MS};

use crate::{Result, Secret, Tenant, TokenHash, logout};

/// A grant and its authorization code, if it has one, made before the transaction that stores them.
#[derive(Clone, Debug)]
pub struct NewGrant {
    grant: Grant,
    code: Option<StoredCode>,
    /// Whether the client is told when the session ends.
    joins_session: bool,
}

impl NewGrant {
    /// The id the grant will have.
    pub(crate) fn id(&self) -> &str {
        &self.grant.id
    }
}

/// Whether any grant of a client lives.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn any_lives(conn: &mut Conn<'_>, client_id: &str, now_ms: i64) -> Result<bool> {
    store::any_lives(conn, client_id, now_ms).await
}

/// Who grants: a user who is signed in.
#[derive(Clone, Copy, Debug)]
pub struct Grantor<'a> {
    /// The user.
    pub user_id: &'a str,
    /// The browser session the grant belongs to.
    pub session_id: &'a str,
    /// When the user signed in: Unix milliseconds.
    pub authenticated_at: i64,
}

/// Prepares the grant that answers `request`, and its authorization code.
pub fn prepare(
    tenant: &Tenant,
    request: &AuthorizationRequest,
    grantor: Grantor<'_>,
) -> (NewGrant, Secret) {
    let code = Secret::new(tenant.new_token());
    let stored = StoredCode {
        hash: TokenHash::of(code.reveal()),
        client_id: request.client_id.clone(),
        redirect_uri: request.target.redirect_uri.as_str().to_owned(),
        code_challenge: request
            .code_challenge
            .as_ref()
            .map(|challenge| challenge.as_str().to_owned()),
        dpop_jkt: request.dpop_jkt.clone(),
        expires_at: tenant.now_ms() + CODE_LIFETIME_MS,
        consumed_at: None,
    };
    (NewGrant { code: Some(stored), ..prepare_for_device(tenant, request, grantor) }, code)
}

/// Prepares the grant that answers the `request` of a device, which has a code of its own.
pub fn prepare_for_device(
    tenant: &Tenant,
    request: &AuthorizationRequest,
    grantor: Grantor<'_>,
) -> NewGrant {
    let grant = Grant {
        nonce: request.nonce.clone(),
        with_auth_time: request.max_age.is_some() || request.claims.wants_auth_time(),
        claims: request.claims.clone(),
        ..without_code(tenant, &request.client_id, GrantedScopes::of(request), grantor)
    };
    let joins_session = tenant
        .snapshot()
        .applications
        .get(&request.client_id)
        .is_some_and(|registered| registered.client.backchannel_logout_uri.is_some());
    NewGrant { grant, code: None, joins_session }
}

/// A grant that answers no authorization request: what a token is exchanged for.
pub(crate) fn without_code(
    tenant: &Tenant,
    client_id: &str,
    scopes: GrantedScopes,
    grantor: Grantor<'_>,
) -> Grant {
    let now = tenant.now_ms();
    Grant {
        id: tenant.new_id(),
        user_id: grantor.user_id.to_owned(),
        client_id: client_id.to_owned(),
        session_id: Some(grantor.session_id.to_owned()).filter(|id| !id.is_empty()),
        scopes,
        authenticated_at: grantor.authenticated_at,
        nonce: None,
        with_auth_time: false,
        claims: RequestedClaims::default(),
        created_at: now,
        expires_at: now + UNREDEEMED_LIFETIME_MS,
    }
}

/// Stores a prepared grant, with its code if it has one.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx<'_>, new: &NewGrant) -> Result<()> {
    store::insert_grant(tx, &new.grant).await?;
    if let (true, Some(session_id)) = (new.joins_session, &new.grant.session_id) {
        logout::join(tx, session_id, &new.grant.client_id).await?;
    }
    match &new.code {
        Some(code) => store::insert_code(tx, &new.grant.id, code).await,
        None => Ok(()),
    }
}

/// Revokes the grants of a session that do not outlive it, and all those of `client_id`.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn revoke_all_of_session(
    tx: &mut Tx<'_>,
    session_id: &str,
    client_id: Option<&str>,
) -> Result<()> {
    store::delete_of_session(tx, session_id, client_id).await
}

/// Revokes every grant of a user.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn revoke_all_of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<()> {
    store::delete_of_user(tx, user_id).await
}
