//! Dynamic client registration (RFC 7591) and its management (RFC 7592), at the door.

mod guest;
mod registration;

use guest::{answer, arrive};
use registration::{POLICY, manage, metadata, open_world, register, with};
use serde_json::{Value, json};
use trinco_jose::{Algorithm, SigningKey};
use trinco_testkit::{API, Answer, Method, REDIRECT_URI, Tokens, World, query_of, text};

const SCOPE: &str = "openid offline_access profile email read:orders write:orders all";

async fn discovery(world: &World) -> Value {
    let path = "/.well-known/oauth-authorization-server/oidc";
    Answer::to(world.server.browser().request(Method::GET, path)).await.expect(200).json()
}

async fn allow(world: &World, client: &str, scope: &str, more: &[(&str, &str)]) -> String {
    let browser = world.server.browser();
    let page = arrive(&browser, &world.server.authorization_url(client, scope, more)).await;
    assert!(page.contains("/consent?"), "{page}");
    let target = answer(&browser, &page, "allow", &[]).await.location().to_owned();
    query_of(&target).remove("code").unwrap_or_else(|| panic!("no code: {target}"))
}

#[tokio::test]
async fn a_client_that_registers_is_told_what_it_became_and_works() {
    let world = open_world().await;
    let issuer = world.server.issuer();
    assert_eq!(discovery(&world).await["registration_endpoint"], format!("{issuer}/register"));
    let answer = register(&world, None, &metadata()).await.expect(201);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let told = answer.json();
    let client = text(&told, "/client_id");
    assert!(client.len() == 21 && client.bytes().all(|b| b.is_ascii_alphanumeric()), "{client}");
    assert_eq!(text(&told, "/registration_access_token").len(), 43, "256 bits");
    for (name, value) in [
        ("client_name", json!("Helpful Agent")),
        ("application_type", json!("native")),
        ("redirect_uris", json!([REDIRECT_URI])),
        ("token_endpoint_auth_method", json!("none")),
        ("grant_types", json!(["authorization_code", "refresh_token"])),
        ("response_types", json!(["code"])),
        // Less than it asked for.
        ("scope", json!("openid offline_access profile read:orders")),
        ("registration_client_uri", json!(format!("{issuer}/register/{client}"))),
        ("client_id_issued_at", json!(world.server.clock().now())),
        // Not RS256, which clients expect unless they are told.
        ("id_token_signed_response_alg", json!("ES384")),
    ] {
        assert_eq!(told[name], value, "{name}");
    }
    for name in ["client_secret", "client_secret_expires_at", "logo_uri", "contacts", "software_id"]
    {
        assert!(told.get(name).is_none(), "{name} is not registered, so it is not repeated");
    }

    let browser = world.server.browser();
    let url = world.server.authorization_url(client, SCOPE, &[("resource", API)]);
    let page = browser.get(&url).await.location().to_owned();
    let shown = browser.get(&page).await.expect(200).text;
    assert!(!shown.contains("Helpful Agent"), "nobody has checked the name: {shown}");
    let page = arrive(&browser, &url).await;
    let shown = browser.get(&page).await.expect(200).text;
    assert!(shown.contains("Helpful Agent") && shown.contains("registered itself"), "{shown}");
    assert!(shown.contains("read:orders") && !shown.contains("write:orders"), "{shown}");
    assert!(!shown.contains("email address"), "{shown}");
    assert!(!shown.contains("logo.png") && !shown.contains("dev@agent.example"), "{shown}");
    let target = guest::answer(&browser, &page, "allow", &[]).await.location().to_owned();
    let tokens = world.server.exchange((client, ""), &query_of(&target)["code"]).await;
    let tokens = Tokens(tokens.expect(200).json());
    let header = jsonwebtoken::decode_header(tokens.id()).expect("a header");
    assert_eq!(told["id_token_signed_response_alg"], json!(format!("{:?}", header.alg)));
    let more = [("resource", API)];
    let refreshed = world.refresh((client, ""), tokens.refresh(), &more).await.expect(200).json();
    let claims = Tokens::claims(text(&refreshed, "/access_token"));
    assert_eq!((&claims["aud"], &claims["scope"]), (&json!(API), &json!("read:orders")));

    // An application like others, but for who says what it is.
    let application = world.admin.get(&format!("/api/applications/{client}")).await.expect(200);
    let application = application.json();
    assert_eq!(application["registeredBy"], "registration");
    assert_eq!(
        (&application["isThirdParty"], &application["isAdmin"]),
        (&json!(true), &json!(false))
    );
    let own = world.admin.traditional("Own").await.0;
    let own = world.admin.get(&format!("/api/applications/{own}")).await.expect(200).json();
    assert!(own.get("registeredBy").is_none());
}

