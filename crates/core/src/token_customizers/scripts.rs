//! Runs scripts, and sends what they fetch through the guard of all outbound requests.

use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use trinco_connectors::outbound::{Outbound, Request, Response};
use trinco_script::{
    AllowedOrigin, Engine, Fetch, FetchRequest, FetchResponse, Fetching, Job, Run, ScriptError,
    Secrets,
};

use super::model::{FUNCTION, Script};
use crate::JsonObject;

/// The setting that lets scripts fetch.
pub const FETCH_SETTING: &str = "scripts.fetch_allow";

/// The engine of an installation, and where its scripts may go.
#[derive(Debug, Default)]
pub(crate) struct Scripts {
    engine: Engine,
    fetching: OnceLock<Fetching>,
}

impl Scripts {
    pub(crate) fn allow_fetch(&self, origins: Vec<AllowedOrigin>, outbound: Outbound) {
        let via = Arc::new(Guarded(outbound));
        let fetching = Fetching { origins: origins.into(), setting: FETCH_SETTING, via };
        let _ = self.fetching.set(fetching);
    }

    pub(crate) async fn compile(&self, script: &Script) -> Result<(), ScriptError> {
        self.engine.compile(script.source()).await
    }

    pub(super) async fn run(&self, script: &Script, payload: JsonObject, secrets: Secrets) -> Run {
        self.run_function(script.source(), FUNCTION, payload, secrets).await
    }

    /// Runs the function of this name that a script defines.
    pub(crate) async fn run_function(
        &self,
        source: &Arc<str>,
        function: &'static str,
        payload: JsonObject,
        secrets: Secrets,
    ) -> Run {
        let fetching = self.fetching.get().cloned();
        self.engine
            .run(Job {
                source: Arc::clone(source),
                function,
                payload,
                secrets,
                fetching: fetching.unwrap_or_else(|| Fetching::nowhere(FETCH_SETTING)),
            })
            .await
    }
}

struct Guarded(Outbound);

impl Fetch for Guarded {
    fn fetch(&self, request: FetchRequest) -> BoxFuture<'_, Result<FetchResponse, String>> {
        Box::pin(async move {
            let answer = self.0.send(outgoing(request)?).await;
            answer.map(|answer| incoming(&answer)).map_err(|error| error.to_string())
        })
    }
}

fn outgoing(request: FetchRequest) -> Result<Request, String> {
    let method: Method =
        request.method.parse().map_err(|_| "the method is not valid".to_owned())?;
    let mut headers = HeaderMap::new();
    for (name, value) in request.headers {
        let valid_name: HeaderName =
            name.parse().map_err(|_| format!("{name:?} is no name of a header"))?;
        let value = HeaderValue::from_str(&value)
            .map_err(|_| format!("the value of the header {name} has characters it cannot have"))?;
        headers.insert(valid_name, value);
    }
    Ok(Request { method, url: request.url, headers, body: request.body.into() })
}

/// What is not text is left out of headers and replaced in the body.
fn incoming(response: &Response) -> FetchResponse {
    let header = |(name, value): (&HeaderName, &HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    FetchResponse {
        status: response.status.as_u16(),
        headers: response.headers.iter().filter_map(header).collect(),
        body: String::from_utf8_lossy(&response.body).into_owned(),
    }
}
