//! The token endpoint and what its tokens open, at the door.

use serde_json::{Value, json};
use trinco_testkit::{API, Answer, Method, REDIRECT_URI, Tokens, USER, World, text};

const ORGANIZATIONS: &str = "urn:logto:resource:organizations";
const SCOPE: &str = "openid offline_access profile roles urn:logto:scope:organizations \
                     urn:logto:scope:organization_roles read:orders write:orders invoices:read";

#[tokio::test]
async fn resource_and_organization_tokens_hold_what_the_roles_allow() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let resources = [("resource", API), ("resource", ORGANIZATIONS)];
    let tokens =
        world.server.sign_in(&world.server.browser(), client, USER, SCOPE, &resources).await;
    let claims = Tokens::claims(tokens.id());
    assert_eq!(claims["roles"], json!(["shopper"]));
    assert_eq!(claims["organizations"], json!([world.organization_id]));
    assert_eq!(claims["organization_roles"], json!([format!("{}:clerk", world.organization_id)]));

    let answer =
        world.refresh(client, tokens.refresh(), &[("resource", API)]).await.expect(200).json();
    let token = text(&answer, "/access_token");
    let now = world.server.clock().now();
    let claims = Tokens::claims(token);
    // A scope that comes from an organization role is in the plain resource token too.
    let expected = json!({
        "jti": claims["jti"], "sub": world.user_id, "iat": now, "exp": now + 600, "scope": "read:orders write:orders",
        "client_id": app.0, "iss": world.server.issuer(), "aud": API,
    });
    assert_eq!(claims, expected);
    assert_eq!(answer["expires_in"], 600);
    assert_eq!(header_of(token)["typ"], "at+jwt");
    assert_eq!(header_of(token)["alg"], "ES384");
    assert!(header_of(tokens.id()).get("typ").is_none());

    let organization = world.organization_id.as_str();
    let in_organization = [("organization_id", organization)];
    let answer = world.refresh(client, tokens.refresh(), &in_organization).await.expect(200).json();
    let claims = Tokens::claims(text(&answer, "/access_token"));
    assert_eq!(claims["aud"], format!("urn:logto:organization:{organization}"));
    assert_eq!(claims["scope"], "invoices:read");
    assert!(claims.get("organization_id").is_none());

    let both = [("resource", API), ("organization_id", organization)];
    let answer = world.refresh(client, tokens.refresh(), &both).await.expect(200).json();
    let claims = Tokens::claims(text(&answer, "/access_token"));
    assert_eq!((&claims["aud"], &claims["organization_id"]), (&json!(API), &json!(organization)));
    assert_eq!(claims["scope"], "write:orders", "the roles in the organization alone count");

    let narrowed = [("resource", API), ("scope", "read:orders")];
    let answer = world.refresh(client, tokens.refresh(), &narrowed).await.expect(200).json();
    assert_eq!(answer["scope"], "read:orders");
    let excess =
        world.refresh(client, tokens.refresh(), &[("scope", "openid phone")]).await.expect(400);
    assert_eq!(excess.json()["error"], "invalid_scope");
    let unknown =
        world.refresh(client, tokens.refresh(), &[("resource", "https://nowhere.example")]).await;
    assert_eq!(unknown.expect(400).json()["error"], "invalid_target");
}

fn header_of(token: &str) -> Value {
    let header = token.split('.').next().expect("a first part");
    let bytes = trinco_jose::base64url_decode(header).expect("base64url");
    serde_json::from_slice(&bytes).expect("a JSON header")
}

#[tokio::test]
async fn an_organization_token_needs_the_scope_and_membership() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let browser = world.server.browser();
    let without = world.server.sign_in(&browser, client, USER, "openid offline_access", &[]).await;
    let wanted = [("organization_id", world.organization_id.as_str())];
    let answer = world.refresh(client, without.refresh(), &wanted).await.expect(403).json();
    assert_eq!(
        (&answer["error"], &answer["code"]),
        (&json!("insufficient_scope"), &json!("oidc.insufficient_scope"))
    );

    let with =
        world.server.sign_in(&browser, client, USER, SCOPE, &[("resource", ORGANIZATIONS)]).await;
    let other = world.admin.create("/api/organizations", json!({ "name": "Other" })).await;
    let foreign = [("organization_id", text(&other, "/id"))];
    let answer = world.refresh(client, with.refresh(), &foreign).await.expect(403).json();
    assert_eq!(answer["error"], "access_denied");
    let member = format!("/api/organizations/{}/users/{}", world.organization_id, world.user_id);
    world.admin.delete(&member).await.expect(204);
    world.refresh(client, with.refresh(), &wanted).await.expect(403);
}

