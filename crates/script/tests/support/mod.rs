#![allow(dead_code, reason = "each test file uses a part")]

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use trinco_script::{
    Engine, Fetch, FetchRequest, FetchResponse, Fetching, Job, Outcome, Run, ScriptError, Secrets,
};

pub(crate) const SETTING: &str = "the setting";

/// No origin is allowed.
pub(crate) struct Nowhere;

impl Nowhere {
    pub(crate) fn fetching() -> Fetching {
        Fetching { origins: Arc::from([]), setting: SETTING, via: Arc::new(Self) }
    }
}

impl Fetch for Nowhere {
    fn fetch(&self, request: FetchRequest) -> BoxFuture<'_, Result<FetchResponse, String>> {
        panic!("nothing may be sent: {request:?}")
    }
}

/// An origin that does not answer within the time of any run.
pub(crate) struct Slow;

impl Slow {
    pub(crate) fn fetching() -> Fetching {
        let origins = Arc::from(["https://slow.test".parse().unwrap()]);
        Fetching { origins, setting: SETTING, via: Arc::new(Self) }
    }
}

impl Fetch for Slow {
    fn fetch(&self, _: FetchRequest) -> BoxFuture<'_, Result<FetchResponse, String>> {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Err("too late".to_owned())
        })
    }
}

/// A function with this body, whose argument is `payload`.
pub(crate) fn job(body: &str, fetching: Fetching) -> Job {
    let source = format!("function getCustomJwtClaims(payload) {{ {body} }}");
    whole(&source, &json!({}), fetching)
}

fn whole(source: &str, payload: &Value, fetching: Fetching) -> Job {
    Job {
        source: Arc::from(source),
        function: "getCustomJwtClaims",
        payload: payload.as_object().unwrap().clone(),
        secrets: Secrets::default(),
        fetching,
    }
}

pub(crate) async fn run_whole(
    engine: &Engine,
    source: &str,
    payload: &Value,
    fetching: Fetching,
) -> Run {
    engine.run(whole(source, payload, fetching)).await
}

pub(crate) async fn run(body: &str) -> Result<Outcome, ScriptError> {
    Engine::default().run(job(body, Nowhere::fetching())).await.outcome
}

/// The object it returns.
pub(crate) async fn answer(body: &str) -> Value {
    match run(body).await {
        Ok(Outcome::Returned(claims)) => Value::Object(claims),
        other => panic!("{body}: {other:?}"),
    }
}

pub(crate) async fn fails(body: &str) -> ScriptError {
    match run(body).await {
        Err(error) => error,
        Ok(outcome) => panic!("{body}: {outcome:?}"),
    }
}
