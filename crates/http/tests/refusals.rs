//! Requests that once did what they should not have, at the door.

use serde_json::{Value, json};
use trinco_testkit::{Answer, Method, Server, hidden, text};

#[tokio::test]
async fn a_refused_change_changes_nothing_not_even_rights() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let robot = admin
        .create("/api/applications", json!({ "name": "Robot", "type": "MachineToMachine" }))
        .await;
    let path = format!("/api/applications/{}", text(&robot, "/id"));
    let bad = json!({ "redirectUris": ["bad"], "postLogoutRedirectUris": [] });
    admin.patch(&path, json!({ "isAdmin": true, "oidcClientMetadata": bad })).await.expect(400);
    assert_eq!(admin.get(&path).await.json()["isAdmin"], false);
    let person = admin.traditional("Shop").await.0;
    admin
        .patch(&format!("/api/applications/{person}"), json!({ "isAdmin": true }))
        .await
        .expect(422);
}

#[tokio::test]
async fn an_array_is_no_object_and_null_is_no_value() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for (path, body) in [
        ("/api/resources", json!(["Arr", "https://arr.example/1"])),
        ("/api/organizations", json!(["Arr"])),
        ("/api/applications", json!(["Arr", null, "SPA"])),
        ("/api/users", json!([])),
        (
            "/api/applications",
            json!({ "name": "Arr", "type": "SPA", "oidcClientMetadata": [[], []] }),
        ),
        (
            "/api/resources",
            json!({ "name": "R", "indicator": "https://r.example", "accessTokenTtl": null }),
        ),
    ] {
        let answer = admin.post(path, body.clone()).await.expect(400).json();
        assert_eq!(answer["code"], "guard.invalid_input", "{path} {body}");
    }
    let id = admin.single_page("Page").await;
    for member in ["name", "customData", "oidcClientMetadata", "customClientMetadata"] {
        let answer = admin
            .patch(&format!("/api/applications/{id}"), json!({ member: null }))
            .await
            .expect(400);
        assert_eq!(answer.json()["data"]["issues"][0]["path"], json!([member]));
    }
    admin
        .patch(&format!("/api/applications/{id}"), json!({ "description": null }))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_filter_that_a_list_does_not_know_is_refused() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for path in [
        "/api/applications?search.name=x",
        "/api/roles?mode=exact&search=x",
        "/api/roles?search.name=x",
    ] {
        assert_eq!(
            admin.get(path).await.expect(400).json()["code"],
            "request.invalid_input",
            "{path}"
        );
    }
    let organization = admin.create("/api/organizations", json!({ "name": "Acme" })).await;
    let robot = admin
        .create("/api/applications", json!({ "name": "Robot", "type": "MachineToMachine" }))
        .await;
    let members = format!("/api/organizations/{}/applications", text(&organization, "/id"));
    admin.create(&members, json!({ "applicationIds": [text(&robot, "/id")] })).await;
    let outside = admin
        .get(&format!("/api/applications?excludeOrganizationId={}", text(&organization, "/id")))
        .await;
    assert_eq!(outside.header("total-number"), "1", "only the tests' own application is left");
}

#[tokio::test]
async fn a_posted_request_that_is_not_allowed_is_not_kept() {
    let server = Server::start().await;
    let app = server.admin().await.traditional("Shop").await;
    let browser = server.browser();
    let evil = [
        ("client_id", app.0.as_str()),
        ("redirect_uri", "https://evil.example/"),
        ("response_type", "code"),
        ("scope", "openid"),
    ];
    let page = browser.submit("/oidc/auth", &evil).await.expect(400);
    assert_eq!(page.header("location"), "");
    let json = json!({ "client_id": app.0, "redirect_uri": trinco_testkit::REDIRECT_URI, "response_type": "code", "scope": "openid" });
    let kept = Answer::to(browser.request(Method::POST, "/oidc/auth").json(&json)).await;
    assert!(kept.location().contains("request_uri="), "JSON is taken as well");
    let long = "x".repeat(60_000);
    let page =
        browser.submit("/oidc/auth", &[("client_id", &app.0), ("state", &long)]).await.expect(400);
    assert!(page.header("content-type").starts_with("text/html"));
}

