//! Traces, as a collector receives them.

#![expect(clippy::disallowed_methods, reason = "how long a server takes is measured from outside")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::operating::{measured_with, scrape, value};
use crate::running::{Place, Server, json};

const PATIENCE: Duration = Duration::from_secs(20);
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// A collector: takes every request and passes on the spans.
fn collector() -> (String, Receiver<Value>) {
    collector_that_says("{}")
}

/// A collector that answers every request with 200 and this.
fn collector_that_says(said: &'static str) -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut length, mut head) = (0, Vec::new());
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).unwrap() == 0 || line.trim().is_empty() {
                    break;
                }
                let line = line.trim().to_lowercase();
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                head.push(line);
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let length = said.len();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{said}");
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
            assert_eq!(head[0], "post /v1/traces http/1.1");
            assert!(head.contains(&"content-type: application/json".to_owned()), "{head:?}");
            let sent: Value = serde_json::from_slice(&body).unwrap();
            let resource = &sent["resourceSpans"][0];
            assert_eq!(attribute(&resource["resource"], "service.name"), "doors");
            for span in resource["scopeSpans"][0]["spans"].as_array().unwrap() {
                let _ = tell.send(span.clone());
            }
        }
    });
    (endpoint, told)
}

fn attribute(of: &Value, key: &str) -> String {
    let found = of["attributes"].as_array().unwrap().iter().find(|one| one["key"] == key);
    let value = found.map(|one| &one["value"]);
    let text = value.and_then(|value| value["stringValue"].as_str().or(value["intValue"].as_str()));
    text.unwrap_or_default().to_owned()
}

/// The spans of the request with this id, once there are `count` of its trace.
fn spans_of(told: &Receiver<Value>, id: &str, count: usize) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    let begun = Instant::now();
    loop {
        let trace = all.iter().find(|span| attribute(span, "trinco.request_id") == id);
        let trace = trace.map(|span| span["traceId"].clone());
        let found: Vec<Value> =
            all.iter().filter(|span| Some(&span["traceId"]) == trace.as_ref()).cloned().collect();
        if found.len() >= count {
            return found;
        }
        let left = PATIENCE.saturating_sub(begun.elapsed());
        let span = told.recv_timeout(left).unwrap_or_else(|_| panic!("no spans of {id}: {all:?}"));
        // The server wrote to the database before there was any request.
        assert!(span["name"] != "transaction" || !span["parentSpanId"].is_null(), "{span}");
        all.push(span);
    }
}

fn serve(place: &Place, endpoint: &str, sampler: &str) -> Server {
    let flags = ["--port", "0", "--otlp-endpoint", endpoint, "--traces-sampler", sampler];
    place.serve_with(&[&flags[..], &["--service-name", "doors"]].concat())
}

