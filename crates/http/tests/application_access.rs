//! Who may use an application, how its pages look, how many grants it keeps, and where its answers go: at the door.

use serde_json::{Value, json};
use trinco_testkit::{Answer, Browser, USER, World, hidden, query_of, text};

async fn arrive(browser: &Browser, url: &str) -> Answer {
    let target = browser.get(url).await.location().to_owned();
    if !target.contains("/sign-in?") {
        return browser.get(url).await;
    }
    let xsrf = hidden(&browser.get(&target).await.expect(200).text, "xsrf");
    let form = [("xsrf", xsrf.as_str()), ("identifier", USER.0), ("password", USER.1)];
    let resume = browser.submit(&target, &form).await.location().to_owned();
    browser.get(&resume).await
}

fn rules() -> Value {
    json!({ "userIds": [], "userRoleIds": [], "organizationIds": [], "organizationRoleRules": [] })
}

#[tokio::test]
async fn only_those_a_rule_fits_get_in_once_access_control_is_on() {
    let world = World::start().await;
    let (admin, server) = (&world.admin, &world.server);
    let app = admin.traditional("Vault").await;
    let application = format!("/api/applications/{}", app.0);
    let path = format!("{application}/access-control");
    assert_eq!(admin.get(&path).await.expect(200).json(), rules());
    let switch = json!({ "appLevelAccessControlEnabled": true });
    admin.patch(&application, switch).await.expect(200);

    let shopper = text(&admin.get("/api/roles?search=shopper").await.json(), "/0/id").to_owned();
    let clerk = text(&admin.get("/api/organization-roles").await.json(), "/0/id").to_owned();
    let organization = world.organization_id.as_str();
    let url = server.authorization_url(&app.0, "openid", &[]);
    let browser = server.browser();
    let gets_in = async || {
        let answer = arrive(&browser, &url).await;
        let query = query_of(answer.location());
        if query.contains_key("code") {
            return true;
        }
        assert_eq!((query["error"].as_str(), query["state"].as_str()), ("access_denied", "st-1"));
        false
    };
    assert!(!gets_in().await, "without a rule nobody may");
    let in_organization =
        json!([{ "organizationId": organization, "organizationRoleIds": [clerk] }]);
    for (member, value) in [
        ("userIds", json!([world.user_id, world.user_id])),
        ("userRoleIds", json!([shopper])),
        ("organizationIds", json!([organization])),
        ("organizationRoleRules", in_organization),
    ] {
        let mut body = rules();
        body[member] = value;
        let kept = admin.put(&path, body).await.expect(200).json();
        assert_eq!(kept[member].as_array().unwrap().len(), 1, "{kept}");
        assert_eq!(admin.get(&path).await.expect(200).json(), kept);
        assert!(gets_in().await, "{member}");
        admin.put(&path, rules()).await.expect(200);
        assert!(!gets_in().await, "{member}");
    }
    let silent = server.authorization_url(&app.0, "openid", &[("prompt", "none")]);
    let refused = browser.get(&silent).await;
    assert_eq!(query_of(refused.location())["error"], "access_denied");
    admin.patch(&application, json!({ "appLevelAccessControlEnabled": false })).await.expect(200);
    assert!(gets_in().await, "switched off");
}

#[tokio::test]
async fn losing_access_ends_refreshing_and_the_exchange_of_a_code() {
    let world = World::start().await;
    let (admin, server) = (&world.admin, &world.server);
    let app = admin.traditional("Vault").await;
    let client = (app.0.as_str(), app.1.as_str());
    let application = format!("/api/applications/{}", app.0);
    let path = format!("{application}/access-control");
    let mut body = rules();
    body["organizationIds"] = json!([world.organization_id]);
    admin.put(&path, body).await.expect(200);
    admin.patch(&application, json!({ "appLevelAccessControlEnabled": true })).await.expect(200);
    let browser = server.browser();
    let tokens = server.sign_in(&browser, client, USER, "openid offline_access", &[]).await;
    world.refresh(client, tokens.refresh(), &[]).await.expect(200);
    let code = browser.authorize(&server.authorization_url(client.0, "openid", &[]), USER).await;

    let member = format!("/api/organizations/{}/users/{}", world.organization_id, world.user_id);
    admin.delete(&member).await.expect(204);
    let refused = world.refresh(client, tokens.refresh(), &[]).await.expect(400).json();
    assert_eq!(refused["error"], "access_denied");
    let refused = server.exchange(client, &code).await.expect(400).json();
    assert_eq!(refused["error"], "access_denied");
}

