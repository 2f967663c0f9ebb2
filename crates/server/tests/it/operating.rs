//! What an operator sees and does: probes, signals, log lines, metrics.

#![expect(clippy::disallowed_methods, reason = "how long a server takes is measured from outside")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http::{Answer, Http};
use crate::running::{Place, Server, json};

fn get(server: &Server, path: &str) -> Answer {
    server.http().send("GET", path, &[], "").unwrap()
}

#[test]
fn after_sigterm_the_server_is_not_ready_but_serves_until_the_delay_is_over() {
    let place = Place::new();
    let mut server = place.serve_with(&["--port", "0", "--shutdown-delay", "2"]);
    assert_eq!(get(&server, "/readyz").status, 200);
    server.terminate();
    let told = Instant::now();
    while get(&server, "/readyz").status == 200 {
        assert!(told.elapsed() < Duration::from_millis(1500), "/readyz still says yes");
    }
    let answer = get(&server, "/readyz");
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.json()["problems"]["server"], "the server is shutting down");
    // New connections are taken, and requests answered, as if nothing were.
    assert_eq!(get(&server, "/healthz").body, "ok");
    assert_eq!(get(&server, "/oidc/jwks").status, 200);
    let (status, log) = server.ended();
    assert!(status.success(), "{log}");
    assert!(told.elapsed() >= Duration::from_secs(2), "the delay was cut short");
    assert!(told.elapsed() < Duration::from_secs(9), "{:?}", told.elapsed());
}

#[test]
fn a_second_signal_ends_the_server_at_once_even_during_the_delay() {
    let place = Place::new();
    let mut server = place.serve_with(&["--port", "0", "--shutdown-delay", "300"]);
    server.terminate();
    while get(&server, "/readyz").status == 200 {
        thread::sleep(Duration::from_millis(5));
    }
    server.terminate();
    let (status, log) = server.ended();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("stopped at once"), "{log}");
}

/// Runs the server with this log format until it has answered a few requests; returns what it logged.
fn logged(format: &str) -> (String, Vec<String>) {
    let place = Place::new();
    let credentials = json(&place.done(&["init", "--json"]));
    let filter = "info,trinco_http=debug,tokio_postgres=warn";
    let flags = ["serve", "--port", "0", "--log-format", format, "--log", filter];
    let mut child = place.command(&flags).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let ready = lines.by_ref().find(|line| line.contains("ready in ")).unwrap();
    let port = ready.split("[::]:").nth(1).or_else(|| ready.split("0.0.0.0:").nth(1)).unwrap();
    let port: String = port.chars().take_while(char::is_ascii_digit).collect();
    let mut http = Http::connect(port.parse().unwrap()).unwrap();

    let secret = "S3CRET-never-to-be-logged";
    let cookie = format!("_session={secret}; _interaction_x={secret}");
    let bearer = format!("Bearer {secret}");
    let headers = |id: &'static str| {
        vec![("x-request-id", id), ("cookie", cookie.as_str()), ("authorization", bearer.as_str())]
    };
    let query = format!("?code={secret}&state={secret}&login_hint={secret}");
    for (id, path) in [
        ("r-api", format!("/api/users/{secret}{query}")),
        ("r-auth", format!("/oidc/auth{query}&client_id=nobody")),
        ("r-resume", format!("/oidc/auth/{secret}{query}")),
        ("r-nowhere", format!("/{secret}/{secret}{query}")),
        ("r-admin", format!("/admin/api/users/{secret}{query}")),
        ("r-userinfo", "/oidc/me".to_owned()),
    ] {
        http.send("GET", &path, &headers(id), "").unwrap();
    }
    let form = format!(
        "grant_type=authorization_code&code={secret}&code_verifier={secret}&redirect_uri=http%3A%2F%2Fa\
         &client_id={}&client_secret={secret}",
        credentials["appId"].as_str().unwrap()
    );
    let kind = [("x-request-id", "r-token"), ("content-type", "application/x-www-form-urlencoded")];
    http.send("POST", &format!("/oidc/token{query}"), &kind, &form).unwrap();
    http.send(&format!("X{secret}"), "/oidc/token", &[("x-request-id", "r-odd")], "").unwrap();
    drop(http);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let lines: Vec<String> = lines.collect();
    child.wait().unwrap();
    (secret.to_owned(), lines)
}