#[tokio::test]
async fn every_refusal_has_the_form_of_its_door() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    let browser = server.browser();
    let target =
        browser.get(&server.authorization_url(&app.0, "openid", &[])).await.location().to_owned();
    let xsrf = hidden(&browser.get(&target).await.text, "xsrf");
    let long = "x".repeat(20_000);
    let html = |answer: &Answer| answer.header("content-type").starts_with("text/html");
    let answer =
        browser.submit(&target, &[("xsrf", &xsrf), ("identifier", &long)]).await.expect(413);
    assert!(html(&answer));
    let answer = Answer::to(browser.request(Method::POST, &target).body("{}")).await.expect(415);
    assert!(html(&answer));
    let twice =
        [("xsrf", xsrf.as_str()), ("identifier", "a"), ("identifier", "b"), ("password", "c")];
    assert!(html(&browser.submit(&target, &twice).await.expect(400)));
    let name = "p".repeat(5_000);
    let answer =
        browser.submit(&target, &[("xsrf", &xsrf), ("identifier", &name), ("password", "c")]).await;
    assert!(answer.expect(422).text.contains("The account or the password is not right"));

    for (method, path, status) in [
        (Method::PUT, "/oidc/token", 405),
        (Method::DELETE, "/oidc/jwks", 405),
        (Method::PUT, "/api/applications", 405),
        (Method::GET, "/api/users/%ff", 404),
        (Method::GET, "/api/users/%00", 400),
    ] {
        let request = browser.request(method.clone(), path).bearer_auth(admin.token());
        let body: Value = Answer::to(request).await.expect(status).json();
        assert!(body["code"].is_string() && body["message"].is_string(), "{method} {path}: {body}");
    }
    browser.get("/oidc/auth/%ff").await.expect(404);
    browser.get("/").await.expect(200);
    let head = browser.request(Method::HEAD, &server.authorization_url(&app.0, "openid", &[]));
    assert_eq!(Answer::to(head).await.expect(204).header("location"), "");
}

/// Who follows a link cannot mend the application it is for.
#[tokio::test]
async fn people_are_not_told_how_to_configure_an_application() {
    let server = Server::start().await;
    let app = server.admin().await.traditional("Shop").await;
    let browser = server.browser();
    let query = "response_type=code&scope=openid&redirect_uri=https://evil.example/";
    for (client, sentence) in [
        ("nobody", "This link names an application that is not set up here."),
        (app.0.as_str(), "it wants you sent to an address it has not registered"),
    ] {
        let page = browser.get(&format!("/oidc/auth?client_id={client}&{query}")).await.expect(400);
        assert!(page.text.contains(sentence), "{}", page.text);
        assert!(page.text.contains("tell the people who run it"), "{}", page.text);
        assert!(!page.text.contains("app secret") && !page.text.contains("settings"));
    }
}

