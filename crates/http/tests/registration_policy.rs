//! What a tenant allows clients that register themselves, and what it takes to get around that, at the door.

mod guest;
mod registration;

use futures_util::future::join_all;
use guest::{answer, arrive};
use registration::{POLICY, manage, metadata, open_world, refusal, register, with};
use serde_json::{Value, json};
use trinco_core::TokenHash;
use trinco_db::{params, sql};
use trinco_testkit::{API, Answer, Method, REDIRECT_URI, World, query_of, text};

const TOKENS: &str = "/api/configs/dynamic-client-registration/initial-access-tokens";
const URIS: &str = "invalid_redirect_uri";
const METADATA: &str = "invalid_client_metadata";

#[tokio::test]
async fn registration_is_off_until_it_is_switched_on() {
    let world = World::start().await;
    let policy = world.admin.get(POLICY).await.expect(200).json();
    assert_eq!(policy["enabled"], false);
    assert_eq!(policy["requiresInitialAccessToken"], true);
    assert_eq!(policy["redirectUriHosts"], Value::Null);
    assert_eq!(
        (&policy["maxRegistrations"], &policy["maxRegistrationsPerHour"]),
        (&json!(100), &json!(20))
    );
    assert_eq!(policy["unusedTtlInDays"], 30);
    let discovery = async || {
        let path = "/oidc/.well-known/openid-configuration";
        Answer::to(world.server.browser().request(Method::GET, path)).await.expect(200).json()
    };
    assert!(discovery().await.get("registration_endpoint").is_none());
    for token in [None, Some("x")] {
        register(&world, token, &metadata()).await.expect(404);
    }
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let body = metadata();
        manage(&world, method, "client", "token", Some(&body)).await.expect(404);
    }
    world.admin.patch(POLICY, json!({ "enabled": true })).await.expect(200);
    register(&world, None, &metadata()).await.expect(401);

    let world = open_world().await;
    let told = register(&world, None, &metadata()).await.expect(201).json();
    let (client, token) = (text(&told, "/client_id"), text(&told, "/registration_access_token"));
    world.admin.patch(POLICY, json!({ "enabled": false })).await.expect(200);
    manage(&world, Method::GET, client, token, None).await.expect(404);
    // Clients that are here stay.
    let browser = world.server.browser();
    let page = arrive(&browser, &world.server.authorization_url(client, "openid", &[])).await;
    assert!(page.contains("/consent?"), "{page}");
}

#[tokio::test]
async fn an_initial_access_token_is_told_once_counted_and_revoked() {
    let world = open_world().await;
    world.admin.patch(POLICY, json!({ "requiresInitialAccessToken": true })).await.expect(200);
    let missing = register(&world, None, &metadata()).await.expect(401);
    assert_eq!(missing.json()["error"], "invalid_token");
    assert!(missing.header("www-authenticate").starts_with("Bearer realm="));
    register(&world, Some("wrong"), &metadata()).await.expect(401);

    let day = (world.server.clock().now() + 86_400) * 1000;
    let new = json!({ "name": "For the team", "maxUses": 2, "expiresAt": day });
    let created = world.admin.post(TOKENS, new).await.expect(201).json();
    let value = text(&created, "/value").to_owned();
    assert_eq!(value.len(), 43);
    // What is refused does not use it up.
    let bad = with("redirect_uris", json!(["javascript:alert(1)"]));
    register(&world, Some(&value), &bad).await.expect(400);
    register(&world, Some(&value), &metadata()).await.expect(201);
    register(&world, Some(&value), &metadata()).await.expect(201);
    register(&world, Some(&value), &metadata()).await.expect(401);
    let listed = world.admin.get(TOKENS).await.expect(200).json();
    assert_eq!((&listed[0]["uses"], &listed[0]["maxUses"]), (&json!(2), &json!(2)));
    assert!(!listed.to_string().contains(&value), "only the hash is kept");

    let new = json!({ "name": "Short", "expiresAt": day });
    let created = world.admin.post(TOKENS, new).await.expect(201).json();
    let (id, value) = (text(&created, "/id").to_owned(), text(&created, "/value").to_owned());
    register(&world, Some(&value), &metadata()).await.expect(201);
    world.admin.delete(&format!("{TOKENS}/{id}")).await.expect(204);
    world.admin.delete(&format!("{TOKENS}/{id}")).await.expect(404);
    register(&world, Some(&value), &metadata()).await.expect(401);

    let created = world.admin.post(TOKENS, json!({ "name": "Old", "expiresAt": day })).await;
    let value = text(&created.expect(201).json(), "/value").to_owned();
    world.server.clock().advance(86_400);
    register(&world, Some(&value), &metadata()).await.expect(401);
    // One that is presented has to be good, even where none is needed.
    let mut admin = world.admin.clone();
    admin.renew().await;
    admin.patch(POLICY, json!({ "requiresInitialAccessToken": false })).await.expect(200);
    register(&world, Some(&value), &metadata()).await.expect(401);
    register(&world, None, &metadata()).await.expect(201);
    for body in [
        json!({}),
        json!({ "name": "" }),
        json!({ "name": "x", "maxUses": 0 }),
        json!({ "name": "x", "expiresAt": 1 }),
    ] {
        admin.post(TOKENS, body).await.expect(400);
    }
}

