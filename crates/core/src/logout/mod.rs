//! Back-channel logout: clients are told when a session they take part in ends (OpenID Connect Back-Channel Logout 1.0).
//!
//! The end of a session queues a delivery for each of its clients in the same transaction; a background job delivers, and tries again
//! when a client does not take it. A delivery that was cut off is made again, so a client may be told twice, but never not at all.

mod rules;
mod store;

use futures_util::future::join_all;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use trinco_connectors::outbound::{Outbound, Request};
use trinco_db::Tx;
use trinco_oauth::Client;
use trinco_oauth::logout_token::{LOGOUT_TOKEN_TYPE, LogoutTokenClaims};
use url::Url;

use crate::audit::{self, Entry, Outcome};
use crate::{Error, Result, Tenant};

/// So many deliveries are under way at once, for each tenant and node.
const BATCH: i64 = 16;
/// A delivery that has begun belongs to its node for this long: milliseconds. Longer than the outbound client ever waits.
const LEASE_MS: i64 = 60_000;
const KEY: &str = "BackchannelLogout";

/// The end of a session that a client is to be told about.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Delivery {
    session_id: String,
    client_id: String,
    user_id: String,
    /// How often it was tried: the fencing token of whoever tries.
    attempts: i64,
}

/// Notes that a client takes part in a session and wants to be told of its end.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn join(tx: &mut Tx<'_>, session_id: &str, client_id: &str) -> Result<()> {
    store::insert_participant(tx, session_id, client_id).await
}

/// Queues what the clients of a session are told, in the transaction that ends it and before the session is deleted.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn queue_of_session(tx: &mut Tx<'_>, session_id: &str) -> Result<()> {
    store::queue_of_session(tx, session_id).await
}

/// As [`queue_of_session`], for every session of a user.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn queue_of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<()> {
    store::queue_of_user(tx, user_id).await
}

/// Makes the deliveries that are due, a batch of them, and returns how many were tried. Several nodes may do it at once: each
/// delivery is made by one of them.
///
/// # Errors
/// When the database does not answer. What was under way then is tried again later.
pub async fn deliver(tenant: &Tenant, outbound: &Outbound) -> Result<usize> {
    let now = tenant.now_ms();
    let found = store::due(&mut tenant.read().await?, now, BATCH).await?;
    if found.is_empty() {
        return Ok(0);
    }
    let claimed = tenant
        .write((found, now + LEASE_MS), |tx, (found, until)| {
            Box::pin(async move {
                let mut claimed = Vec::new();
                for delivery in found {
                    if store::claim(tx, delivery, *until).await? {
                        claimed
                            .push(Delivery { attempts: delivery.attempts + 1, ..delivery.clone() });
                    }
                }
                Ok(claimed)
            })
        })
        .await?;
    let tried = claimed.len();
    let settled = join_all(claimed.into_iter().map(|delivery| attempt(tenant, outbound, delivery)));
    settled.await.into_iter().collect::<Result<Vec<()>>>()?;
    Ok(tried)
}

/// Tells one client, and settles the delivery.
async fn attempt(tenant: &Tenant, outbound: &Outbound, delivery: Delivery) -> Result<()> {
    let snapshot = tenant.snapshot();
    let registered = snapshot.applications.get(&delivery.client_id);
    let wanted = registered.and_then(|registered| {
        let uri = registered.client.backchannel_logout_uri.as_deref()?;
        Some((&registered.client, uri))
    });
    let Some((client, uri)) = wanted else {
        // The client does not want to be told any more.
        return tenant
            .write(delivery, |tx, delivery| {
                Box::pin(async move { store::delete(tx, delivery).await.map(|_| ()) })
            })
            .await;
    };
    let Ok(url) = Url::parse(uri) else {
        return settle(tenant, delivery, Some("the URI is no URL".to_owned())).await;
    };
    let request = request(tenant, client, url, &delivery)?;
    let problem = match outbound.send(request).await {
        Ok(answer) if answer.status.is_success() => None,
        Ok(answer) => Some(format!("answered {}", answer.status.as_u16())),
        Err(error) => Some(error.to_string()),
    };
    settle(tenant, delivery, problem).await
}

/// Back-Channel Logout §2.5: a form with the one parameter `logout_token`.
fn request(tenant: &Tenant, client: &Client, url: Url, delivery: &Delivery) -> Result<Request> {
    let sid = client.backchannel_logout_session_required.then_some(delivery.session_id.as_str());
    let claims = LogoutTokenClaims::new(
        tenant.issuer(),
        &client.client_id,
        &delivery.user_id,
        sid,
        tenant.new_token(),
        tenant.now(),
    );
    let token = tenant
        .snapshot()
        .keys
        .signing_for(client)?
        .sign_jwt(Some(LOGOUT_TOKEN_TYPE), &claims)
        .map_err(|error| Error::Internal(format!("a logout token cannot be signed: {error}")))?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(Request {
        method: Method::POST,
        url,
        headers,
        // A JWS in compact form has no character that a form would have to escape.
        body: format!("logout_token={token}").into(),
    })
}

/// Ends the delivery, or puts it off; what is given up is in the audit log with its reason.
async fn settle(tenant: &Tenant, delivery: Delivery, problem: Option<String>) -> Result<()> {
    let outcome = if problem.is_none() { Outcome::Success } else { Outcome::Error };
    let mut entry = Entry::new(tenant, KEY, outcome)
        .application(&delivery.client_id)
        .user(&delivery.user_id)
        .fact("sessionId", delivery.session_id.as_str())
        .fact("attempts", delivery.attempts);
    let mut again_at = None;
    if let Some(problem) = problem {
        let client = &delivery.client_id;
        tracing::debug!(tenant = tenant.id(), client, problem, "a logout token was not delivered");
        again_at = rules::pause_after(delivery.attempts).map(|pause| tenant.now_ms() + pause);
        entry = entry.fact("error", problem);
    }
    tenant
        .write((delivery, again_at, entry), |tx, (delivery, again_at, entry)| {
            Box::pin(async move {
                match again_at {
                    Some(at) => store::put_off(tx, delivery, *at).await,
                    None if store::delete(tx, delivery).await? => audit::append(tx, entry).await,
                    None => Ok(()),
                }
            })
        })
        .await
}
