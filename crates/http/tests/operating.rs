//! What operators and those who complain to them see of requests: probes and request ids. At the door.

use std::time::Duration;

use trinco_testkit::{Answer, Method, Server, query_of};

async fn ask(server: &Server, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = server.browser().request(Method::GET, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::to(request).await
}

#[tokio::test]
async fn probes_are_answered_on_every_host_without_cookies_and_are_never_kept() {
    let server = Server::start().await;
    for host in ["localhost", "id.example.com", "admin.example.com:8443"] {
        for (path, body) in [("/healthz", "ok"), ("/readyz", r#"{"problems":{},"ready":true}"#)] {
            let answer = ask(&server, path, &[("host", host)]).await.expect(200);
            assert_eq!(answer.text, body);
            assert_eq!(answer.header("cache-control"), "no-store");
            assert_eq!(answer.header("set-cookie"), "");
            let head = Answer::to(server.browser().request(Method::HEAD, path)).await.expect(200);
            assert_eq!(head.text, "");
            let post = Answer::to(server.browser().request(Method::POST, path)).await.expect(405);
            assert_eq!(post.header("allow"), "GET, HEAD");
        }
    }
    ask(&server, "/healthz/", &[]).await.expect(404);
}

#[tokio::test]
async fn the_database_is_asked_once_a_second_and_its_absence_is_named() {
    let server = Server::start().await;
    ask(&server, "/readyz", &[]).await.expect(200);
    server.installation().db().close().await;
    // The answer of less than a second ago is everybody's.
    for _ in 0..20 {
        ask(&server, "/readyz", &[]).await.expect(200);
    }
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let answer = ask(&server, "/readyz", &[]).await.expect(503);
    assert_eq!(answer.json()["ready"], false);
    assert_eq!(answer.json()["problems"]["database"], "the database is closed");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.header("cache-control"), "no-store");
    ask(&server, "/healthz", &[]).await.expect(200);
}

#[tokio::test]
async fn a_plain_request_id_is_kept_and_any_other_replaced() {
    let server = Server::start().await;
    let id = |answer: Answer| answer.header("x-request-id").to_owned();
    let longest = "x".repeat(128);
    for good in ["a", "01J:2.x_Y-9", &longest] {
        assert_eq!(id(ask(&server, "/api/status", &[("x-request-id", good)]).await), good);
    }
    let long = "x".repeat(129);
    let mut seen = vec![id(ask(&server, "/api/status", &[]).await)];
    for bad in ["", "a b", "\"a\"", "a/b", "<b>", &long] {
        seen.push(id(ask(&server, "/api/status", &[("x-request-id", bad)]).await));
    }
    seen.push(id(ask(&server, "/x", &[("x-request-id", "a"), ("x-request-id", "b")]).await));
    for id in &seen {
        assert_eq!(id.len(), 21, "{id}");
        assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 8, "two requests have one id");
}

#[tokio::test]
async fn whoever_meets_a_failure_is_told_the_id_of_the_request() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (client, secret) = admin.traditional("Shop").await;
    let browser = server.browser();
    let url = server.authorization_url(&client, "openid", &[]);
    let page = browser.get(&url).await.location().to_owned();
    browser.get(&page).await.expect(200);
    server.installation().db().close().await;

    let id = ("x-request-id", "complaint-7");
    let bearer = format!("Bearer {}", admin.token());
    let headers = [id, ("authorization", bearer.as_str())];
    let api = ask(&server, "/api/users", &headers).await.expect(503).json();
    assert_eq!((&api["code"], &api["requestId"]), (&"request.unavailable".into(), &id.1.into()));

    let form = [("grant_type", "authorization_code"), ("code", "x"), ("redirect_uri", "http://a")];
    let token = server.token((&client, &secret), &form).await.expect(503);
    let body = token.json();
    assert_eq!(body["error"], "temporarily_unavailable");
    assert_eq!(body["requestId"], token.header("x-request-id"));

    for (language, label) in [("en", "For support:"), ("pt-BR", "Para o suporte:")] {
        let request = browser
            .request(Method::GET, &page)
            .header("accept", "text/html")
            .header("accept-language", language)
            .header(id.0, id.1);
        let answer = Answer::to(request).await.expect(503);
        let shown = format!("{label} <code>complaint-7</code>");
        assert!(answer.text.contains(&shown), "{}", answer.text);
    }

    // What is refused for a reason of its own needs no id.
    let refused = ask(&server, "/api/users", &[id]).await.expect(401).json();
    assert!(refused.get("requestId").is_none());
}

/// RFC 6749 §4.1.2.1 would have the application told always: a page can be loaded again once the database is back. Nobody sees the
/// page of a silent request.
#[tokio::test]
async fn a_failure_at_the_authorization_endpoint_is_shown_to_the_person_if_there_is_one() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    let person = ("alice", "correct horse battery");
    admin.user(person.0, person.1).await;
    let browser = server.browser();
    server.sign_in(&browser, (&app.0, &app.1), person, "openid", &[]).await;
    let url = server.authorization_url(&app.0, "openid", &[]);
    server.installation().db().close().await;
    let page = browser.get(&url).await.expect(503);
    assert_eq!((page.header("location"), page.header("retry-after")), ("", "1"));
    assert!(page.header("content-type").starts_with("text/html"));
    let program = ask(&server, &url, &[]).await.expect(503);
    assert_eq!(program.header("location"), "");
    assert_eq!(program.json()["error"], "temporarily_unavailable");
    let silent = server.authorization_url(&app.0, "openid", &[("prompt", "none")]);
    let answer = query_of(browser.get(&silent).await.location());
    assert_eq!(answer["error"], "temporarily_unavailable");
    assert_eq!((&*answer["state"], &*answer["iss"]), ("st-1", &*server.issuer()));
}
