//! Consent: what third-party applications may ask users for, and what users have allowed them.
//!
//! First-party applications have the consent of the operator who registered them; nothing here concerns them. For a third-party one
//! three things bound every token: its consent scopes (set by the operator, [`scopes`]), what the user allowed (remembered here, whatever
//! becomes of single grants), and the organizations the user let it into ([`organizations`]).

mod model;
pub mod organizations;
mod rules;
pub mod scopes;
mod store;

use std::collections::BTreeMap;

use trinco_db::{Conn, Tx};
use trinco_oauth::grant::GrantedScopes;
use trinco_oauth::token::AccessTokenKind;
use trinco_oauth::{AuthorizationRequest, Scope};

pub use model::{
    Answered, ConsentScopes, ListedConsentScopes, ListedResource, ListedScope, NewConsentScopes,
    ResourceName, ScopeType, USER_SCOPES, UserScope,
};

use crate::applications::RegisteredClient;
use crate::{Result, Snapshot};

/// The request without what lies beyond the application's consent scopes.
pub fn limit_request(
    snapshot: &Snapshot,
    registered: &RegisteredClient,
    request: AuthorizationRequest,
) -> AuthorizationRequest {
    if !registered.client.is_third_party {
        return request;
    }
    rules::ceiling(&registered.consent_scopes, snapshot).limit_request(request)
}

/// A grant without what lies beyond the client's consent scopes as they are now. Nothing is left of it when the client is gone.
pub fn limit_grant(snapshot: &Snapshot, client_id: &str, granted: &GrantedScopes) -> GrantedScopes {
    match snapshot.applications.get(client_id) {
        None => GrantedScopes::default(),
        Some(registered) if !registered.client.is_third_party => granted.clone(),
        Some(registered) => rules::ceiling(&registered.consent_scopes, snapshot).limit(granted),
    }
}

/// Of the permissions a user has on the target of a token, those the client's consent scopes allow there.
pub fn limit_permissions(
    snapshot: &Snapshot,
    client_id: &str,
    kind: &AccessTokenKind,
    permitted: Scope,
) -> Scope {
    match snapshot.applications.get(client_id) {
        None => Scope::empty(),
        Some(registered) if !registered.client.is_third_party => permitted,
        Some(registered) => {
            permitted.intersection(&rules::on_target(&registered.consent_scopes, snapshot, kind))
        }
    }
}

/// What a user has allowed an application; `None` when it never asked.
///
/// # Errors
/// When the database does not answer.
pub async fn granted(
    conn: &mut Conn<'_>,
    user_id: &str,
    application_id: &str,
) -> Result<Option<GrantedScopes>> {
    store::find(conn, user_id, application_id).await
}

/// Remembers what a user answered, in the transaction that issues the code.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn remember(
    tx: &mut Tx<'_>,
    user_id: &str,
    application_id: &str,
    answered: &Answered,
    now_ms: i64,
) -> Result<()> {
    store::save(tx, user_id, application_id, &answered.granted, now_ms).await?;
    if let Some(chosen) = &answered.organization_ids {
        store::delete_organizations(tx, application_id, user_id).await?;
        for id in chosen {
            store::insert_organization_of_member(tx, application_id, id, user_id).await?;
        }
    }
    Ok(())
}

/// Reads the consent scopes of every application that has some, by its id.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn load(conn: &mut Conn<'_>) -> Result<BTreeMap<String, ConsentScopes>> {
    store::all_scopes(conn).await
}