#[tokio::test]
async fn rules_go_with_what_they_name_and_name_only_what_exists() {
    let world = World::start().await;
    let admin = &world.admin;
    let app = admin.traditional("Vault").await.0;
    let path = format!("/api/applications/{app}/access-control");
    let user = admin.user("carol", "a third long password").await;
    let role = json!({ "name": "keeper", "description": "Keeps" });
    let role = admin.create("/api/roles", role).await;
    let organization = admin.create("/api/organizations", json!({ "name": "Gone" })).await;
    let clerk = admin.create("/api/organization-roles", json!({ "name": "janitor" })).await;
    let rule = json!({ "organizationId": world.organization_id, "organizationRoleIds": [text(&clerk, "/id")] });
    let body = json!({
        "userIds": [user], "userRoleIds": [text(&role, "/id")],
        "organizationIds": [text(&organization, "/id")], "organizationRoleRules": [rule],
    });
    assert_eq!(admin.put(&path, body.clone()).await.expect(200).json(), body);
    for gone in [
        format!("/api/users/{user}"),
        format!("/api/roles/{}", text(&role, "/id")),
        format!("/api/organizations/{}", text(&organization, "/id")),
        format!("/api/organization-roles/{}", text(&clerk, "/id")),
    ] {
        admin.delete(&gone).await.expect(204);
    }
    assert_eq!(admin.get(&path).await.expect(200).json(), rules());

    let unknown = admin.put(&path, body).await.expect(422).json();
    assert_eq!(unknown["code"], "entity.relation_foreign_key_not_found");
    admin.put(&path, json!({ "userIds": [] })).await.expect(400);
    let mut empty = rules();
    empty["organizationRoleRules"] =
        json!([{ "organizationId": world.organization_id, "organizationRoleIds": [] }]);
    admin.put(&path, empty).await.expect(400);
    admin.get("/api/applications/nowhere/access-control").await.expect(404);
    admin.put("/api/applications/nowhere/access-control", rules()).await.expect(404);
}

