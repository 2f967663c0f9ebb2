//! Looking at tokens: introspection (RFC 7662), revocation (RFC 7009) and userinfo (OpenID Connect Core §5.3).

use serde_json::{Map, Value};
use trinco_db::Conn;
use trinco_oauth::dpop::{self, Confirmation};
use trinco_oauth::grant::GrantedScopes;
use trinco_oauth::introspection::{self, ActiveToken, IntrospectionResponse, PresentedToken, True};
use trinco_oauth::revocation::{self, Revocation};
use trinco_oauth::scope::OPENID;
use trinco_oauth::token::TokenType;
use trinco_oauth::{Client, ErrorCode, OAuthError, Scope, claims};

use super::model::Grant;
use super::{store, tokens};
use crate::audit::{self, Entry, Outcome};
use crate::{Error, Result, Tenant, TokenHash, consents, users};

/// A token that was found, whatever its kind.
struct Found {
    grant: Grant,
    scope: Scope,
    created_at: i64,
    expires_at: i64,
    is_spent: bool,
    token_type: Option<TokenType>,
    dpop_jkt: Option<String>,
}

/// Tells a client about a token. A token that is unknown, expired, spent or not the client's to know about is inactive.
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
    let user = users::find(&mut conn, &found.grant.user_id).await?;
    if user.is_none_or(|user| user.is_suspended) {
        return Ok(IntrospectionResponse::INACTIVE);
    }
    Ok(IntrospectionResponse::Active(ActiveToken {
        active: True,
        sub: found.grant.user_id,
        client_id: found.grant.client_id,
        exp: found.expires_at.div_euclid(1000),
        iat: found.created_at.div_euclid(1000),
        iss: tenant.issuer().to_owned(),
        scope: found.scope,
        token_type: found.token_type,
        cnf: found.dpop_jkt.map(|jkt| Confirmation { jkt }),
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

/// The claims of the user an opaque access token stands for, presented with the key that was proven, if one was.
///
/// # Errors
/// `invalid_token` when the token is not a live access token, or bound to another key; `insufficient_scope` when it lacks `openid`.
pub async fn userinfo(
    tenant: &Tenant,
    token: &str,
    proven_key: Option<&str>,
) -> Result<Map<String, Value>> {
    let invalid = || OAuthError::new(ErrorCode::InvalidToken, "invalid token provided");
    let mut conn = tenant.read().await?;
    let now = tenant.now_ms();
    let (stored, grant) = store::find_access_token(&mut conn, &TokenHash::of(token))
        .await?
        .filter(|(stored, grant)| stored.expires_at > now && grant.expires_at > now)
        .ok_or_else(invalid)?;
    dpop::check_access(stored.dpop_jkt.as_deref(), proven_key)?;
    let scope = stored_scope(&stored.scope)?;
    if !scope.contains(OPENID) {
        let error =
            OAuthError::new(ErrorCode::InsufficientScope, "access token missing openid scope");
        return Err(error.with_scope(OPENID).into());
    }
    let snapshot = tenant.snapshot();
    let subject =
        consents::organizations::subject(&mut conn, &snapshot, &grant.user_id, &grant.client_id)
            .await?
            .filter(|subject| !subject.user.is_suspended)
            .ok_or_else(invalid)?;
    // What was taken off the client's consent scopes since the token was issued is not told any more.
    let token = GrantedScopes { scope, ..GrantedScopes::default() };
    let scope = consents::limit_grant(&snapshot, &grant.client_id, &token).scope;
    let reveal = tokens::reveal(&snapshot, &grant, &scope);
    Ok(claims::userinfo(&subject.claims(&snapshot), &reveal))
}

/// A token is 256 random bits, so looking under one kind first is as good as the other: the hint is not needed.
async fn find(conn: &mut Conn<'_>, presented: &PresentedToken) -> Result<Option<Found>> {
    let hash = TokenHash::of(presented.token.expose());
    if let Some((token, grant)) = store::find_access_token(conn, &hash).await? {
        return Ok(Some(Found {
            scope: stored_scope(&token.scope)?,
            created_at: token.created_at,
            expires_at: token.expires_at,
            is_spent: false,
            token_type: Some(TokenType::of(token.dpop_jkt.as_deref())),
            dpop_jkt: token.dpop_jkt,
            grant,
        }));
    }
    let found = store::find_refresh_token(conn, &hash).await?;
    Ok(found.map(|(token, grant)| Found {
        scope: grant.scopes.all(),
        created_at: token.created_at,
        expires_at: token.expires_at,
        is_spent: token.consumed_at.is_some(),
        token_type: None,
        dpop_jkt: token.dpop_jkt,
        grant,
    }))
}

fn stored_scope(text: &str) -> Result<Scope> {
    Scope::parse(text).map_err(|_| Error::Internal("a stored scope is unreadable".to_owned()))
}