/// A request for a token, which writes to the database.
fn ask(server: &Server, credentials: &Value, headers: &[(&str, &str)]) {
    let field = |name: &str| credentials[name].as_str().unwrap().to_owned();
    let form = format!(
        "grant_type=client_credentials&resource=https%3A%2F%2Fdefault.logto.app%2Fapi\
         &client_id={}&client_secret={}",
        field("appId"),
        field("appSecret")
    );
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let headers = [headers, &[kind]].concat();
    let answer = server.http().send("POST", "/oidc/token", &headers, &form).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn a_collector_receives_a_request_and_its_transaction_within_the_callers_trace() {
    let place = Place::new();
    let credentials = json(&place.done(&["init", "--json"]));
    let (endpoint, told) = collector();
    let server = serve(&place, &endpoint, "always_on");

    // The caller says that it is not recorded: that is the caller's business.
    let traceparent = format!("00-{TRACE}-{PARENT}-00");
    ask(&server, &credentials, &[("x-request-id", "one"), ("traceparent", &traceparent)]);
    let spans = spans_of(&told, "one", 2);
    let request = spans.iter().find(|span| span["kind"] == 2).unwrap();
    assert_eq!(request["name"], "POST /oidc/token");
    assert_eq!((&request["traceId"], &request["parentSpanId"]), (&TRACE.into(), &PARENT.into()));
    for (key, expected) in [
        ("http.request.method", "POST"),
        ("http.route", "/oidc/token"),
        ("http.response.status_code", "200"),
        ("trinco.tenant", "default"),
    ] {
        assert_eq!(attribute(request, key), expected, "{request}");
    }
    let transaction = spans.iter().find(|span| span["name"] == "transaction").unwrap();
    assert_eq!(transaction["parentSpanId"], request["spanId"]);
    assert_eq!(attribute(transaction, "db.system.name"), "sqlite");
    assert_eq!(attribute(transaction, "db.operation.name"), "write");
    let at = |span: &Value, member: &str| span[member].as_str().unwrap().parse::<u64>().unwrap();
    assert!(at(request, "startTimeUnixNano") <= at(transaction, "startTimeUnixNano"));
    assert!(at(transaction, "endTimeUnixNano") <= at(request, "endTimeUnixNano"));
    assert!(at(transaction, "startTimeUnixNano") < at(transaction, "endTimeUnixNano"));

    // Without a caller's trace, or with a broken one, there is one of our own.
    ask(&server, &credentials, &[("x-request-id", "two"), ("traceparent", "00-1-2-01")]);
    let spans = spans_of(&told, "two", 2);
    let request = spans.iter().find(|span| span["kind"] == 2).unwrap();
    assert_ne!(request["traceId"], TRACE);
    assert!(request["parentSpanId"].is_null());
}

#[test]
fn only_a_sampler_that_asks_the_parent_lets_it_decide() {
    let place = Place::new();
    let credentials = json(&place.done(&["init", "--json"]));
    let (sampled, not) = (format!("00-{TRACE}-{PARENT}-01"), format!("00-{TRACE}-{PARENT}-00"));
    let asked = |server: &Server| {
        ask(server, &credentials, &[("x-request-id", "forced"), ("traceparent", &sampled)]);
        ask(server, &credentials, &[("x-request-id", "hidden"), ("traceparent", &not)]);
    };
    let ids = |told: Receiver<Value>| -> Vec<String> {
        let ids = told.try_iter().map(|span| attribute(&span, "trinco.request_id"));
        ids.filter(|id| !id.is_empty()).collect()
    };
    for (sampler, expected) in
        [("always_off", vec![]), ("parentbased_always_off", vec!["forced".to_owned()])]
    {
        let (endpoint, told) = collector();
        let mut server = serve(&place, &endpoint, sampler);
        asked(&server);
        // What is left is sent before it ends.
        server.terminate();
        server.ended();
        assert_eq!(ids(told), expected, "{sampler}");
    }
}

#[test]
fn spans_that_a_collector_rejects_count_as_dropped() {
    let place = Place::new();
    let credentials = json(&place.done(&["init", "--json"]));
    let (endpoint, told) = collector_that_says(r#"{"partialSuccess":{"rejectedSpans":"1"}}"#);
    let flags = ["--otlp-endpoint", &endpoint, "--service-name", "doors"];
    let (server, port) = measured_with(&place, &flags);
    ask(&server, &credentials, &[("x-request-id", "one")]);
    spans_of(&told, "one", 2);
    let begun = Instant::now();
    let dropped = || value(&scrape(port), "trinco_spans_dropped_total");
    while dropped() == Some(0.0) {
        assert!(begun.elapsed() < PATIENCE, "none has been counted");
        thread::sleep(Duration::from_millis(50));
    }
    // Of a request with at least two.
    assert!(value(&scrape(port), "trinco_spans_exported_total").unwrap() >= 1.0);
}

#[test]
fn a_collector_that_never_answers_delays_neither_requests_nor_the_end() {
    let place = Place::new();
    let credentials = json(&place.done(&["init", "--json"]));
    // Takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let mut server = serve(&place, &endpoint, "always_on");
    let begun = Instant::now();
    for _ in 0..50 {
        ask(&server, &credentials, &[]);
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let told = Instant::now();
    server.terminate();
    let (status, log) = server.ended();
    assert!(status.success(), "{log}");
    assert!(told.elapsed() < Duration::from_secs(5), "{:?}", told.elapsed());
    assert!(log.contains("the collector of traces is too slow"), "{log}");
}
