//! `fetch`: only where it may go, only as much as it may.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use support::{Nowhere, SETTING, job};
use trinco_script::{
    Engine, Fetch, FetchRequest, FetchResponse, Fetching, Outcome, Run, ScriptError, limits,
};

/// Remembers what was sent, and answers by path.
#[derive(Default)]
struct Recorder(Mutex<Vec<FetchRequest>>);

impl Fetch for Recorder {
    fn fetch(&self, request: FetchRequest) -> BoxFuture<'_, Result<FetchResponse, String>> {
        let (status, headers, body) = match request.url.path() {
            "/groups" => {
                (200, vec![("Content-Type", "application/json")], r#"{"groups":["a","b"]}"#)
            }
            "/moved" => (302, vec![("Location", "https://elsewhere.test/secret")], ""),
            "/text" => (404, vec![], "no such thing"),
            _ => return Box::pin(async { Err("the connection failed".to_owned()) }),
        };
        self.0.lock().unwrap().push(request);
        let header =
            |(name, value): &(&str, &str)| (name.to_ascii_lowercase(), (*value).to_owned());
        let headers = headers.iter().map(header).collect();
        let answer = FetchResponse { status, headers, body: body.to_owned() };
        Box::pin(async move { Ok(answer) })
    }
}

async fn run(body: &str) -> (Run, Vec<FetchRequest>) {
    let recorder = Arc::new(Recorder::default());
    let fetching = Fetching {
        origins: Arc::from(["https://api.test".parse().unwrap()]),
        setting: SETTING,
        via: Arc::clone(&recorder) as Arc<dyn Fetch>,
    };
    let run = Engine::default().run(job(body, fetching)).await;
    let sent = recorder.0.lock().unwrap().clone();
    (run, sent)
}

async fn answer(body: &str) -> Value {
    let (run, _) = run(body).await;
    match run.outcome {
        Ok(Outcome::Returned(claims)) => Value::Object(claims),
        other => panic!("{body}: {other:?}"),
    }
}