#[tokio::test]
async fn redirect_uris_that_run_something_or_lead_anywhere_are_refused() {
    let world = open_world().await;
    for uri in [
        "javascript:alert(document.cookie)",
        "JAVASCRIPT:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://agent.example/x",
        "about:blank",
        "http://agent.example/cb",
        "https://*.agent.example/cb",
        "https://agent.example/*",
        "https://agent.example/cb#fragment",
        "https://user@agent.example/cb",
        "agent:/cb",
        "/cb",
        "",
    ] {
        let body = with("redirect_uris", json!([REDIRECT_URI, uri]));
        assert_eq!(refusal(&world, &body).await, URIS, "{uri}");
        let body = with("post_logout_redirect_uris", json!([uri]));
        assert_eq!(refusal(&world, &body).await, URIS, "{uri}");
    }
    for uris in [json!(null), json!([]), json!("https://agent.example/cb"), json!([["x"]])] {
        assert_eq!(refusal(&world, &with("redirect_uris", uris.clone())).await, URIS, "{uris}");
    }
    assert_eq!(world.admin.get("/api/applications?isThirdParty=true").await.json(), json!([]));
}

#[tokio::test]
async fn metadata_that_cannot_work_is_refused_with_the_codes_of_the_rfc() {
    let world = open_world().await;
    let jwks_uri = json!({ "jwks_uri": "https://agent.example/keys", "token_endpoint_auth_method": "private_key_jwt", "redirect_uris": ["https://agent.example/cb"] });
    for (body, error) in [
        (with("token_endpoint_auth_method", json!("tls_client_auth")), METADATA),
        (with("token_endpoint_auth_method", json!("private_key_jwt")), METADATA),
        (trinco_testkit::changed(metadata(), jwks_uri), METADATA),
        // It would not be read, whether it is needed or not.
        (with("jwks_uri", json!("https://agent.example/keys")), METADATA),
        (with("client_name", json!("\u{3164}")), METADATA),
        (with("client_name", json!("\u{2800}")), METADATA),
        (with("client_name", json!(format!("A{}", "\u{300}".repeat(40)))), METADATA),
        (with("redirect_uris", json!(["http://127.0.0.2/cb"])), URIS),
        (with("grant_types", json!(["client_credentials"])), METADATA),
        (with("grant_types", json!(["implicit"])), METADATA),
        (with("grant_types", json!(["refresh_token"])), METADATA),
        (with("response_types", json!(["token"])), METADATA),
        (with("client_name", json!("x".repeat(129))), METADATA),
        (with("scope", json!("a\\b")), METADATA),
        (with("software_statement", json!("a.b.c")), "unapproved_software_statement"),
        (json!([]), METADATA),
    ] {
        assert_eq!(refusal(&world, &body).await, error, "{body}");
    }
    let private = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": "AA", "d": "AA" }] });
    let shared = json!({ "keys": [{ "kty": "oct", "k": "AA" }] });
    for (method, keys) in
        [("private_key_jwt", &private), ("private_key_jwt", &shared), ("none", &private)]
    {
        let mut body = with("token_endpoint_auth_method", json!(method));
        body["jwks"] = keys.clone();
        body["redirect_uris"] = json!(["https://agent.example/cb"]);
        let refused = register(&world, None, &body).await.expect(400).json();
        assert_eq!(refused["error"], METADATA);
        assert!(text(&refused, "/error_description").contains("public keys only"), "{refused}");
    }
    let mut both = with("jwks", json!({ "keys": [] }));
    both["jwks_uri"] = json!("https://agent.example/keys");
    assert_eq!(refusal(&world, &both).await, METADATA);

    let long = with("padding", json!("x".repeat(16 * 1024)));
    assert_eq!(refusal(&world, &long).await, METADATA);
    let browser = world.server.browser();
    for (content_type, body) in [
        ("text/plain", "{}"),
        ("application/json", "{"),
        ("application/x-www-form-urlencoded", "a=b"),
    ] {
        let request =
            browser.request(Method::POST, "/oidc/register").header("content-type", content_type);
        let answer = Answer::to(request.body(body)).await.expect(400).json();
        assert_eq!(answer["error"], METADATA, "{content_type}");
    }
}

