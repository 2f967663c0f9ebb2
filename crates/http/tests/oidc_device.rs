//! Signing in a device (RFC 8628), at the door.

mod television;

use serde_json::json;
use television::{
    GRANT, begin, decide, device_application, enter, enter_and_sign_in, error_of, poll, television,
    userinfo,
};
use trinco_testkit::{API, Answer, Method, ProofKey, Tokens, USER, hidden, query_of, text};

#[tokio::test]
async fn a_person_signs_in_on_a_television() {
    let (world, app) = television().await;
    let server = &world.server;
    let codes = begin(server, &app).await;
    assert_eq!(text(&codes, "/device_code").len(), 43);
    let user_code = text(&codes, "/user_code");
    assert!(user_code.len() == 9 && user_code.as_bytes()[4] == b'-', "{user_code}");
    assert!(user_code.bytes().all(|letter| b"BCDFGHJKLMNPQRSTVWXZ-".contains(&letter)));
    assert_eq!(text(&codes, "/verification_uri"), format!("{}/device", server.issuer()));
    assert_eq!(codes["expires_in"], 600);
    assert!(codes.get("interval").is_none());
    assert_eq!(error_of(poll(server, &app, &codes).await), "authorization_pending");

    let browser = server.browser();
    let page = browser.get(text(&codes, "/verification_uri_complete")).await;
    let page = browser.get(page.location()).await.expect(200);
    assert_eq!(hidden(&page.text, "user_code"), user_code);
    assert!(page.header("content-security-policy").contains("form-action 'self';"));
    assert!(!page.text.contains("Television"), "a link alone tells and does nothing");

    let typed = user_code.to_lowercase().replace('-', " ");
    let confirm = enter_and_sign_in(&browser, &typed, USER).await;
    let page = browser.get(&confirm).await.expect(200);
    for shown in ["Television", user_code, USER.0, "Is this the device in front of you?"] {
        assert!(page.text.contains(shown), "{shown} in {}", page.text);
    }
    server.clock().advance(5);
    assert_eq!(error_of(poll(server, &app, &codes).await), "authorization_pending");
    let done = decide(&browser, &confirm, "allow").await.expect(200);
    assert!(done.text.contains("Your device is signed in"));

    let answer = poll(server, &app, &codes).await.expect(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    let tokens = Tokens(answer.json());
    let claims = Tokens::claims(tokens.id());
    assert_eq!((&claims["sub"], &claims["aud"]), (&json!(world.user_id), &json!(app)));
    assert_eq!(userinfo(server, tokens.access()).await, 200);
    let more = [("resource", API)];
    let refreshed = world.refresh((&app, ""), tokens.refresh(), &more).await.expect(200).json();
    let claims = Tokens::claims(text(&refreshed, "/access_token"));
    assert_eq!(claims["scope"], "read:orders write:orders");
    browser.get(&confirm).await.expect(404);
}

#[tokio::test]
async fn who_is_signed_in_already_only_confirms_and_everything_is_in_portuguese_too() {
    let (world, app) = television().await;
    let browser = world.server.browser();
    let web = world.admin.traditional("Shop").await;
    world.server.sign_in(&browser, (&web.0, &web.1), USER, "openid", &[]).await;
    let codes = begin(&world.server, &app).await;
    let resume = enter(&browser, text(&codes, "/user_code")).await.location().to_owned();
    let confirm = browser.get(&resume).await.location().to_owned();
    assert!(confirm.contains("/device/confirm?"), "{confirm}");
    let request = browser.request(Method::GET, &confirm).header("accept-language", "pt-BR");
    let page = Answer::to(request).await.expect(200);
    assert!(page.text.contains("É este o dispositivo à sua frente?"));
    decide(&browser, &confirm, "allow").await.expect(200);
    poll(&world.server, &app, &codes).await.expect(200);
}

#[tokio::test]
async fn a_denied_device_gets_nothing() {
    let (world, app) = television().await;
    let browser = world.server.browser();
    let codes = begin(&world.server, &app).await;
    let confirm = enter_and_sign_in(&browser, text(&codes, "/user_code"), USER).await;
    let done = decide(&browser, &confirm, "deny").await.expect(200);
    assert!(done.text.contains("The device was denied"));
    assert_eq!(error_of(poll(&world.server, &app, &codes).await), "access_denied");
    // An answer is given once.
    let again = enter(&world.server.browser(), text(&codes, "/user_code")).await.expect(422);
    assert!(again.text.contains("No device is waiting"));
}

/// RFC 8628 §3.5: the device must not wait for an answer that was given.
#[tokio::test]
async fn a_person_who_may_not_use_the_application_is_an_answer_to_the_device() {
    let (world, app) = television().await;
    let close = |enabled: bool| {
        let body = json!({ "appLevelAccessControlEnabled": enabled });
        let path = format!("/api/applications/{app}");
        let admin = &world.admin;
        async move { admin.patch(&path, body).await.expect(200) }
    };
    close(true).await;
    let browser = world.server.browser();
    let codes = begin(&world.server, &app).await;
    let resume = enter(&browser, text(&codes, "/user_code")).await.location().to_owned();
    let page = browser.get(&resume).await.location().to_owned();
    let xsrf = hidden(&browser.get(&page).await.expect(200).text, "xsrf");
    let form = [("xsrf", xsrf.as_str()), ("identifier", USER.0), ("password", USER.1)];
    let resume = browser.submit(&page, &form).await.location().to_owned();
    let refused = browser.get(&resume).await.expect(400);
    assert!(refused.text.contains("Access was refused."), "{}", refused.text);
    assert_eq!(error_of(poll(&world.server, &app, &codes).await), "access_denied");
    browser.get(&resume).await.expect(404);

    // The application is closed to them while they look at the confirmation page.
    close(false).await;
    let codes = begin(&world.server, &app).await;
    let confirm = enter_and_sign_in(&browser, text(&codes, "/user_code"), USER).await;
    let xsrf = hidden(&browser.get(&confirm).await.expect(200).text, "xsrf");
    close(true).await;
    let refused = browser.submit(&confirm, &[("xsrf", &xsrf), ("decision", "allow")]).await;
    assert!(refused.expect(400).text.contains("Access was refused."));
    assert_eq!(error_of(poll(&world.server, &app, &codes).await), "access_denied");
}

#[tokio::test]
async fn polling_too_fast_is_slowed_down_and_an_expired_code_says_so() {
    let (world, app) = television().await;
    let server = &world.server;
    let codes = begin(server, &app).await;
    assert_eq!(error_of(poll(server, &app, &codes).await), "authorization_pending");
    server.clock().advance(4);
    assert_eq!(error_of(poll(server, &app, &codes).await), "slow_down");
    server.clock().advance(5);
    assert_eq!(error_of(poll(server, &app, &codes).await), "authorization_pending");
    server.clock().advance(600);
    assert_eq!(error_of(poll(server, &app, &codes).await), "expired_token");
    enter(&server.browser(), text(&codes, "/user_code")).await.expect(422);
}

/// RFC 9449 §5: what is bound to a key says so, or the device would present it as a bearer token and be refused.
#[tokio::test]
async fn a_device_that_proves_a_key_gets_bound_tokens_that_say_so() {
    let (world, app) = television().await;
    let browser = world.server.browser();
    let codes = begin(&world.server, &app).await;
    let confirm = enter_and_sign_in(&browser, text(&codes, "/user_code"), USER).await;
    decide(&browser, &confirm, "allow").await.expect(200);
    let proof = ProofKey::new().proof(&json!({
        "jti": "a-television", "htm": "POST", "htu": format!("{}/oidc/token", world.server.base()),
        "iat": world.server.clock().now(),
    }));
    let form =
        [("grant_type", GRANT), ("device_code", text(&codes, "/device_code")), ("client_id", &app)];
    let request = world.server.browser().request(Method::POST, "/oidc/token");
    let tokens = Answer::to(request.header("dpop", proof).form(&form)).await.expect(200).json();
    assert_eq!(text(&tokens, "/token_type"), "DPoP");
    assert_eq!(userinfo(&world.server, text(&tokens, "/access_token")).await, 401);
}

#[tokio::test]
async fn a_replayed_device_code_revokes_the_tokens_it_issued() {
    let (world, app) = television().await;
    let browser = world.server.browser();
    let codes = begin(&world.server, &app).await;
    let confirm = enter_and_sign_in(&browser, text(&codes, "/user_code"), USER).await;
    decide(&browser, &confirm, "allow").await.expect(200);
    let polls = (0..20).map(|_| poll(&world.server, &app, &codes));
    let answers = futures_util::future::join_all(polls).await;
    let won: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 1, "the code is spent once");
    assert_eq!(error_of(poll(&world.server, &app, &codes).await), "invalid_grant");
    let tokens = Tokens(won[0].json());
    world.refresh((&app, ""), tokens.refresh(), &[]).await.expect(400);
    assert_eq!(userinfo(&world.server, tokens.access()).await, 401);
}

