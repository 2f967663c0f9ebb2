//! Authorization requests that are kept until the browser comes for them: pushed by the client (RFC 9126), or posted by the browser
//! itself.

use trinco_oauth::authorization::pushed::{self as rules, LIFETIME, PushedResponse};
use trinco_oauth::{OAuthError, Params};

use super::authorize::{self, Answer};
use super::store;
use crate::applications::RegisteredClient;
use crate::dpop::Proof;
use crate::{Result, Tenant, TokenHash};

/// A stored request on its way to the authorization endpoint.
pub(super) struct Stored {
    pub(super) params: Params,
    pub(super) is_pushed: bool,
}

/// Keeps the authorization request that an authenticated client pushes, once it is known that the client may make it. A key that is
/// proven beside it is the one the code will be bound to.
///
/// # Errors
/// What the authorization endpoint would refuse the request with; here it is answered directly (RFC 9126 §2.3).
pub async fn push(
    tenant: &Tenant,
    registered: &RegisteredClient,
    params: &Params,
    proof: Option<&Proof>,
) -> Result<PushedResponse> {
    let params = rules::request(params, &registered.client, proof.map(Proof::key))?;
    authorize::validate(tenant, &params, Some(registered), true)
        .await?
        .map_err(|refused| refused.error().clone())?;
    let form = readable(&params)?;
    if let Some(proof) = proof {
        proof.spend(tenant).await?;
    }
    let client_id = Some(registered.client.client_id.clone());
    let request_uri = keep(tenant, form, client_id).await?;
    Ok(PushedResponse { request_uri, expires_in: LIFETIME })
}

/// Where a posted authorization request goes on.
#[derive(Clone, Debug)]
pub enum Posted {
    /// It is kept under this `request_uri`, for the GET that follows.
    Stored(String),
    /// It is answered at once: it is not allowed.
    Answered(Answer),
}

/// Keeps the parameters of a POST to the authorization endpoint. The browser sends its `SameSite=Lax` cookies only with the GET that
/// follows. Nothing is kept of a request that is not allowed, nor of one that was pushed and so is here already (RFC 9126 §4).
///
/// # Errors
/// When the database does not answer.
pub async fn store_request(tenant: &Tenant, params: &Params) -> Result<Posted> {
    if let Some(pushed) = params.get("request_uri").filter(|uri| rules::id_of(uri).is_some()) {
        return Ok(Posted::Stored(pushed.to_owned()));
    }
    let registered = match authorize::client_of(tenant, params).await {
        Ok(registered) => registered,
        Err(error) => return authorize::unknown_client(params, error).map(Posted::Answered),
    };
    let validated = authorize::validate(tenant, params, registered.as_deref(), false).await?;
    if let Err(error) = validated {
        return Ok(Posted::Answered(authorize::refused(tenant, error)));
    }
    match readable(&rules::without_credentials(params)) {
        Ok(form) => keep(tenant, form, None).await.map(Posted::Stored),
        Err(error) => Ok(Posted::Answered(Answer::Refuse { error, state: None })),
    }
}

/// The request as it is kept. Written down it is longer than it came, so it may be more than is read.
fn readable(params: &Params) -> std::result::Result<String, OAuthError> {
    let form = params.to_form();
    Params::from_form(form.as_bytes()).map(|_| form)
}

async fn keep(tenant: &Tenant, form: String, client_id: Option<String>) -> Result<String> {
    let id = tenant.new_token();
    let expires_at = tenant.now_ms() + LIFETIME * 1000;
    tenant
        .write(
            (TokenHash::of(&id), form, client_id, expires_at),
            |tx, (hash, form, client, end)| {
                Box::pin(store::insert_request(tx, hash, form, client.as_deref(), *end))
            },
        )
        .await?;
    Ok(rules::request_uri(&id))
}

/// The stored request, for the client it belongs to (RFC 9126 §4). A pushed one is spent by that; a browser may come for one it posted
/// itself as often as it reloads.
pub(super) async fn take(
    tenant: &Tenant,
    id: &str,
    client_id: Option<&str>,
) -> Result<Option<Stored>> {
    let hash = TokenHash::of(id);
    let found = store::find_request(&mut tenant.read().await?, &hash, tenant.now_ms()).await?;
    let Some((form, pushed_by)) = found else { return Ok(None) };
    let Ok(params) = Params::from_form(form.as_bytes()) else { return Ok(None) };
    let is_pushed = pushed_by.is_some();
    if client_id.is_none() || params.get("client_id") != client_id {
        return Ok(None);
    }
    if is_pushed {
        let spent = tenant
            .write((hash, tenant.now_ms()), |tx, (hash, now)| {
                Box::pin(store::spend_request(tx, hash, *now))
            })
            .await?;
        if !spent {
            return Ok(None);
        }
    }
    Ok(Some(Stored { params, is_pushed }))
}
