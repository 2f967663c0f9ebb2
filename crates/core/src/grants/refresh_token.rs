//! The refresh token grant (RFC 6749 §6), with rotation.
//!
//! The successor of a rotated token is derived from it, not drawn: parallel requests that present one token all arrive at the same
//! successor, so they cannot fork the chain, and the token itself need not be stored.

use std::sync::Arc;

use trinco_jose::base64url_encode;
use trinco_oauth::client::GrantType;
use trinco_oauth::dpop;
use trinco_oauth::grant::GrantedScopes;
use trinco_oauth::refresh::{self, IssuedRefreshToken, Presented};
use trinco_oauth::token::{
    self, AccessTokenKind, Membership, RefreshTokenRequest, TokenResponse, TokenType,
    check_user_organization,
};
use trinco_oauth::{Client, OAuthError, Scope};

use super::customized::Issuing;
use super::model::{Grant, StoredAccessToken, StoredRefreshToken};
use super::{standing, store, tokens};
use crate::audit::{self, Entry, Outcome};
use crate::authorization::Subject;
use crate::dpop::Proof;
use crate::{Error, Result, Secret, Snapshot, Tenant, TokenHash, activity, consents, keys};

pub(super) const KEY: &str = "ExchangeTokenBy.RefreshToken";
/// Rotations that are followed within the reuse window, each a point read. A busy application gets through dozens of them; more than
/// this is refused, to bound the work, but is no sign of theft.
const LONGEST_WALK: usize = 1024;

/// A request that lost the race for a rotation finds its winner the next time.
const ATTEMPTS: usize = 3;

/// What becomes of the presented token.
#[derive(Clone)]
enum Next {
    /// It goes on as it is.
    Keep,
    /// It is spent, and this successor takes its place.
    Rotate { token: Secret, stored: StoredRefreshToken },
}

/// Exchanges a refresh token for an access token, and for an ID token when the grant has `openid`.
///
/// # Errors
/// `invalid_grant` for a token that is unknown, expired or another client's, and for one that was rotated away longer than the reuse
/// window ago, which revokes the grant; `invalid_dpop_proof` when the key it is bound to is not proven; `invalid_scope`, `invalid_target`, `insufficient_scope`, `access_denied` when the target is not
/// the user's to ask for, `access_denied` also when a script denies a token; `oidc.custom_claims_script_error`.
pub(super) async fn exchange(
    tenant: &Tenant,
    client: &Client,
    request: &RefreshTokenRequest,
    proof: Option<&Proof>,
) -> Result<TokenResponse> {
    for _ in 0..ATTEMPTS {
        if let Some(answer) = attempt(tenant, client, request, proof).await? {
            return Ok(answer);
        }
    }
    Err(Error::Internal("a refresh token was rotated by others again and again".to_owned()))
}