#[tokio::test]
async fn a_stolen_device_code_is_worth_nothing_to_another_client() {
    let (world, app) = television().await;
    let thief = &device_application(&world, json!({ "name": "Radio" })).await;
    let browser = world.server.browser();
    let codes = begin(&world.server, &app).await;
    assert_eq!(error_of(poll(&world.server, thief, &codes).await), "invalid_grant");
    let confirm = enter_and_sign_in(&browser, text(&codes, "/user_code"), USER).await;
    decide(&browser, &confirm, "allow").await.expect(200);
    assert_eq!(error_of(poll(&world.server, thief, &codes).await), "invalid_grant");
    poll(&world.server, &app, &codes).await.expect(200);
}

#[tokio::test]
async fn a_suspended_users_device_gets_nothing() {
    let (world, app) = television().await;
    let browser = world.server.browser();
    let codes = begin(&world.server, &app).await;
    let confirm = enter_and_sign_in(&browser, text(&codes, "/user_code"), USER).await;
    decide(&browser, &confirm, "allow").await.expect(200);
    let path = format!("/api/users/{}/is-suspended", world.user_id);
    world.admin.patch(&path, json!({ "isSuspended": true })).await.expect(200);
    assert_eq!(error_of(poll(&world.server, &app, &codes).await), "invalid_grant");
}

