//! Whether a domain leads here. What decides is what a browser would find, not what a record says: a proxy may stand between.

use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use trinco_connectors::outbound::{Outbound, OutboundError, Request};
use url::Url;

use super::CHALLENGES;
use super::model::DomainStatus;

/// From the resolution of the name to the last byte of the answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of the answer.
const LIMIT: usize = 4096;

/// How domains are looked at.
#[derive(Clone, Debug)]
pub struct Lookout {
    outbound: Outbound,
    http: u16,
    https: u16,
}

impl Lookout {
    /// At the ports that browsers go to.
    pub fn new(outbound: Outbound) -> Self {
        let outbound = outbound.with_timeout(TIMEOUT).with_response_limit(LIMIT);
        Self { outbound, http: 80, https: 443 }
    }

    /// At other ports.
    #[must_use]
    pub fn at_ports(self, http: u16, https: u16) -> Self {
        Self { http, https, ..self }
    }
}

/// What was found.
pub(super) struct Finding {
    pub(super) status: DomainStatus,
    /// What is missing.
    pub(super) problem: Option<String>,
}

/// Asks a domain for what only this installation knows.
pub(super) async fn look(lookout: &Lookout, domain: &str, id: &str, challenge: &str) -> Finding {
    let Lookout { outbound, http, https } = lookout;
    let url = |scheme: &str, port: &u16| format!("{scheme}://{domain}:{port}{CHALLENGES}/{id}");
    let by_https = match ask(outbound, &url("https", https), challenge).await {
        Ok(()) => return Finding { status: DomainStatus::Active, problem: None },
        Err(miss) => miss,
    };
    let finding = |status, problem: String| Finding { status, problem: Some(problem) };
    match ask(outbound, &url("http", http), challenge).await {
        Ok(()) => finding(
            DomainStatus::PendingSsl,
            format!("http://{domain} leads here, https://{domain} does not: {by_https}"),
        ),
        Err(Miss::Failed(OutboundError::Forbidden)) => {
            finding(DomainStatus::Error, OutboundError::Forbidden.to_string())
        }
        Err(miss) => finding(
            DomainStatus::PendingVerification,
            format!("http://{domain} does not lead here: {miss}"),
        ),
    }
}

/// Why an answer is not ours.
#[derive(Debug, thiserror::Error)]
enum Miss {
    #[error("{0}")]
    Failed(OutboundError),
    #[error("it redirects elsewhere")]
    Redirected,
    #[error("another server answers there, or a proxy that does not pass on the Host header")]
    Other,
}

async fn ask(outbound: &Outbound, url: &str, challenge: &str) -> Result<(), Miss> {
    let url = Url::parse(url).map_err(|_| Miss::Failed(OutboundError::Url))?;
    let request =
        Request { method: Method::GET, url, headers: HeaderMap::new(), body: bytes::Bytes::new() };
    let answer = outbound.send(request).await.map_err(Miss::Failed)?;
    if answer.status.is_redirection() {
        return Err(Miss::Redirected);
    }
    if answer.status == StatusCode::OK && answer.body == challenge.as_bytes() {
        return Ok(());
    }
    Err(Miss::Other)
}
