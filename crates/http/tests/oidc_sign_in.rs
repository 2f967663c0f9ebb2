//! Signing in through the pages, at the door.

use serde_json::{Value, json};
use trinco_testkit::{Method, REDIRECT_URI, Server, Tokens, hidden, query_of};

const ALL_SCOPES: &str = "openid offline_access profile email roles custom_data identities \
                          urn:logto:scope:organizations urn:logto:scope:organization_roles";

#[tokio::test]
async fn a_person_signs_in_and_the_application_gets_tokens() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    let user_id = admin.user("alice", "correct horse battery").await;
    let browser = server.browser();

    let url = server.authorization_url(&app.0, ALL_SCOPES, &[]);
    let sign_in = browser.get(&url).await.location().to_owned();
    let page = format!("{}/sign-in?app_id={}&interaction=", server.base(), app.0);
    assert!(sign_in.starts_with(&page), "{sign_in}");
    let page = browser.get(&sign_in).await.expect(200);
    assert!(page.text.contains("Shop"), "the page names the application");
    assert!(
        page.header("content-security-policy").contains("form-action 'self' http://localhost:9999")
    );

    let xsrf = hidden(&page.text, "xsrf");
    let form =
        [("xsrf", xsrf.as_str()), ("identifier", "alice"), ("password", "correct horse battery")];
    let resume = browser.submit(&sign_in, &form).await.location().to_owned();
    assert!(resume.starts_with(&format!("{}/oidc/auth/", server.base())));
    let callback = browser.get(&resume).await.location().to_owned();
    assert!(callback.starts_with(REDIRECT_URI));
    let answer = query_of(&callback);
    assert_eq!(answer["state"], "st-1");
    assert_eq!(answer["iss"], server.issuer());

    let tokens = server.exchange((&app.0, &app.1), &answer["code"]).await.expect(200);
    assert_eq!(tokens.header("cache-control"), "no-store");
    let tokens = Tokens(tokens.json());
    assert_eq!(tokens.0["token_type"], "Bearer");
    assert_eq!(tokens.0["expires_in"], 3600);
    assert_eq!(tokens.0["scope"], ALL_SCOPES.split_whitespace().collect::<Vec<_>>().join(" "));
    assert_eq!(tokens.access().len(), 43);
    assert_eq!(tokens.refresh().len(), 43);
    let claims = Tokens::claims(tokens.id());
    let now = server.clock().now();
    assert_eq!(
        claims,
        json!({
            "sub": user_id, "name": null, "picture": null, "username": "alice", "preferred_username": "alice",
            "created_at": claims["created_at"], "updated_at": claims["updated_at"],
            "email": null, "email_verified": false, "roles": [], "organizations": [], "organization_roles": [],
            "aud": app.0, "iss": server.issuer(), "iat": now, "exp": now + 3600,
        })
    );
    let userinfo = browser.request(Method::GET, "/oidc/me").bearer_auth(tokens.access());
    let userinfo: Value = userinfo.send().await.unwrap().json().await.unwrap();
    assert_eq!(userinfo["sub"], claims["sub"]);
    assert_eq!(userinfo["custom_data"], json!({}));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_look_the_same() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    admin.user("alice", "correct horse battery").await;
    let browser = server.browser();
    let target =
        browser.get(&server.authorization_url(&app.0, "openid", &[])).await.location().to_owned();
    let page = browser.get(&target).await;
    let xsrf = hidden(&page.text, "xsrf");

    let mut pages = Vec::new();
    for name in ["alice", "nobody"] {
        let form = [("xsrf", xsrf.as_str()), ("identifier", name), ("password", "wrong password")];
        let page = browser.submit(&target, &form).await.expect(422);
        assert!(page.text.contains(&format!("value=\"{name}\"")), "the name stays in its field");
        assert!(page.text.contains("role=\"alert\""));
        assert!(!page.text.contains("wrong password"), "the password is never sent back");
        let without_nonces = page.text.replace(name, "NAME");
        let mut parts = without_nonces.split("nonce=\"");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            text.push_str(&part[22..]);
        }
        pages.push(text);
    }
    assert_eq!(pages[0], pages[1]);
}