/// Judges the token and answers; `None` when a parallel request rotated it in between, so that it is to be judged anew: by the window
/// of the client that is either its newest successor or a replay.
async fn attempt(
    tenant: &Tenant,
    client: &Client,
    request: &RefreshTokenRequest,
    proof: Option<&Proof>,
) -> Result<Option<TokenResponse>> {
    let proven_key = proof.map(Proof::key);
    let presented = Secret::new(request.refresh_token.expose().to_owned());
    let mut conn = tenant.read().await?;
    let found = store::find_refresh_token(&mut conn, &TokenHash::of(presented.reveal())).await?;
    let (stored, grant) = found
        .filter(|(_, grant)| {
            grant.client_id == client.client_id && grant.expires_at > tenant.now_ms()
        })
        .ok_or_else(|| OAuthError::invalid_grant("unknown refresh token"))?;
    // What follows may have to read the configuration anew, for which it takes a connection of its own.
    drop(conn);
    // Before the token is judged, so that whoever lacks the key can neither use nor revoke anything.
    dpop::check_grant(stored.dpop_jkt.as_deref(), proven_key)?;
    let window = client.refresh_token_reuse_window;
    let judged = refresh::presented(&issued(&stored), tenant.now(), window);
    let current = match judged {
        Presented::Fresh => Some((presented, stored)),
        Presented::WithinReuse => match newest(tenant, presented, stored).await? {
            Walked::To(token, stored) => {
                // It may be bound though the one that was presented is not: the application has begun to prove a key.
                dpop::check_grant(stored.dpop_jkt.as_deref(), proven_key)?;
                Some((token, stored))
            }
            Walked::IntoTheVoid => None,
            Walked::TooFar => {
                return Err(OAuthError::invalid_grant("rotated too often since").into());
            }
        },
        Presented::Expired => {
            return Err(OAuthError::invalid_grant("the refresh token has expired").into());
        }
        Presented::Replayed => None,
    };
    let Some((presented, stored)) = current else {
        return Err(revoke_replayed(tenant, &grant).await?.into());
    };
    knowing(tenant, &stored.rotation_key_id).await?;
    let snapshot = keys::configuration_to_sign_for(tenant, client).await?;
    let mut conn = tenant.read().await?;
    let (subject, grant) = standing::check(&mut conn, &snapshot, grant).await?;
    drop(conn);
    let Decision { kind, scope, narrowed } = decide(&snapshot, &grant, &subject, request)?;

    let access = tokens::plan(tenant, &snapshot, client, &grant, &kind, scope.clone(), proven_key)?;
    let issuing = Issuing {
        tenant,
        snapshot: &snapshot,
        client,
        grant: &grant,
        subject: &subject,
        grant_type: GrantType::RefreshToken,
        subject_token_context: None,
    };
    let access = issuing.access_token(&kind, access).await?;
    // RFC 6749 §6: what was left out this time is not told this time, in the ID token either.
    let told = GrantedScopes {
        scope: grant.scopes.scope.intersection(&narrowed),
        ..GrantedScopes::default()
    };
    let told = Grant { scopes: told, ..grant.clone() };
    let id_token = Issuing { grant: &told, ..issuing }.id_token().await?;
    // A parallel request has rotated the token a moment ago: its successor is the answer, not the successor's successor.
    let rotates =
        judged == Presented::Fresh && refresh::rotates(client, &issued(&stored), tenant.now());
    let next = if rotates {
        let (token, mut successor) =
            successor(tenant, &snapshot, client, &grant, &presented, &stored)?;
        if successor.dpop_jkt.is_none() {
            successor.dpop_jkt = tokens::key_of_refresh_token(client, proven_key);
        }
        Next::Rotate { token, stored: successor }
    } else {
        Next::Keep
    };
    let entry = Entry::new(tenant, KEY, Outcome::Success)
        .application(&client.client_id)
        .user(&grant.user_id)
        .fact("scope", scope.to_string());
    if !keep(tenant, (&stored, &grant.user_id), access.stored(), &next, proof, entry).await? {
        return Ok(None);
    }

    let (access_token, expires_in) = access.into_token();
    let refresh_token = match next {
        Next::Keep => presented,
        Next::Rotate { token, .. } => token,
    };
    Ok(Some(TokenResponse {
        access_token,
        expires_in,
        id_token,
        refresh_token: Some(refresh_token.reveal().clone()),
        scope,
        token_type: TokenType::of(proven_key),
    }))
}

/// What is issued.
struct Decision {
    /// What the access token is for.
    kind: AccessTokenKind,
    /// What it allows.
    scope: Scope,
    /// What was asked for, of all that was granted.
    narrowed: Scope,
}

fn decide(
    snapshot: &Snapshot,
    grant: &Grant,
    subject: &Subject,
    request: &RefreshTokenRequest,
) -> Result<Decision> {
    let organization = request.organization_id.as_deref();
    let kind = AccessTokenKind::for_user(request.resource.as_deref(), organization, &grant.scopes)?;
    if let Some(id) = kind.organization_id() {
        let membership = subject.membership(id);
        let membership = Membership {
            is_member: membership.is_some(),
            // Users have passwords only: an organization that asks for a second factor is out of reach.
            mfa_satisfied: membership.is_none_or(|membership| !membership.is_mfa_required),
        };
        check_user_organization(&grant.scopes, membership)?;
    }
    let narrowed = token::narrow(&grant.scopes, request.scope.as_ref())?;
    let permitted = match &kind {
        AccessTokenKind::Opaque => Scope::empty(),
        AccessTokenKind::Resource { indicator, organization_id } => {
            subject.scopes_on(snapshot, indicator, organization_id.as_deref())
        }
        AccessTokenKind::Organization { organization_id } => {
            subject.scopes_in(snapshot, organization_id)
        }
    };
    let permitted = consents::limit_permissions(snapshot, &grant.client_id, &kind, permitted);
    let scope = kind.scope(&grant.scopes, &narrowed, &permitted);
    Ok(Decision { kind, scope, narrowed })
}

/// Stores what the answer needs, in one transaction. False, and nothing is stored, when the race for the rotation is lost.
async fn keep(
    tenant: &Tenant,
    (presented, user_id): (&StoredRefreshToken, &str),
    access: Option<StoredAccessToken>,
    next: &Next,
    proof: Option<&Proof>,
    entry: Entry,
) -> Result<bool> {
    let proof = proof.cloned();
    let presented = (presented.hash.clone(), user_id.to_owned());
    let input = (presented, access, next.clone(), proof, entry, tenant.now_ms());
    tenant
        .write(input, |tx, ((presented, user_id), access, next, proof, entry, now)| {
            Box::pin(async move {
                activity::note(tx, user_id, *now).await?;
                if let Next::Rotate { stored, .. } = next {
                    if !store::spend_refresh_token(tx, presented, *now).await? {
                        return Ok(false);
                    }
                    store::insert_refresh_token(tx, stored).await?;
                }
                // After the race is won: who lost it comes back with the same proof.
                if let Some(proof) = proof {
                    proof.spend_in(tx).await?;
                }
                if let Some(access) = access {
                    store::insert_access_token(tx, access).await?;
                }
                audit::append(tx, entry).await?;
                Ok(true)
            })
        })
        .await
        .map_err(standing::gone)
}

