//! The first tokens of a grant, in return for what its client presents once: an authorization code or a device code.

use trinco_db::{Conn, Tx};
use trinco_oauth::client::GrantType;
use trinco_oauth::token::{AccessTokenKind, TokenResponse, TokenType};
use trinco_oauth::{Client, OAuthError, refresh};

use super::customized::Issuing;
use super::model::{Grant, Redeemed};
use super::{standing, store, tokens};
use crate::audit::{self, Entry, Outcome};
use crate::dpop::Proof;
use crate::hooks::{Event, News};
use crate::{Result, Snapshot, Tenant, TokenHash, activity, consents, devices, keys};

/// What is presented once.
#[derive(Clone, Debug)]
pub(super) enum OneTime {
    AuthorizationCode(TokenHash),
    DeviceCode(TokenHash),
}

impl OneTime {
    fn audit_key(&self) -> &'static str {
        match self {
            Self::AuthorizationCode(_) => "ExchangeTokenBy.AuthorizationCode",
            Self::DeviceCode(_) => "ExchangeTokenBy.DeviceCode",
        }
    }

    fn grant_type(&self) -> GrantType {
        match self {
            Self::AuthorizationCode(_) => GrantType::AuthorizationCode,
            Self::DeviceCode(_) => GrantType::DeviceCode,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::AuthorizationCode(_) => "code",
            Self::DeviceCode(_) => "device code",
        }
    }

    /// What its grant counts as: whatever a browser session allows a client is one, and every device is one of its own.
    fn counts_as(&self, grant: &Grant) -> String {
        match (self, &grant.session_id) {
            (Self::AuthorizationCode(_), Some(session_id)) => session_id.clone(),
            (Self::AuthorizationCode(_), None) | (Self::DeviceCode(_), _) => grant.id.clone(),
        }
    }

    /// False when it was spent before.
    async fn spend(&self, tx: &mut Tx<'_>, now_ms: i64) -> Result<bool> {
        match self {
            Self::AuthorizationCode(hash) => store::spend_code(tx, hash, now_ms).await,
            Self::DeviceCode(hash) => devices::spend(tx, hash, now_ms).await,
        }
    }
}

/// A code that was found good, and the client that presents it.
pub(super) struct Redemption<'a> {
    pub(super) client: &'a Client,
    pub(super) code: OneTime,
    pub(super) grant: Grant,
    /// RFC 8707 §2.2.
    pub(super) resource: Option<&'a str>,
    /// The proof of a key, if the client has brought one. It is spent together with the code.
    pub(super) proof: Option<&'a Proof>,
}

