//! The token exchange grant (RFC 8693): a token for a user, in place of a token that stands for the user.

use serde::{Deserialize, Serialize};
use trinco_db::Conn;
use trinco_jose::{Audience, Expectation, TokenType as JwtType};
use trinco_oauth::claims::Actor;
use trinco_oauth::client::GrantType;
use trinco_oauth::dpop::{self, Confirmation};
use trinco_oauth::grant::GrantedScopes;
use trinco_oauth::scope::OPENID;
use trinco_oauth::token::{
    ACCESS_TOKEN_TYPE, AccessTokenKind, ExchangedTarget, Membership, SubjectTokenType,
    TokenExchangeRequest, TokenResponse, TokenType, check_membership, exchanged_scope,
};
use trinco_oauth::{Client, OAuthError, Scope};

use super::customized::Issuing;
use super::model::{Grant, OPAQUE_TOKEN_LIFETIME, StoredAccessToken};
use super::tokens::Planned;
use super::{Grantor, standing, store, tokens};
use crate::applications;
use crate::audit::{self, Entry, Outcome};
use crate::authorization::Subject;
use crate::dpop::Proof;
use crate::{
    Error, JsonObject, Result, Tenant, TokenHash, access_control, keys, personal_access_tokens,
    subject_tokens, users,
};

pub(super) const KEY: &str = "ExchangeTokenBy.TokenExchange";

/// The answer (RFC 8693 §2.2.1).
#[derive(Clone, Serialize)]
pub struct Exchanged {
    /// As of every grant; there is neither refresh token nor ID token.
    #[serde(flatten)]
    pub tokens: TokenResponse,
    /// Always an access token.
    pub issued_token_type: &'static str,
}

/// Whom a subject token stands for.
struct Presented {
    user_id: String,
    target: ExchangedTarget,
    /// The browser session that an opaque token came from: what is exchanged for it ends with it.
    session_id: Option<String>,
    /// When an access token ends, Unix milliseconds: what is exchanged for it ends then, too. The other kinds bound nothing.
    ends_at: Option<i64>,
    /// Who acts as the user already.
    actor_id: Option<String>,
    /// To be spent.
    subject_token: Option<TokenHash>,
    /// What came with it.
    context: Option<JsonObject>,
}

/// Who exchanges tokens, and the key that was proven, if one was.
struct Exchanger<'a> {
    client: &'a Client,
    proven_key: Option<&'a str>,
}

impl Exchanger<'_> {
    /// A key-bound token is worth nothing to a thief (RFC 9449 §1), here as elsewhere: a public client proves the key. A
    /// confidential client, which received the token at its own API and cannot have the key, is known by its authentication.
    fn may_present(&self, bound_to: Option<&str>) -> Result<()> {
        if !self.client.is_confidential() {
            dpop::check_grant(bound_to, self.proven_key)?;
        }
        Ok(())
    }
}

/// Exchanges a token that stands for a user for an access token.
///
/// # Errors
/// `invalid_dpop_proof` when a public client presents a token without the key it is bound to;
/// `invalid_grant` for a subject or actor token that is unknown, expired, spent, another tenant's, a third-party application's or
/// a machine's, and when its user is suspended; `invalid_target`; `access_denied` for an organization the user is not a member of,
/// or when a script denies the token; `oidc.custom_claims_script_error`.
pub(super) async fn exchange(
    tenant: &Tenant,
    client: &Client,
    request: &TokenExchangeRequest,
    proof: Option<&Proof>,
) -> Result<Exchanged> {
    let kind = AccessTokenKind::for_exchange(
        request.resource.as_deref(),
        request.organization_id.as_deref(),
    )?;
    tokens::check_resource(tenant, &kind).await?;
    let proven_key = proof.map(Proof::key);
    let by = Exchanger { client, proven_key };
    let presented = subject_of(tenant, &by, request).await?;
    let actor = match &request.actor_token {
        Some(token) => Some(actor_of(tenant, &by, token.expose()).await?),
        // Who acts is not forgotten on the way from token to token.
        None => presented.actor_id.clone(),
    };
    let mut conn = tenant.read().await?;
    let subject = Subject::read(&mut conn, &presented.user_id)
        .await?
        .filter(|subject| !subject.user.is_suspended)
        .ok_or_else(|| OAuthError::invalid_grant("the user is gone or suspended"))?;
    let (id, user_id) = (&client.client_id, &presented.user_id);
    access_control::check_client(&mut conn, &tenant.snapshot(), id, user_id).await?;
    drop(conn);
    if let Some(id) = kind.organization_id() {
        let membership = subject.membership(id);
        check_membership(Membership {
            is_member: membership.is_some(),
            // As at a refresh: users have passwords only.
            mfa_satisfied: membership.is_none_or(|membership| !membership.is_mfa_required),
        })?;
    }

    let snapshot = keys::configuration_to_sign_for(tenant, client).await?;
    let permitted = match &kind {
        AccessTokenKind::Opaque => Scope::empty(),
        AccessTokenKind::Resource { indicator, organization_id } => {
            subject.scopes_on(&snapshot, indicator, organization_id.as_deref())
        }
        AccessTokenKind::Organization { organization_id } => {
            subject.scopes_in(&snapshot, organization_id)
        }
    };
    let scope = exchanged_scope(&kind, &request.scope, &permitted, &presented.target);
    let grant = grant_of(tenant, client, &presented, &kind, &scope);
    let mut access =
        tokens::plan(tenant, &snapshot, client, &grant, &kind, scope.clone(), proven_key)?;
    match &mut access {
        Planned::Jwt(claims) => claims.act = actor.clone().map(|sub| Actor { sub }),
        Planned::Opaque { stored, .. } => stored.actor_id.clone_from(&actor),
    }
    let issuing = Issuing {
        tenant,
        snapshot: &snapshot,
        client,
        grant: &grant,
        subject: &subject,
        grant_type: GrantType::TokenExchange,
        subject_token_context: presented.context.as_ref(),
    };
    let access = issuing.access_token(&kind, access).await?;
    let mut entry = Entry::new(tenant, KEY, Outcome::Success)
        .application(&client.client_id)
        .user(&grant.user_id)
        .fact("subjectTokenType", request.subject_token_type.as_str())
        .fact("scope", scope.to_string());
    if let Some(actor) = &actor {
        entry = entry.fact("actorId", actor.as_str());
    }
    keep(tenant, presented.subject_token, grant, access.stored(), proof, entry).await?;
    let (access_token, expires_in) = access.into_token();
    Ok(Exchanged {
        tokens: TokenResponse {
            access_token,
            expires_in,
            id_token: None,
            refresh_token: None,
            scope,
            token_type: TokenType::of(proven_key),
        },
        issued_token_type: ACCESS_TOKEN_TYPE,
    })
}