#[tokio::test]
async fn a_person_registers_and_is_signed_in() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    let browser = server.browser();
    let url = server.authorization_url(&app.0, "openid profile", &[("first_screen", "register")]);
    let target = browser.get(&url).await.location().to_owned();
    assert!(target.contains("/register?app_id="), "{target}");
    let page = browser.get(&target).await.expect(200);
    let xsrf = hidden(&page.text, "xsrf");

    let weak = [("xsrf", xsrf.as_str()), ("identifier", "bob"), ("password", "short")];
    let refused = browser.submit(&target, &weak).await.expect(422);
    assert!(refused.text.contains("at least 8"), "{}", refused.text);
    let odd =
        [("xsrf", xsrf.as_str()), ("identifier", "9 lives"), ("password", "correct horse battery")];
    browser.submit(&target, &odd).await.expect(422);

    let form =
        [("xsrf", xsrf.as_str()), ("identifier", "bob"), ("password", "correct horse battery")];
    let resume = browser.submit(&target, &form).await.location().to_owned();
    let callback = browser.get(&resume).await.location().to_owned();
    let tokens =
        server.exchange((&app.0, &app.1), &query_of(&callback)["code"]).await.expect(200).json();
    let claims = Tokens::claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(claims["username"], "bob");

    let other = server.browser();
    let target = other.get(&url).await.location().to_owned();
    let xsrf = hidden(&other.get(&target).await.text, "xsrf");
    let taken =
        [("xsrf", xsrf.as_str()), ("identifier", "bob"), ("password", "correct horse battery")];
    other.submit(&target, &taken).await.expect(422);
}

#[tokio::test]
async fn a_second_application_signs_in_silently_and_prompt_login_asks_again() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (one, other) = (admin.traditional("One").await, admin.traditional("Two").await);
    admin.user("alice", "correct horse battery").await;
    let browser = server.browser();
    server
        .sign_in(&browser, (&one.0, &one.1), ("alice", "correct horse battery"), "openid", &[])
        .await;

    let silent =
        browser.get(&server.authorization_url(&other.0, "openid", &[])).await.location().to_owned();
    assert!(silent.starts_with(REDIRECT_URI) && silent.contains("code="), "{silent}");
    let none = server.authorization_url(&other.0, "openid", &[("prompt", "none")]);
    assert!(browser.get(&none).await.location().contains("code="));

    let again = server.authorization_url(&other.0, "openid", &[("prompt", "login")]);
    let target = browser.get(&again).await.location().to_owned();
    assert!(target.contains("/sign-in?"), "{target}");
    let code = browser.authorize(&again, ("alice", "correct horse battery")).await;
    server.exchange((&other.0, &other.1), &code).await.expect(200);

    server.clock().advance(100);
    let aged = server.authorization_url(&other.0, "openid", &[("max_age", "50")]);
    assert!(browser.get(&aged).await.location().contains("/sign-in?"));
    let fresh = server.authorization_url(&other.0, "openid", &[("max_age", "500")]);
    assert!(browser.get(&fresh).await.location().contains("code="));
}

#[tokio::test]
async fn prompt_none_without_a_session_says_login_required() {
    let server = Server::start().await;
    let app = server.admin().await.traditional("Shop").await;
    let url = server.authorization_url(&app.0, "openid", &[("prompt", "none")]);
    let answer = query_of(server.browser().get(&url).await.location());
    assert_eq!(answer["error"], "login_required");
    assert_eq!(answer["state"], "st-1");
    assert_eq!(answer["iss"], server.issuer());
}