/// Spends the code, and the proof beside it, and issues the first tokens of its grant, in one transaction.
///
/// # Errors
/// `invalid_grant` when the user is gone or suspended, the grant was revoked or the code is spent meanwhile; `access_denied` when the
/// user may not use the application, or a script denies a token; `invalid_target`; `oidc.custom_claims_script_error`;
/// `invalid_dpop_proof` for a proof that was used before.
pub(super) async fn redeem(
    tenant: &Tenant,
    mut conn: Conn<'_>,
    redemption: Redemption<'_>,
) -> Result<TokenResponse> {
    let Redemption { client, code, grant, resource, proof } = redemption;
    let proven_key = proof.map(Proof::key);
    let (subject, grant) = standing::check(&mut conn, &tenant.snapshot(), grant).await?;
    drop(conn);
    let snapshot = keys::configuration_to_sign_for(tenant, client).await?;
    let grant =
        Grant { expires_at: grant.created_at + client.max_grant_ttl.milliseconds(), ..grant };

    let kind = AccessTokenKind::for_user(resource, None, &grant.scopes)?;
    let all = grant.scopes.all();
    let permitted = match &kind {
        AccessTokenKind::Resource { indicator, .. } => {
            let permitted = subject.scopes_on(&snapshot, indicator, None);
            consents::limit_permissions(&snapshot, &grant.client_id, &kind, permitted)
        }
        AccessTokenKind::Opaque | AccessTokenKind::Organization { .. } => all.clone(),
    };
    let scope = kind.scope(&grant.scopes, &all, &permitted);
    let access = tokens::plan(tenant, &snapshot, client, &grant, &kind, scope.clone(), proven_key)?;
    let issuing = Issuing {
        tenant,
        snapshot: &snapshot,
        client,
        grant: &grant,
        subject: &subject,
        grant_type: code.grant_type(),
        subject_token_context: None,
    };
    let access = issuing.access_token(&kind, access).await?;
    let id_token = issuing.id_token().await?;
    let refresh = refresh::is_issued(client, &grant.scopes.scope)
        .then(|| tokens::first_refresh_token(tenant, &snapshot, client, &grant, proven_key));

    let entry = Entry::new(tenant, code.audit_key(), Outcome::Success)
        .application(&client.client_id)
        .user(&grant.user_id)
        .fact("scope", scope.to_string());
    let revoked = Entry::new(tenant, "RevokeGrants", Outcome::Success)
        .application(&client.client_id)
        .user(&grant.user_id)
        .fact("reason", "maxAllowedGrants");
    let news = News::of(tenant, Event::GrantLimitExceeded)
        .fact("userId", &grant.user_id)
        .application(&snapshot, &client.client_id);
    let redeemed = Redeemed {
        counts_as: code.counts_as(&grant),
        most: most_of(&snapshot, &client.client_id),
        grant: grant.clone(),
    };
    let stored_refresh = refresh.as_ref().map(|(_, stored)| stored.clone());
    let entries = (entry, revoked, news);
    let proof = proof.cloned();
    let input =
        (code.clone(), proof, redeemed, access.stored(), stored_refresh, entries, tenant.now_ms());
    let spent = tenant
        .write(input, |tx, (code, proof, redeemed, access, refresh, entries, now)| {
            Box::pin(async move {
                let (entry, revoked, news) = entries;
                if redeemed.most.is_some() {
                    // The redemptions of one user take turns, so that two at once do not both stay. First of all, as whoever
                    // changes a user takes the row before the grants.
                    store::take_user(tx, &redeemed.grant.user_id).await?;
                }
                activity::note(tx, &redeemed.grant.user_id, *now).await?;
                if !code.spend(tx, *now).await? {
                    return Ok(false);
                }
                if let Some(proof) = proof {
                    proof.spend_in(tx).await?;
                }
                store::set_redeemed(tx, redeemed).await?;
                let beyond = revoke_beyond(tx, redeemed, *now).await?;
                if !beyond.is_empty() {
                    let most = redeemed.most.unwrap_or_default();
                    let news = news
                        .clone()
                        .fact("maxAllowedGrants", most)
                        .fact("preRevocationActiveGrantCount", beyond.len() + most as usize)
                        .fact("revokedGrantIds", &beyond);
                    news.tell(tx).await?;
                    audit::append(tx, &revoked.clone().fact("grantIds", beyond)).await?;
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
        .map_err(standing::gone)?;
    if !spent {
        revoke_replayed(tenant, &code, &client.client_id, &grant.id).await?;
        return Err(OAuthError::invalid_grant(format!("{} was used before", code.name())).into());
    }

    let (access_token, expires_in) = access.into_token();
    Ok(TokenResponse {
        access_token,
        expires_in,
        id_token,
        refresh_token: refresh.map(|(token, _)| token.reveal().clone()),
        scope,
        token_type: TokenType::of(proven_key),
    })
}

/// How many grants of a client a user may hold at once.
fn most_of(snapshot: &Snapshot, client_id: &str) -> Option<u32> {
    let registered = snapshot.applications.get(client_id)?;
    registered.application.custom_client_metadata.max_allowed_grants
}

/// Revokes the oldest grants of the user and client beyond the limit, and returns their ids.
async fn revoke_beyond(tx: &mut Tx<'_>, redeemed: &Redeemed, now_ms: i64) -> Result<Vec<String>> {
    let Some(most) = redeemed.most else { return Ok(Vec::new()) };
    let others = i64::from(most.max(1)) - 1;
    let beyond = store::others_beyond(tx, redeemed, others, now_ms).await?;
    for id in &beyond {
        store::delete_grant(tx, id).await?;
    }
    Ok(beyond)
}

/// RFC 9700 §4.14: a replayed code revokes the grant, and so every token it issued.
pub(super) async fn revoke_replayed(
    tenant: &Tenant,
    code: &OneTime,
    client_id: &str,
    grant_id: &str,
) -> Result<()> {
    let entry = Entry::new(tenant, code.audit_key(), Outcome::Error)
        .application(client_id)
        .fact("error", format!("replayed {}", code.name()));
    standing::revoke(tenant, grant_id, entry).await
}