#[test]
fn json_lines_are_flat_and_those_of_a_request_tell_which_it_was_and_nothing_secret() {
    let (secret, lines) = logged("json");
    let mut finished = Vec::new();
    for line in &lines {
        assert!(!line.contains(&secret), "{line}");
        let line = json(line);
        let members = line.as_object().unwrap();
        for name in ["timestamp", "level", "target", "message"] {
            assert!(members[name].is_string(), "{line}");
        }
        assert!(!members.contains_key("path"), "{line}");
        for (name, value) in members {
            assert!(!value.is_object() && !value.is_array(), "{name} in {line}");
        }
        if line["target"].as_str().unwrap().starts_with("trinco_http") {
            for name in ["request_id", "method", "route", "tenant"] {
                assert!(line[name].is_string(), "no {name} in {line}");
            }
        }
        if line["target"] == "trinco_http::access" {
            assert_eq!(line["level"], "INFO");
            assert!(line["duration_ms"].as_f64().unwrap() > 0.0);
            let text = |name: &str| line[name].as_str().unwrap().to_owned();
            let status = line["status"].as_u64().unwrap();
            let told = format!("{} {} {status}", text("method"), text("route"));
            finished.push((text("request_id"), text("tenant"), told));
        }
    }
    // What a refusal is about is among them.
    assert!(lines.iter().any(|line| line.contains("trinco_http::failure")), "{lines:?}");
    let finished: Vec<_> = finished
        .iter()
        .map(|(id, tenant, told)| (id.as_str(), tenant.as_str(), told.as_str()))
        .collect();
    assert_eq!(
        finished,
        [
            ("r-api", "default", "GET /api/users/{id} 401"),
            ("r-auth", "default", "GET /oidc/auth 400"),
            ("r-resume", "default", "GET /oidc/auth/{interaction} 404"),
            ("r-nowhere", "default", "GET (no route) 404"),
            ("r-admin", "admin", "GET /api/users/{id} 401"),
            ("r-userinfo", "default", "GET /oidc/me 401"),
            ("r-token", "default", "POST /oidc/token 401"),
            ("r-odd", "default", "other /oidc/token 405"),
        ]
    );
}

#[test]
fn lines_for_people_tell_the_same() {
    let (secret, lines) = logged("text");
    let of_token: Vec<_> = lines.iter().filter(|line| line.contains("r-token")).collect();
    let access = of_token.iter().find(|line| line.contains("trinco_http::access")).unwrap();
    for part in
        ["INFO", "method=\"POST\"", "route=\"/oidc/token\"", "tenant=\"default\"", "status=401"]
    {
        assert!(access.contains(part), "{part}: {access}");
    }
    for line in &lines {
        assert!(!line.contains(&secret), "{line}");
        assert!(!line.contains(" trinco_http") || line.contains("request_id="), "{line}");
    }
}

/// A server whose metrics are served, and the port they are at.
pub(crate) fn measured(place: &Place) -> (Server, u16) {
    measured_with(place, &[])
}

/// The same with these flags.
pub(crate) fn measured_with(place: &Place, flags: &[&str]) -> (Server, u16) {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let address = format!("127.0.0.1:{port}");
    let server =
        place.serve_with(&[&["--port", "0", "--metrics-listen", &address], flags].concat());
    (server, port)
}

pub(crate) fn scrape(port: u16) -> String {
    let answer = Http::connect(port).unwrap().send("GET", "/metrics", &[], "").unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    answer.body
}

/// The value of a series; `None` when there is none.
pub(crate) fn value(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

/// The metrics of the table in `docs/operating.md`, and their types, but for those of the engine `other`.
fn documented(other: &str) -> BTreeSet<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operating.md");
    let text = fs::read_to_string(path).unwrap();
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
        let name = cells.next()?.strip_suffix('`')?;
        let (kind, meaning) = (cells.next()?, cells.nth(1)?);
        let is_metric = ["counter", "gauge", "histogram", "info"].contains(&kind);
        (is_metric && !meaning.starts_with(&format!("{other}:")))
            .then(|| (name.to_owned(), kind.to_owned()))
    });
    rows.collect()
}

#[test]
fn the_table_of_metrics_is_what_is_served() {
    let place = Place::new();
    let credentials = json(&place.done(&["init", "--json"]));
    let (server, port) = measured(&place);
    server.token(&credentials);
    the_table_is_served(port, "PostgreSQL");
}

