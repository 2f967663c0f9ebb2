//! What clients find without being told: issuers (RFC 8414) and protected resources (RFC 9728), at the door.

use serde_json::{Value, json};
use trinco_testkit::{API, Answer, Method, Server, Tokens, USER, World, text};

async fn get(server: &Server, path: &str) -> Answer {
    Answer::to(server.browser().request(Method::GET, path)).await
}

/// The URL that a challenge names.
fn metadata_of(answer: &Answer) -> String {
    let challenge = answer.header("www-authenticate");
    let (_, rest) = challenge.split_once("resource_metadata=\"").unwrap_or_else(|| {
        panic!("no resource_metadata in {challenge}");
    });
    rest.split('"').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn an_issuer_with_a_path_is_found_wherever_a_standard_puts_it() {
    let server = Server::start().await;
    for (mount, issuer) in
        [("", server.issuer()), ("/admin", format!("{}/admin/oidc", server.base()))]
    {
        for path in [
            format!("{mount}/oidc/.well-known/openid-configuration"),
            format!("{mount}/oidc/.well-known/oauth-authorization-server"),
            format!("/.well-known/openid-configuration{mount}/oidc"),
            format!("/.well-known/oauth-authorization-server{mount}/oidc"),
        ] {
            let answer = get(&server, &path).await.expect(200);
            assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
            assert_eq!(answer.json()["issuer"], issuer.as_str(), "{path}");
            assert_eq!(answer.json()["token_endpoint"], format!("{issuer}/token"), "{path}");
        }
    }
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/",
        "/.well-known/oauth-authorization-server/oidc/x",
        "/.well-known/oauth-authorization-server/elsewhere",
        "/.well-known/oauth-authorization-server/administrator/oidc",
    ] {
        get(&server, path).await.expect(404);
    }
}

#[tokio::test]
async fn a_protected_resource_says_who_issues_its_tokens() {
    let server = Server::start().await;
    for (mount, path, call) in [
        ("", "/api", "/api/roles"),
        ("", "/oidc/me", "/oidc/me"),
        ("/admin", "/api", "/api/roles"),
        ("/admin", "/oidc/me", "/oidc/me"),
    ] {
        let refused = get(&server, &format!("{mount}{call}")).await.expect(401);
        let url = metadata_of(&refused);
        let expected =
            format!("{}/.well-known/oauth-protected-resource{mount}{path}", server.base());
        assert_eq!(url, expected);
        let answer = get(&server, url.strip_prefix(server.base()).unwrap()).await.expect(200);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("content-type"), "application/json");
        let document = answer.json();
        // RFC 9728 §3.3: a client drops a document that is about another resource.
        assert_eq!(document["resource"], format!("{}{mount}{path}", server.base()));
        let issuer = format!("{}{mount}/oidc", server.base());
        assert_eq!(document["authorization_servers"], json!([issuer]));
        assert_eq!(document["bearer_methods_supported"], json!(["header"]));
        let empty = |value: &Value| value.is_null() || value == &json!([]) || value == &json!("");
        assert!(!document.as_object().unwrap().values().any(empty), "{document}");
    }
    get(&server, "/.well-known/oauth-protected-resource").await.expect(404);
    get(&server, "/.well-known/oauth-protected-resource/api/roles").await.expect(404);
}

#[tokio::test]
async fn the_management_api_says_what_is_wrong_with_a_token() {
    let world = World::start().await;
    let base = world.server.base();
    let call = async |header: Option<&str>| {
        let request = world.server.browser().request(Method::GET, "/api/roles");
        let request = match header {
            Some(value) => request.header("authorization", value),
            None => request,
        };
        Answer::to(request).await
    };
    let metadata = format!("resource_metadata=\"{base}/.well-known/oauth-protected-resource/api\"");
    let none = call(None).await.expect(401);
    let issuer = world.server.issuer();
    assert_eq!(none.header("www-authenticate"), format!("Bearer realm=\"{issuer}\", {metadata}"));
    let wrong = call(Some("Bearer nonsense")).await.expect(401);
    let challenge = wrong.header("www-authenticate");
    assert!(challenge.contains("error=\"invalid_token\"") && challenge.ends_with(&metadata));

    // A machine that may do nothing.
    let body = json!({ "name": "Idle", "type": "MachineToMachine" });
    let id = text(&world.admin.create("/api/applications", body).await, "/id").to_owned();
    let secret = world.admin.secret_of(&id).await;
    let form =
        [("grant_type", "client_credentials"), ("resource", "https://default.logto.app/api")];
    let token = world.server.token((&id, &secret), &form).await.expect(200).json();
    let idle = call(Some(&format!("Bearer {}", text(&token, "/access_token")))).await.expect(403);
    let challenge = idle.header("www-authenticate");
    assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
    assert!(challenge.contains("scope=\"all\"") && challenge.ends_with(&metadata), "{challenge}");
}

