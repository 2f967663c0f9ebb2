//! The userinfo endpoint (OpenID Connect Core §5.3) and the ways to present a token there (RFC 6750 §2), at the door.

use serde_json::json;
use trinco_testkit::{Answer, Method, ProofKey, Tokens, USER, World, text};

async fn tokens(world: &World, scope: &str) -> Tokens {
    let app = world.admin.traditional("Shop").await;
    let browser = world.server.browser();
    world.server.sign_in(&browser, (&app.0, &app.1), USER, scope, &[]).await
}

#[tokio::test]
async fn a_token_is_taken_from_the_header_of_get_and_post_and_from_the_form_of_a_post() {
    let world = World::start().await;
    let tokens = tokens(&world, "openid profile").await;
    let browser = world.server.browser();
    let ask = |method: Method| browser.request(method, "/oidc/me");
    let by_header = ask(Method::GET).bearer_auth(tokens.access());
    let form = [("access_token", tokens.access())];
    let mut answers = Vec::new();
    for request in [
        by_header,
        ask(Method::POST).bearer_auth(tokens.access()),
        ask(Method::GET).header("authorization", format!("bearer {}", tokens.access())),
        ask(Method::POST).form(&form),
    ] {
        let answer = Answer::to(request).await.expect(200);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        answers.push(answer.json());
    }
    assert_eq!(answers[0]["sub"], world.user_id.as_str());
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[tokio::test]
async fn a_token_in_the_url_or_in_another_kind_of_body_is_not_read() {
    let world = World::start().await;
    let tokens = tokens(&world, "openid").await;
    let browser = world.server.browser();
    let in_url = format!("/oidc/me?access_token={}", tokens.access());
    let form = format!("access_token={}", tokens.access());
    let json = json!({ "access_token": tokens.access() });
    let url_encoded = ("content-type", "application/x-www-form-urlencoded");
    for request in [
        browser.request(Method::GET, &in_url),
        browser.request(Method::POST, &in_url),
        browser.request(Method::POST, "/oidc/me").json(&json),
        browser
            .request(Method::POST, "/oidc/me")
            .header("content-type", "text/plain")
            .body(form.clone()),
        browser.request(Method::GET, "/oidc/me").header(url_encoded.0, url_encoded.1).body(form),
    ] {
        let answer = Answer::to(request).await.expect(401);
        // Without a token there is nothing to say but how to bring one (RFC 6750 §3.1).
        let challenge = answer.header("www-authenticate").to_owned();
        assert!(challenge.starts_with("Bearer realm="), "{challenge}");
        assert!(!challenge.contains("error="), "{challenge}");
    }
}

#[tokio::test]
async fn a_token_that_lacks_openid_or_is_dead_is_refused_with_the_reason() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let browser = world.server.browser();
    let me =
        |token: String| Answer::to(browser.request(Method::GET, "/oidc/me").bearer_auth(token));
    let code =
        browser.authorize(&world.server.authorization_url(&app.0, "profile", &[]), USER).await;
    let plain = world.server.exchange((&app.0, &app.1), &code).await.expect(200).json();
    let answer = me(text(&plain, "/access_token").to_owned()).await.expect(403);
    let challenge = answer.header("www-authenticate");
    assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
    assert!(challenge.contains("scope=\"openid\""), "{challenge}");

    let tokens = world.server.sign_in(&browser, (&app.0, &app.1), USER, "openid", &[]).await;
    me(tokens.access().to_owned()).await.expect(200);
    let form = [("token", tokens.access())];
    world.server.post_as((&app.0, &app.1), "/oidc/token/revocation", &form).await.expect(200);
    for dead in [tokens.access(), "nonsense", "a b", "!"] {
        let answer = me(dead.to_owned()).await.expect(401);
        let challenge = answer.header("www-authenticate");
        assert!(challenge.contains("error=\"invalid_token\""), "{dead}: {challenge}");
        assert_eq!(challenge.matches("error=").count(), 1, "{challenge}");
    }
}

/// RFC 9449 §7.1: a bound token is presented in its own scheme, never in a form.
#[tokio::test]
async fn a_bound_token_in_a_form_is_refused() {
    let world = World::start().await;
    let spa = world.admin.single_page("Page").await;
    let key = ProofKey::new();
    let base = world.server.base();
    let now = world.server.clock().now();
    let proof = |path: &str, jti: &str, token: Option<&str>| {
        let ath =
            token.map(|token| trinco_jose::base64url_encode(trinco_jose::sha256(token.as_bytes())));
        let claims = json!({ "jti": jti, "htm": "POST", "htu": format!("{base}{path}"), "iat": now, "ath": ath });
        key.proof(&claims)
    };
    let url = world.server.authorization_url(&spa, "openid", &[]);
    let code = world.server.browser().authorize(&url, USER).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", trinco_testkit::REDIRECT_URI),
        ("code_verifier", "MYqr0KjZe_7S7nK6qgwyw_grQCU7N6CBnz2B5uLosq8"),
        ("client_id", spa.as_str()),
    ];
    let request = world.server.browser().request(Method::POST, "/oidc/token").form(&form);
    let request = request.header("dpop", proof("/oidc/token", "one", None));
    let bound = Answer::to(request).await.expect(200).json();
    let token = text(&bound, "/access_token");
    let request = world.server.browser().request(Method::POST, "/oidc/me");
    let request = request.header("dpop", proof("/oidc/me", "two", Some(token)));
    let answer = Answer::to(request.form(&[("access_token", token)])).await.expect(401);
    assert!(answer.header("www-authenticate").contains("invalid_token"));
}