#[tokio::test]
async fn a_replayed_code_revokes_the_tokens_it_issued() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let browser = world.server.browser();
    let code = browser
        .authorize(&world.server.authorization_url(client.0, "openid offline_access", &[]), USER)
        .await;
    let tokens = Tokens(world.server.exchange(client, &code).await.expect(200).json());
    let replay = world.server.exchange(client, &code).await.expect(400).json();
    assert_eq!(
        (&replay["error"], &replay["code"]),
        (&json!("invalid_grant"), &json!("oidc.invalid_grant"))
    );
    world.refresh(client, tokens.refresh(), &[]).await.expect(400);
    let userinfo =
        browser.request(Method::GET, "/oidc/me").bearer_auth(tokens.access()).send().await.unwrap();
    assert_eq!(userinfo.status(), 401);
}

#[tokio::test]
async fn fifty_parallel_exchanges_of_one_code_issue_tokens_at_most_once() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let browser = world.server.browser();
    let code =
        browser.authorize(&world.server.authorization_url(client.0, "openid", &[]), USER).await;
    let attempts = (0..50).map(|_| world.server.exchange(client, &code));
    let answers = futures_util::future::join_all(attempts).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert!(answers.iter().all(|answer| answer.status == 200 || answer.status == 400));
}

#[tokio::test]
async fn a_stolen_code_is_worth_nothing() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let thief = world.admin.traditional("Thief").await;
    let client = (app.0.as_str(), app.1.as_str());
    let browser = world.server.browser();
    let url = world.server.authorization_url(client.0, "openid", &[]);
    let code = browser.authorize(&url, USER).await;
    world.server.exchange((&thief.0, &thief.1), &code).await.expect(400);
    let verifier = "A".repeat(43);
    for (name, value) in [
        ("code_verifier", verifier.as_str()),
        ("code_verifier", ""),
        ("redirect_uri", "http://localhost:9999/elsewhere"),
    ] {
        let mut form = vec![("grant_type", "authorization_code"), ("code", code.as_str())];
        form.extend([
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", "MYqr0KjZe_7S7nK6qgwyw_grQCU7N6CBnz2B5uLosq8"),
        ]);
        form.retain(|(known, _)| *known != name);
        form.push((name, value));
        assert_eq!(
            world.server.token(client, &form).await.expect(400).json()["error"],
            "invalid_grant"
        );
    }
    // None of that spent it; time does.
    world.server.clock().advance(60);
    world.server.exchange(client, &code).await.expect(400);
    let code = browser.authorize(&url, USER).await;
    world.server.exchange(client, &code).await.expect(200);
}

#[tokio::test]
async fn a_machine_gets_tokens_for_resources_and_its_organizations() {
    let world = World::start().await;
    let machine = world
        .admin
        .create("/api/applications", json!({ "name": "Robot", "type": "MachineToMachine" }))
        .await;
    let id = text(&machine, "/id");
    let secret = world.admin.secret_of(id).await;
    let client = (id, secret.as_str());
    let ask = |more: &'static [(&'static str, &'static str)]| {
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(more);
        form
    };
    let answer = world
        .server
        .token(client, &ask(&[("resource", API), ("scope", "read:orders")]))
        .await
        .expect(200);
    let answer = answer.json();
    assert_eq!(answer["scope"], "", "no role, no scope, and the member is there all the same");
    let claims = Tokens::claims(text(&answer, "/access_token"));
    assert_eq!((&claims["sub"], &claims["aud"]), (&json!(id), &json!(API)));
    assert!(answer.get("refresh_token").is_none() && answer.get("id_token").is_none());

    assert_eq!(
        world.server.token(client, &ask(&[])).await.expect(400).json()["error"],
        "invalid_target"
    );
    let unknown = ask(&[("resource", "https://nowhere.example")]);
    assert_eq!(
        world.server.token(client, &unknown).await.expect(400).json()["error"],
        "invalid_target"
    );
    let mut form = ask(&[]);
    form.push(("organization_id", &world.organization_id));
    assert_eq!(
        world.server.token(client, &form).await.expect(403).json()["error"],
        "access_denied"
    );
    let members = format!("/api/organizations/{}/applications", world.organization_id);
    world.admin.create(&members, json!({ "applicationIds": [id] })).await;
    let answer = world.server.token(client, &form).await.expect(200).json();
    let claims = Tokens::claims(text(&answer, "/access_token"));
    assert_eq!(claims["aud"], format!("urn:logto:organization:{}", world.organization_id));
}