#[tokio::test]
async fn the_policy_says_which_kinds_grants_and_hosts() {
    let world = open_world().await;
    let set = async |changes: Value| {
        world.admin.patch(POLICY, changes).await.expect(200);
    };
    set(json!({ "applicationTypes": ["SPA"] })).await;
    assert_eq!(refusal(&world, &metadata()).await, METADATA);
    set(json!({ "applicationTypes": ["Native", "Traditional"] })).await;
    let web = with("redirect_uris", json!(["https://agent.example/cb"]));
    assert_eq!(refusal(&world, &web).await, METADATA);
    register(&world, None, &metadata()).await.expect(201);

    set(json!({ "applicationTypes": ["Native", "SPA", "Traditional"], "grantTypes": ["authorization_code"] })).await;
    let told = register(&world, None, &metadata()).await.expect(201).json();
    assert_eq!(told["grant_types"], json!(["authorization_code"]));

    set(json!({ "grantTypes": ["authorization_code"], "redirectUriHosts": ["*.agent.example", "cursor:"] })).await;
    for (uri, allowed) in [
        ("https://eu.agent.example/cb", true),
        ("cursor://anysphere.cursor-mcp/cb", true),
        ("https://agent.example/cb", false),
        ("https://eu.agent.example.evil.example/cb", false),
        (REDIRECT_URI, false),
        ("com.example.agent:/cb", false),
    ] {
        let body = with("redirect_uris", json!([uri]));
        let answer = register(&world, None, &body).await;
        assert_eq!(
            answer.status.as_u16(),
            if allowed { 201 } else { 400 },
            "{uri}: {}",
            answer.text
        );
    }
    // With one of these nobody could register, and discovery would say that clients can.
    for (name, value) in [
        ("applicationTypes", json!([])),
        ("grantTypes", json!([])),
        ("grantTypes", json!(["refresh_token"])),
        ("redirectUriHosts", json!([])),
    ] {
        let refused = world.admin.patch(POLICY, json!({ name: value })).await.expect(400).json();
        assert_eq!(refused["data"]["issues"][0]["path"], json!([name]), "{refused}");
    }
    for changes in [
        json!({ "redirectUriHosts": ["*"] }),
        json!({ "redirectUriHosts": ["https://agent.example"] }),
        json!({ "applicationTypes": ["MachineToMachine"] }),
        json!({ "grantTypes": ["client_credentials"] }),
        json!({ "maxRegistrations": 0 }),
        json!({ "maxRegistrationsPerHour": 1001 }),
        json!({ "unusedTtlInDays": 0 }),
        json!({ "enabled": null }),
    ] {
        world.admin.patch(POLICY, changes).await.expect(400);
    }
    let unknown = json!({ "consentScopes": { "resourceScopes": ["nowhere"] } });
    world.admin.patch(POLICY, unknown).await.expect(422);
    let policy = world.admin.get(POLICY).await.expect(200).json();
    assert_eq!(policy["redirectUriHosts"], json!(["*.agent.example", "cursor:"]));
    set(json!({ "redirectUriHosts": null })).await;
    register(&world, None, &metadata()).await.expect(201);
}

#[tokio::test]
async fn a_flood_of_registrations_stops_at_the_limits() {
    let world = open_world().await;
    world
        .admin
        .patch(POLICY, json!({ "maxRegistrationsPerHour": 5, "maxRegistrations": 7 }))
        .await
        .expect(200);
    let flood = async || {
        let body = metadata();
        join_all((0..12).map(|_| register(&world, None, &body))).await
    };
    let answers = flood().await;
    let accepted: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(accepted.len(), 5);
    let refused = answers.iter().find(|answer| answer.status != 201).unwrap();
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["error"]),
        (429, &json!("temporarily_unavailable"))
    );
    // Deleting makes no room within the hour.
    let told = accepted[0].json();
    let (client, token) = (text(&told, "/client_id"), text(&told, "/registration_access_token"));
    manage(&world, Method::DELETE, client, token, None).await.expect(204);
    register(&world, None, &metadata()).await.expect(429);

    world.server.clock().advance(3600);
    let answers = flood().await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 3, "seven in all");
    let full = register(&world, None, &metadata()).await.expect(403).json();
    assert_eq!(full["error"], "access_denied");
}