/// A server that has answered requests serves what the table says, but for the metrics of the engine `other`.
pub(crate) fn the_table_is_served(port: u16, other: &str) {
    // What is counted of jobs is there once one of them has run.
    let run = "trinco_job_runs_total{job=\"refresh_configuration\",tenant=\"default\",outcome=\"success\"}";
    let begun = Instant::now();
    while value(&scrape(port), run).is_none() {
        assert!(begun.elapsed() < Duration::from_secs(20), "no job has run");
        thread::sleep(Duration::from_millis(100));
    }
    let text = scrape(port);
    let served: BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .map(|(name, kind)| {
            let end = match kind {
                "counter" => "_total",
                "info" => "_info",
                _ => "",
            };
            (format!("{name}{end}"), kind.to_owned())
        })
        .collect();
    assert_eq!(served, documented(other));
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn metrics_count_what_happened_and_never_by_what_a_client_sends() {
    let place = Place::new();
    let credentials = json(&place.done(&["init", "--json"]));
    let (server, port) = measured(&place);
    // Not on the port that everybody reaches.
    assert_eq!(get(&server, "/metrics").status, 404);
    // Of a job that has not succeeded yet, or never will, it is known since when.
    let job =
        "trinco_job_last_success_timestamp_seconds{job=\"delete_expired\",tenant=\"default\"}";
    let begun = value(&scrape(port), "process_start_time_seconds").unwrap();
    let last = value(&scrape(port), job).unwrap();
    assert!((last - begun).abs() < 60.0, "{last} {begun}");
    let issued = "trinco_tokens_issued_total{grant_type=\"client_credentials\"}";
    assert_eq!(value(&scrape(port), issued), Some(0.0));
    for _ in 0..3 {
        server.token(&credentials);
    }
    let mut wrong = credentials.clone();
    wrong["appSecret"] = Value::from("wrong");
    assert_eq!(server.token_answer(&wrong).status, 401);
    for number in 0..50 {
        get(&server, &format!("/nowhere/{number}"));
        get(&server, &format!("/api/users/user-{number}"));
        server.http().send(&format!("X{number}"), "/api/users", &[], "").unwrap();
    }
    let text = scrape(port);
    assert_eq!(value(&text, issued), Some(3.0), "{text}");
    for (series, expected) in [
        ("trinco_http_requests_total{route=\"/oidc/token\",method=\"POST\",status=\"2xx\"}", 3.0),
        ("trinco_http_requests_total{route=\"/oidc/token\",method=\"POST\",status=\"4xx\"}", 1.0),
        ("trinco_http_requests_total{route=\"(no route)\",method=\"GET\",status=\"4xx\"}", 51.0),
        (
            "trinco_http_requests_total{route=\"/api/users/{id}\",method=\"GET\",status=\"4xx\"}",
            50.0,
        ),
        ("trinco_http_requests_total{route=\"/api/users\",method=\"other\",status=\"4xx\"}", 50.0),
        ("trinco_http_request_duration_seconds_count{route=\"/oidc/token\"}", 4.0),
        ("trinco_http_requests_in_flight", 0.0),
        (
            "trinco_audit_events_total{event=\"ExchangeTokenBy.ClientCredentials\",outcome=\"success\"}",
            3.0,
        ),
        ("trinco_deliveries_waiting{kind=\"logout\",tenant=\"default\"}", 0.0),
        ("trinco_sign_ins_total{outcome=\"success\"}", 0.0),
        ("trinco_passwords_waiting", 0.0),
    ] {
        assert_eq!(value(&text, series), Some(expected), "{series}\n{text}");
    }
    assert!(value(&text, "trinco_db_commits_total").unwrap() >= 3.0);
    assert!(value(&text, "process_resident_memory_bytes").unwrap() > 1e6);
    assert!(value(&text, "process_cpu_seconds_total").unwrap() > 0.0);
    assert!(value(&text, "process_open_fds").unwrap() > 3.0);
    let started = value(&text, "process_start_time_seconds").unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!((now.as_secs_f64() - started).abs() < 300.0, "{started}");
    assert!(
        text.contains(&format!("trinco_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION")))
    );
    assert!(!text.contains("user-") && !text.contains("X1"), "{text}");
    let id = credentials["appId"].as_str().unwrap();
    assert!(!text.contains(id), "{text}");
}
