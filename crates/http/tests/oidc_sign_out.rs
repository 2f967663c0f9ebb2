//! Signing out, at the door.

use trinco_testkit::{Server, hidden, query_of};

const USER: (&str, &str) = ("alice", "correct horse battery");

#[tokio::test]
async fn signing_out_ends_the_session_and_the_clients_tokens() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    admin.user(USER.0, USER.1).await;
    let browser = server.browser();
    let tokens = server.sign_in(&browser, client, USER, "openid offline_access", &[]).await;

    // As the SDKs ask: without id_token_hint.
    let query = format!(
        "client_id={}&post_logout_redirect_uri=http%3A%2F%2Flocalhost%3A9999%2F&state=bye",
        app.0
    );
    let page = browser.get(&format!("/oidc/session/end?{query}")).await.expect(200);
    assert!(
        page.header("content-security-policy").contains("form-action 'self' http://localhost:9999")
    );
    let fields: Vec<(String, String)> =
        ["client_id", "post_logout_redirect_uri", "state", "xsrf", "logout"]
            .into_iter()
            .map(|name| (name.to_owned(), hidden(&page.text, name)))
            .collect();
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();

    let mut forged = fields.clone();
    forged[3].1 = "AAAA";
    browser.submit("/oidc/session/end/confirm", &forged).await.expect(400);
    assert!(
        browser
            .get(&server.authorization_url(&app.0, "openid", &[]))
            .await
            .location()
            .contains("code=")
    );

    let landed = browser.submit("/oidc/session/end/confirm", &fields).await;
    assert_eq!(landed.location(), "http://localhost:9999/?state=bye");
    let again =
        browser.get(&server.authorization_url(&app.0, "openid", &[])).await.location().to_owned();
    assert!(again.contains("/sign-in?"), "{again}");
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())];
    server.token(client, &refresh).await.expect(400);
}

#[tokio::test]
async fn a_landing_place_that_is_not_registered_is_refused() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    admin.user(USER.0, USER.1).await;
    let browser = server.browser();
    server.sign_in(&browser, (&app.0, &app.1), USER, "openid", &[]).await;
    for query in [
        format!("client_id={}&post_logout_redirect_uri=https%3A%2F%2Fevil.example%2F", app.0),
        "post_logout_redirect_uri=http%3A%2F%2Flocalhost%3A9999%2F".to_owned(),
        "id_token_hint=not-a-token".to_owned(),
    ] {
        let page = browser.get(&format!("/oidc/session/end?{query}")).await.expect(400);
        assert_eq!(page.header("location"), "");
    }
}

#[tokio::test]
async fn a_client_that_is_gone_keeps_nobody_signed_in() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    admin.user(USER.0, USER.1).await;
    let browser = server.browser();
    let tokens = server.sign_in(&browser, (&app.0, &app.1), USER, "openid", &[]).await;
    admin.delete(&format!("/api/applications/{}", app.0)).await.expect(204);
    let place = "post_logout_redirect_uri=http%3A%2F%2Flocalhost%3A9999%2F";
    let by_hint = format!("id_token_hint={}&{place}", tokens.id());
    for query in [format!("client_id={}&{place}", app.0), by_hint] {
        let page = browser.get(&format!("/oidc/session/end?{query}")).await.expect(200);
        assert!(page.text.contains("<h1>Sign out?</h1>"), "{}", page.text);
    }
    let page = browser.get(&format!("/oidc/session/end?client_id={}", app.0)).await.expect(200);
    let xsrf = hidden(&page.text, "xsrf");
    let form = [("xsrf", xsrf.as_str()), ("client_id", app.0.as_str()), ("logout", "yes")];
    let done = browser.submit("/oidc/session/end/confirm", &form).await.expect(200);
    assert!(done.text.contains("You are signed out"), "{}", done.text);
    let other = admin.traditional("Other").await;
    let silent = server.authorization_url(&other.0, "openid", &[("prompt", "none")]);
    assert_eq!(query_of(browser.get(&silent).await.location())["error"], "login_required");
}

#[tokio::test]
async fn without_a_session_there_is_nothing_to_confirm() {
    let server = Server::start().await;
    let app = server.admin().await.traditional("Shop").await;
    let browser = server.browser();
    let query =
        format!("client_id={}&post_logout_redirect_uri=http%3A%2F%2Flocalhost%3A9999%2F", app.0);
    let landed = browser.get(&format!("/oidc/session/end?{query}")).await;
    assert_eq!(landed.location(), "http://localhost:9999/");
    browser.get("/oidc/session/end").await.expect(200);
}

