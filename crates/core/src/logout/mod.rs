//! Back-channel logout: clients are told when a session they take part in ends (OpenID Connect Back-Channel Logout 1.0).
//!
//! The end of a session queues a delivery for each of its clients in the same transaction; [`crate::deliveries`] makes them.

mod store;

use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use trinco_connectors::outbound::{Outbound, Request};
use trinco_db::Tx;
use trinco_oauth::Client;
use trinco_oauth::logout_token::{LOGOUT_TOKEN_TYPE, LogoutTokenClaims};
use url::Url;

use crate::audit::{Entry, Outcome};
use crate::deliveries::{self, Attempt, Delivery, Kind};
use crate::{Error, Result, Snapshot, Tenant};

const KEY: &str = "BackchannelLogout";

/// Who is told of the end of which session, and whose it was.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    session_id: String,
    client_id: String,
    user_id: String,
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
    let told = store::of_session(tx, session_id).await?;
    queue(tx, told).await
}

/// As [`queue_of_session`], for every session of a user.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn queue_of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<()> {
    let told = store::of_user(tx, user_id).await?;
    queue(tx, told).await
}

async fn queue(tx: &mut Tx<'_>, told: Vec<Told>) -> Result<()> {
    for Told { session_id, client_id, user_id } in told {
        let delivery = Delivery::new(Kind::Logout, &client_id, &session_id, user_id);
        deliveries::queue(tx, &delivery, 0).await?;
    }
    Ok(())
}

/// Tells one client.
///
/// # Errors
/// When the database does not answer, or no token can be signed.
pub(crate) async fn attempt(
    tenant: &Tenant,
    outbound: &Outbound,
    delivery: &Delivery,
) -> Result<Attempt> {
    let told = Told {
        session_id: delivery.id.clone(),
        client_id: delivery.receiver.clone(),
        user_id: delivery.content.clone(),
    };
    let wanted = |snapshot: &Snapshot| {
        let registered = snapshot.applications.get(&told.client_id)?;
        let uri = registered.client.backchannel_logout_uri.clone()?;
        Some((registered.client.clone(), uri))
    };
    // Another node may have just been told where the client wants to be told.
    let Some((client, uri)) = tenant.find(wanted).await? else { return Ok(Attempt::Dropped) };
    let problem = match Url::parse(&uri) {
        Err(_) => Some("the URI is no URL".to_owned()),
        Ok(url) => match outbound.send(request(tenant, &client, url, &told)?).await {
            Ok(answer) if answer.status.is_success() => None,
            Ok(answer) => Some(format!("answered {}", answer.status.as_u16())),
            Err(error) => Some(error.to_string()),
        },
    };
    let outcome = if problem.is_none() { Outcome::Success } else { Outcome::Error };
    let entry = Entry::new(tenant, KEY, outcome)
        .application(&told.client_id)
        .user(&told.user_id)
        .fact("sessionId", told.session_id.as_str())
        .fact("attempts", delivery.attempts);
    let Some(problem) = problem else { return Ok(Attempt::Taken(entry)) };
    let client = &told.client_id;
    tracing::debug!(tenant = tenant.id(), client, problem, "a logout token was not delivered");
    Ok(Attempt::NotTaken { entry: entry.fact("error", problem), each_time: false })
}

/// Back-Channel Logout §2.5: a form with the one parameter `logout_token`.
fn request(tenant: &Tenant, client: &Client, url: Url, told: &Told) -> Result<Request> {
    let sid = client.backchannel_logout_session_required.then_some(told.session_id.as_str());
    let claims = LogoutTokenClaims::new(
        tenant.issuer(),
        &client.client_id,
        &told.user_id,
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