/// The grant of the new token. It lasts as long as an opaque token, because nothing else will come from it, and no longer than the
/// token it is exchanged for: whoever exchanges a token again and again must not keep a user signed in.
fn grant_of(
    tenant: &Tenant,
    client: &Client,
    presented: &Presented,
    kind: &AccessTokenKind,
    scope: &Scope,
) -> Grant {
    let scopes = match kind {
        AccessTokenKind::Opaque => {
            GrantedScopes { scope: scope.clone(), ..GrantedScopes::default() }
        }
        AccessTokenKind::Resource { .. } | AccessTokenKind::Organization { .. } => {
            let audience = kind.audience().unwrap_or_default();
            GrantedScopes { scope: Scope::empty(), resources: [(audience, scope.clone())].into() }
        }
    };
    let now = tenant.now_ms();
    let grantor = Grantor {
        user_id: &presented.user_id,
        session_id: presented.session_id.as_deref().unwrap_or_default(),
        authenticated_at: now,
    };
    let grant = super::without_code(tenant, &client.client_id, scopes, grantor);
    let most = now + OPAQUE_TOKEN_LIFETIME * 1000;
    Grant { expires_at: presented.ends_at.map_or(most, |ends_at| ends_at.min(most)), ..grant }
}

/// Spends what is spent once and stores what can be taken back. A JWT is neither stored nor taken back, so it leaves no grant.
async fn keep(
    tenant: &Tenant,
    subject_token: Option<TokenHash>,
    grant: Grant,
    access: Option<StoredAccessToken>,
    proof: Option<&Proof>,
    entry: Entry,
) -> Result<()> {
    let input = (subject_token, grant, access, proof.cloned(), entry, tenant.now_ms());
    tenant
        .write(input, |tx, (subject_token, grant, access, proof, entry, now)| {
            Box::pin(async move {
                if let Some(proof) = proof {
                    proof.spend_in(tx).await?;
                }
                if let Some(hash) = subject_token {
                    subject_tokens::spend(tx, hash, *now).await?;
                }
                if let Some(access) = access {
                    store::insert_grant(tx, grant).await?;
                    store::insert_access_token(tx, access).await?;
                }
                audit::append(tx, entry).await
            })
        })
        .await
        .map_err(standing::gone)
}

