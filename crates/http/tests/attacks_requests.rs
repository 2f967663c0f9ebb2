//! Requests that no honest client sends: oversized, slow, with null bytes or with parameters twice, at every door of the protocol.

mod attack;

use std::time::Duration;

use attack::{altered, as_form, pairs, raw};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time;
use trinco_testkit::{Answer, Method, Server, USER, World};

/// The doors that take a form, and those of them where clients authenticate.
const CLIENT_DOORS: [&str; 5] = [
    "/oidc/token",
    "/oidc/request",
    "/oidc/token/introspection",
    "/oidc/token/revocation",
    "/oidc/device/auth",
];
const BROWSER_DOORS: [&str; 3] = ["/oidc/auth", "/oidc/session/end", "/oidc/session/end/confirm"];

async fn post(server: &Server, path: &str, body: String) -> Answer {
    let request = server.browser().request(Method::POST, path);
    Answer::to(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
}

/// A refusal that is a protocol error with a sentence.
fn refused(answer: &Answer, error: &str, what: &str) {
    assert!(
        [400, 401].contains(&answer.status.as_u16()),
        "{what}: {} {}",
        answer.status,
        answer.text
    );
    let body = answer.json();
    assert_eq!(body["error"], error, "{what}: {body}");
    assert!(body["error_description"].as_str().is_some_and(|text| text.len() > 10), "{what}");
}

#[tokio::test]
async fn oversized_bodies_are_refused_at_every_door_of_the_protocol() {
    let world = World::start().await;
    let server = &world.server;
    for path in CLIENT_DOORS.iter().chain(&BROWSER_DOORS) {
        for body in [
            format!("x={}", "a".repeat(60_000)),
            format!("x={}", "a".repeat(16 * 1024 + 1)),
            format!("{}=1", "n".repeat(129)),
            (0..101).map(|index| format!("p{index}=1&")).collect(),
            "&".repeat(57 * 1024 + 1),
            "resource=https://a.example&".repeat(101),
        ] {
            let start: String = body.chars().take(40).collect();
            refused(&post(server, path, body).await, "invalid_request", &format!("{path} {start}"));
        }
    }
    let long = format!(r#"{{"client_id":"{}"}}"#, "a".repeat(60_000));
    let request = server.browser().request(Method::POST, "/oidc/token");
    let request = request.header("content-type", "application/json").body(long);
    refused(&Answer::to(request).await, "invalid_request", "JSON");
}

#[tokio::test]
async fn oversized_bodies_of_no_stated_length_are_refused_too() {
    let world = World::start().await;
    let head = "POST /oidc/token HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
                content-type: application/x-www-form-urlencoded\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = format!("1000\r\n{}\r\n", "a".repeat(0x1000));
    let request = format!("{head}{}0\r\n\r\n", chunk.repeat(20));
    let address = world.server.base().strip_prefix("http://").expect("a plain base");
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    // The server may answer and close before it has read everything.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(answer, b"HTTP/1.1 400");
}

#[tokio::test]
async fn oversized_bodies_are_refused_by_the_management_api_and_the_pages() {
    let world = World::start().await;
    let body = format!(r#"{{"name":"{}"}}"#, "a".repeat(1024 * 1024));
    let request = world.server.browser().request(Method::POST, "/api/organizations");
    let request =
        request.bearer_auth(world.admin.token()).header("content-type", "application/json");
    let answer = Answer::to(request.body(body)).await.expect(413);
    assert_eq!(answer.json()["code"], "request.body_too_large");
    for path in ["/sign-in", "/register", "/consent", "/device", "/device/confirm"] {
        let answer = post(&world.server, path, format!("x={}", "a".repeat(60_000))).await;
        assert_eq!(answer.status.as_u16(), 413, "{path}");
    }
}

#[tokio::test]
async fn oversized_headers_and_queries_are_refused_with_a_sentence() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let server = &world.server;
    let long = "a".repeat(9000);
    let form = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    let request = server.browser().request(Method::POST, "/oidc/token").form(&form);
    refused(
        &Answer::to(request.basic_auth(&app.0, Some(&long))).await,
        "invalid_client",
        "Authorization",
    );
    let request = server.browser().request(Method::POST, "/oidc/token").form(&form);
    let request = request.basic_auth(&app.0, Some(&app.1)).header("dpop", &long);
    refused(&Answer::to(request).await, "invalid_dpop_proof", "DPoP");
    let request = server.browser().request(Method::GET, "/oidc/me").bearer_auth(&long);
    refused(&Answer::to(request).await, "invalid_token", "Bearer");
    let request = server.browser().request(Method::GET, "/api/roles").bearer_auth(&long);
    Answer::to(request).await.expect(401);

    let url = server.authorization_url(&app.0, "openid", &[]);
    for (name, length) in
        [("state", 4097), ("nonce", 513), ("login_hint", 257), ("ui_locales", 257)]
    {
        let value = "x".repeat(length);
        let url = attack::altered(&url, &[(name, &value)]);
        let answer = Answer::to(server.browser().request(Method::GET, &url)).await;
        let told = answer.header("location").contains("error=invalid_request");
        assert!(told || answer.status == 400, "{name}: {}", answer.text);
    }
    let cookie = format!("_session={}; _interaction={}", "a".repeat(4000), "b".repeat(4000));
    let request = server.browser().request(Method::GET, &url).header("cookie", cookie);
    assert!(Answer::to(request).await.location().contains("/sign-in?"), "it is no session");
}

#[tokio::test]
async fn null_bytes_are_refused_at_every_door_and_bring_nothing_down() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let server = &world.server;
    for path in CLIENT_DOORS.iter().chain(&BROWSER_DOORS) {
        for body in ["client_id=a%00b", "%00=x", "client_id=a&token=%00", "x=\0"] {
            let answer = post(server, path, body.to_owned()).await;
            refused(&answer, "invalid_request", &format!("{path} {body}"));
        }
    }
    let json = "{\"client_id\":\"a\\u0000\"}".to_owned();
    let request = server.browser().request(Method::POST, "/oidc/token");
    let request = request.header("content-type", "application/json").body(json);
    refused(&Answer::to(request).await, "invalid_request", "JSON");
    for path in ["/oidc/auth?client_id=%00", "/oidc/session/end?state=%00"] {
        let answer = Answer::to(server.browser().request(Method::GET, path)).await;
        refused(&answer, "invalid_request", path);
    }
    let form = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    let request = server.browser().request(Method::POST, "/oidc/token").form(&form);
    let request = request.basic_auth(&app.0, Some(format!("{}\0", app.1)));
    refused(&Answer::to(request).await, "invalid_client", "Basic");

    for path in ["/oidc/auth/%00", "/sign-in?app_id=%00", "/device?user_code=%00", "/%00"] {
        let status = server.browser().get(path).await.status.as_u16();
        assert!((200..500).contains(&status), "{path}: {status}");
    }
    let url = server.authorization_url(&app.0, "openid", &[]);
    let browser = server.browser();
    let page = browser.get(&url).await.location().to_owned();
    let xsrf = trinco_testkit::hidden(&browser.get(&page).await.text, "xsrf");
    // Nothing is cut off at a null byte: what comes after it counts.
    let (name, password) = (format!("{}\0x", USER.0), format!("{}\0x", USER.1));
    for (name, password) in [(name.as_str(), USER.1), (USER.0, password.as_str())] {
        let form = [("xsrf", xsrf.as_str()), ("identifier", name), ("password", password)];
        browser.submit(&page, &form).await.expect(422);
    }
}

#[tokio::test]
async fn duplicate_parameters_are_refused_at_every_door() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let server = &world.server;
    for path in CLIENT_DOORS.iter().chain(&BROWSER_DOORS) {
        for name in ["client_id", "state", "token", "scope", "code", "unknown"] {
            // The same value twice is no better than two values.
            for body in [format!("{name}=a&{name}=b"), format!("{name}=a&{name}=a")] {
                let answer = post(server, path, body.clone()).await;
                refused(&answer, "invalid_request", &format!("{path} {body}"));
            }
        }
    }
    let request = server.browser().request(Method::POST, "/oidc/token");
    let body = r#"{"grant_type":"refresh_token","client_id":"a","client_id":"b"}"#;
    let request = request.header("content-type", "application/json").body(body);
    refused(&Answer::to(request).await, "invalid_request", "JSON");

    let url = server.authorization_url(&app.0, "openid", &[]);
    for name in ["redirect_uri", "client_id", "state", "response_type", "code_challenge", "prompt"]
    {
        let twice = format!("{url}&{name}=https%3A%2F%2Fevil.example%2F");
        let answer = Answer::to(server.browser().request(Method::GET, &twice)).await;
        assert_eq!(answer.header("location"), "", "{name}: whom to answer is not known for sure");
        refused(&answer, "invalid_request", name);
    }
    // Spelled in another way it is the same parameter.
    let answer =
        Answer::to(server.browser().request(Method::GET, &format!("{url}&%73tate=x"))).await;
    refused(&answer, "invalid_request", "%73tate");
}