/// A person never sees the words of the framework, whatever a link or another site's form has sent them with.
#[tokio::test]
async fn pages_say_in_the_persons_language_that_they_cannot_be_read() {
    let server = Server::start().await;
    let browser = server.browser();
    let twice = "a=1&app_id=x&app_id=y&interaction=x&user_code=a&user_code=b&xsrf=a&xsrf=b";
    for path in ["/sign-in", "/register", "/consent", "/device", "/device/confirm"] {
        let get = browser.request(Method::GET, &format!("{path}?{twice}"));
        let form = "application/x-www-form-urlencoded";
        let post = |content_type: &str, body: &'static str| {
            let request = browser.request(Method::POST, path).header("content-type", content_type);
            request.body(body)
        };
        for (request, status) in [
            (get, 400),
            (post(form, "user_code=a&user_code=b&xsrf=a&xsrf=b&decision=a&decision=b"), 400),
            (post("application/json", "{}"), 415),
            (post("text/plain", "user_code=a"), 415),
        ] {
            let answer = Answer::to(request.header("accept-language", "pt-BR")).await;
            let answer = answer.expect(status);
            assert!(answer.text.contains("Não foi possível ler esta página"), "{}", answer.text);
            assert!(answer.header("content-type").starts_with("text/html"), "{path}");
            assert!(answer.header("content-security-policy").contains("default-src 'none'"));
        }
    }
    // The address on a device's screen leads to the page, with what can be made of the rest.
    for request in [
        browser.request(Method::GET, "/oidc/device?user_code=a&user_code=b"),
        browser
            .request(Method::POST, "/oidc/device")
            .form(&[("user_code", "a"), ("user_code", "b")]),
        browser.request(Method::POST, "/oidc/device").body("x"),
    ] {
        assert_eq!(Answer::to(request).await.location(), format!("{}/device", server.base()));
    }
}

#[tokio::test]
async fn a_password_that_was_accepted_signs_in() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    let password = "correct horse battery ".repeat(50);
    admin.user("alice", &password).await;
    let browser = server.browser();
    server.sign_in(&browser, (&app.0, &app.1), ("alice", &password), "openid", &[]).await;
}

#[tokio::test]
async fn a_single_page_applications_own_page_can_read_why_it_was_refused() {
    let server = Server::start().await;
    let app = server.admin().await.traditional("Shop").await;
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", "x"),
        ("client_id", app.0.as_str()),
        ("client_secret", "wrong"),
    ];
    let request = server
        .browser()
        .request(Method::POST, "/oidc/token")
        .header("origin", "http://localhost:9999");
    let answer = Answer::to(request.form(&form)).await.expect(401);
    assert_eq!(answer.header("access-control-allow-origin"), "http://localhost:9999");
}

#[tokio::test]
async fn a_page_is_answered_with_a_page_whatever_comes_twice() {
    let server = Server::start().await;
    let browser = server.browser();
    for path in [
        "/device?user_code=a&user_code=b",
        "/device/confirm?app_id=a&app_id=b",
        "/consent?app_id=a&app_id=b",
        "/sign-in?app_id=a&app_id=b",
    ] {
        let answer = browser.get(path).await;
        assert!([400, 404].contains(&answer.status.as_u16()), "{path}: {}", answer.status);
        assert!(answer.header("content-type").starts_with("text/html"), "{path}: {}", answer.text);
    }
    // What does not exist has a page, or a code for whoever reads no pages.
    let missing = browser.get("/assets/nothing.css").await.expect(404);
    assert!(missing.header("content-type").starts_with("text/html"), "{}", missing.text);
    let missing = Answer::to(browser.request(Method::GET, "/assets/nothing.css")).await.expect(404);
    assert_eq!(missing.json()["code"], "entity.not_found");
    let long = "x".repeat(17 * 1024);
    let answer = browser.submit("/consent", &[("decision", &long)]).await.expect(413);
    assert!(answer.header("content-type").starts_with("text/html"), "{}", answer.text);
}

/// A proxy may have looked at the one and the server at the other.
#[tokio::test]
async fn attack_two_authorization_headers_open_nothing_in_the_management_api() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let bearer = format!("Bearer {}", admin.token());
    for (first, second) in
        [(bearer.as_str(), "Bearer x"), ("Bearer x", &bearer), (&bearer, &bearer)]
    {
        let request = server.browser().request(Method::GET, "/api/applications");
        let request = request.header("authorization", first).header("authorization", second);
        Answer::to(request).await.expect(401);
    }
    let request = server.browser().request(Method::GET, "/api/applications");
    Answer::to(request.header("authorization", &bearer)).await.expect(200);
}