#[tokio::test]
async fn clients_authenticate_by_header_or_body_and_wrong_secrets_are_401() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    let wrong = world.server.token((&app.0, "wrong"), &form).await.expect(401);
    assert!(wrong.header("www-authenticate").starts_with("Basic realm="));
    let body = wrong.json();
    assert_eq!(
        (&body["error"], &body["code"]),
        (&json!("invalid_client"), &json!("oidc.invalid_client"))
    );
    assert!(body["message"].is_string() && body["error_description"].is_string());
    world.server.token(("nosuchclient", "wrong"), &form).await.expect(401);
    world.server.token((&app.0, ""), &form).await.expect(401);

    let in_body =
        [form[0], form[1], ("client_id", app.0.as_str()), ("client_secret", app.1.as_str())];
    let request = world.server.browser().request(Method::POST, "/oidc/token").form(&in_body);
    assert_eq!(Answer::to(request).await.expect(400).json()["error"], "invalid_grant");
    let both = [form[0], form[1], ("client_id", app.0.as_str())];
    assert_eq!(
        world.server.token((&app.0, &app.1), &both).await.expect(400).json()["error"],
        "invalid_grant"
    );
    let json = json!({ "grant_type": "refresh_token", "refresh_token": "x", "client_id": app.0, "client_secret": app.1 });
    let request = world.server.browser().request(Method::POST, "/oidc/token").json(&json);
    assert_eq!(Answer::to(request).await.expect(400).json()["error"], "invalid_grant");

    let unsupported = [("grant_type", "password"), ("username", "a"), ("password", "b")];
    let answer = world.server.token((&app.0, &app.1), &unsupported).await.expect(400).json();
    assert_eq!(answer["error"], "unsupported_grant_type");
    let not_allowed = [("grant_type", "client_credentials"), ("resource", API)];
    assert_eq!(
        world.server.token((&app.0, &app.1), &not_allowed).await.expect(400).json()["error"],
        "invalid_request"
    );
}

#[tokio::test]
async fn introspection_and_revocation_see_opaque_tokens_only() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let other = world.admin.traditional("Other").await;
    let client = (app.0.as_str(), app.1.as_str());
    let resources = [("resource", API)];
    let tokens =
        world.server.sign_in(&world.server.browser(), client, USER, SCOPE, &resources).await;
    let introspect = |client: (String, String), token: String| {
        let server = &world.server;
        async move {
            let form = [("token", token.as_str())];
            server.post_as((&client.0, &client.1), "/oidc/token/introspection", &form).await
        }
    };
    let own = introspect(app.clone(), tokens.refresh().to_owned()).await.expect(200).json();
    assert_eq!(own["active"], true);
    assert_eq!(own["sub"], world.user_id.as_str());
    assert!(text(&own, "/scope").ends_with("read:orders write:orders"), "{own}");
    let access = introspect(app.clone(), tokens.access().to_owned()).await.expect(200).json();
    assert_eq!((&access["active"], &access["token_type"]), (&json!(true), &json!("Bearer")));
    assert_eq!(
        introspect(app.clone(), "unknown".into()).await.expect(200).json(),
        json!({ "active": false })
    );
    let jwt = introspect(app.clone(), tokens.id().to_owned()).await.expect(400).json();
    assert_eq!(jwt["error"], "unsupported_token_type");

    let revoke = |client: (String, String), token: String| {
        let server = &world.server;
        async move {
            let form = [("token", token.as_str())];
            server.post_as((&client.0, &client.1), "/oidc/token/revocation", &form).await
        }
    };
    revoke(other, tokens.refresh().to_owned()).await.expect(200);
    world.refresh(client, tokens.refresh(), &[]).await.expect(200);
    assert_eq!(revoke(app.clone(), tokens.refresh().to_owned()).await.expect(200).text, "");
    world.refresh(client, tokens.refresh(), &[]).await.expect(400);
    assert_eq!(
        introspect(app, tokens.access().to_owned()).await.json(),
        json!({ "active": false })
    );
}

#[tokio::test]
async fn userinfo_wants_a_live_access_token_with_openid() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let browser = world.server.browser();
    let tokens = world.server.sign_in(&browser, client, USER, SCOPE, &[]).await;
    let me = |token: &str| Answer::to(browser.request(Method::POST, "/oidc/me").bearer_auth(token));
    let answer = me(tokens.access()).await.expect(200).json();
    assert_eq!(
        answer["organization_data"],
        json!([{ "id": world.organization_id, "name": "Acme", "description": "A company" }])
    );
    for token in [tokens.refresh(), tokens.id(), "nonsense"] {
        let answer = me(token).await.expect(401);
        assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""));
        assert_eq!(answer.json()["code"], "oidc.invalid_token");
    }
    let none = Answer::to(browser.request(Method::GET, "/oidc/me")).await.expect(401);
    assert_eq!(
        none.header("www-authenticate"),
        format!(
            "Bearer realm=\"{}\", resource_metadata=\"{}/.well-known/oauth-protected-resource/oidc/me\"",
            world.server.issuer(),
            world.server.base()
        )
    );
    world.server.clock().advance(3600);
    me(tokens.access()).await.expect(401);
}

