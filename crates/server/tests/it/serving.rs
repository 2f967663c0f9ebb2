use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Stdio;

use crate::http::Http;
use crate::running::{Place, json};

#[test]
fn a_fresh_server_answers_and_its_data_is_private() {
    let place = Place::new();
    let server = place.serve();
    assert_eq!(server.http().send("GET", "/api/status", &[], "").unwrap().status, 204);
    let discovery = server.http().send("GET", "/oidc/.well-known/openid-configuration", &[], "");
    let issuer = discovery.unwrap().text("/issuer");
    assert_eq!(issuer, format!("http://localhost:{}/oidc", server.port));
    let mode =
        |name: &str| fs::metadata(place.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("data"), 0o700);
    for name in [
        "data/master.key",
        "data/trinco.db",
        "data/trinco.db.lock",
        "data/lock",
        "data/control.sock",
    ] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let place = Place::new();
    let server = place.serve();
    let (code, sentence) = place.refused(&["serve", "--port", "0"]);
    assert_eq!(code, 1);
    assert!(sentence.contains("data/lock"), "{sentence}");
    assert!(sentence.contains(&format!("process {}", server.pid())), "{sentence}");
    assert_eq!(sentence.lines().count(), 1, "{sentence}");
    assert_eq!(server.http().send("GET", "/api/status", &[], "").unwrap().status, 204);
}

#[test]
fn a_second_server_is_refused_even_from_another_data_directory() {
    let place = Place::new();
    let database = ["--db-url", "sqlite:trinco.db", "--port", "0"];
    let server = place.serve_with(&[&database[..], &["--data", "one"]].concat());
    let (code, sentence) = place.refused(&[&["serve"], &database[..], &["--data", "two"]].concat());
    assert_eq!(code, 1);
    assert!(sentence.contains(&format!("process {}", server.pid())), "{sentence}");
}

#[test]
fn a_database_in_use_is_refused_by_every_name_it_has() {
    let place = Place::new();
    place.done(&["init"]);
    place.done(&["backup", "b.db"]);
    place.done(&["init", "--data", "source"]);
    let server = place.serve();
    symlink("data/trinco.db", place.path().join("link.db")).unwrap();
    symlink("data", place.path().join("folder")).unwrap();
    let log = place.path().join("data/trinco.db-wal");
    let holder = format!("process {}", server.pid());
    for name in ["data/trinco.db", "link.db", "folder/trinco.db"] {
        let url = format!("sqlite:{name}");
        let there = ["--data", "other", "--master-key-file", "data/master.key", "--db-url", &url];
        for command in [
            [&["serve", "--port", "0"], &there[..]].concat(),
            [&["restore", "b.db", "--force"], &there[..]].concat(),
            [&["db", "migrate"], &there[..]].concat(),
            vec!["db", "copy", "sqlite:source/trinco.db", &url, "--force"],
        ] {
            let (code, sentence) = place.refused(&command);
            assert_eq!(code, 1, "{command:?}: {sentence}");
            assert!(sentence.contains(&holder), "{command:?}: {sentence}");
        }
        assert!(log.exists(), "what the server wrote last is there");
    }
    assert_eq!(server.http().send("GET", "/api/status", &[], "").unwrap().status, 204);
}

#[test]
fn a_link_to_a_database_is_followed_before_there_is_one() {
    let place = Place::new();
    symlink("real.db", place.path().join("link.db")).unwrap();
    let server = place.serve_with(&["--db-url", "sqlite:link.db", "--port", "0"]);
    let real = ["serve", "--db-url", "sqlite:real.db", "--port", "0", "--data", "other"];
    let (code, sentence) = place.refused(&real);
    assert_eq!(code, 1);
    assert!(sentence.contains(&format!("process {}", server.pid())), "{sentence}");
}

#[test]
fn a_busy_port_is_named_and_nothing_left_behind() {
    let place = Place::new();
    let server = place.serve();
    let port = server.port.to_string();
    let other = Place::new();
    let (code, sentence) = other.refused(&["serve", "--port", &port]);
    assert_eq!(code, 1);
    assert!(sentence.contains(&format!("port {port} is in use")), "{sentence}");
    assert!(!other.path().join("data").exists(), "a folder of a server that never ran");
    // Whoever starts a second one by mistake learns who has the data.
    let (code, sentence) = place.refused(&["serve", "--port", &port]);
    assert_eq!(code, 1);
    assert!(sentence.contains("another server uses this data"), "{sentence}");
}