#[tokio::test]
async fn a_confidential_client_gets_a_secret_or_uses_its_keys() {
    let world = open_world().await;
    let https = json!(["https://agent.example/cb"]);
    let web = |method: &str| {
        trinco_testkit::changed(
            metadata(),
            json!({ "redirect_uris": https, "token_endpoint_auth_method": method }),
        )
    };
    let mut secrets = Vec::new();
    for method in ["client_secret_basic", "client_secret_post"] {
        let told = register(&world, None, &web(method)).await.expect(201).json();
        assert_eq!(told["token_endpoint_auth_method"], method);
        assert_eq!(told["client_secret_expires_at"], 0);
        let client = (text(&told, "/client_id"), text(&told, "/client_secret"));
        let form = [("token", "x")];
        let path = "/oidc/token/introspection";
        world.server.post_as(client, path, &form).await.expect(200);
        world.server.post_as((client.0, "wrong"), path, &form).await.expect(401);
        secrets.push(client.1.to_owned());
    }
    assert_ne!(secrets[0], secrets[1], "a secret of its own for each client");
    let key = SigningKey::generate(Algorithm::ES256).expect("a key");
    let mut signed = web("private_key_jwt");
    signed["jwks"] = json!({ "keys": [key.public_jwk()] });
    let told = register(&world, None, &signed).await.expect(201).json();
    assert_eq!(told["token_endpoint_auth_method"], "private_key_jwt");
    assert_eq!(told["jwks"]["keys"].as_array().map(Vec::len), Some(1));
    assert!(told.get("client_secret").is_none());
    let client = text(&told, "/client_id");
    let now = world.server.clock().now();
    let claims = json!({
        "iss": client, "sub": client, "aud": world.server.issuer(), "jti": "1", "iat": now, "exp": now + 60,
    });
    let assertion = key.sign_jwt(Some("JWT"), &claims).expect("it signs");
    let form = [
        ("token", "x"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion.as_str()),
    ];
    let request = world.server.browser().request(Method::POST, "/oidc/token/introspection");
    Answer::to(request.form(&form)).await.expect(200);
}

#[tokio::test]
async fn a_client_that_asks_for_no_refresh_tokens_gets_none() {
    let world = open_world().await;
    for grants in [json!(null), json!(["authorization_code"])] {
        let told = register(&world, None, &with("grant_types", grants)).await.expect(201).json();
        assert_eq!(told["grant_types"], json!(["authorization_code"]));
        assert!(!text(&told, "/scope").contains("offline_access"));
        let client = text(&told, "/client_id");
        let code = allow(&world, client, "openid offline_access", &[]).await;
        let tokens = world.server.exchange((client, ""), &code).await.expect(200).json();
        assert!(tokens.get("refresh_token").is_none(), "{tokens}");
    }
}

#[tokio::test]
async fn a_client_looks_after_its_registration() {
    let world = open_world().await;
    let told = register(&world, None, &metadata()).await.expect(201).json();
    let client = text(&told, "/client_id");
    let token = text(&told, "/registration_access_token");
    let read = manage(&world, Method::GET, client, token, None).await.expect(200);
    assert_eq!(read.header("cache-control"), "no-store");
    // RFC 7592 §3: the token and the place it opens are in every answer.
    assert_eq!(read.json(), told);

    let changes = json!({
        "client_id": client, "client_name": "Better Agent", "scope": "openid profile",
        "redirect_uris": ["http://127.0.0.1/cb"], "token_endpoint_auth_method": "none",
    });
    let changed =
        manage(&world, Method::PUT, client, token, Some(&changes)).await.expect(200).json();
    assert_eq!(changed["client_name"], "Better Agent");
    assert_eq!(changed["redirect_uris"], json!(["http://127.0.0.1/cb"]));
    assert_eq!(changed["grant_types"], json!(["authorization_code"]), "left out, so gone");
    assert_eq!(changed["scope"], "openid profile");
    let read = manage(&world, Method::GET, client, token, None).await.expect(200).json();
    assert_eq!(read, changed);

    for (name, value) in [
        ("client_id", json!("another")),
        ("client_id", json!(null)),
        ("registration_access_token", json!(token)),
        ("registration_client_uri", json!("x")),
        ("client_id_issued_at", json!(1)),
        ("client_secret_expires_at", json!(0)),
        ("client_secret", json!("guess")),
        ("redirect_uris", json!(["javascript:alert(1)"])),
        // Another kind of application.
        ("token_endpoint_auth_method", json!("client_secret_basic")),
    ] {
        let body = trinco_testkit::changed(changes.clone(), json!({ name: value }));
        manage(&world, Method::PUT, client, token, Some(&body)).await.expect(400);
    }
    let read = manage(&world, Method::GET, client, token, None).await.expect(200).json();
    assert_eq!(read, changed, "nothing was changed by what was refused");

    manage(&world, Method::DELETE, client, token, None).await.expect(204);
    manage(&world, Method::GET, client, token, None).await.expect(401);
    world.admin.get(&format!("/api/applications/{client}")).await.expect(404);
}