async fn subject_of(
    tenant: &Tenant,
    by: &Exchanger<'_>,
    request: &TokenExchangeRequest,
) -> Result<Presented> {
    let token = request.subject_token.expose();
    let hash = TokenHash::of(token);
    let now = tenant.now_ms();
    let mut conn = tenant.read().await?;
    let user = |user_id: String| Presented {
        user_id,
        target: ExchangedTarget::User,
        session_id: None,
        ends_at: None,
        actor_id: None,
        subject_token: None,
        context: None,
    };
    let unknown = || OAuthError::invalid_grant("unknown, expired or spent subject token");
    match request.subject_token_type {
        SubjectTokenType::Impersonation => {
            let found = subject_tokens::find(&mut conn, &hash, now).await?;
            let (user_id, context) = found.ok_or_else(unknown)?;
            Ok(Presented { subject_token: Some(hash), context: Some(context), ..user(user_id) })
        }
        SubjectTokenType::PersonalAccessToken => {
            let user_id = personal_access_tokens::user_of(&mut conn, &hash, now).await?;
            Ok(user(user_id.ok_or_else(unknown)?))
        }
        SubjectTokenType::AccessToken => {
            let opaque = live_access_token(&mut conn, &hash, now).await?;
            drop(conn);
            let presented = match opaque {
                Some((stored, grant)) => {
                    by.may_present(stored.dpop_jkt.as_deref())?;
                    first_party(tenant, &grant.client_id).await?;
                    Presented {
                        user_id: grant.user_id,
                        target: ExchangedTarget::Opaque {
                            scope: stored_scope(&stored.scope)?,
                            granted: grant.scopes,
                        },
                        session_id: grant.session_id,
                        ends_at: Some(stored.expires_at.min(grant.expires_at)),
                        actor_id: stored.actor_id,
                        subject_token: None,
                        context: None,
                    }
                }
                None => subject_of_jwt(tenant, by, token).await?,
            };
            Ok(presented)
        }
    }
}

#[derive(Deserialize)]
struct JwtClaims {
    sub: String,
    client_id: String,
    aud: String,
    #[serde(default)]
    scope: Scope,
    organization_id: Option<String>,
    exp: i64,
    act: Option<Actor>,
    cnf: Option<Confirmation>,
}

/// A JWT access token of this issuer (RFC 9068 §4), whatever its audience: the client vouches for having received it.
async fn subject_of_jwt(tenant: &Tenant, by: &Exchanger<'_>, token: &str) -> Result<Presented> {
    let expectation =
        Expectation::new(JwtType::Exactly("at+jwt"), tenant.issuer(), Audience::Any, tenant.now());
    let verified = keys::verified(tenant, |keys| keys.verify::<JwtClaims>(token, &expectation))
        .await?
        .map_err(|problem| OAuthError::invalid_grant(format!("subject token: {problem}")))?;
    let claims = verified.claims;
    by.may_present(claims.cnf.as_ref().map(|cnf| cnf.jkt.as_str()))?;
    // A machine's token stands for no user, even if some user has its id.
    if claims.sub == claims.client_id {
        return Err(OAuthError::invalid_grant("subject token of a machine").into());
    }
    first_party(tenant, &claims.client_id).await?;
    Ok(Presented {
        user_id: claims.sub,
        target: ExchangedTarget::Jwt {
            audience: claims.aud,
            organization_id: claims.organization_id,
            scope: claims.scope,
        },
        session_id: None,
        ends_at: Some(claims.exp.saturating_mul(1000)),
        actor_id: claims.act.map(|actor| actor.sub),
        subject_token: None,
        context: None,
    })
}

/// The user behind an actor token: an opaque access token with `openid`.
async fn actor_of(tenant: &Tenant, by: &Exchanger<'_>, token: &str) -> Result<String> {
    let refuse = || OAuthError::invalid_grant("unknown or expired actor token");
    let mut conn = tenant.read().await?;
    let (stored, grant) = live_access_token(&mut conn, &TokenHash::of(token), tenant.now_ms())
        .await?
        .ok_or_else(refuse)?;
    by.may_present(stored.dpop_jkt.as_deref())?;
    let user = users::find(&mut conn, &grant.user_id).await?;
    drop(conn);
    if user.is_none_or(|user| user.is_suspended) {
        return Err(refuse().into());
    }
    first_party(tenant, &grant.client_id).await?;
    if !stored_scope(&stored.scope)?.contains(OPENID) {
        return Err(OAuthError::invalid_grant("actor token without openid").into());
    }
    Ok(grant.user_id)
}

/// Users consented to what a third-party application does, not to what others do with its tokens.
async fn first_party(tenant: &Tenant, client_id: &str) -> Result<()> {
    match applications::find(tenant, client_id).await? {
        Some(registered) if !registered.client.is_third_party => Ok(()),
        _ => Err(OAuthError::invalid_grant("token of a third-party or unknown client").into()),
    }
}

async fn live_access_token(
    conn: &mut Conn<'_>,
    hash: &TokenHash,
    now_ms: i64,
) -> Result<Option<(StoredAccessToken, Grant)>> {
    let found = store::find_access_token(conn, hash).await?;
    Ok(found.filter(|(stored, grant)| stored.expires_at > now_ms && grant.expires_at > now_ms))
}

fn stored_scope(text: &str) -> Result<Scope> {
    Scope::parse(text).map_err(|_| Error::Internal("a stored scope is unreadable".to_owned()))
}