#[tokio::test]
async fn duplicate_authentication_is_refused() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let other = world.admin.traditional("Other").await;
    let server = &world.server;
    let form = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    let request = server.browser().request(Method::POST, "/oidc/token").form(&form);
    let request = request.basic_auth(&app.0, Some(&app.1)).basic_auth(&other.0, Some(&other.1));
    refused(&Answer::to(request).await, "invalid_request", "two headers");
    let mut both = form.to_vec();
    both.extend([("client_id", app.0.as_str()), ("client_secret", app.1.as_str())]);
    let request = server.browser().request(Method::POST, "/oidc/token").form(&both);
    refused(
        &Answer::to(request.basic_auth(&app.0, Some(&app.1))).await,
        "invalid_request",
        "header and body",
    );
    let tokens = server.sign_in(&server.browser(), (&app.0, &app.1), USER, "openid", &[]).await;
    let request = server.browser().request(Method::POST, "/oidc/me").bearer_auth(tokens.access());
    refused(
        &Answer::to(request.bearer_auth("other")).await,
        "invalid_request",
        "two bearer tokens",
    );
    let request = server.browser().request(Method::POST, "/oidc/me").bearer_auth(tokens.access());
    refused(
        &Answer::to(request.form(&[("access_token", tokens.access())])).await,
        "invalid_request",
        "header and form",
    );
}