#[tokio::test]
async fn guessing_user_codes_ends_after_a_handful() {
    let (world, app) = television().await;
    let codes = begin(&world.server, &app).await;
    let right = text(&codes, "/user_code");
    let wrong = if right == "BBBB-BBBB" { "CCCC-CCCC" } else { "BBBB-BBBB" };
    let browser = world.server.browser();
    let page = browser.get("/device").await.expect(200);
    let xsrf = hidden(&page.text, "xsrf");
    for _ in 0..5 {
        browser.submit("/device", &[("xsrf", &xsrf), ("user_code", wrong)]).await.expect(422);
    }
    let blocked = browser.submit("/device", &[("xsrf", &xsrf), ("user_code", right)]).await;
    assert!(blocked.expect(429).text.contains("Too many codes were wrong"));
    // Somebody else is not held up, and right codes are not counted.
    let other = world.server.browser();
    for _ in 0..7 {
        let page = other.get("/device").await.expect(200);
        let xsrf = hidden(&page.text, "xsrf");
        other.submit("/device", &[("xsrf", &xsrf), ("user_code", right)]).await.location();
    }
    world.server.clock().advance(601);
    let codes = begin(&world.server, &app).await;
    let code = text(&codes, "/user_code");
    browser.submit("/device", &[("xsrf", &xsrf), ("user_code", code)]).await.location();
}