#[test]
fn an_unknown_setting_is_refused_by_name() {
    let place = Place::new();
    fs::write(place.path().join("trinco.toml"), "port = 0\nendpont = \"http://a.test\"\n").unwrap();
    let (code, sentence) = place.refused(&["serve"]);
    assert_eq!(code, 2);
    assert_eq!(
        sentence,
        "trinco: trinco.toml:2: unknown setting \"endpont\"; did you mean \"endpoint\"?\n"
    );

    let place = Place::new();
    let output = place.command(&["serve"]).env("TRINCO_PROT", "3001").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let sentence = String::from_utf8(output.stderr).unwrap();
    assert!(sentence.contains("TRINCO_PROT") && sentence.contains("TRINCO_PORT"), "{sentence}");
    assert!(!place.path().join("data").exists(), "nothing is created before the settings are good");

    let (code, _) = place.refused(&["serve", "--config", "missing.toml"]);
    assert_eq!(code, 2);
}

#[test]
fn the_environment_and_the_file_are_honoured() {
    let place = Place::new();
    let settings = "port = 0\ndata_dir = \"kept\"\nendpoint = \"https://id.example.com\"\n";
    fs::write(place.path().join("trinco.toml"), settings).unwrap();
    let server = place.serve_with(&[]);
    let discovery = server.http().send("GET", "/oidc/.well-known/openid-configuration", &[], "");
    assert_eq!(discovery.unwrap().text("/issuer"), "https://id.example.com/oidc");
    assert!(place.path().join("kept/trinco.db").exists());
}

/// TLS ends in front of this server, which is told by its endpoint that it is there (RFC 6749 §3.1, RFC 9700 §4.13).
#[test]
fn behind_an_https_endpoint_cookies_are_secure_and_browsers_are_told_to_stay_with_tls() {
    let place = Place::new();
    let flags = ["--port", "0", "--endpoint", "https://id.example.com"];
    let server = place.serve_with(&flags);
    let app = ["app", "create", "--type", "traditional", "--name", "Shop", "--json"];
    let redirect = ["--redirect-uri", "http://localhost:3000/callback"];
    let app = json(&place.done(&[&app[..], &redirect].concat()));
    let path = format!(
        "/oidc/auth?client_id={}&redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcallback&response_type=code&scope=openid",
        app["appId"].as_str().unwrap()
    );
    let answer = server.http().send("GET", &path, &[], "").unwrap();
    assert_eq!(answer.status, 303, "{answer:?}");
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("_interaction_") && cookie.ends_with("; Secure"), "{cookie}");
    assert!(answer.header("location").starts_with("https://id.example.com/sign-in?"));
    assert_eq!(answer.header("strict-transport-security"), "max-age=15552000; includeSubDomains");
    let discovery = server.http().send("GET", "/oidc/.well-known/openid-configuration", &[], "");
    let discovery = discovery.unwrap().json();
    for (member, value) in discovery.as_object().unwrap() {
        if member.ends_with("_endpoint") || member == "jwks_uri" || member == "issuer" {
            assert!(value.as_str().unwrap().starts_with("https://id.example.com/oidc"), "{member}");
        }
    }
}

