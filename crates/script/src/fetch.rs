//! The one way out of a script.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use url::Url;

use crate::limits;
use crate::origin::AllowedOrigin;

/// Methods a script may use.
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
/// Headers that belong to the connection and not to the script.
const CONNECTION_HEADERS: [&str; 12] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// Sends what a script's `fetch` asks for. Where it may go has been checked; how it gets there is the implementer's. It follows no
/// redirects: where one leads has not been checked.
pub trait Fetch: Send + Sync + 'static {
    /// The answer, or a sentence for the script's author.
    fn fetch(&self, request: FetchRequest) -> BoxFuture<'_, Result<FetchResponse, String>>;
}

/// A request of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchRequest {
    /// In upper case.
    pub method: String,
    /// Of an allowed origin.
    pub url: Url,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchResponse {
    /// The status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

/// Where a script may go, and how.
#[derive(Clone)]
pub struct Fetching {
    /// Nowhere else.
    pub origins: Arc<[AllowedOrigin]>,
    /// What a script's author is told to change.
    pub setting: &'static str,
    /// Sends requests.
    pub via: Arc<dyn Fetch>,
}

impl fmt::Debug for Fetching {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Fetching").field("origins", &self.origins).finish_non_exhaustive()
    }
}

/// Sends nothing.
struct Nowhere;

impl Fetch for Nowhere {
    fn fetch(&self, _: FetchRequest) -> BoxFuture<'_, Result<FetchResponse, String>> {
        Box::pin(async { Err("fetch is switched off".to_owned()) })
    }
}

impl Fetching {
    /// No origin is allowed.
    pub fn nowhere(setting: &'static str) -> Self {
        Self { origins: Arc::from([]), setting, via: Arc::new(Nowhere) }
    }

    /// Reads and judges what a script passed to `fetch`.
    ///
    /// # Errors
    /// A sentence for the script's author.
    pub(crate) fn request(
        &self,
        url: &str,
        method: &str,
        headers: &str,
        body: String,
    ) -> Result<FetchRequest, String> {
        if url.len() > limits::FETCH_URL {
            return Err(format!("the URL is longer than {} bytes", limits::FETCH_URL));
        }
        let url = Url::parse(url).map_err(|_| "the URL is not an absolute URL".to_owned())?;
        if !self.origins.iter().any(|origin| origin.covers(&url)) {
            let origin = url.origin().ascii_serialization();
            let setting = self.setting;
            return Err(format!("fetch may not reach {origin}: it is not listed in {setting}"));
        }
        let method = method.to_ascii_uppercase();
        if !METHODS.contains(&method.as_str()) {
            return Err(format!("the method must be one of {}", METHODS.join(", ")));
        }
        if body.len() > limits::FETCH_BODY {
            return Err(format!("the body is longer than {} KiB", limits::FETCH_BODY / 1024));
        }
        Ok(FetchRequest { method, url, headers: headers_of(headers)?, body })
    }
}

/// Reads the JSON that the prelude makes of the headers.
fn headers_of(json: &str) -> Result<Vec<(String, String)>, String> {
    let (bytes, count) = limits::FETCH_HEADERS;
    let headers: Map<String, Value> =
        serde_json::from_str(json).map_err(|_| "the headers must be an object".to_owned())?;
    if headers.len() > count || json.len() > bytes {
        return Err(format!("more than {count} headers, or longer than {} KiB", bytes / 1024));
    }
    let header = |(name, value): (String, Value)| match value {
        Value::String(_) if CONNECTION_HEADERS.contains(&name.as_str()) => {
            Err(format!("the header {name} cannot be set"))
        }
        Value::String(value) => Ok((name, value)),
        _ => Err(format!("the header {name} is no text")),
    };
    headers.into_iter().map(header).collect()
}