#[tokio::test]
async fn duplicate_lengths_and_other_smuggling_are_refused_by_the_listener() {
    let world = World::start().await;
    let form = "grant_type=x";
    let start = "POST /oidc/token HTTP/1.1\r\nhost: a\r\nconnection: close\r\n";
    for headers in [
        "content-length: 12\r\ncontent-length: 5\r\n",
        "content-length: 12, 5\r\n",
        "content-length: +12\r\n",
        "content-length: -1\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "content-length : 12\r\n",
        "x: y\r\n z\r\n\0\r\n",
    ] {
        let (status, answer) = raw(&world.server, &format!("{start}{headers}\r\n{form}")).await;
        assert_eq!(status, 400, "{headers:?}: {answer}");
    }
}

/// The clock leaps to whatever is waited for, so that a minute takes no time.
#[tokio::test]
async fn slow_requests_whose_body_does_not_end_are_given_up() {
    let world = World::start().await;
    let address = world.server.base().strip_prefix("http://").expect("a plain base");
    for path in ["/oidc/token", "/oidc/auth", "/sign-in", "/api/roles"] {
        let mut slow = TcpStream::connect(address).await.expect("the server listens");
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: 1000\r\n\r\nx=",
            world.admin.token()
        );
        slow.write_all(head.as_bytes()).await.expect("the server reads");
        // Until the server waits for the rest.
        time::sleep(Duration::from_millis(200)).await;
        time::pause();
        let begun = time::Instant::now();
        let mut answer = Vec::new();
        let read = time::timeout(Duration::from_secs(3600), slow.read_to_end(&mut answer)).await;
        let waited = begun.elapsed();
        time::resume();
        assert!(read.is_ok(), "{path}: still waiting after an hour");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with("HTTP/1.1 408"), "{path}: {answer}");
        let seconds = waited.as_secs();
        assert!((55..=60).contains(&seconds), "{path}: it was waited for {waited:?}");
    }
    // Others were served meanwhile, and are now.
    let form = as_form("?grant_type=x");
    world.server.token(("a", "b"), &pairs(&form)).await.expect(401);
}

/// RFC 8414 §4, OpenID Connect Discovery §5: texts are compared character by character once the escapes of JSON are gone, and are
/// not normalised, which would make one of two that differ.
#[tokio::test]
async fn characters_that_only_look_the_same_are_not_the_same() {
    /// With one letter replaced by the full-width one that compatibility normalisation takes for it.
    fn wide(text: &str, at: usize) -> String {
        let wide = |letter: char| char::from_u32(u32::from(letter) + 0xFEE0).expect("a letter");
        let letters = text.chars().enumerate();
        letters.map(|(index, letter)| if index == at { wide(letter) } else { letter }).collect()
    }
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let server = &world.server;
    let browser = server.browser();
    let scope = "openid offline_access";
    let tokens = server.sign_in(&browser, client, USER, scope, &[]).await;
    let token = async |grant: &str, name: &str, id: &str| {
        let form = [("grant_type", grant), (name, tokens.refresh())];
        server.token((id, client.1), &form).await
    };
    let (grant, name) = ("refresh_token", "refresh_token");
    let unknown = token(&wide(grant, 0), name, client.0).await.expect(400).json();
    assert_eq!(unknown["error"], "unsupported_grant_type");
    let missing = token(grant, &wide(name, 0), client.0).await.expect(400).json();
    assert_eq!(missing["error"], "invalid_request");
    let stranger = token(grant, name, &wide(client.0, 0)).await.expect(401).json();
    assert_eq!(stranger["error"], "invalid_client");

    let url = server.authorization_url(client.0, "openid", &[]);
    for at in ["http://".len(), "http://localhost:9999/".len()] {
        let lookalike = wide(trinco_testkit::REDIRECT_URI, at);
        let answer = browser.get(&altered(&url, &[("redirect_uri", &lookalike)])).await.expect(400);
        assert_eq!(answer.header("location"), "", "{lookalike}");
    }
    let lookalike = wide(trinco_testkit::API, "https://".len());
    let answer = browser.get(&altered(&url, &[("resource", &lookalike)])).await;
    assert!(answer.location().contains("error=invalid_target"), "{}", answer.location());

    let escaped = format!(
        r#"{{"grant\u005ftype":"refresh\u005ftoken","refresh_token":"{}","client_id":"{}","client_secret":"{}"}}"#,
        tokens.refresh(),
        client.0,
        client.1
    );
    let request = browser.request(Method::POST, "/oidc/token");
    let request = request.header("content-type", "application/json").body(escaped);
    Answer::to(request).await.expect(200);
}