#[tokio::test]
async fn a_client_names_its_secret_but_does_not_choose_it() {
    let world = open_world().await;
    let mut wanted = with("token_endpoint_auth_method", json!("client_secret_basic"));
    wanted["redirect_uris"] = json!(["https://agent.example/cb"]);
    let told = register(&world, None, &wanted).await.expect(201).json();
    let (client, token) = (text(&told, "/client_id"), text(&told, "/registration_access_token"));
    let secret = text(&told, "/client_secret");
    let works = async |secret: &str, status| {
        let path = "/oidc/token/introspection";
        world.server.post_as((client, secret), path, &[("token", "x")]).await.expect(status);
    };
    let update = async |secret: &str, status| {
        let more = json!({ "client_id": client, "client_secret": secret });
        let body = trinco_testkit::changed(wanted.clone(), more);
        manage(&world, Method::PUT, client, token, Some(&body)).await.expect(status).json()
    };
    assert_eq!(update(secret, 200).await["client_secret"], secret);
    update("a secret of my own choice, chosen", 400).await;
    works("a secret of my own choice, chosen", 401).await;
    works(secret, 200).await;

    // Whoever runs the server may replace it by one that expires: the client is told until when.
    let path = format!("/api/applications/{client}/secrets");
    let day = world.server.clock().now() + 86_400;
    let new = json!({ "name": "next", "expiresAt": day * 1000 });
    let next = world.admin.post(&path, new).await.expect(201).json();
    world.admin.delete(&format!("{path}/Default%20secret")).await.expect(204);
    let read = manage(&world, Method::GET, client, token, None).await.expect(200).json();
    let told_of =
        |told: &Value| (told["client_secret"].clone(), told["client_secret_expires_at"].clone());
    assert_eq!(told_of(&read), (next["value"].clone(), json!(day)));
    // The newest is told, while it works.
    world.server.clock().advance(1);
    let newest = world.admin.post(&path, json!({ "name": "newest" })).await.expect(201).json();
    let read = manage(&world, Method::GET, client, token, None).await.expect(200).json();
    assert_eq!(told_of(&read), (newest["value"].clone(), json!(0)));
    world.admin.delete(&format!("{path}/newest")).await.expect(204);
    world.server.clock().advance(86_400);
    let read = manage(&world, Method::GET, client, token, None).await.expect(200).json();
    assert_eq!(told_of(&read), (Value::Null, Value::Null), "it works no more");
}

#[tokio::test]
async fn what_a_registration_cannot_be_asked_for_is_refused_by_its_method() {
    let world = open_world().await;
    let told = register(&world, None, &metadata()).await.expect(201).json();
    let (client, token) = (text(&told, "/client_id"), text(&told, "/registration_access_token"));
    for method in [Method::POST, Method::PATCH] {
        manage(&world, method, client, token, Some(&metadata())).await.expect(405);
    }
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let request = world.server.browser().request(method, "/oidc/register").json(&metadata());
        Answer::to(request).await.expect(405);
    }
    manage(&world, Method::GET, client, token, None).await.expect(200);
}

#[tokio::test]
async fn a_native_application_may_claim_https_addresses() {
    let world = open_world().await;
    let mut body = with("application_type", json!("native"));
    body["redirect_uris"] = json!([REDIRECT_URI, "https://agent.example/cb"]);
    let told = register(&world, None, &body).await.expect(201).json();
    assert_eq!(told["application_type"], "native");
    assert_eq!(told["token_endpoint_auth_method"], "none");
    // One that does not say what it is is taken for what its redirect URIs make it.
    let told = register(&world, None, &with("application_type", json!(null))).await.expect(201);
    assert_eq!(told.json()["application_type"], "native");
    let https = with("redirect_uris", json!(["https://agent.example/cb"]));
    let told = register(&world, None, &https).await.expect(201);
    assert_eq!(told.json()["application_type"], "web");
}

