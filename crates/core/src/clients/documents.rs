//! Client ID Metadata Documents: fetched when a client is looked up, and kept in memory for as long as their servers allow.
//!
//! A URL is fetched by one request at a time, for which others that want it wait. What cannot be fetched is not tried again for a
//! moment, and unknown URLs are fetched at a bounded rate, for each host and for all: whoever names clients to this server can have it
//! send requests, but not many. What strangers can use up that way is not what clients in use live on: those of which a grant lives are
//! fetched apart from the others, at no bounded rate, and the last to be forgotten.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AGE, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tokio::sync::{Mutex as AsyncMutex, Semaphore};
use trinco_connectors::outbound::{Outbound, Request, Response};
use trinco_oauth::registration::document::{self, ClientIdUrl, MAX_DOCUMENT};
use trinco_oauth::registration::{AuthMethod, ClientMetadata};
use trinco_oauth::{ErrorCode, OAuthError};
use url::Url;

use crate::applications::{self, RegisteredClient};
use crate::{Result, Tenant, grants};

/// From the resolution of the host to the last byte of the document.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest JWK set behind a `jwks_uri`: bytes.
const MAX_KEYS_DOCUMENT: usize = 16 * 1024;
/// A document whose server cannot be reached for the moment is used for this long after it was fetched: milliseconds. Refresh tokens
/// go on working while the client's web site is down (RFC 5861 §4).
const STALE_MS: i64 = 86_400_000;
/// What could not be had is not tried again for this long: milliseconds. No answer is kept, only the time of the next attempt.
const PAUSE_MS: i64 = 10_000;
/// Documents that are kept.
const MOST_DOCUMENTS: usize = 1000;
/// Documents that are being fetched at once, of clients in use and of others each.
const MOST_FETCHES: usize = 32;
/// Whether a client is in use is not looked up again for this long: milliseconds.
const LOOK_MS: i64 = 10_000;
/// Unknown URLs of one host that are fetched in a minute.
const MOST_OF_HOST: u32 = 60;
/// Unknown URLs that are fetched in a minute.
const MOST_OF_ALL: u32 = 600;
const MINUTE_MS: i64 = 60_000;

/// What is kept of documents. One for each tenant and node.
pub(crate) struct Documents {
    shelf: Mutex<HashMap<String, Arc<AsyncMutex<Slot>>>>,
    unknown: Mutex<Rate>,
    fetches: Semaphore,
    /// For the documents of clients in use.
    fetches_in_use: Semaphore,
}

/// What is known of one URL.
#[derive(Default)]
struct Slot {
    known: Option<Known>,
    /// Why the last attempt failed, and when the next may be made.
    failed: Option<(OAuthError, i64)>,
    usage: Usage,
}

/// What speaks for keeping a document.
#[derive(Clone, Copy, Default)]
struct Usage {
    /// Whether a grant of the client lived when that was last looked up.
    is_in_use: bool,
    looked_up_at: i64,
    /// When the client was last asked for and found.
    asked_for_at: i64,
}

struct Known {
    registered: Arc<RegisteredClient>,
    fetched_at: i64,
    fresh_until: i64,
}

/// How many unknown URLs were fetched in the current minute.
#[derive(Default)]
struct Rate {
    minute: i64,
    all: u32,
    by_host: HashMap<String, u32>,
}