#[tokio::test]
async fn a_registered_client_cannot_ask_for_the_management_api() {
    let world = open_world().await;
    let scopes = json!({ "consentScopes": { "resourceScopes": ["management-api-all"] } });
    let refused = world.admin.patch(POLICY, scopes).await.expect(422).json();
    assert_eq!(refused["code"], "application.consent_management_api_scopes_not_allowed");
    let told = register(&world, None, &with("scope", json!("openid all"))).await.expect(201).json();
    assert_eq!(told["scope"], "openid offline_access");
    let client = text(&told, "/client_id");

    let management = "https://default.logto.app/api";
    let more = [("resource", management)];
    let browser = world.server.browser();
    let scope = "openid offline_access all";
    let url = world.server.authorization_url(client, scope, &more);
    let refused = Answer::to(browser.request(Method::GET, &url)).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_target");
    let page = arrive(&browser, &world.server.authorization_url(client, scope, &[])).await;
    let target = answer(&browser, &page, "allow", &[]).await.location().to_owned();
    let tokens = world.server.exchange((client, ""), &query_of(&target)["code"]).await;
    let tokens = tokens.expect(200).json();
    let refused = world.refresh((client, ""), text(&tokens, "/refresh_token"), &more).await;
    assert_eq!(refused.expect(400).json()["error"], "invalid_target");
    let request = world.server.browser().request(Method::GET, "/api/users");
    Answer::to(request.bearer_auth(text(&tokens, "/access_token"))).await.expect(401);

    // Nor can it become a machine that needs no user.
    let form = [("grant_type", "client_credentials"), ("resource", management), ("scope", "all")];
    world.server.token((client, ""), &form).await.expect(400);
    let path = format!("/api/applications/{client}");
    world.admin.patch(&path, json!({ "isAdmin": true })).await.expect(422);
}

#[tokio::test]
async fn narrowing_the_policy_narrows_those_who_are_here() {
    let world = open_world().await;
    let told = register(&world, None, &metadata()).await.expect(201).json();
    let (client, token) = (text(&told, "/client_id"), text(&told, "/registration_access_token"));
    let browser = world.server.browser();
    let scope = "openid offline_access profile read:orders";
    let url = world.server.authorization_url(client, scope, &[("resource", API)]);
    let page = arrive(&browser, &url).await;
    let target = answer(&browser, &page, "allow", &[]).await.location().to_owned();
    let tokens = world.server.exchange((client, ""), &query_of(&target)["code"]).await;
    let refresh = text(&tokens.expect(200).json(), "/refresh_token").to_owned();
    let narrower = json!({ "consentScopes": { "userScopes": ["profile"] } });
    world.admin.patch(POLICY, narrower).await.expect(200);
    let answer = world.refresh((client, ""), &refresh, &[("resource", API)]).await.expect(400);
    assert_eq!(answer.json()["error"], "invalid_target");
    let read = manage(&world, Method::GET, client, token, None).await.expect(200).json();
    assert_eq!(read["scope"], "openid offline_access profile");
}

#[tokio::test]
async fn a_registration_access_token_opens_its_own_registration_alone() {
    let world = open_world().await;
    let one = register(&world, None, &metadata()).await.expect(201).json();
    let other = register(&world, None, &metadata()).await.expect(201).json();
    let vetted = world.admin.single_page("Vetted").await;
    let token = text(&one, "/registration_access_token");
    for client in [text(&other, "/client_id"), vetted.as_str(), "nobody", "https%3A%2F%2Fx%2F"] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let body = trinco_testkit::changed(metadata(), json!({ "client_id": client }));
            let answer = manage(&world, method.clone(), client, token, Some(&body)).await;
            assert_eq!(answer.status.as_u16(), 401, "{method} {client}: {}", answer.text);
            assert_eq!(answer.json()["error"], "invalid_token");
        }
    }
    let client = text(&one, "/client_id");
    for wrong in ["", "x", &token[1..]] {
        manage(&world, Method::GET, client, wrong, None).await.expect(401);
    }
    // Nor does the token of a user, or of the Management API.
    manage(&world, Method::GET, client, world.admin.token(), None).await.expect(401);
    manage(&world, Method::GET, client, token, None).await.expect(200);
    let request = world.server.browser().request(Method::GET, "/oidc/me").bearer_auth(token);
    Answer::to(request).await.expect(401);

    let mut conn = world.server.tenant().read().await.unwrap();
    let statement = sql!("SELECT token_hash FROM client_registrations WHERE tenant_id = $1");
    let rows = conn.all(statement, params![]).await.unwrap();
    let kept: Vec<String> = rows.iter().map(|row| row.get(0).unwrap()).collect();
    assert!(kept.contains(&TokenHash::of(token).as_str().to_owned()), "{kept:?}");
    assert!(!kept.iter().any(|kept| kept.contains(token)), "{kept:?}");
}

