//! Back-channel logout: clients are told when a session they take part in ends (OpenID Connect Back-Channel Logout 1.0).
//!
//! The end of a session queues a delivery for each of its clients in the same transaction; a background job delivers, and tries again
//! when a client does not take it. A delivery that was cut off is made again, so a client may be told twice, but never not at all.

mod leases;
mod rules;
mod store;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use trinco_connectors::outbound::{Outbound, Request};
use trinco_db::Tx;
use trinco_oauth::Client;
use trinco_oauth::logout_token::{LOGOUT_TOKEN_TYPE, LogoutTokenClaims};
use url::Url;

use crate::audit::{self, Entry, Outcome};
use crate::{Error, Result, Snapshot, Tenant};
use leases::Leases;

/// So many deliveries are under way at once, for each tenant and node.
const MOST_UNDER_WAY: usize = 64;
/// So many of them are of one client.
const MOST_OF_CLIENT: usize = 4;
/// So many of those that other nodes have under way are watched at once.
const MOST_WATCHED: usize = 1024;
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

impl Delivery {
    fn key(&self) -> Key {
        (self.client_id.clone(), self.session_id.clone())
    }
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

/// Makes every delivery that is due, waits for the last of them, and returns how many were tried. A server, which has to look for new
/// ones meanwhile, drives [`Deliveries`] itself.
///
/// # Errors
/// When the database does not answer. What was under way then is tried again later.
pub async fn deliver(tenant: &Tenant, outbound: &Outbound) -> Result<usize> {
    let mut deliveries = Deliveries::new(tenant.clone(), outbound.clone());
    let mut tried = 0;
    loop {
        tried += deliveries.begin_due().await?;
        match deliveries.settled().await {
            Some(settled) => settled?,
            None => return Ok(tried),
        }
    }
}

/// How many deliveries wait to be made, by whichever node.
///
/// # Errors
/// When the database does not answer.
pub async fn waiting(tenant: &Tenant) -> Result<u64> {
    let count = store::count(&mut tenant.read().await?).await?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// The deliveries of a tenant that this node has under way. A client has a few of them at most, so that one that does not answer keeps
/// nobody else waiting. Several nodes may do this at once: each delivery is made by one of them.
pub struct Deliveries {
    tenant: Tenant,
    outbound: Outbound,
    under_way: FuturesUnordered<BoxFuture<'static, (Key, Result<()>)>>,
    keys: BTreeSet<Key>,
    leases: Leases,
}

/// The client and the session of a delivery.
type Key = (String, String);

impl Deliveries {
    /// None yet.
    pub fn new(tenant: Tenant, outbound: Outbound) -> Self {
        let (under_way, keys) = (FuturesUnordered::new(), BTreeSet::new());
        Self { tenant, outbound, under_way, keys, leases: Leases::default() }
    }

    /// Begins the deliveries that are due, as far as there is room, and returns how many. They go on in [`Deliveries::settled`].
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin_due(&mut self) -> Result<usize> {
        let room = MOST_UNDER_WAY.saturating_sub(self.under_way.len());
        if room == 0 {
            return Ok(0);
        }
        let due = self.due().await?;
        let chosen = self.choose(due, room);
        if chosen.is_empty() {
            return Ok(0);
        }
        let claimed = self.tenant.write(chosen, |tx, chosen| Box::pin(claim(tx, chosen))).await?;
        let begun = claimed.len();
        for delivery in claimed {
            let key = delivery.key();
            self.keys.insert(key.clone());
            let (tenant, outbound) = (self.tenant.clone(), self.outbound.clone());
            self.under_way
                .push(Box::pin(async move { (key, attempt(&tenant, &outbound, delivery).await) }));
        }
        Ok(begun)
    }

    /// What nobody has under way and whose time has come, after what nodes have had under way for so long that they must be gone.
    async fn due(&mut self) -> Result<Vec<Delivery>> {
        let at = self.tenant.monotonic_ms();
        let mut conn = self.tenant.read().await?;
        let mut due = Vec::new();
        if self.leases.wants_to_look(at) {
            let mut others = store::under_way(&mut conn, MOST_WATCHED).await?;
            others.retain(|delivery| !self.keys.contains(&delivery.key()));
            due = self.leases.run_out(others, at);
        }
        let now = self.tenant.now_ms();
        due.extend(store::due(&mut conn, now, MOST_OF_CLIENT, MOST_UNDER_WAY).await?);
        Ok(due)
    }

    /// Of what is due, what there is room for.
    fn choose(&self, due: Vec<Delivery>, room: usize) -> Vec<Delivery> {
        let mut by_client: BTreeMap<String, usize> = BTreeMap::new();
        let mut fits = |client_id: &String| {
            let count = by_client.entry(client_id.clone()).or_default();
            *count += 1;
            *count <= MOST_OF_CLIENT
        };
        for (client_id, _) in &self.keys {
            fits(client_id);
        }
        due.into_iter().filter(|delivery| fits(&delivery.client_id)).take(room).collect()
    }

    /// Waits for the next delivery to be settled; `None` when none is under way. Whoever stops waiting loses nothing.
    pub async fn settled(&mut self) -> Option<Result<()>> {
        let (key, settled) = self.under_way.next().await?;
        self.keys.remove(&key);
        Some(settled)
    }
}

/// Takes what was found due, but for what another node has taken since.
async fn claim(tx: &mut Tx<'_>, found: &[Delivery]) -> Result<Vec<Delivery>> {
    let mut claimed = Vec::new();
    for delivery in found {
        if store::claim(tx, delivery).await? {
            claimed.push(Delivery { attempts: delivery.attempts + 1, ..delivery.clone() });
        }
    }
    Ok(claimed)
}

/// Tells one client, and settles the delivery.
async fn attempt(tenant: &Tenant, outbound: &Outbound, delivery: Delivery) -> Result<()> {
    let wanted = |snapshot: &Snapshot| {
        let registered = snapshot.applications.get(&delivery.client_id)?;
        let uri = registered.client.backchannel_logout_uri.clone()?;
        Some((registered.client.clone(), uri))
    };
    // Another node may have just been told where the client wants to be told.
    let Some((client, uri)) = tenant.find(wanted).await? else {
        // The client does not want to be told any more.
        return tenant
            .write(delivery, |tx, delivery| {
                Box::pin(async move { store::delete(tx, delivery).await.map(|_| ()) })
            })
            .await;
    };
    let Ok(url) = Url::parse(&uri) else {
        return settle(tenant, delivery, Some("the URI is no URL".to_owned())).await;
    };
    let request = request(tenant, &client, url, &delivery)?;
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