#[tokio::test]
async fn an_applications_own_look_goes_before_the_tenants() {
    let world = World::start().await;
    let (admin, server) = (&world.admin, &world.server);
    let tenant = json!({
        "termsOfUseUrl": "https://tenant.example/terms", "privacyPolicyUrl": "https://tenant.example/privacy",
        "customCss": ".tenant{}",
    });
    admin.patch("/api/sign-in-exp", tenant).await.expect(200);
    let app = admin.traditional("Vault").await.0;
    let path = format!("/api/applications/{app}/sign-in-experience");
    admin.get(&path).await.expect(404);
    let page = async || {
        let browser = server.browser();
        let target =
            browser.get(&server.authorization_url(&app, "openid", &[])).await.location().to_owned();
        browser.get(&target).await.expect(200).text
    };
    let before = page().await;
    assert!(before.contains("Vault") && before.contains("tenant.example/terms"));

    let own = json!({
        "displayName": "The Vault", "termsOfUseUrl": "https://vault.example/terms", "privacyPolicyUrl": null,
        "branding": { "logoUrl": "https://vault.example/logo.png" },
        "color": { "primaryColor": "#8e2b5f" }, "customCss": ".vault{}",
    });
    let kept = admin.put(&path, own.clone()).await.expect(201).json();
    assert_eq!((&kept["displayName"], &kept["applicationId"]), (&json!("The Vault"), &json!(app)));
    assert_eq!(admin.get(&path).await.expect(200).json(), kept);
    let shown = page().await;
    for words in [
        "The Vault",
        "https://vault.example/terms",
        "https://tenant.example/privacy",
        "https://vault.example/logo.png",
        ".vault{}",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(!shown.contains("tenant.example/terms") && !shown.contains(".tenant{}"));
    assert_ne!(
        shown.split("--primary:").nth(1).map(|rest| &rest[..8]),
        before.split("--primary:").nth(1).map(|rest| &rest[..8])
    );
    let plain = json!({ "termsOfUseUrl": "", "privacyPolicyUrl": null });
    assert_eq!(admin.put(&path, plain).await.expect(200).json()["displayName"], Value::Null);
    assert!(page().await.contains("tenant.example/terms"));

    for (member, value) in [
        ("termsOfUseUrl", json!("javascript:alert(1)")),
        ("displayName", json!("x".repeat(257))),
        ("color", json!({ "primaryColor": "red" })),
        ("branding", json!({ "logoUrl": "data:image/png,x" })),
    ] {
        let mut body = own.clone();
        body[member] = value;
        admin.put(&path, body).await.expect(400);
    }
    admin.put("/api/applications/nowhere/sign-in-experience", own).await.expect(404);
}

#[tokio::test]
async fn the_oldest_grants_beyond_the_limit_are_revoked() {
    let world = World::start().await;
    let (admin, server) = (&world.admin, &world.server);
    let app = admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let limit = json!({ "customClientMetadata": { "maxAllowedGrants": 2 } });
    admin.patch(&format!("/api/applications/{}", app.0), limit).await.expect(200);
    let other = admin.traditional("Other").await;
    let untouched = server
        .sign_in(&server.browser(), (&other.0, &other.1), USER, "openid offline_access", &[])
        .await;
    let mut held = Vec::new();
    for _ in 0..4 {
        server.clock().advance(1);
        held.push(
            server.sign_in(&server.browser(), client, USER, "openid offline_access", &[]).await,
        );
    }
    for (index, tokens) in held.iter().enumerate() {
        let status = if index < 2 { 400 } else { 200 };
        world.refresh(client, tokens.refresh(), &[]).await.expect(status);
    }
    world.refresh((&other.0, &other.1), untouched.refresh(), &[]).await.expect(200);
}

#[tokio::test]
async fn wildcards_and_loopback_ports_stay_within_what_was_registered() {
    let world = World::start().await;
    let (admin, server) = (&world.admin, &world.server);
    let metadata = json!({
        "redirectUris": ["https://*.preview.example.com/cb"], "postLogoutRedirectUris": [],
    });
    let body = json!({ "name": "Web", "type": "Traditional", "oidcClientMetadata": metadata });
    let web = text(&admin.create("/api/applications", body).await, "/id").to_owned();
    let metadata = json!({ "redirectUris": ["http://127.0.0.1/cb"], "postLogoutRedirectUris": [] });
    let body = json!({ "name": "Tool", "type": "Native", "oidcClientMetadata": metadata });
    let tool = text(&admin.create("/api/applications", body).await, "/id").to_owned();
    let browser = server.browser();
    let accepted = async |client: &str, uri: &str| {
        let url = server.authorization_url(client, "openid", &[]);
        let (start, _) = url.split_once("redirect_uri=").unwrap();
        let (_, end) = url.split_once("&response_type").unwrap();
        let uri: String = form_urlencoded::byte_serialize(uri.as_bytes()).collect();
        let answer = browser.get(&format!("{start}redirect_uri={uri}&response_type{end}")).await;
        if answer.status == 303 {
            return true;
        }
        assert_eq!(answer.expect(400).header("location"), "", "never redirected");
        false
    };
    for (client, uri, expected) in [
        (&web, "https://pr-12.preview.example.com/cb", true),
        (&web, "https://pr-12.preview.example.com/other", false),
        (&web, "https://preview.example.com/cb", false),
        (&web, "https://a.b.preview.example.com/cb", false),
        (&web, "https://evil.example/?x=.preview.example.com/cb", false),
        (&web, "https://evil.example#.preview.example.com/cb", false),
        (&web, "http://pr-12.preview.example.com/cb", false),
        (&tool, "http://127.0.0.1:51234/cb", true),
        (&tool, "http://127.0.0.1:51234/other", false),
        (&tool, "http://127.0.0.1.evil.example:51234/cb", false),
        (&tool, "http://127.0.0.1:80@evil.example/cb", false),
    ] {
        assert_eq!(accepted(client, uri).await, expected, "{uri}");
    }
}