#[tokio::test]
async fn a_resource_of_this_server_can_be_asked_for_by_the_url_it_was_found_at() {
    let world = World::start().await;
    let server = &world.server;
    let body = json!({ "name": "Robot", "type": "MachineToMachine" });
    let id = text(&world.admin.create("/api/applications", body).await, "/id").to_owned();
    let secret = world.admin.secret_of(&id).await;
    let all = json!({ "roleIds": ["management-api-access"] });
    let roles = world.admin.get("/api/roles?type=MachineToMachine").await.json();
    let role = roles.as_array().unwrap().iter().find(|role| role["type"] == "MachineToMachine");
    let all = role.map_or(all, |role| json!({ "roleIds": [role["id"]] }));
    world.admin.create(&format!("/api/applications/{id}/roles"), all).await;
    let url = format!("{}/api", server.base());
    let form = [("grant_type", "client_credentials"), ("resource", url.as_str()), ("scope", "all")];
    let token = server.token((&id, &secret), &form).await.expect(200).json();
    let access = text(&token, "/access_token");
    assert_eq!(Tokens::claims(access)["aud"], "https://default.logto.app/api");
    let request = server.browser().request(Method::GET, "/api/roles").bearer_auth(access);
    Answer::to(request).await.expect(200);
    // The other tenant's is another one.
    let other = format!("{}/admin/api", server.base());
    let form = [("grant_type", "client_credentials"), ("resource", other.as_str())];
    let refused = server.token((&id, &secret), &form).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_target");

    let spa = world.admin.single_page("Page").await;
    let userinfo = format!("{}/me", server.issuer());
    let more = [("resource", userinfo.as_str())];
    let tokens = server.sign_in(&server.browser(), (&spa, ""), USER, "openid profile", &more).await;
    let request = server.browser().request(Method::GET, "/oidc/me").bearer_auth(tokens.access());
    assert_eq!(Answer::to(request).await.expect(200).json()["username"], USER.0);
}

#[tokio::test]
async fn what_a_tenant_registers_under_such_a_url_is_meant_as_it_stands() {
    let world = World::start().await;
    let indicator = format!("{}/api", world.server.base());
    let body = json!({ "name": "Mine", "indicator": indicator });
    world.admin.create("/api/resources", body).await;
    let body = json!({ "name": "Robot", "type": "MachineToMachine" });
    let id = text(&world.admin.create("/api/applications", body).await, "/id").to_owned();
    let secret = world.admin.secret_of(&id).await;
    let form = [("grant_type", "client_credentials"), ("resource", indicator.as_str())];
    let token = world.server.token((&id, &secret), &form).await.expect(200).json();
    assert_eq!(Tokens::claims(text(&token, "/access_token"))["aud"], indicator.as_str());
}

#[tokio::test]
async fn the_developer_of_an_api_gets_the_document_to_publish() {
    let world = World::start().await;
    let resources = world.admin.get("/api/resources").await.expect(200).json();
    let shop = resources.as_array().unwrap().iter().find(|one| one["indicator"] == API).unwrap();
    let path = format!("/api/resources/{}/protected-resource-metadata", text(shop, "/id"));
    let document: Value = world.admin.get(&path).await.expect(200).json();
    assert_eq!(document["resource"], API);
    assert_eq!(document["resource_name"], "Shop");
    assert_eq!(document["authorization_servers"], json!([world.server.issuer()]));
    assert_eq!(document["scopes_supported"], json!(["read:orders", "write:orders"]));
    world.admin.get("/api/resources/nowhere/protected-resource-metadata").await.expect(404);

    // RFC 9728 §3.2: a member without values is left out.
    let body = json!({ "name": "Bare", "indicator": "https://bare.example/api" });
    let bare = world.admin.create("/api/resources", body).await;
    let path = format!("/api/resources/{}/protected-resource-metadata", text(&bare, "/id"));
    let document = world.admin.get(&path).await.expect(200).json();
    assert_eq!(document["resource"], "https://bare.example/api");
    assert!(document.get("scopes_supported").is_none(), "{document}");
}