#[tokio::test]
async fn an_unnamed_asker_has_to_be_confirmed_by_the_person() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    admin.user(USER.0, USER.1).await;
    let browser = server.browser();
    server.sign_in(&browser, (&app.0, &app.1), USER, "openid", &[]).await;
    let page = browser.get("/oidc/session/end").await.expect(200);
    assert!(!page.text.contains("auto-submit"), "{}", page.text);
    let stay = format!("href=\"{}/still-signed-in\"", server.base());
    assert!(page.text.contains(&stay) && page.text.contains("Stay signed in"), "{}", page.text);
    let stayed = browser.get("/still-signed-in").await.expect(200);
    assert!(stayed.text.contains("You are still signed in"));
    let xsrf = hidden(&page.text, "xsrf");
    browser
        .submit("/oidc/session/end/confirm", &[("xsrf", &xsrf), ("logout", "yes")])
        .await
        .expect(200);
    let again =
        browser.get(&server.authorization_url(&app.0, "openid", &[])).await.location().to_owned();
    assert!(again.contains("/sign-in?"));
    assert!(browser.get("/still-signed-in").await.expect(200).text.contains("You are signed out"));
}

#[tokio::test]
async fn whoever_does_not_want_to_sign_out_goes_back_to_the_application_that_asked() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let app = admin.traditional("Shop").await;
    admin.user(USER.0, USER.1).await;
    admin.user("bob", "another long password").await;
    let tokens = server.sign_in(&server.browser(), (&app.0, &app.1), USER, "openid", &[]).await;
    let browser = server.browser();
    let bob = ("bob", "another long password");
    server.sign_in(&browser, (&app.0, &app.1), bob, "openid", &[]).await;
    // The application means Alice, and Bob is signed in: he is asked.
    let page = browser.get(&format!("/oidc/session/end?id_token_hint={}", tokens.id())).await;
    assert!(page.text.contains("href=\"http://localhost:9999/\""), "{}", page.text);
}

#[tokio::test]
async fn other_applications_keep_offline_access_when_one_signs_out() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (one, other) = (admin.traditional("One").await, admin.traditional("Two").await);
    admin.user(USER.0, USER.1).await;
    let browser = server.browser();
    server.sign_in(&browser, (&one.0, &one.1), USER, "openid offline_access", &[]).await;
    let url = server.authorization_url(&other.0, "openid offline_access", &[]);
    let code = query_of(browser.get(&url).await.location()).remove("code").unwrap();
    let offline = server.exchange((&other.0, &other.1), &code).await.expect(200).json();

    let page = browser.get(&format!("/oidc/session/end?client_id={}", one.0)).await.expect(200);
    let fields =
        [("client_id", one.0.as_str()), ("xsrf", &hidden(&page.text, "xsrf")), ("logout", "yes")];
    browser.submit("/oidc/session/end/confirm", &fields).await.expect(200);
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", offline["refresh_token"].as_str().unwrap()),
    ];
    server.token((&other.0, &other.1), &refresh).await.expect(200);
}

/// OpenID Connect Back-Channel Logout §2.7.
#[tokio::test]
async fn refresh_tokens_without_offline_access_end_with_the_session_whoever_signs_out() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (one, other) = (admin.traditional("One").await, admin.traditional("Two").await);
    let always = serde_json::json!({ "customClientMetadata": { "alwaysIssueRefreshToken": true } });
    admin.patch(&format!("/api/applications/{}", other.0), always).await.expect(200);
    admin.user(USER.0, USER.1).await;
    let browser = server.browser();
    server.sign_in(&browser, (&one.0, &one.1), USER, "openid", &[]).await;
    let online = server.sign_in(&browser, (&other.0, &other.1), USER, "openid", &[]).await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", online.refresh())];
    let client = (other.0.as_str(), other.1.as_str());
    let again = trinco_testkit::Tokens(server.token(client, &form).await.expect(200).json());

    let page = browser.get(&format!("/oidc/session/end?client_id={}", one.0)).await.expect(200);
    let fields =
        [("client_id", one.0.as_str()), ("xsrf", &hidden(&page.text, "xsrf")), ("logout", "yes")];
    browser.submit("/oidc/session/end/confirm", &fields).await.expect(200);
    let form = [("grant_type", "refresh_token"), ("refresh_token", again.refresh())];
    assert_eq!(server.token(client, &form).await.expect(400).json()["error"], "invalid_grant");
}
