//! Looking at tokens: introspection (RFC 7662), revocation (RFC 7009) and userinfo (OpenID Connect Core §5.3).

use serde_json::{Map, Value};
use trinco_db::Conn;
use trinco_oauth::claims::Actor;
use trinco_oauth::dpop::{self, Confirmation};
use trinco_oauth::introspection::{self, ActiveToken, IntrospectionResponse, PresentedToken, True};
use trinco_oauth::revocation::{self, Revocation};
use trinco_oauth::scope::OPENID;
use trinco_oauth::token::TokenType;
use trinco_oauth::{Client, ErrorCode, OAuthError, Scope, claims};

use super::model::Grant;
use super::{standing, store, tokens};
use crate::audit::{self, Entry, Outcome};
use crate::dpop::Proof;
use crate::{Error, Result, Tenant, TokenHash};

/// A token that was found, whatever its kind.
struct Found {
    grant: Grant,
    /// An access token's own; a refresh token is good for all of its grant.
    scope: Option<Scope>,
    created_at: i64,
    expires_at: i64,
    is_spent: bool,
    token_type: Option<TokenType>,
    dpop_jkt: Option<String>,
    actor_id: Option<String>,
}

/// Tells a client about a token, as it would be received now: what its client has lost since is not told. A token that is unknown,
/// expired, spent, not the client's to know about, or of a user who may not use its client any more, is inactive.
///
/// # Errors
/// When the database does not answer.
pub async fn introspect(
    tenant: &Tenant,
    client: &Client,
    presented: &PresentedToken,
) -> Result<IntrospectionResponse> {
    let mut conn = tenant.read().await?;
    let now = tenant.now_ms();
    let live = find(&mut conn, presented)
        .await?
        .filter(|found| !found.is_spent && found.expires_at > now && found.grant.expires_at > now)
        .filter(|found| introspection::is_permitted(client, &found.grant.client_id));
    let Some(found) = live else { return Ok(IntrospectionResponse::INACTIVE) };
    let grant = match standing::check(&mut conn, &tenant.snapshot(), found.grant).await {
        Ok((_, grant)) => grant,
        Err(Error::OAuth(_)) => return Ok(IntrospectionResponse::INACTIVE),
        Err(error) => return Err(error),
    };
    Ok(IntrospectionResponse::Active(ActiveToken {
        active: True,
        exp: found.expires_at.div_euclid(1000),
        iat: found.created_at.div_euclid(1000),
        iss: tenant.issuer().to_owned(),
        scope: match found.scope {
            Some(scope) => scope.intersection(&grant.scopes.scope),
            None => grant.scopes.all(),
        },
        sub: grant.user_id,
        client_id: grant.client_id,
        token_type: found.token_type,
        cnf: found.dpop_jkt.map(|jkt| Confirmation { jkt }),
        act: found.actor_id.map(|sub| Actor { sub }),
    }))
}

/// Revokes the grant of a token, and with it every token the grant issued. An unknown token, or another client's, is none of the
/// client's business: nothing happens.
///
/// # Errors
/// When the database does not answer.
pub async fn revoke(tenant: &Tenant, client: &Client, presented: &PresentedToken) -> Result<()> {
    let found = find(&mut tenant.read().await?, presented).await?;
    let owner = found.as_ref().map(|found| found.grant.client_id.as_str());
    let (Revocation::Grant, Some(found)) = (revocation::decide(client, owner), &found) else {
        return Ok(());
    };
    let entry = Entry::new(tenant, "RevokeToken", Outcome::Success)
        .application(&client.client_id)
        .user(&found.grant.user_id);
    tenant
        .write((found.grant.id.clone(), entry), |tx, (grant_id, entry)| {
            Box::pin(async move {
                store::delete_grant(tx, grant_id).await?;
                audit::append(tx, entry).await
            })
        })
        .await
}

/// The claims of the user an opaque access token stands for, presented with a proof of its key, if it has one.
///
/// # Errors
/// `invalid_token` when the token is not a live access token, bound to another key, or of a user who may not use its client any more;
/// `invalid_dpop_proof` when its client may not sign proofs in that way; `insufficient_scope` when it lacks `openid`.
pub async fn userinfo(
    tenant: &Tenant,
    token: &str,
    proof: Option<&Proof>,
) -> Result<Map<String, Value>> {
    let invalid = || OAuthError::new(ErrorCode::InvalidToken, "invalid token provided");
    let mut conn = tenant.read().await?;
    let now = tenant.now_ms();
    let (stored, grant) = store::find_access_token(&mut conn, &TokenHash::of(token))
        .await?
        .filter(|(stored, grant)| stored.expires_at > now && grant.expires_at > now)
        .ok_or_else(invalid)?;
    dpop::check_access(stored.dpop_jkt.as_deref(), proof.map(Proof::key))?;
    let snapshot = tenant.snapshot();
    proof.map_or(Ok(()), |proof| proof.check_for(&snapshot, &grant.client_id))?;
    let scope = stored_scope(&stored.scope)?;
    if !scope.contains(OPENID) {
        let error =
            OAuthError::new(ErrorCode::InsufficientScope, "access token missing openid scope");
        return Err(error.with_scope(OPENID).into());
    }
    let (subject, grant) =
        standing::check(&mut conn, &snapshot, grant).await.map_err(|error| match error {
            Error::OAuth(_) => Error::from(invalid()),
            error => error,
        })?;
    let scope = scope.intersection(&grant.scopes.scope);
    let reveal = tokens::reveal(&snapshot, &grant, &scope);
    Ok(claims::userinfo(&subject.claims(&snapshot), &reveal))
}

/// A token is 256 random bits, so looking under one kind first is as good as the other: the hint is not needed.
async fn find(conn: &mut Conn<'_>, presented: &PresentedToken) -> Result<Option<Found>> {
    let hash = TokenHash::of(presented.token.expose());
    if let Some((token, grant)) = store::find_access_token(conn, &hash).await? {
        return Ok(Some(Found {
            scope: Some(stored_scope(&token.scope)?),
            created_at: token.created_at,
            expires_at: token.expires_at,
            is_spent: false,
            token_type: Some(TokenType::of(token.dpop_jkt.as_deref())),
            dpop_jkt: token.dpop_jkt,
            actor_id: token.actor_id,
            grant,
        }));
    }
    let found = store::find_refresh_token(conn, &hash).await?;
    Ok(found.map(|(token, grant)| Found {
        scope: None,
        created_at: token.created_at,
        expires_at: token.expires_at,
        is_spent: token.consumed_at.is_some(),
        token_type: None,
        dpop_jkt: token.dpop_jkt,
        actor_id: None,
        grant,
    }))
}

fn stored_scope(text: &str) -> Result<Scope> {
    Scope::parse(text).map_err(|_| Error::Internal("a stored scope is unreadable".to_owned()))
}