/// Why there is no document.
enum Failure {
    /// Nobody answered, or the server is in trouble: it says nothing about the document.
    Unreachable(&'static str),
    /// What there is instead cannot be used.
    Unusable(OAuthError),
}

impl Default for Documents {
    fn default() -> Self {
        Self {
            shelf: Mutex::default(),
            unknown: Mutex::default(),
            fetches: Semaphore::new(MOST_FETCHES),
            fetches_in_use: Semaphore::new(MOST_FETCHES),
        }
    }
}

/// The client that the document at `client_id` describes.
///
/// # Errors
/// `invalid_client_metadata`, `invalid_redirect_uri` or `invalid_client` when there is none that can be used;
/// `temporarily_unavailable` beyond the limits.
pub(super) async fn find(tenant: &Tenant, client_id: &str) -> Result<Arc<RegisteredClient>> {
    let url = ClientIdUrl::parse(client_id).map_err(|rule| {
        OAuthError::new(ErrorCode::InvalidClient, format!("a client_id that is a URL {rule}"))
    })?;
    let outbound = tenant.document_outbound().filter(|outbound| {
        url.is_https() || url.is_loopback() && outbound.reaches_own_machine(url.url())
    });
    let outbound = outbound.ok_or_else(|| {
        OAuthError::new(ErrorCode::InvalidClient, "a client_id that is a URL must be an https URL")
    })?;
    let documents = tenant.documents();
    let now = tenant.now_ms();
    let slot = documents.slot(client_id, now);
    // One request fetches; the others wait here for what it finds.
    let mut slot = slot.lock().await;
    let now = tenant.now_ms();
    slot.look_up(tenant, client_id, now).await?;
    if let Some(known) = slot.known.as_ref().filter(|known| now < known.fresh_until) {
        return Ok(Arc::clone(&known.registered));
    }
    let usable = |slot: &Slot| {
        let known = slot.known.as_ref().filter(|known| now < known.fetched_at + STALE_MS);
        known.map(|known| Arc::clone(&known.registered))
    };
    if let Some((error, _)) = slot.failed.as_ref().filter(|(_, until)| now < *until) {
        return usable(&slot).ok_or_else(|| error.clone().into());
    }
    let is_in_use = slot.usage.is_in_use;
    if slot.known.is_none() && !is_in_use {
        documents.admit(&url, now)?;
    }
    let fetches = if is_in_use { &documents.fetches_in_use } else { &documents.fetches };
    let Ok(_one_of_few) = fetches.try_acquire() else {
        return usable(&slot).ok_or_else(|| busy().into());
    };
    let fetched = fetch(outbound, &url).await;
    let described = fetched.and_then(|(metadata, lifetime)| {
        let registered =
            applications::described(tenant, &url, metadata).map_err(Failure::Unusable)?;
        Ok((Arc::new(registered), lifetime))
    });
    match described {
        Ok((registered, lifetime)) => {
            let fresh_until = now + lifetime * 1000;
            let known = Known { registered: Arc::clone(&registered), fetched_at: now, fresh_until };
            *slot = Slot { known: Some(known), failed: None, usage: slot.usage };
            Ok(registered)
        }
        Err(Failure::Unreachable(problem)) => {
            tracing::debug!(client_id, problem, "a client metadata document cannot be fetched");
            let error = OAuthError::new(
                ErrorCode::InvalidClient,
                "the client metadata document cannot be fetched",
            );
            slot.failed = Some((error.clone(), now + PAUSE_MS));
            usable(&slot).ok_or_else(|| error.into())
        }
        Err(Failure::Unusable(error)) => {
            // What it said before does not count any more.
            let failed = Some((error.clone(), now + PAUSE_MS));
            *slot = Slot { known: None, failed, usage: slot.usage };
            Err(error.into())
        }
    }
}

fn busy() -> OAuthError {
    OAuthError::new(
        ErrorCode::TemporarilyUnavailable,
        "too many client metadata documents are asked for, try again in a minute",
    )
}

impl Slot {
    /// Notes that the client is asked for, and now and then whether it is in use.
    async fn look_up(&mut self, tenant: &Tenant, client_id: &str, now_ms: i64) -> Result<()> {
        self.usage.asked_for_at = now_ms;
        if now_ms >= self.usage.looked_up_at + LOOK_MS {
            let mut conn = tenant.read().await?;
            self.usage.is_in_use = grants::any_lives(&mut conn, client_id, now_ms).await?;
            self.usage.looked_up_at = now_ms;
        }
        Ok(())
    }