async fn refusal(expression: &str) -> String {
    let body = format!(
        "return {expression}.then(() => ({{}}), (error) => ({{ name: error.name, message: error.message }}))"
    );
    let (run, sent) = run(&body).await;
    assert_eq!(sent, [], "{expression}");
    let Ok(Outcome::Returned(claims)) = run.outcome else { panic!("{expression}: {run:?}") };
    assert_eq!(claims["name"], "TypeError", "{expression}");
    claims["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_allowed_origin_is_asked_and_its_answer_read() {
    let body = "return (async () => {
        const response = await fetch('https://api.test/groups?user=1', {
            method: 'post', headers: { Authorization: 'Bearer x' }, body: JSON.stringify({ a: 1 }),
        });
        const { groups } = await response.json();
        return { groups, ok: response.ok, status: response.status, type: response.headers.get('CONTENT-type'), none: response.headers.get('x') };
    })()";
    let (run, sent) = run(body).await;
    let claims = json!({ "groups": ["a", "b"], "ok": true, "status": 200, "type": "application/json", "none": null });
    assert_eq!(run.outcome, Ok(Outcome::Returned(claims.as_object().unwrap().clone())));
    assert_eq!(sent.len(), 1);
    assert_eq!(
        (sent[0].method.as_str(), sent[0].url.as_str()),
        ("POST", "https://api.test/groups?user=1")
    );
    assert_eq!(sent[0].body, r#"{"a":1}"#);
    let headers = [("authorization", "Bearer x"), ("content-type", "text/plain;charset=UTF-8")];
    assert_eq!(sent[0].headers, headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[tokio::test]
async fn several_requests_run_side_by_side() {
    let body = "return Promise.all([1, 2, 3].map(() => fetch('https://api.test/text').then((r) => r.text())))
        .then((texts) => ({ texts }))";
    assert_eq!(
        answer(body).await["texts"],
        json!(["no such thing", "no such thing", "no such thing"])
    );
    let failed =
        "return fetch('https://api.test/unreachable').catch((error) => ({ error: error.message }))";
    assert_eq!(answer(failed).await, json!({ "error": "the connection failed" }));
}

#[tokio::test]
async fn nothing_goes_where_it_may_not() {
    for url in [
        "https://elsewhere.test/",
        "http://api.test/",
        "https://api.test:8443/",
        "https://api.test.elsewhere.test/",
        "https://api.test@elsewhere.test/",
        "https://elsewhere.test\\\\@api.test/",
        "file:///etc/passwd",
        "data:text/plain,x",
        "http://169.254.169.254/latest/meta-data/",
    ] {
        let refused = refusal(&format!("fetch('{url}')")).await;
        assert!(refused.contains("may not reach") && refused.contains(SETTING), "{url}: {refused}");
    }
    assert_eq!(refusal("fetch('/groups')").await, "the URL is not an absolute URL");
    // The text that is judged is the text that is sent.
    let fickle = "fetch({ n: 0, toString() { return this.n++ ? 'https://elsewhere.test/' : 'https://api.test/text' } })";
    let (_, sent) = run(&format!("return {fickle}.then(() => ({{}}))")).await;
    assert_eq!(sent[0].url.as_str(), "https://api.test/text");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let body = "return fetch('https://api.test/moved').then((r) => ({ status: r.status, ok: r.ok, to: r.headers.get('location') }))";
    let (run, sent) = run(body).await;
    let claims = json!({ "status": 302, "ok": false, "to": "https://elsewhere.test/secret" });
    assert_eq!(run.outcome, Ok(Outcome::Returned(claims.as_object().unwrap().clone())));
    assert_eq!(sent.len(), 1);
    let followed = "return fetch('https://api.test/moved').then((r) => fetch(r.headers.get('location'))).then(() => ({}))";
    let (run, sent) = self::run(followed).await;
    assert!(matches!(run.outcome, Err(ScriptError::Thrown { .. })), "{run:?}");
    assert_eq!(sent.len(), 1);
}

#[tokio::test]
async fn without_a_list_the_setting_is_named() {
    let body = "return fetch('https://api.test/').then(() => ({}))";
    let error = Engine::default().run(job(body, Nowhere::fetching())).await.outcome.unwrap_err();
    let expected =
        "it threw TypeError: fetch is switched off: no origin is listed in the setting (line 1)";
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn requests_are_bounded() {
    let long = "x".repeat(limits::FETCH_URL);
    for (expression, says) in [
        (format!("fetch('https://api.test/{long}')"), "URL is longer"),
        (
            "fetch('https://api.test/text', { method: 'CONNECT' })".to_owned(),
            "method must be one of",
        ),
        (
            "fetch('https://api.test/text', { method: 'GET\\r\\nX: y' })".to_owned(),
            "method must be one of",
        ),
        (
            "fetch('https://api.test/text', { headers: { Host: 'x' } })".to_owned(),
            "host cannot be set",
        ),
        (
            "fetch('https://api.test/text', { headers: [['Transfer-Encoding', 'chunked']] })"
                .to_owned(),
            "cannot be set",
        ),
        (
            format!(
                "fetch('https://api.test/text', {{ headers: {{ a: 'x'.repeat({}) }} }})",
                limits::FETCH_HEADERS.0
            ),
            "headers",
        ),
        (
            format!(
                "fetch('https://api.test/text', {{ method: 'POST', body: 'x'.repeat({}) }})",
                limits::FETCH_BODY + 1
            ),
            "body is longer",
        ),
        ("fetch('https://api.test/text', { method: 'POST', body: {} })".to_owned(), "must be text"),
    ] {
        let refused = refusal(&expression).await;
        assert!(refused.contains(says), "{expression}: {refused}");
    }
    let each = "fetch('https://api.test/text').then(() => 'sent', (error) => error.message)";
    let count = limits::FETCHES + 1;
    let (run, sent) = run(&format!(
        "return Promise.all(Array.from({{ length: {count} }}, () => {each})).then((all) => ({{ all }}))"
    ))
    .await;
    let mut all = vec!["sent"; limits::FETCHES];
    all.push("a script may fetch 5 times at most");
    let expected = json!({ "all": all });
    assert_eq!(run.outcome, Ok(Outcome::Returned(expected.as_object().unwrap().clone())));
    assert_eq!(sent.len(), limits::FETCHES);
}

#[tokio::test]
async fn waiting_for_an_answer_ends_with_the_run() {
    let body = "return fetch('https://slow.test/').then(() => ({}))";
    let run = Engine::default().run(job(body, support::Slow::fetching())).await;
    assert_eq!(run.outcome, Err(ScriptError::Clock));
}
