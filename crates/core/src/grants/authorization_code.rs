//! The authorization code grant (RFC 6749 §4.1.3).

use trinco_oauth::dpop;
use trinco_oauth::pkce::CodeChallenge;
use trinco_oauth::token::{
    AccessTokenKind, AuthorizationCodeRequest, IssuedCode, TokenResponse, TokenType, check_code,
};
use trinco_oauth::{Client, OAuthError, refresh};

use super::model::{Grant, StoredCode};
use super::{store, tokens};
use crate::audit::{self, Entry, Outcome};
use crate::{Error, Result, Tenant, TokenHash, access_control, consents};

const KEY: &str = "ExchangeTokenBy.AuthorizationCode";

/// Exchanges a code for tokens, bound to the key that was proven, if one was. A code works once; presenting it again revokes what it issued.
///
/// # Errors
/// `invalid_grant` for a code that is unknown, spent, expired, another client's, or presented with another redirect URI or without
/// its verifier or key; `invalid_dpop_proof` when its key is not proven; `invalid_target`.
pub async fn exchange(
    tenant: &Tenant,
    client: &Client,
    request: &AuthorizationCodeRequest,
    proven_key: Option<&str>,
) -> Result<TokenResponse> {
    let mut conn = tenant.read().await?;
    let found = store::find_code(&mut conn, &TokenHash::of(request.code.expose())).await?;
    let (code, grant) = found.ok_or_else(|| OAuthError::invalid_grant("unknown code"))?;
    let challenge = challenge_of(&code)?;
    let issued = IssuedCode {
        client_id: &code.client_id,
        redirect_uri: &code.redirect_uri,
        code_challenge: challenge.as_ref(),
        expires_at: code.expires_at.div_euclid(1000),
        consumed_at: code.consumed_at.map(|at| at.div_euclid(1000)),
    };
    if let Err(refused) = check_code(request, client, &issued, tenant.now()) {
        drop(conn);
        if refused.revoke_grant {
            revoke_replayed(tenant, &client.client_id, &grant.id).await?;
        }
        return Err(refused.error.into());
    }
    dpop::check_grant(code.dpop_jkt.as_deref(), proven_key)?;
    let snapshot = tenant.snapshot();
    let subject =
        consents::organizations::subject(&mut conn, &snapshot, &grant.user_id, &grant.client_id)
            .await?
            .filter(|subject| !subject.user.is_suspended)
            .ok_or_else(|| OAuthError::invalid_grant("the user is gone or suspended"))?;
    access_control::check_client(&mut conn, &snapshot, &grant.client_id, &grant.user_id).await?;
    drop(conn);
    let scopes = consents::limit_grant(&snapshot, &grant.client_id, &grant.scopes);
    let grant = Grant { scopes, ..grant };

    let kind = AccessTokenKind::for_user(request.resource.as_deref(), None, &grant.scopes)?;
    let permitted = match &kind {
        AccessTokenKind::Resource { indicator, .. } => {
            subject.scopes_on(&snapshot, indicator, None)
        }
        AccessTokenKind::Opaque | AccessTokenKind::Organization { .. } => grant.scopes.all(),
    };
    let permitted = match &kind {
        AccessTokenKind::Opaque => permitted,
        kind => consents::limit_permissions(&snapshot, &grant.client_id, kind, permitted),
    };
    let scope = kind.scope(&grant.scopes, &grant.scopes.all(), &permitted);
    let access = tokens::plan(tenant, &snapshot, &grant, &kind, scope.clone(), proven_key)?;
    let refresh = refresh::is_issued(client, &grant.scopes.scope)
        .then(|| tokens::first_refresh_token(tenant, &snapshot, client, &grant, proven_key));

    let entry = Entry::new(tenant, KEY, Outcome::Success)
        .application(&client.client_id)
        .user(&grant.user_id)
        .fact("scope", scope.to_string());
    let stored_refresh = refresh.as_ref().map(|(_, stored)| stored.clone());
    let input = (code.hash, access.stored(), stored_refresh, entry, tenant.now_ms());
    let spent = tenant
        .write(input, |tx, (hash, access, refresh, entry, now)| {
            Box::pin(async move {
                if !store::spend_code(tx, hash, *now).await? {
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
        return Err(OAuthError::invalid_grant("code was used before").into());
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

fn challenge_of(code: &StoredCode) -> Result<Option<CodeChallenge>> {
    let unreadable = || Error::Internal("a stored code challenge is unreadable".to_owned());
    code.code_challenge
        .as_deref()
        .map(|text| CodeChallenge::parse(text).ok_or_else(unreadable))
        .transpose()
}

/// RFC 9700 §4.14: a replayed code revokes the grant, and so every token it issued.
async fn revoke_replayed(tenant: &Tenant, client_id: &str, grant_id: &str) -> Result<()> {
    let entry = Entry::new(tenant, KEY, Outcome::Error)
        .application(client_id)
        .fact("error", "replayed code");
    tenant
        .write((grant_id.to_owned(), entry), |tx, (grant_id, entry)| {
            Box::pin(async move {
                store::delete_grant(tx, grant_id).await?;
                audit::append(tx, entry).await
            })
        })
        .await
}
