//! Tokens of the Management API that may do less than everything, and who runs a tenant.

use serde_json::{Value, json};
use trinco_testkit::{Answer, Method, Server, text};

/// A machine that holds these scopes of the Management API, and a token of it.
struct Machine {
    server: Server,
    admin: trinco_testkit::Admin,
    id: String,
    token: String,
}

impl Machine {
    async fn with(scopes: &[&str]) -> Self {
        let server = Server::start().await;
        let admin = server.admin().await;
        let all = admin
            .get("/api/resources/management-api/scopes?page_size=100")
            .await
            .expect(200)
            .json();
        let id_of = |name: &str| {
            let found = all.as_array().expect("a list").iter().find(|scope| scope["name"] == name);
            text(found.unwrap_or_else(|| panic!("no scope {name}")), "/id").to_owned()
        };
        let scope_ids: Vec<String> = scopes.iter().map(|name| id_of(name)).collect();
        let role = json!({ "name": "limited", "description": "Some", "type": "MachineToMachine", "scopeIds": scope_ids });
        let role = text(&admin.create("/api/roles", role).await, "/id").to_owned();
        let new = json!({ "name": "Limited", "type": "MachineToMachine" });
        let id = text(&admin.create("/api/applications", new).await, "/id").to_owned();
        admin.create(&format!("/api/applications/{id}/roles"), json!({ "roleIds": [role] })).await;
        let secret = admin.secret_of(&id).await;
        let scope = scopes.join(" ");
        let form = [
            ("grant_type", "client_credentials"),
            ("resource", "https://default.logto.app/api"),
            ("scope", scope.as_str()),
        ];
        let answer = server.token((&id, &secret), &form).await.expect(200).json();
        assert_eq!(text(&answer, "/scope").split(' ').count(), scopes.len(), "{answer}");
        let token = text(&answer, "/access_token").to_owned();
        Self { server, admin, id, token }
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        let request = self.server.browser().request(method, path).bearer_auth(&self.token);
        Answer::to(if body.is_null() { request } else { request.json(&body) }).await
    }

    async fn get(&self, path: &str) -> u16 {
        self.send(Method::GET, path, Value::Null).await.status.as_u16()
    }

    async fn post(&self, path: &str, body: Value) -> u16 {
        self.send(Method::POST, path, body).await.status.as_u16()
    }
}

#[tokio::test]
async fn a_token_that_reads_sees_everything_but_secrets_and_changes_nothing() {
    let machine = Machine::with(&["read"]).await;
    for path in [
        "/api/users",
        "/api/applications",
        "/api/roles",
        "/api/sign-in-exp",
        "/api/configs/id-token",
    ] {
        assert_eq!(machine.get(path).await, 200, "{path}");
    }
    let secrets = format!("/api/applications/{}/secrets", machine.id);
    for path in [secrets.as_str(), "/api/configs/jwt-customizer"] {
        assert_eq!(machine.get(path).await, 403, "{path}");
    }
    assert_eq!(machine.post("/api/users", json!({ "username": "eve" })).await, 403);
    let refused = machine.send(Method::DELETE, "/api/roles/x", Value::Null).await.expect(403);
    assert_eq!(refused.json()["code"], "auth.forbidden");
}

#[tokio::test]
async fn a_token_for_users_reaches_users_and_nothing_else() {
    let machine = Machine::with(&["write:users"]).await;
    assert_eq!(machine.post("/api/users", json!({ "username": "bob" })).await, 200);
    assert_eq!(machine.get("/api/users").await, 200);
    for path in ["/api/applications", "/api/roles", "/api/organizations", "/api/sign-in-exp"] {
        assert_eq!(machine.get(path).await, 403, "{path}");
    }
    let reader = Machine::with(&["read:users", "write:organizations"]).await;
    assert_eq!(reader.get("/api/users").await, 200);
    assert_eq!(reader.post("/api/users", json!({ "username": "eve" })).await, 403);
    assert_eq!(reader.post("/api/organizations", json!({ "name": "Acme" })).await, 201);
}

#[tokio::test]
async fn a_limited_token_is_no_way_to_more() {
    let machine =
        Machine::with(&["write:applications", "write:roles", "write:organizations"]).await;
    let new = json!({ "name": "Mine", "type": "MachineToMachine" });
    let mine = machine.send(Method::POST, "/api/applications", new).await.expect(200).json();
    let mine = text(&mine, "/id");
    // Its own secrets it may see, those of who manages it may not.
    assert_eq!(machine.get(&format!("/api/applications/{mine}/secrets")).await, 200);
    let manager = machine.id.as_str();
    assert_eq!(machine.get(&format!("/api/applications/{manager}/secrets")).await, 403);
    assert_eq!(
        machine.post(&format!("/api/applications/{manager}/secrets"), json!({ "name": "x" })).await,
        403
    );
    let keys = json!({ "name": "Renamed" });
    let path = format!("/api/applications/{manager}");
    assert_eq!(machine.send(Method::PATCH, &path, keys).await.status, 403);
    // No application becomes an administrator, whatever else is changed with it.
    let path = format!("/api/applications/{mine}");
    for is_admin in [true, false] {
        let changes = json!({ "name": "Renamed", "isAdmin": is_admin });
        let refused = machine.send(Method::PATCH, &path, changes).await.expect(403);
        assert_eq!(refused.json()["code"], "auth.forbidden");
    }
    machine.send(Method::PATCH, &path, json!({ "name": "Renamed" })).await.expect(200);
    // No role that manages comes to an application, and no permission to a role.
    let roles = json!({ "roleIds": ["admin-role"] });
    assert_eq!(machine.post(&format!("/api/applications/{mine}/roles"), roles).await, 403);
    let applications = json!({ "applicationIds": [mine] });
    assert_eq!(machine.post("/api/roles/admin-role/applications", applications).await, 403);
    let role = json!({ "name": "r", "description": "d", "type": "MachineToMachine", "scopeIds": ["management-api-all"] });
    assert_eq!(machine.post("/api/roles", role).await, 403);
    // Nor by way of an organization.
    let role = json!({ "name": "boss", "type": "MachineToMachine", "resourceScopeIds": ["management-api-all"] });
    let refused = machine.send(Method::POST, "/api/organization-roles", role).await;
    assert!(refused.status.is_client_error(), "{} {}", refused.status, refused.text);
    machine.admin.get(&format!("/api/applications/{mine}/roles")).await.expect(200);
}

