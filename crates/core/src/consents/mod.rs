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
use trinco_oauth::consent::Ceiling;
use trinco_oauth::grant::GrantedScopes;
use trinco_oauth::token::AccessTokenKind;
use trinco_oauth::{AuthorizationRequest, Scope};

pub use model::{
    Answered, ConsentScopes, ListedConsentScopes, ListedResource, ListedScope, NewConsentScopes,
    ResourceName, ScopeType, USER_SCOPES, UserScope,
};

use crate::applications::RegisteredClient;
use crate::clients::{self, Standing};
use crate::{Bumped, Result, Snapshot, Tenant};

/// The request without what lies beyond the application's consent scopes.
pub fn limit_request(
    snapshot: &Snapshot,
    registered: &RegisteredClient,
    request: AuthorizationRequest,
) -> AuthorizationRequest {
    match ceiling(snapshot, &registered.client.client_id) {
        Some(ceiling) => ceiling.limit_request(request),
        None => request,
    }
}

/// Whether a client can have tokens for this resource at all, whatever permissions they hold.
pub fn reaches_resource(snapshot: &Snapshot, client_id: &str, indicator: &str) -> bool {
    ceiling(snapshot, client_id).is_none_or(|ceiling| ceiling.reaches(indicator))
}

/// The most that a client can be granted; `None` for the operator's own.
fn ceiling(snapshot: &Snapshot, client_id: &str) -> Option<Ceiling> {
    match clients::standing(snapshot, client_id) {
        Standing::FirstParty => None,
        Standing::ThirdParty(scopes) => {
            let is_stranger = clients::is_stranger(snapshot, client_id);
            Some(rules::ceiling(&scopes, snapshot, is_stranger))
        }
        // Gone since it was looked up: there is nothing it may ask for.
        Standing::Unknown => Some(Ceiling { only_listed: true, ..Ceiling::default() }),
    }
}

/// A grant without what lies beyond the client's consent scopes as they are now. Nothing is left of it when the client is gone.
pub fn limit_grant(snapshot: &Snapshot, client_id: &str, granted: &GrantedScopes) -> GrantedScopes {
    if matches!(clients::standing(snapshot, client_id), Standing::Unknown) {
        return GrantedScopes::default();
    }
    ceiling(snapshot, client_id).map_or_else(|| granted.clone(), |ceiling| ceiling.limit(granted))
}

/// Of the permissions a user has on the target of a token, those the client's consent scopes allow there.
pub fn limit_permissions(
    snapshot: &Snapshot,
    client_id: &str,
    kind: &AccessTokenKind,
    permitted: Scope,
) -> Scope {
    match clients::standing(snapshot, client_id) {
        Standing::Unknown => Scope::empty(),
        Standing::FirstParty => permitted,
        Standing::ThirdParty(scopes) => {
            permitted.intersection(&rules::on_target(&scopes, snapshot, kind))
        }
    }
}

/// The scopes with their names.
pub(crate) fn listed(scopes: &ConsentScopes, snapshot: &Snapshot) -> ListedConsentScopes {
    rules::listed(scopes, snapshot)
}

/// Of these scopes, those that exist and have a name in `wanted`; all that exist when nothing particular is wanted.
pub(crate) fn narrowed(
    scopes: &ConsentScopes,
    wanted: Option<&Scope>,
    snapshot: &Snapshot,
) -> ConsentScopes {
    rules::narrowed(scopes, wanted, snapshot)
}

/// The names of scopes, each once.
pub(crate) fn names(scopes: &ConsentScopes, snapshot: &Snapshot) -> Scope {
    rules::names(scopes, snapshot)
}

/// The consent scopes of an application as they are stored, in the transaction that is about to change them.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn stored_scopes(tx: &mut Tx<'_>, application_id: &str) -> Result<ConsentScopes> {
    store::scopes_of(tx, application_id).await
}

/// Gives an application these consent scopes in place of those it has.
///
/// # Errors
/// `application.user_consent_scopes_not_found` when one was deleted meanwhile.
pub(crate) async fn replace_scopes(
    tx: &mut Tx<'_>,
    bumped: &Bumped,
    application_id: &str,
    scopes: &ConsentScopes,
) -> Result<()> {
    store::delete_scopes(tx, bumped, application_id).await?;
    store::insert_scopes(tx, bumped, application_id, scopes)
        .await
        .map_err(|error| error.if_missing("application.user_consent_scopes_not_found"))
}

/// Refuses scopes that cannot be on anyone's list.
///
/// # Errors
/// `application.user_consent_scopes_not_found`; `application.consent_management_api_scopes_not_allowed`.
pub(crate) async fn check_new(tenant: &Tenant, new: &NewConsentScopes) -> Result<()> {
    // Another node may have just made the scopes.
    if rules::check_new(new, &tenant.snapshot()).is_err() {
        tenant.refresh().await?;
        rules::check_new(new, &tenant.snapshot())?;
    }
    Ok(())
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