#[tokio::test]
async fn parallel_guesses_gain_nothing() {
    let (world, _) = television().await;
    let browser = world.server.browser();
    let page = browser.get("/device").await.expect(200);
    let xsrf = hidden(&page.text, "xsrf");
    let form = [("xsrf", xsrf.as_str()), ("user_code", "BBBB-BBBB")];
    let guesses = (0..30).map(|_| browser.submit("/device", &form));
    let answers = futures_util::future::join_all(guesses).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 422).count(), 5);
    assert_eq!(answers.iter().filter(|answer| answer.status == 429).count(), 25);
}

#[tokio::test]
async fn forged_forms_allow_no_device() {
    let (world, app) = television().await;
    let browser = world.server.browser();
    let codes = begin(&world.server, &app).await;
    let code = text(&codes, "/user_code");
    // Without the page's token the code is not looked at; the page comes back with what was typed.
    let page = browser.submit("/device", &[("xsrf", "x"), ("user_code", code)]).await.expect(422);
    assert_eq!(hidden(&page.text, "user_code"), code);
    let confirm = enter_and_sign_in(&browser, code, USER).await;
    browser.submit(&confirm, &[("xsrf", "x"), ("decision", "allow")]).await.expect(404);
    browser.submit(&confirm, &[("decision", "allow")]).await.expect(404);
    // Another browser has neither the interaction nor the code.
    world.server.browser().get(&confirm).await.expect(404);
    // Neither button: asked again.
    let xsrf = hidden(&browser.get(&confirm).await.expect(200).text, "xsrf");
    let again = browser.submit(&confirm, &[("xsrf", &xsrf)]).await.expect(200);
    assert!(again.text.contains("Is this the device in front of you?"));
    world.server.clock().advance(5);
    assert_eq!(error_of(poll(&world.server, &app, &codes).await), "authorization_pending");
}

#[tokio::test]
async fn another_applications_sign_in_is_not_answered_from_the_device_page() {
    let (world, _) = television().await;
    let web = world.admin.traditional("Shop").await;
    let browser = world.server.browser();
    browser.get(&world.server.authorization_url(&web.0, "openid", &[])).await.location();
    browser.get(&format!("/device/confirm?app_id={}", web.0)).await.expect(404);
    browser.get("/device/confirm").await.expect(404);
}

#[tokio::test]
async fn a_stray_code_or_nothing_typed_gets_a_sentence() {
    let (world, _) = television().await;
    let browser = world.server.browser();
    let page = enter(&browser, "").await.expect(422);
    assert!(page.text.contains("Enter the code with its eight letters."));
    let page = enter(&browser, "<b>\"").await.expect(422);
    assert!(page.text.contains("No device is waiting") && !page.text.contains("<b>\""));
    let page = browser.get("/device?user_code=%3Cscript%3E").await.expect(200);
    assert!(!page.text.contains("<script>"));
    let posted = browser.submit("/oidc/device", &[("user_code", "BCDF-GHJK")]).await;
    assert_eq!(query_of(posted.location())["user_code"], "BCDF-GHJK");
}

#[tokio::test]
async fn only_an_application_made_for_it_uses_the_device_flow() {
    let (world, app) = television().await;
    let server = &world.server;
    let spa = world.admin.single_page("Shop").await;
    let refused = server.post_as((&spa, ""), "/oidc/device/auth", &[]).await.expect(400).json();
    assert_eq!(refused["error"], "unauthorized_client");
    let form = [("grant_type", GRANT), ("device_code", "x")];
    let refused = server.token((&spa, ""), &form).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_request");
    server.post_as(("nobody", ""), "/oidc/device/auth", &[]).await.expect(401);
    let unknown = [("resource", "https://nowhere.example")];
    let refused = server.post_as((&app, ""), "/oidc/device/auth", &unknown).await.expect(400);
    assert_eq!(refused.json()["error"], "invalid_target");
    let form = [("grant_type", GRANT), ("device_code", "unknown")];
    assert_eq!(error_of(server.token((&app, ""), &form).await), "invalid_grant");
    assert_eq!(error_of(server.token((&app, ""), &form[..1]).await), "invalid_request");

    let discovery = server.browser().get("/oidc/.well-known/openid-configuration").await.json();
    let endpoint = format!("{}/device/auth", server.issuer());
    assert_eq!(discovery["device_authorization_endpoint"], endpoint);
    assert!(discovery["grant_types_supported"].as_array().unwrap().contains(&json!(GRANT)));
}