#[tokio::test]
async fn an_untrusted_client_or_redirect_uri_is_never_redirected() {
    let server = Server::start().await;
    let app = server.admin().await.traditional("Shop").await;
    let browser = server.browser();
    let good = server.authorization_url(&app.0, "openid", &[]);
    let encoded = "redirect_uri=http%3A%2F%2Flocalhost%3A9999%2Fcallback";
    for bad in [
        good.replace(&app.0, "nosuchclient"),
        good.replace(encoded, "redirect_uri=https%3A%2F%2Fevil.example%2Fcallback"),
        good.replace(encoded, "redirect_uri=http%3A%2F%2Flocalhost%3A9999%2Fcallback%2F..%2Fx"),
        good.replace(
            encoded,
            "redirect_uri=http%3A%2F%2Flocalhost%3A9999%40evil.example%2Fcallback",
        ),
        good.replace(encoded, ""),
        good.replace("client_id=", "client_idd="),
    ] {
        let page = browser.get(&bad).await.expect(400);
        assert_eq!(page.header("location"), "");
        assert!(page.header("content-type").starts_with("text/html"));
        let json = browser.request(Method::GET, &bad).send().await.unwrap();
        assert_eq!(json.status(), 400);
        let body: Value = json.json().await.unwrap();
        assert!(body["code"].as_str().unwrap().starts_with("oidc."), "{body}");
        assert!(body["message"].is_string() && body["error"].is_string(), "{body}");
        assert_eq!(body["iss"], server.issuer());
    }
}

#[tokio::test]
async fn errors_after_that_go_to_the_application() {
    let server = Server::start().await;
    let app = server.admin().await.traditional("Shop").await;
    let browser = server.browser();
    for (more, error) in [
        (("resource", "https://nowhere.example"), "invalid_target"),
        (("request", "x"), "request_not_supported"),
        (("response_mode", "carrier_pigeon"), "unsupported_response_mode"),
    ] {
        let answer = browser.get(&server.authorization_url(&app.0, "openid", &[more])).await;
        assert_eq!(query_of(answer.location())["error"], error);
    }
    let url = server.authorization_url(&app.0, "openid", &[]);
    let answer = browser.get(&url.replace("response_type=code", "response_type=token")).await;
    assert_eq!(query_of(answer.location())["error"], "unsupported_response_type");
}

#[tokio::test]
async fn a_posted_authorization_request_comes_back_by_get() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    admin.user("alice", "correct horse battery").await;
    let browser = server.browser();
    server
        .sign_in(&browser, (&app.0, &app.1), ("alice", "correct horse battery"), "openid", &[])
        .await;

    let url = server.authorization_url(&app.0, "openid", &[]);
    let fields = query_of(&url);
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let back = browser.submit("/oidc/auth", &fields).await.location().to_owned();
    assert!(back.contains("request_uri=urn"), "{back}");
    let callback = browser.get(&back).await.location().to_owned();
    assert!(callback.contains("code="), "the session is found: {callback}");

    let other = admin.traditional("Other").await;
    browser.get(&back.replace(&app.0, &other.0)).await.expect(400);
    server.clock().advance(61);
    browser.get(&back).await.expect(400);
    browser.submit("/oidc/auth", &[("client_id", "nosuchclient")]).await.expect(400);
}

#[tokio::test]
async fn form_post_answers_with_a_form_for_the_application() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    admin.user("alice", "correct horse battery").await;
    let browser = server.browser();
    server
        .sign_in(&browser, (&app.0, &app.1), ("alice", "correct horse battery"), "openid", &[])
        .await;
    let url = server.authorization_url(&app.0, "openid", &[("response_mode", "form_post")]);
    let page = browser.get(&url).await.expect(200);
    assert!(page.text.contains(&format!("action=\"{REDIRECT_URI}\"")), "{}", page.text);
    assert!(
        page.header("content-security-policy").contains("form-action 'self' http://localhost:9999")
    );
    server.exchange((&app.0, &app.1), &hidden(&page.text, "code")).await.expect(200);
}