/// RFC 6750 §2.2: Apache's mod_auth_openidc can be told to send it so.
#[tokio::test]
async fn userinfo_takes_the_token_of_a_form_that_comes_without_another() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let browser = world.server.browser();
    let tokens = world.server.sign_in(&browser, (&app.0, &app.1), USER, "openid", &[]).await;
    let form = [("access_token", tokens.access())];
    let post = || browser.request(Method::POST, "/oidc/me").form(&form);
    let answer = Answer::to(post()).await.expect(200);
    assert_eq!(answer.json()["sub"], world.user_id.as_str());
    let twice = Answer::to(post().bearer_auth(tokens.access())).await.expect(400);
    assert!(twice.header("www-authenticate").contains("error=\"invalid_request\""));
    let wrong = browser.request(Method::POST, "/oidc/me").form(&[("access_token", "a b")]);
    assert_eq!(Answer::to(wrong).await.expect(401).json()["error"], "invalid_token");
    let path = format!("/oidc/me?access_token={}", tokens.access());
    for method in [Method::GET, Method::POST] {
        Answer::to(browser.request(method, &path)).await.expect(401);
    }
}

#[tokio::test]
async fn browsers_may_call_from_the_clients_own_origin_only() {
    let world = World::start().await;
    let spa = world.admin.single_page("Page").await;
    let call = |origin: &'static str| {
        let form =
            [("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", spa.as_str())];
        let request =
            world.server.browser().request(Method::POST, "/oidc/token").header("origin", origin);
        Answer::to(request.form(&form))
    };
    let own = call("http://localhost:9999").await.expect(400);
    assert_eq!(own.header("access-control-allow-origin"), "http://localhost:9999");
    assert_eq!(own.json()["error"], "invalid_grant");
    let foreign = call("https://evil.example").await.expect(400);
    assert_eq!(foreign.header("access-control-allow-origin"), "");
    assert_eq!(foreign.json()["error"], "invalid_request");
    let preflight = world
        .server
        .browser()
        .request(Method::OPTIONS, "/oidc/token")
        .header("origin", "http://localhost:9999");
    let preflight = Answer::to(preflight).await.expect(204);
    assert_eq!(preflight.header("access-control-max-age"), "3600");
    let jwks =
        Answer::to(world.server.browser().request(Method::GET, "/oidc/jwks")).await.expect(200);
    assert_eq!(jwks.header("access-control-allow-origin"), "*");
    assert_eq!(jwks.json()["keys"][0]["alg"], "ES384");
}

#[tokio::test]
async fn malformed_and_oversized_requests_get_their_error_and_store_nothing() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let post = |body: String| {
        let request = world
            .server
            .browser()
            .request(Method::POST, "/oidc/token")
            .basic_auth(&app.0, Some(&app.1));
        Answer::to(request.header("content-type", "application/x-www-form-urlencoded").body(body))
    };
    for body in [
        "grant_type=refresh_token&refresh_token=a&refresh_token=b".to_owned(),
        "grant_type=refresh_token&refresh_token=a%00b".to_owned(),
        "grant_type=refresh_token".to_owned(),
        String::new(),
        format!("grant_type=refresh_token&refresh_token={}", "a".repeat(60_000)),
        "%%%=%%%&&&".to_owned(),
    ] {
        let answer = post(body).await.expect(400).json();
        assert_eq!(answer["error"], "invalid_request", "{answer}");
    }
}

#[tokio::test]
async fn the_provider_describes_itself() {
    let world = World::start().await;
    let browser = world.server.browser();
    let document = browser.get("/oidc/.well-known/openid-configuration").await.expect(200).json();
    assert_eq!(document["issuer"], world.server.issuer());
    assert_eq!(document["token_endpoint"], format!("{}/token", world.server.issuer()));
    let rfc8414 =
        browser.get("/oidc/.well-known/oauth-authorization-server").await.expect(200).json();
    assert_eq!(document, rfc8414);
    let admin =
        browser.get("/admin/oidc/.well-known/openid-configuration").await.expect(200).json();
    assert_eq!(admin["issuer"], format!("{}/admin/oidc", world.server.base()));
    // RFC 8414 §3.1: the well-known part goes before the issuer's path.
    for (issuer_path, expected) in [("/oidc", &document), ("/admin/oidc", &admin)] {
        let path = format!("/.well-known/oauth-authorization-server{issuer_path}");
        assert_eq!(&browser.get(&path).await.expect(200).json(), expected);
    }
    assert_ne!(
        browser.get("/admin/oidc/jwks").await.json(),
        browser.get("/oidc/jwks").await.json()
    );
    let tricked = browser
        .request(Method::GET, "/oidc/.well-known/openid-configuration")
        .header("host", "evil.example");
    assert_eq!(Answer::to(tricked).await.json()["issuer"], world.server.issuer());
}