#[tokio::test]
async fn the_management_api_has_a_scope_for_each_part_of_it() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let all =
        admin.get("/api/resources/management-api/scopes?page_size=100").await.expect(200).json();
    let mut names: Vec<&str> =
        all.as_array().expect("a list").iter().map(|one| text(one, "/name")).collect();
    names.sort_unstable();
    let mut wanted: Vec<String> =
        trinco_core::resources::management::scopes().into_iter().map(|(name, _)| name).collect();
    wanted.sort();
    assert_eq!(names, wanted);
    let metadata =
        server.browser().get("/.well-known/oauth-protected-resource/api").await.expect(200).json();
    assert_eq!(metadata["scopes_supported"].as_array().map(Vec::len), Some(wanted.len()));
}

/// A user of the admin tenant with a role there, and a token of hers for the Management API of the default tenant.
async fn operator(server: &Server, client: &str, name: &str, role_id: &str, scope: &str) -> Value {
    let tenant = server.installation().admin_tenant();
    let new = json!({ "username": name, "password": "correct horse battery" });
    let new = serde_json::from_value(new).expect("a valid body");
    let user = trinco_core::users::create(tenant, new).await.expect("a user");
    trinco_core::roles::users::assign(tenant, &user.id, vec![role_id.to_owned()])
        .await
        .expect("the role");
    let resource = [("resource", "https://default.logto.app/api")];
    let url = server.authorization_url(client, &format!("openid {scope}"), &resource);
    let browser = server.browser();
    let person = (name, "correct horse battery");
    let code = browser.authorize(&format!("/admin{url}"), person).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", trinco_testkit::REDIRECT_URI),
        ("code_verifier", trinco_testkit::VERIFIER),
        resource[0],
    ];
    server.post_as((client, ""), "/admin/oidc/token", &form).await.expect(200).json()
}

#[tokio::test]
async fn several_people_run_a_tenant_each_with_their_own_permissions() {
    let server = Server::start().await;
    let tenant = server.installation().admin_tenant();
    let spa = json!({
        "name": "Console", "type": "SPA", "oidcClientMetadata": {
            "redirectUris": [trinco_testkit::REDIRECT_URI], "postLogoutRedirectUris": [],
        },
    });
    let spa = serde_json::from_value(spa).expect("a valid body");
    let spa = trinco_core::applications::create(tenant, spa).await.expect("an application");
    let role = json!({ "name": "auditor", "description": "Looks", "type": "User", "scopeIds": ["d-read"] });
    let role = serde_json::from_value(role).expect("a valid body");
    let auditor = trinco_core::roles::create(tenant, role).await.expect("a role for people");

    let ask = async |token: &Value, method: Method, path: &str, body: Value| {
        let request = server.browser().request(method, path);
        let request = request.bearer_auth(text(token, "/access_token"));
        Answer::to(if body.is_null() { request } else { request.json(&body) }).await.status.as_u16()
    };
    for name in ["ana", "bia"] {
        let token = operator(&server, &spa.id, name, "default-admin", "all").await;
        assert_eq!(
            text(&token, "/scope").split(' ').filter(|scope| *scope == "all").count(),
            1,
            "{token}"
        );
        let user = json!({ "username": format!("by_{name}") });
        assert_eq!(ask(&token, Method::POST, "/api/users", user).await, 200, "{name}");
        // They run the default tenant, not the one they live in.
        assert_eq!(ask(&token, Method::GET, "/admin/api/users", Value::Null).await, 401);
    }
    let token = operator(&server, &spa.id, "caio", &auditor.id, "all read").await;
    assert_eq!(ask(&token, Method::GET, "/api/users", Value::Null).await, 200);
    assert_eq!(ask(&token, Method::POST, "/api/users", json!({ "username": "eve" })).await, 403);
}

#[tokio::test]
async fn a_person_of_the_default_tenant_never_reaches_its_management_api() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let role = json!({ "name": "boss", "description": "d", "type": "User", "scopeIds": ["management-api-all"] });
    let refused = admin.post("/api/roles", role).await.expect(400).json();
    assert_eq!(refused["code"], "role.management_api_scopes_not_assignable_to_user_role");
    // Nor does a person of the admin tenant come to run the admin tenant.
    let role = json!({ "name": "boss", "description": "d", "type": "User", "scopeIds": ["management-api-all"] });
    let role = serde_json::from_value(role).expect("a valid body");
    let refused = trinco_core::roles::create(server.installation().admin_tenant(), role).await;
    let code = refused.expect_err("it is refused").code();
    assert_eq!(code, Some("role.management_api_scopes_not_assignable_to_user_role"));
}