/// Where the chain of a token that was rotated a moment ago leads.
enum Walked {
    /// To its newest member.
    To(Secret, StoredRefreshToken),
    /// Further than anyone follows.
    TooFar,
    /// To a member that is not there: the chain is broken.
    IntoTheVoid,
}

/// Follows the chain from a token that was rotated a moment ago to its newest member.
async fn newest(
    tenant: &Tenant,
    mut token: Secret,
    mut stored: StoredRefreshToken,
) -> Result<Walked> {
    let mut snapshot = tenant.snapshot();
    let mut conn = tenant.read().await?;
    for _ in 0..LONGEST_WALK {
        if stored.consumed_at.is_none() {
            return Ok(Walked::To(token, stored));
        }
        if snapshot.keys.rotation(&stored.rotation_key_id).is_none() {
            drop(conn);
            snapshot = knowing(tenant, &stored.rotation_key_id).await?;
            conn = tenant.read().await?;
        }
        let derived = derive(tenant, &snapshot, &stored, &token)?;
        match store::find_refresh_token(&mut conn, &TokenHash::of(derived.reveal())).await? {
            Some((next, _)) => (token, stored) = (derived, next),
            None => return Ok(Walked::IntoTheVoid),
        }
    }
    Ok(Walked::TooFar)
}

/// The configuration, read anew when it lacks this rotation key: another node may have just rotated the keys. Whether it is there then
/// is for [`derive`] to say, where it is needed.
async fn knowing(tenant: &Tenant, key_id: &str) -> Result<Arc<Snapshot>> {
    tenant.find(|snapshot| snapshot.keys.rotation(key_id).map(|_| ())).await?;
    Ok(tenant.snapshot())
}

fn successor(
    tenant: &Tenant,
    snapshot: &Snapshot,
    client: &Client,
    grant: &Grant,
    presented: &Secret,
    stored: &StoredRefreshToken,
) -> Result<(Secret, StoredRefreshToken)> {
    let token = derive(tenant, snapshot, stored, presented)?;
    let successor = StoredRefreshToken {
        hash: TokenHash::of(token.reveal()),
        grant_id: stored.grant_id.clone(),
        rotation_key_id: snapshot.keys.current_rotation().id.clone(),
        chain_started_at: stored.chain_started_at,
        created_at: tenant.now_ms(),
        expires_at: (refresh::expires_at(client, Some(&issued(stored)), tenant.now()) * 1000)
            .min(grant.expires_at),
        consumed_at: None,
        dpop_jkt: stored.dpop_jkt.clone(),
    };
    Ok((token, successor))
}

/// 43 characters: HMAC-SHA-256 under the rotation key of `stored`. The parts have no line breaks in them.
///
/// # Errors
/// When the key is missing, which is our fault and no sign of theft.
fn derive(
    tenant: &Tenant,
    snapshot: &Snapshot,
    stored: &StoredRefreshToken,
    token: &Secret,
) -> Result<Secret> {
    let key = snapshot.keys.rotation(&stored.rotation_key_id).ok_or_else(|| {
        Error::Internal("the rotation key of a refresh token is missing".to_owned())
    })?;
    let message = format!("refresh\n{}\n{}\n{}", tenant.id(), stored.grant_id, token.reveal());
    Ok(Secret::new(base64url_encode(key.sign(message.as_bytes()))))
}

/// RFC 9700 §4.14.2: a replayed refresh token revokes the grant.
async fn revoke_replayed(tenant: &Tenant, grant: &Grant) -> Result<OAuthError> {
    let entry = Entry::new(tenant, KEY, Outcome::Error)
        .application(&grant.client_id)
        .user(&grant.user_id)
        .fact("error", "replayed refresh token");
    standing::revoke(tenant, &grant.id, entry).await?;
    Ok(OAuthError::invalid_grant("the refresh token was used before"))
}

fn issued(stored: &StoredRefreshToken) -> IssuedRefreshToken {
    IssuedRefreshToken {
        issued_at: stored.created_at.div_euclid(1000),
        chain_started_at: stored.chain_started_at.div_euclid(1000),
        expires_at: stored.expires_at.div_euclid(1000),
        consumed_at: stored.consumed_at.map(|at| at.div_euclid(1000)),
    }
}