#[tokio::test]
async fn login_csrf_a_form_without_its_token_signs_nobody_in() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    admin.user("mallory", "correct horse battery").await;
    let browser = server.browser();
    let target =
        browser.get(&server.authorization_url(&app.0, "openid", &[])).await.location().to_owned();
    for xsrf in ["", "AAAA", "not base64 ="] {
        let form =
            [("xsrf", xsrf), ("identifier", "mallory"), ("password", "correct horse battery")];
        let answer = browser.submit(&target, &form).await.expect(404);
        assert_eq!(answer.header("set-cookie"), "");
    }
}

#[tokio::test]
async fn an_interaction_of_another_browser_cannot_be_resumed() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    admin.user("alice", "correct horse battery").await;
    let victim = server.browser();
    let target =
        victim.get(&server.authorization_url(&app.0, "openid", &[])).await.location().to_owned();
    let xsrf = hidden(&victim.get(&target).await.text, "xsrf");
    let form =
        [("xsrf", xsrf.as_str()), ("identifier", "alice"), ("password", "correct horse battery")];
    let resume = victim.submit(&target, &form).await.location().to_owned();
    server.browser().get(&resume).await.expect(404);
    let first = victim.get(&resume).await.location().to_owned();
    assert!(first.contains("code="));
    // Answered once: going back in the browser does not make a second code.
    victim.get(&resume).await.expect(404);
}

#[tokio::test]
async fn two_applications_sign_in_at_once_in_one_browser() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (one, other) = (admin.traditional("One").await, admin.traditional("Two").await);
    admin.user("alice", "correct horse battery").await;
    let browser = server.browser();
    let first =
        browser.get(&server.authorization_url(&one.0, "openid", &[])).await.location().to_owned();
    let second =
        browser.get(&server.authorization_url(&other.0, "openid", &[])).await.location().to_owned();
    for target in [first, second] {
        let xsrf = hidden(&browser.get(&target).await.expect(200).text, "xsrf");
        let form = [
            ("xsrf", xsrf.as_str()),
            ("identifier", "alice"),
            ("password", "correct horse battery"),
        ];
        let resume = browser.submit(&target, &form).await.location().to_owned();
        assert!(browser.get(&resume).await.location().contains("code="));
    }
}

#[tokio::test]
async fn the_pages_speak_the_readers_language() {
    let server = Server::start().await;
    let app = server.admin().await.traditional("Shop").await;
    let browser = server.browser();
    let target =
        browser.get(&server.authorization_url(&app.0, "openid", &[])).await.location().to_owned();
    let page =
        browser.request(Method::GET, &target).header("accept-language", "pt-BR,pt;q=0.9,en;q=0.8");
    let page = page.send().await.unwrap().text().await.unwrap();
    assert!(page.contains("lang=\"pt-BR\""), "{page}");
    let url = server.authorization_url(&app.0, "openid", &[("ui_locales", "pt-BR en")]);
    let target = browser.get(&url).await.location().to_owned();
    assert!(browser.get(&target).await.text.contains("lang=\"pt-BR\""));
}

#[tokio::test]
async fn a_suspended_user_cannot_sign_in() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    let id = admin.user("alice", "correct horse battery").await;
    let browser = server.browser();
    let tokens = server
        .sign_in(
            &browser,
            (&app.0, &app.1),
            ("alice", "correct horse battery"),
            "openid offline_access",
            &[],
        )
        .await;
    admin
        .patch(&format!("/api/users/{id}/is-suspended"), json!({ "isSuspended": true }))
        .await
        .expect(200);

    let userinfo =
        browser.request(Method::GET, "/oidc/me").bearer_auth(tokens.access()).send().await.unwrap();
    assert_eq!(userinfo.status(), 401);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())];
    server.token((&app.0, &app.1), &refresh).await.expect(400);
    let target =
        browser.get(&server.authorization_url(&app.0, "openid", &[])).await.location().to_owned();
    let xsrf = hidden(&browser.get(&target).await.text, "xsrf");
    let form =
        [("xsrf", xsrf.as_str()), ("identifier", "alice"), ("password", "correct horse battery")];
    browser.submit(&target, &form).await.expect(422);
}
