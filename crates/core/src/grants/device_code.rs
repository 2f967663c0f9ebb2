//! The device code grant (RFC 8628 §3.4).

use trinco_oauth::token::{
    AccessTokenKind, DeviceCodeRequest, DeviceDecision, TokenResponse, TokenType, check_device_code,
};
use trinco_oauth::{Client, OAuthError, refresh};

use super::{store, tokens};
use crate::audit::{self, Entry, Outcome};
use crate::authorization::Subject;
use crate::{Error, Result, Tenant, TokenHash, access_control, devices};

const KEY: &str = "ExchangeTokenBy.DeviceCode";

/// Exchanges a device code for tokens, once its user has allowed the device. It works once; presenting it again revokes what it
/// issued.
///
/// # Errors
/// `authorization_pending`, `slow_down`, `access_denied`, `expired_token`; `invalid_grant` for a code that is unknown, spent,
/// another client's, or whose user is gone or suspended; `invalid_target`.
pub async fn exchange(
    tenant: &Tenant,
    client: &Client,
    request: &DeviceCodeRequest,
    proven_key: Option<&str>,
) -> Result<TokenResponse> {
    let hash = TokenHash::of(request.device_code.expose());
    let now = tenant.now_ms();
    let mut conn = tenant.read().await?;
    let code = devices::find(&mut conn, &hash)
        .await?
        .ok_or_else(|| OAuthError::invalid_grant("unknown device code"))?;
    let issued = code.issued();
    if let Err(refused) = check_device_code(client, &issued, now) {
        drop(conn);
        let is_pending = issued.decision == DeviceDecision::Pending
            && issued.client_id == client.client_id
            && now < issued.expires_at;
        if is_pending {
            tenant
                .write((hash, now), |tx, (hash, now)| Box::pin(devices::note_poll(tx, hash, *now)))
                .await?;
        } else if let (true, Some(grant_id)) = (refused.revoke_grant, &code.grant_id) {
            revoke_replayed(tenant, &client.client_id, grant_id).await?;
        }
        return Err(refused.error.into());
    }
    let grant = match &code.grant_id {
        Some(id) => store::find_grant(&mut conn, id).await?,
        None => None,
    };
    let grant = grant.ok_or_else(|| OAuthError::invalid_grant("the grant was revoked"))?;
    let subject = Subject::read(&mut conn, &grant.user_id)
        .await?
        .filter(|subject| !subject.user.is_suspended)
        .ok_or_else(|| OAuthError::invalid_grant("the user is gone or suspended"))?;
    let snapshot = tenant.snapshot();
    access_control::check_client(&mut conn, &snapshot, &client.client_id, &grant.user_id).await?;
    drop(conn);

    let kind = AccessTokenKind::for_user(request.resource.as_deref(), None, &grant.scopes)?;
    let all = grant.scopes.all();
    let permitted = match &kind {
        AccessTokenKind::Resource { indicator, .. } => {
            subject.scopes_on(&snapshot, indicator, None)
        }
        AccessTokenKind::Opaque | AccessTokenKind::Organization { .. } => all.clone(),
    };
    let scope = kind.scope(&grant.scopes, &all, &permitted);
    let access = tokens::plan(tenant, &snapshot, &grant, &kind, scope.clone(), proven_key)?;
    let refresh = refresh::is_issued(client, &grant.scopes.scope)
        .then(|| tokens::first_refresh_token(tenant, &snapshot, client, &grant, proven_key));
    let entry = Entry::new(tenant, KEY, Outcome::Success)
        .application(&client.client_id)
        .user(&grant.user_id)
        .fact("scope", scope.to_string());
    let stored_refresh = refresh.as_ref().map(|(_, stored)| stored.clone());
    let input = (hash, access.stored(), stored_refresh, entry, now);
    let spent = tenant
        .write(input, |tx, (hash, access, refresh, entry, now)| {
            Box::pin(async move {
                if !devices::spend(tx, hash, *now).await? {
                    return Ok(false);
                }
                if let Some(access) = access {
                    store::insert_access_token(tx, access).await?;
                }
                if let Some(refresh) = refresh {
                    store::insert_refresh_token(tx, refresh).await?;
                }
                audit::append(tx, entry).await?;
                Ok(true)
            })
        })
        .await
        // The grant was revoked between the look and the write.
        .map_err(|error| match error {
            Error::Database(trinco_db::Error::ForeignKey) => {
                OAuthError::invalid_grant("the grant was revoked").into()
            }
            other => other,
        })?;
    if !spent {
        revoke_replayed(tenant, &client.client_id, &grant.id).await?;
        return Err(OAuthError::invalid_grant("device code was used before").into());
    }

    let id_token =
        tokens::id_token(tenant, &snapshot, client, &grant, &subject, &grant.scopes.scope)?;
    let (access_token, expires_in) = access.make(&snapshot)?;
    Ok(TokenResponse {
        access_token,
        expires_in,
        id_token,
        refresh_token: refresh.map(|(token, _)| token.reveal().clone()),
        scope,
        token_type: TokenType::of(proven_key),
    })
}

/// As of an authorization code (RFC 9700 §4.14): a replay revokes the grant, and so every token it issued.
async fn revoke_replayed(tenant: &Tenant, client_id: &str, grant_id: &str) -> Result<()> {
    let entry = Entry::new(tenant, KEY, Outcome::Error)
        .application(client_id)
        .fact("error", "replayed device code");
    tenant
        .write((grant_id.to_owned(), entry), |tx, (grant_id, entry)| {
            Box::pin(async move {
                store::delete_grant(tx, grant_id).await?;
                audit::append(tx, entry).await
            })
        })
        .await
}