#[tokio::test]
async fn audience_of_a_strangers_choice_is_refused_where_the_list_does_not_name_it() {
    let world = open_world().await;
    let payroll = json!({ "name": "Payroll", "indicator": "https://payroll.example/" });
    world.admin.create("/api/resources", payroll).await;
    let told = register(&world, None, &metadata()).await.expect(201).json();
    let client = text(&told, "/client_id");
    let management = "https://default.logto.app/api";
    let by_url = format!("{}/api", world.server.base());
    for resource in ["https://payroll.example/", management, &by_url] {
        let more = [("resource", resource)];
        let url = world.server.authorization_url(client, "openid", &more);
        let request = world.server.browser().request(Method::GET, &url);
        assert_eq!(Answer::to(request).await.expect(400).json()["error"], "invalid_target");
    }

    // A grant from when the list was longer gives no tokens for what has been taken off it.
    let browser = world.server.browser();
    let scope = "openid offline_access read:orders";
    let url = world.server.authorization_url(client, scope, &[("resource", API)]);
    let page = arrive(&browser, &url).await;
    let target = answer(&browser, &page, "allow", &[]).await.location().to_owned();
    let code = query_of(&target).remove("code").expect("a code");
    let tokens = world.server.exchange((client, ""), &code).await.expect(200).json();
    let nothing = json!({ "consentScopes": { "userScopes": ["profile"] } });
    world.admin.patch(POLICY, nothing).await.expect(200);
    let more = [("resource", API)];
    let refresh = world.refresh((client, ""), text(&tokens, "/refresh_token"), &more).await;
    assert_eq!(refresh.expect(400).json()["error"], "invalid_target");
}

#[tokio::test]
async fn open_redirect_by_a_registration_of_ones_own_is_refused() {
    let world = open_world().await;
    let told = register(&world, None, &metadata()).await.expect(201).json();
    let client = text(&told, "/client_id");
    // Whatever is wrong with the request is shown here: nobody is sent to the client's place by a link to this server.
    for more in [("code_challenge", "x"), ("response_type", "token"), ("resource", "urn:nobody")] {
        let url = world.server.authorization_url(client, "openid", &[]);
        let url = match more.0 {
            "response_type" => url.replace("response_type=code", "response_type=token"),
            "code_challenge" => url.replace("code_challenge=", "code_challenge=!"),
            _ => world.server.authorization_url(client, "openid", &[more]),
        };
        let page = world.server.browser().get(&url).await.expect(400);
        assert_eq!(page.header("location"), "", "{more:?}");
    }
    // A silent request is answered as the standard has it; the operator's own clients always are.
    let silent = world.server.authorization_url(client, "openid", &[("prompt", "none")]);
    let target = world.server.browser().get(&silent).await.location().to_owned();
    assert_eq!(query_of(&target)["error"], "login_required");
    let vetted = world.admin.single_page("Vetted").await;
    let url = world.server.authorization_url(&vetted, "openid", &[("resource", "urn:nobody")]);
    let target = world.server.browser().get(&url).await.location().to_owned();
    assert_eq!(query_of(&target)["error"], "invalid_target");
    // Nor does signing out lead there without a token of the session.
    let place =
        format!("client_id={client}&post_logout_redirect_uri=http%3A%2F%2Flocalhost%3A9999%2F");
    let page = world.server.browser().get(&format!("/oidc/session/end?{place}")).await;
    assert_eq!(page.header("location"), "");
}

#[tokio::test]
async fn a_credential_that_is_no_bearer_token_or_one_of_two_is_refused() {
    let world = open_world().await;
    let told = register(&world, None, &metadata()).await.expect(201).json();
    let (client, token) = (text(&told, "/client_id"), text(&told, "/registration_access_token"));
    let new = || world.server.browser().request(Method::POST, "/oidc/register").json(&metadata());
    Answer::to(new().basic_auth("x", Some("y"))).await.expect(401);
    Answer::to(new().header("authorization", "Bearer")).await.expect(401);
    let path = format!("/oidc/register/{client}");
    for (one, other) in [(token, "x"), ("x", token), (token, token)] {
        let twice = Answer::to(new().bearer_auth(one).bearer_auth(other)).await.expect(400);
        assert_eq!(twice.json()["error"], "invalid_request");
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let request = world.server.browser().request(method, &path).json(&metadata());
            Answer::to(request.bearer_auth(one).bearer_auth(other)).await.expect(400);
        }
    }
    manage(&world, Method::GET, client, token, None).await.expect(200);
}
