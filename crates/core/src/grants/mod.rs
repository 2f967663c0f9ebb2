//! Grants: what users allowed applications, and the tokens that come from it.
//!
//! Each authorization is a grant of its own, and every token belongs to one. Deleting the grant deletes its tokens: that is
//! revocation. Tokens are random; only their hashes are kept.

mod authorization_code;
mod client_credentials;
mod inspection;
mod model;
mod refresh_token;
mod store;
mod tokens;

use trinco_db::Tx;
use trinco_oauth::AuthorizationRequest;
use trinco_oauth::grant::GrantedScopes;

pub use authorization_code::exchange as exchange_authorization_code;
pub use client_credentials::issue as issue_client_credentials;
pub use inspection::{introspect, revoke, userinfo};
pub use model::Grant;
pub use refresh_token::exchange as exchange_refresh_token;

use model::{CODE_LIFETIME_MS, GRANT_LIFETIME_MS, StoredCode};

use crate::{Result, Secret, Tenant, TokenHash};

/// A grant and its authorization code, made before the transaction that stores them.
#[derive(Clone, Debug)]
pub struct NewGrant {
    grant: Grant,
    code: StoredCode,
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
    let now = tenant.now_ms();
    let grant = Grant {
        id: tenant.new_id(),
        user_id: grantor.user_id.to_owned(),
        client_id: request.client_id.clone(),
        session_id: Some(grantor.session_id.to_owned()),
        scopes: GrantedScopes::of(request),
        authenticated_at: grantor.authenticated_at,
        nonce: request.nonce.clone(),
        with_auth_time: request.max_age.is_some(),
        created_at: now,
        expires_at: now + GRANT_LIFETIME_MS,
    };
    let stored = StoredCode {
        hash: TokenHash::of(code.reveal()),
        client_id: request.client_id.clone(),
        redirect_uri: request.target.redirect_uri.as_str().to_owned(),
        code_challenge: request
            .code_challenge
            .as_ref()
            .map(|challenge| challenge.as_str().to_owned()),
        dpop_jkt: request.dpop_jkt.clone(),
        expires_at: now + CODE_LIFETIME_MS,
        consumed_at: None,
    };
    (NewGrant { grant, code: stored }, code)
}

/// Stores a prepared grant and its code.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx<'_>, new: &NewGrant) -> Result<()> {
    store::insert_grant(tx, &new.grant).await?;
    store::insert_code(tx, &new.grant.id, &new.code).await
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