#[tokio::test]
async fn deleting_a_registration_takes_every_token_with_it() {
    let world = open_world().await;
    let told = register(&world, None, &metadata()).await.expect(201).json();
    let (client, token) = (text(&told, "/client_id"), text(&told, "/registration_access_token"));
    let code = allow(&world, client, "openid offline_access", &[]).await;
    let tokens = Tokens(world.server.exchange((client, ""), &code).await.expect(200).json());
    manage(&world, Method::DELETE, client, token, None).await.expect(204);
    world.refresh((client, ""), tokens.refresh(), &[]).await.expect(401);
    let request = world.server.browser().request(Method::GET, "/oidc/me");
    Answer::to(request.bearer_auth(tokens.access())).await.expect(401);
    let url = world.server.authorization_url(client, "openid", &[]);
    let refused = Answer::to(world.server.browser().request(Method::GET, &url)).await.expect(400);
    assert_eq!(refused.json()["error"], "invalid_client");
}

#[tokio::test]
async fn one_that_nobody_uses_is_deleted_and_one_in_use_stays() {
    let world = open_world().await;
    world.admin.patch(POLICY, json!({ "unusedTtlInDays": 2 })).await.expect(200);
    let idle = register(&world, None, &metadata()).await.expect(201).json();
    let used = register(&world, None, &metadata()).await.expect(201).json();
    let token = text(&idle, "/registration_access_token");
    let (idle, used) = (text(&idle, "/client_id"), text(&used, "/client_id"));
    let code = allow(&world, used, "openid offline_access", &[]).await;
    let tokens = Tokens(world.server.exchange((used, ""), &code).await.expect(200).json());
    let tenant = world.server.tenant();
    let sweep = async || {
        while trinco_core::retention::sweep(tenant, &trinco_core::retention::Policy::default(), 100)
            .await
            .expect("it sweeps")
            > 0
        {}
    };
    let exists = async |id: &str| {
        let found = trinco_core::applications::find(tenant, id).await.expect("it answers");
        found.is_some()
    };
    world.server.clock().advance(86_400);
    sweep().await;
    assert!(exists(idle).await && exists(used).await);
    world.server.clock().advance(86_400);
    sweep().await;
    assert!(!exists(idle).await && exists(used).await);
    manage(&world, Method::GET, idle, token, None).await.expect(401);
    world.refresh((used, ""), tokens.refresh(), &[]).await.expect(200);
    // When the last grant has ended, and the time is over since the last sign-in.
    world.server.clock().advance(181 * 86_400);
    sweep().await;
    assert!(!exists(used).await);
}

#[tokio::test]
async fn a_client_that_another_node_has_just_deleted_is_unknown() {
    let world = open_world().await;
    let told = register(&world, None, &metadata()).await.expect(201).json();
    let (client, token) = (text(&told, "/client_id"), text(&told, "/registration_access_token"));
    let other = world.server.second_node().await;
    let url = other.authorization_url(client, "openid", &[]);
    let waiting = other.browser();
    let page = arrive(&waiting, &url).await;
    assert!(page.contains("/consent?"), "{page}");
    manage(&world, Method::DELETE, client, token, None).await.expect(204);
    // The other node has not heard of it.
    let refused = Answer::to(other.browser().request(Method::GET, &url)).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_client", "{refused}");
    assert!(other.browser().get(&url).await.expect(400).text.contains("is not set up here"));
    waiting.get(&url).await.expect(400);
    waiting.get(&page).await.expect(404);
}

/// RFC 6749 §10.1: whatever it asks for.
#[tokio::test]
async fn a_native_application_that_asks_for_a_secret_gets_none() {
    let world = open_world().await;
    for method in ["client_secret_basic", "client_secret_post"] {
        let mut body = with("application_type", json!("native"));
        body["token_endpoint_auth_method"] = json!(method);
        let told = register(&world, None, &body).await.expect(201).json();
        assert_eq!(told["token_endpoint_auth_method"], "none", "{method}");
        assert!(told.get("client_secret").is_none(), "{method}");
    }
}