    /// What is forgotten first is the least: what holds nothing, then clients that are not in use, then those that were not asked for
    /// longest.
    fn worth(&self, now_ms: i64) -> (bool, bool, i64) {
        let Usage { is_in_use, asked_for_at, .. } = self.usage;
        // Whoever was not asked for in a day has no document that could still be used.
        (self.known.is_some(), is_in_use && now_ms < asked_for_at + STALE_MS, asked_for_at)
    }
}

impl Documents {
    /// The slot of a URL. When there are too many, the one that is worth least makes room.
    fn slot(&self, client_id: &str, now_ms: i64) -> Arc<AsyncMutex<Slot>> {
        // Nothing in here can leave the map half changed.
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = shelf.get(client_id) {
            return Arc::clone(slot);
        }
        if shelf.len() >= MOST_DOCUMENTS {
            // One that is locked is being fetched.
            let worth = |slot: &Arc<AsyncMutex<Slot>>| Some(slot.try_lock().ok()?.worth(now_ms));
            let least = shelf
                .iter()
                .filter_map(|(url, slot)| Some((worth(slot)?, url)))
                .min()
                .map(|(_, url)| url.clone());
            if let Some(url) = least {
                shelf.remove(&url);
            }
        }
        Arc::clone(shelf.entry(client_id.to_owned()).or_default())
    }

    /// Lets an unknown URL be fetched, or says that there have been enough for now.
    fn admit(&self, url: &ClientIdUrl, now_ms: i64) -> Result<(), OAuthError> {
        let mut rate = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = now_ms.div_euclid(MINUTE_MS);
        if rate.minute != minute {
            *rate = Rate { minute, ..Rate::default() };
        }
        if rate.all >= MOST_OF_ALL {
            return Err(busy());
        }
        // Whoever has a host has all its ports.
        let host = url.url().host_str().unwrap_or_default().to_owned();
        let of_host = rate.by_host.entry(host).or_default();
        if *of_host >= MOST_OF_HOST {
            return Err(busy());
        }
        *of_host += 1;
        rate.all += 1;
        Ok(())
    }
}

/// Fetches a document, and the keys it refers to; also returns for how many seconds they may be used.
async fn fetch(outbound: &Outbound, url: &ClientIdUrl) -> Result<(ClientMetadata, i64), Failure> {
    let answer = get(outbound, url.url(), MAX_DOCUMENT).await?;
    let mut metadata = document::read(url, &answer.body).map_err(Failure::Unusable)?;
    let mut lifetime = lifetime_of(&answer.headers);
    if metadata.auth_method == Some(AuthMethod::PrivateKeyJwt)
        && let Some(uri) = &metadata.jwks_uri
    {
        let unusable = |description| {
            Failure::Unusable(OAuthError::new(ErrorCode::InvalidClientMetadata, description))
        };
        let keys_url = Url::parse(uri)
            .ok()
            .filter(|keys| keys.scheme() == "https" || keys.origin() == url.url().origin())
            .ok_or_else(|| unusable("jwks_uri must be an https URL"))?;
        let answer = get(outbound, &keys_url, MAX_KEYS_DOCUMENT).await?;
        let keys = serde_json::from_slice(&answer.body)
            .map_err(|_| unusable("what is at jwks_uri is not a JSON object"))?;
        metadata.jwks = Some(keys);
        lifetime = lifetime.min(lifetime_of(&answer.headers));
    }
    Ok((metadata, lifetime))
}

/// A JSON document. Why it cannot be fetched is for the log: the answer must not tell a stranger what this server can see of the
/// network around it.
async fn get(outbound: &Outbound, url: &Url, limit: usize) -> Result<Response, Failure> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let request = Request { method: Method::GET, url: url.clone(), headers, body: Bytes::new() };
    let outbound = outbound.clone().with_response_limit(limit);
    let answer = match tokio::time::timeout(FETCH_TIMEOUT, outbound.send(request)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            use trinco_connectors::outbound::OutboundError as E;
            return Err(match error {
                E::TooLarge(_) => Failure::Unusable(OAuthError::new(
                    ErrorCode::InvalidClientMetadata,
                    format!("the metadata document is longer than {limit} bytes"),
                )),
                E::Url => Failure::Unreachable("the URL cannot be requested"),
                E::Forbidden => Failure::Unreachable("the address is not public"),
                E::Resolution => Failure::Unreachable("the host name cannot be resolved"),
                E::Connection => Failure::Unreachable("the connection failed"),
                E::Tls => Failure::Unreachable("the TLS handshake failed"),
                E::Exchange => Failure::Unreachable("the exchange failed"),
                E::Timeout => Failure::Unreachable("it took too long"),
            });
        }
        Err(_) => return Err(Failure::Unreachable("it took too long")),
    };
    let status = answer.status.as_u16();
    let content_type = answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if document::is_document(status, content_type) {
        Ok(answer)
    } else if status >= 500 || status == 429 {
        Err(Failure::Unreachable("the server is in trouble"))
    } else {
        Err(Failure::Unusable(OAuthError::new(
            ErrorCode::InvalidClientMetadata,
            "a metadata document must be served with status 200 as application/json",
        )))
    }
}