/// RFC 8628 §3.3: everything starts at the address on the screen, without the code in it.
#[tokio::test]
async fn from_the_address_on_the_screen_a_person_comes_to_type_the_code() {
    let (world, app) = television().await;
    let codes = begin(&world.server, &app).await;
    let other = begin(&world.server, &app).await;
    for member in ["/device_code", "/user_code"] {
        assert_ne!(text(&codes, member), text(&other, member), "each device has codes of its own");
    }
    let (address, code) = (text(&codes, "/verification_uri"), text(&codes, "/user_code"));
    assert!(!address.contains(['?', '#']) && !address.contains(code), "{address}");

    let browser = world.server.browser();
    let typing = browser.get(address).await.location().to_owned();
    let empty = browser.get(&typing).await.expect(200);
    assert!(empty.text.contains("name=\"user_code\"") && !empty.text.contains(code));
    let xsrf = hidden(&empty.text, "xsrf");
    let resume = browser.submit(&typing, &[("xsrf", &xsrf), ("user_code", code)]).await;
    let signing_in = browser.get(resume.location()).await.location().to_owned();
    let confirm = television::sign_in(&browser, &signing_in, USER).await;
    let asked = browser.get(&confirm).await.expect(200);
    let done = decide(&browser, &confirm, "allow").await.expect(200);
    // What only the device is to know is on no page.
    for page in [&empty, &browser.get(&signing_in).await, &asked, &done] {
        assert!(!page.text.contains(text(&codes, "/device_code")));
    }
    poll(&world.server, &app, &codes).await.expect(200);
    assert_eq!(error_of(poll(&world.server, &app, &other).await), "authorization_pending");
}

/// RFC 8628 §3.2: an error is answered as at the token endpoint (RFC 6749 §5.2).
#[tokio::test]
async fn a_refused_device_is_told_as_at_the_token_endpoint() {
    let (world, app) = television().await;
    let shop = world.admin.traditional("Shop").await;
    for (client, form, status, error) in [
        ((shop.0.as_str(), "wrong"), &[][..], 401, "invalid_client"),
        ((&shop.0, &shop.1), &[], 400, "unauthorized_client"),
        ((&app, ""), &[("resource", "https://nowhere.example")], 400, "invalid_target"),
        ((&app, ""), &[("scope", "\"")], 400, "invalid_scope"),
    ] {
        let answer = world.server.post_as(client, "/oidc/device/auth", form).await.expect(status);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("www-authenticate").is_empty(), status != 401, "{error}");
        let body = answer.json();
        assert_eq!(body["error"], error, "{body}");
        assert!(body.get("device_code").is_none() && body.get("user_code").is_none());
    }
    // §3.1: whoever is named in the header need not be in the form, and nobody else is.
    let begin = || world.server.browser().request(Method::POST, "/oidc/device/auth");
    let nobody = Answer::to(begin().form(&[("scope", "openid")])).await.expect(400).json();
    assert_eq!(nobody["error"], "invalid_request");
    let named = begin().basic_auth(&app, Some("")).form(&[("scope", "openid")]);
    assert!(Answer::to(named).await.expect(200).json()["device_code"].is_string());
    let other = begin().basic_auth(&app, Some("")).form(&[("client_id", &shop.0)]);
    assert_eq!(Answer::to(other).await.expect(400).json()["error"], "invalid_request");
}