#[test]
fn a_wrong_master_key_is_refused() {
    let place = Place::new();
    place.done(&["init"]);
    let key = place.path().join("data/master.key");
    let right = fs::read_to_string(&key).unwrap();

    fs::write(&key, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n").unwrap();
    let (code, sentence) =
        place.refused(&["user", "create", "--username", "ana", "--password", "x"]);
    assert_eq!(code, 1);
    assert!(sentence.contains("master key"), "{sentence}");
    assert!(!sentence.contains(right.trim()), "{sentence}");
    let output = place.run(&["serve", "--port", "0"]);
    assert_eq!(output.status.code(), Some(1));

    fs::remove_file(&key).unwrap();
    let (code, sentence) = place.refused(&["init"]);
    assert_eq!(code, 1);
    assert!(sentence.contains("put the key back"), "{sentence}");
    assert!(!key.exists(), "no new key is made for old data");

    let given = place.command(&["init"]).env("TRINCO_MASTER_KEY", right.trim()).output().unwrap();
    assert!(given.status.success(), "{given:?}");
    fs::write(place.path().join("elsewhere"), right).unwrap();
    place.done(&["init", "--master-key-file", "elsewhere"]);
}

#[test]
fn a_request_in_progress_is_finished_before_the_server_stops() {
    let place = Place::new();
    let credentials = json(&place.done(&["init", "--json"]));
    let mut server = place.serve();
    let token = server.token(&credentials);

    let body = r#"{"username":"ana"}"#;
    let head = format!(
        "POST /api/users HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut slow = server.http();
    slow.send_raw(head.as_bytes()).unwrap();
    slow.send_raw(&body.as_bytes()[..5]).unwrap();
    // The server has read the head once it answers a request that was sent after it.
    server.http().send("GET", "/api/status", &[], "").unwrap();
    server.terminate();
    // It no longer accepts: the request in progress is what it waits for.
    while Http::connect(server.port).is_ok() {
        std::thread::yield_now();
    }
    slow.send_raw(&body.as_bytes()[5..]).unwrap();
    let answer = slow.read().unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");

    let (status, log) = server.ended();
    assert!(status.success(), "{log}");
    assert!(log.contains("stopped"), "{log}");
    assert!(!place.path().join("data/control.sock").exists());

    let server = place.serve();
    let bearer = format!("Bearer {}", server.token(&credentials));
    let path = format!("/api/users/{}", answer.text("/id"));
    let found = server.http().send("GET", &path, &[("authorization", &bearer)], "").unwrap();
    assert_eq!(found.status, 200, "{found:?}");
}

#[test]
fn endless_headers_are_refused() {
    let place = Place::new();
    let server = place.serve();
    let mut http = server.http();
    let padding = "x".repeat(64 * 1024);
    // The server may close before everything is sent.
    let _ = http.send_raw(
        format!("GET /api/status HTTP/1.1\r\nhost: a\r\nx: {padding}\r\n\r\n").as_bytes(),
    );
    match http.read() {
        Ok(answer) => assert_eq!(answer.status, 431),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}"),
    }
    let allowed = "x".repeat(16 * 1024);
    let answer = server.http().send("GET", "/api/status", &[("x-padding", &allowed)], "").unwrap();
    assert_eq!(answer.status, 204);
}

#[test]
fn secrets_never_reach_the_log() {
    let place = Place::new();
    let mut server = place.serve_with(&["--port", "0", "--log", "trace"]);
    let credentials = json(&place.done(&["init", "--json"]));
    let user = ["user", "create", "--username", "ana", "--password", "correct horse battery"];
    place.done(&user);
    let app = ["app", "create", "--type", "traditional", "--name", "Shop"];
    let redirect = ["--redirect-uri", "http://localhost:3000/callback", "--json"];
    let app = json(&place.done(&[&app[..], &redirect].concat()));
    let token = server.token(&credentials);
    let bearer = format!("Bearer {token}");
    let body = r#"{"username":"rui","password":"staple another horse"}"#;
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    assert_eq!(server.http().send("POST", "/api/users", &headers, body).unwrap().status, 200);
    assert_eq!(
        server.http().send("POST", "/api/users", &headers, "{\"password\":\"oops").unwrap().status,
        400
    );
    let mut wrong = credentials.clone();
    wrong["appSecret"] = "WrongSecretThatSomeoneTyped".into();
    assert_eq!(server.token_answer(&wrong).status, 401);
    let key = fs::read_to_string(place.path().join("data/master.key")).unwrap();
    server.terminate();
    let (_, log) = server.ended();

    assert!(log.contains("ready in") && log.lines().count() > 3, "{log}");
    for secret in [
        credentials["appSecret"].as_str().unwrap(),
        app["appSecret"].as_str().unwrap(),
        app["cookieSecret"].as_str().unwrap(),
        token.as_str(),
        key.trim(),
        "correct horse battery",
        "staple another horse",
        "oops",
        "WrongSecretThatSomeoneTyped",
        "$argon2id$",
    ] {
        assert!(!log.contains(secret), "a secret is in the log: {log}");
    }
}

#[test]
fn log_lines_can_be_json() {
    let place = Place::new();
    let mut child = place
        .command(&["serve", "--port", "0", "--log-format", "json"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let is_ready = |line: &serde_json::Value| {
        assert_eq!(line["level"], "INFO", "{line}");
        line["message"].as_str().unwrap().starts_with("ready in ")
    };
    let ready = lines.map(|line| json(&line.unwrap())).find(is_ready);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(ready.unwrap()["database"], "sqlite:data/trinco.db");
}