fn lifetime_of(headers: &HeaderMap) -> i64 {
    let all = |name: HeaderName| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.collect::<Vec<_>>().join(",")
    };
    document::lifetime(&all(CACHE_CONTROL), Some(&all(AGE)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(host: &str) -> ClientIdUrl {
        ClientIdUrl::parse(&format!("https://{host}/c")).unwrap()
    }

    #[test]
    fn unknown_urls_are_fetched_at_a_bounded_rate() {
        let documents = Documents::default();
        for _ in 0..MOST_OF_HOST {
            assert!(documents.admit(&url("a.example"), 1).is_ok());
        }
        assert!(documents.admit(&url("a.example"), 1).is_err());
        assert!(documents.admit(&url("a.example:8443"), 1).is_err(), "another port, the same host");
        assert!(
            documents.admit(&url("b.example"), 1).is_ok(),
            "one host does not use up the others"
        );
        assert!(documents.admit(&url("a.example"), MINUTE_MS).is_ok(), "a minute later");

        let documents = Documents::default();
        for number in 0..MOST_OF_ALL {
            assert!(documents.admit(&url(&format!("h{number}.example")), 1).is_ok());
        }
        assert!(documents.admit(&url("fresh.example"), 1).is_err());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let documents = Documents::default();
        for number in 0..MOST_DOCUMENTS + 50 {
            documents.slot(&format!("https://a.example/{number}"), 1);
        }
        assert_eq!(documents.shelf.lock().unwrap().len(), MOST_DOCUMENTS);
    }

    #[tokio::test]
    async fn strangers_take_no_room_from_clients_in_use() {
        let documents = Documents::default();
        let filled = async |url: &str, is_in_use, now| {
            let slot = documents.slot(url, now);
            let mut slot = slot.lock().await;
            slot.usage = Usage { is_in_use, looked_up_at: now, asked_for_at: now };
        };
        filled("https://in.use/", true, 1).await;
        for number in 0..2 * MOST_DOCUMENTS {
            filled(&format!("https://stranger.example/{number}"), false, 2).await;
        }
        let is_kept = |url: &str| documents.shelf.lock().unwrap().contains_key(url);
        assert!(is_kept("https://in.use/"));
        // Of those in use, the ones that were not asked for longest go when there is nobody else.
        for number in 0..MOST_DOCUMENTS {
            filled(&format!("https://in.use/{number}"), true, 3).await;
        }
        assert!(!is_kept("https://in.use/") && is_kept("https://in.use/0"));
        // A day later nobody has a claim.
        filled("https://stranger.example/late", false, 4 + STALE_MS).await;
        filled("https://stranger.example/later", false, 5 + STALE_MS).await;
        assert!(is_kept("https://stranger.example/late"));
    }
}
