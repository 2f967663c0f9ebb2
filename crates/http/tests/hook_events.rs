//! What webhooks are told of, and what they are told, at the door.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod receiver;

use receiver::{Receiver, deliver};
use serde_json::{Value, json};
use trinco_core::declared;
use trinco_core::hooks::Event;
use trinco_testkit::{Admin, Method, Server, USER, World, hidden, query_of, text};

/// A receiver that is told everything.
async fn all_ears(admin: &Admin) -> Receiver {
    let receiver = Receiver::start().await;
    let events: Vec<&str> = Event::ALL.iter().map(|event| event.name()).collect();
    receiver.hook(admin, &events).await;
    receiver
}

/// Does something, and returns the one event it raises.
struct Told<'a> {
    server: &'a Server,
    admin: &'a Admin,
    receiver: &'a Receiver,
}

impl Told<'_> {
    async fn of(&self, method: Method, path: &str, body: Value) -> (Value, Vec<Value>) {
        self.server.clock().advance(1);
        let answer = self.admin.send(method.clone(), path, &body).await;
        assert!(answer.status.is_success(), "{method} {path}: {} {}", answer.status, answer.text);
        deliver(self.server).await;
        let told = self.receiver.bodies();
        let status = answer.status.as_u16();
        for event in &told {
            let call = (&event["method"], &event["path"], &event["status"]);
            let below = path.strip_prefix("/api").unwrap();
            assert_eq!(call, (&json!(method.as_str()), &json!(below), &json!(status)), "{event}");
            assert_eq!(event["ip"], "127.0.0.1");
        }
        let answer = if answer.text.is_empty() { Value::Null } else { answer.json() };
        (answer, told)
    }

    /// As [`Told::of`], where there is one event, about what was answered.
    async fn one(&self, name: &str, method: Method, path: &str, body: Value) -> Value {
        let (answer, told) = self.of(method, path, body).await;
        let names: Vec<&Value> = told.iter().map(|event| &event["event"]).collect();
        assert_eq!(names, [name], "{path}");
        match answer {
            Value::Null => assert!(told[0].get("data").is_none(), "{}", told[0]),
            _ => assert_eq!(told[0]["data"], answer),
        }
        told[0].clone()
    }
}

fn id(event: &Value) -> String {
    text(event, "/data/id").to_owned()
}

#[tokio::test]
async fn roles_and_permissions_tell_of_every_change() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let receiver = all_ears(&admin).await;
    let told = Told { server: &server, admin: &admin, receiver: &receiver };
    let (post, patch, delete) = (Method::POST, Method::PATCH, Method::DELETE);

    let shop = json!({ "name": "Shop", "indicator": "https://shop.example" });
    let (shop, nothing) = told.of(post.clone(), "/api/resources", shop).await;
    assert!(nothing.is_empty());
    let scopes = format!("/api/resources/{}/scopes", text(&shop, "/id"));
    let new = json!({ "name": "read:orders" });
    let scope = told.one("Scope.Created", post.clone(), &scopes, new).await;
    assert_eq!(scope["matchedRoute"], "/resources/:resourceId/scopes");
    assert_eq!(scope["params"], json!({ "resourceId": shop["id"] }));
    let scope_id = id(&scope);
    let path = format!("{scopes}/{scope_id}");
    let changes = json!({ "description": "See orders" });
    told.one("Scope.Data.Updated", patch.clone(), &path, changes).await;

    let new = json!({ "name": "clerk", "description": "x", "scopeIds": [scope_id] });
    let (role, events) = told.of(post.clone(), "/api/roles", new).await;
    let mut names: Vec<&str> = events.iter().map(|event| text(event, "/event")).collect();
    names.sort_unstable();
    assert_eq!(names, ["Role.Created", "Role.Scopes.Updated"]);
    let scopes_told = events.iter().find(|event| event["event"] == "Role.Scopes.Updated").unwrap();
    assert_eq!(
        (&scopes_told["roleId"], &scopes_told["data"][0]["id"]),
        (&role["id"], &json!(scope_id))
    );

    let role = format!("/api/roles/{}", text(&role, "/id"));
    told.one("Role.Data.Updated", patch, &role, json!({ "description": "y" })).await;
    let of_role = format!("{role}/scopes");
    let one = format!("{of_role}/{scope_id}");
    let gone = told.one("Role.Scopes.Updated", delete.clone(), &one, Value::Null).await;
    assert_eq!(gone["matchedRoute"], "/roles/:id/scopes/:scopeId");
    let ids = json!({ "scopeIds": [scope_id] });
    let given = told.one("Role.Scopes.Updated", post, &of_role, ids).await;
    assert_eq!(given["data"][0]["name"], "read:orders");
    told.one("Role.Deleted", delete.clone(), &role, Value::Null).await;
    told.one("Scope.Deleted", delete, &path, Value::Null).await;
}

#[tokio::test]
async fn the_organization_template_tells_of_every_change() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let receiver = all_ears(&admin).await;
    let told = Told { server: &server, admin: &admin, receiver: &receiver };
    let (post, patch, put, delete) = (Method::POST, Method::PATCH, Method::PUT, Method::DELETE);

    let scopes = "/api/organization-scopes";
    let scope =
        told.one("OrganizationScope.Created", post.clone(), scopes, json!({ "name": "a:b" })).await;
    let scope = id(&scope);
    let path = format!("{scopes}/{scope}");
    let changes = json!({ "description": "x" });
    told.one("OrganizationScope.Data.Updated", patch.clone(), &path, changes).await;

    let roles = "/api/organization-roles";
    let role =
        told.one("OrganizationRole.Created", post.clone(), roles, json!({ "name": "clerk" })).await;
    let role = format!("{roles}/{}", id(&role));
    let changes = json!({ "description": "x" });
    told.one("OrganizationRole.Data.Updated", patch, &role, changes).await;
    let of_role = format!("{role}/scopes");
    let ids = json!({ "organizationScopeIds": [scope] });
    for method in [post.clone(), put] {
        told.one("OrganizationRole.Scopes.Updated", method, &of_role, ids.clone()).await;
    }
    let one = format!("{of_role}/{scope}");
    let gone = told.one("OrganizationRole.Scopes.Updated", delete.clone(), &one, Value::Null).await;
    assert_eq!(gone["params"]["organizationScopeId"], json!(scope));
    let with_scope = json!({ "name": "boss", "organizationScopeIds": [scope] });
    let (boss, events) = told.of(post, roles, with_scope).await;
    assert_eq!(events.len(), 2);
    let scopes_told =
        events.iter().find(|event| event["event"] == "OrganizationRole.Scopes.Updated").unwrap();
    assert_eq!(scopes_told["organizationRoleId"], boss["id"]);
    told.one("OrganizationRole.Deleted", delete.clone(), &role, Value::Null).await;
    told.one("OrganizationScope.Deleted", delete, &path, Value::Null).await;
}

#[tokio::test]
async fn organizations_tell_who_came_and_who_went() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let ana = admin.user("ana", "correct horse battery").await;
    let bia = admin.user("bia", "correct horse battery").await;
    let machine = json!({ "name": "Robot", "type": "MachineToMachine" });
    let machine = text(&admin.create("/api/applications", machine).await, "/id").to_owned();
    let receiver = all_ears(&admin).await;
    let told = Told { server: &server, admin: &admin, receiver: &receiver };
    let (post, patch, put, delete) = (Method::POST, Method::PATCH, Method::PUT, Method::DELETE);

    let path = "/api/organizations";
    let acme =
        told.one("Organization.Created", post.clone(), path, json!({ "name": "Acme" })).await;
    let acme = id(&acme);
    let path = format!("{path}/{acme}");
    told.one("Organization.Data.Updated", patch, &path, json!({ "name": "Acme Ltd" })).await;

    let membership = async |method: Method, path: &str, body: Value| {
        let (_, mut events) = told.of(method, path, body).await;
        assert_eq!(events.len(), 1);
        let event = events.remove(0);
        assert_eq!(event["event"], "Organization.Membership.Updated");
        assert_eq!(event["organizationId"], json!(acme));
        assert!(event.get("data").is_none());
        let lists =
            ["addedUserIds", "removedUserIds", "addedApplicationIds", "removedApplicationIds"];
        let there = lists.into_iter().filter(|name| event.get(*name).is_some());
        there.map(|name| (name, event[name].clone())).collect::<Vec<_>>()
    };
    let users = format!("{path}/users");
    let delta = membership(post.clone(), &users, json!({ "userIds": [ana] })).await;
    assert_eq!(delta, [("addedUserIds", json!([ana]))]);
    let delta = membership(post.clone(), &users, json!({ "userIds": [ana] })).await;
    assert_eq!(delta, []);
    let delta = membership(put.clone(), &users, json!({ "userIds": [bia] })).await;
    assert_eq!(delta, [("addedUserIds", json!([bia])), ("removedUserIds", json!([ana]))]);
    let delta = membership(delete.clone(), &format!("{users}/{bia}"), Value::Null).await;
    assert_eq!(delta, [("removedUserIds", json!([bia]))]);
    let applications = format!("{path}/applications");
    let ids = json!({ "applicationIds": [machine] });
    let delta = membership(post, &applications, ids).await;
    assert_eq!(delta, [("addedApplicationIds", json!([machine]))]);
    let delta = membership(put, &applications, json!({ "applicationIds": [] })).await;
    assert_eq!(delta, [("removedApplicationIds", json!([machine]))]);
    told.one("Organization.Deleted", delete, &path, Value::Null).await;
}

#[tokio::test]
async fn users_tell_of_every_change_and_never_of_what_is_secret() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let receiver = all_ears(&admin).await;
    let told = Told { server: &server, admin: &admin, receiver: &receiver };
    let user = json!({ "username": "ana", "password": "correct horse battery" });
    let (_, events) = told.of(Method::POST, "/api/users", user).await;
    assert_eq!(events[0]["event"], "User.Created");
    let data = events[0]["data"].as_object().unwrap();
    assert_eq!(data["username"], "ana");
    assert!(!data.contains_key("hasPassword"));
    let id = text(&events[0], "/data/id").to_owned();
    let path = format!("/api/users/{id}");
    for (below, body, event) in [
        ("", json!({ "name": "Ana" }), "User.Data.Updated"),
        ("/custom-data", json!({ "customData": { "plan": "gold" } }), "User.Data.Updated"),
        ("/profile", json!({ "profile": { "nickname": "A" } }), "User.Data.Updated"),
        ("/password", json!({ "password": "another good one" }), "User.Data.Updated"),
        ("/is-suspended", json!({ "isSuspended": true }), "User.SuspensionStatus.Updated"),
    ] {
        let (_, events) = told.of(Method::PATCH, &format!("{path}{below}"), body).await;
        assert_eq!(events.len(), 1, "{below}");
        assert_eq!((&events[0]["event"], &events[0]["data"]["id"]), (&json!(event), &json!(id)));
        assert_eq!(events[0]["matchedRoute"], format!("/users/:userId{below}"));
        assert!(!events[0].to_string().contains("another good one"));
    }
    let gone = told.one("User.Deleted", Method::DELETE, &path, Value::Null).await;
    assert_eq!(gone["params"], json!({ "userId": id }));
}

#[tokio::test]
async fn people_who_sign_up_and_in_are_told_of_with_their_application() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let all = json!({ "signInMode": "SignInAndRegister" });
    world.admin.patch("/api/sign-in-exp", all).await.expect(200);
    let receiver = all_ears(&world.admin).await;
    let browser = world.server.browser();
    world.server.sign_in(&browser, (&app.0, &app.1), USER, "openid", &[]).await;
    deliver(&world.server).await;
    let told = receiver.bodies();
    assert_eq!(told.len(), 1);
    let event = &told[0];
    assert_eq!(event["event"], "PostSignIn");
    assert_eq!(
        (&event["interactionEvent"], &event["userIp"]),
        (&json!("SignIn"), &json!("127.0.0.1"))
    );
    assert_eq!(
        (&event["userId"], &event["user"]["username"]),
        (&json!(world.user_id), &json!(USER.0))
    );
    assert_eq!(event["applicationId"], json!(app.0));
    let application = json!({
        "id": app.0, "type": "Traditional", "name": "Shop", "description": event["application"]["description"],
    });
    assert_eq!(event["application"], application);
    let session = text(event, "/sessionId");
    assert!(!session.is_empty() && event.get("path").is_none() && event.get("ip").is_none());

    let browser = world.server.browser();
    let url = world.server.authorization_url(&app.0, "openid", &[]);
    let page = browser.get(&url).await.location().replace("/sign-in?", "/register?");
    let xsrf = hidden(&browser.get(&page).await.expect(200).text, "xsrf");
    let form = [
        ("xsrf", xsrf.as_str()),
        ("identifier", "newcomer"),
        ("password", "correct horse battery"),
    ];
    let resumed = browser.submit(&page, &form).await.location().to_owned();
    assert!(query_of(browser.get(&resumed).await.location()).contains_key("code"));
    deliver(&world.server).await;
    let mut told = receiver.bodies();
    told.sort_by_key(|event| text(event, "/event").to_owned());
    let names: Vec<&str> = told.iter().map(|event| text(event, "/event")).collect();
    assert_eq!(names, ["PostRegister", "User.Created"]);
    assert_eq!(told[0]["interactionEvent"], "Register");
    assert_eq!(told[0]["userId"], told[1]["data"]["id"]);
    assert_eq!(told[1]["data"]["username"], "newcomer");
    assert_eq!(
        (&told[1]["interactionEvent"], &told[1]["applicationId"]),
        (&json!("Register"), &json!(app.0))
    );
}

#[tokio::test]
async fn a_lockout_is_told_once_with_what_was_typed() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let policy = json!({ "sentinelPolicy": { "maxAttempts": 2, "lockoutDuration": 10 } });
    world.admin.patch("/api/sign-in-exp", policy).await.expect(200);
    let receiver = all_ears(&world.admin).await;
    let browser = world.server.browser();
    let page = browser.get(&world.server.authorization_url(&app.0, "openid", &[])).await;
    let page = page.location().to_owned();
    let xsrf = hidden(&browser.get(&page).await.expect(200).text, "xsrf");
    for _ in 0..4 {
        let form = [("xsrf", xsrf.as_str()), ("identifier", USER.0), ("password", "a wrong one")];
        browser.submit(&page, &form).await.expect(422);
    }
    deliver(&world.server).await;
    let told = receiver.bodies();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["event"], "Identifier.Lockout");
    assert_eq!((&told[0]["type"], &told[0]["value"]), (&json!("username"), &json!(USER.0)));
    assert_eq!((&told[0]["ip"], &told[0]["applicationId"]), (&json!("127.0.0.1"), &json!(app.0)));
    assert!(!told[0].to_string().contains("a wrong one"));
}

#[tokio::test]
async fn a_grant_that_gives_way_to_a_newer_one_is_told() {
    let world = World::start().await;
    let app = world.admin.traditional("Shop").await;
    let most = json!({ "customClientMetadata": { "maxAllowedGrants": 1 } });
    world.admin.patch(&format!("/api/applications/{}", app.0), most).await.expect(200);
    let receiver = Receiver::start().await;
    receiver.hook(&world.admin, &["Grant.LimitExceeded"]).await;
    for _ in 0..2 {
        world.server.clock().advance(1);
        let browser = world.server.browser();
        world.server.sign_in(&browser, (&app.0, &app.1), USER, "openid", &[]).await;
    }
    deliver(&world.server).await;
    let told = receiver.bodies();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["userId"], json!(world.user_id));
    assert_eq!(told[0]["applicationId"], json!(app.0));
    assert_eq!(told[0]["maxAllowedGrants"], 1);
    assert_eq!(told[0]["preRevocationActiveGrantCount"], 2);
    assert_eq!(told[0]["revokedGrantIds"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_file_changes_is_told_without_a_call() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let receiver = all_ears(&admin).await;
    let apply = async |file: &str| {
        let file = format!("version: 1\n{file}");
        let plan = declared::plan(server.tenant(), &file, false).await.unwrap();
        declared::carry_out(server.tenant(), &plan, &|| false).await.unwrap();
        deliver(&server).await;
        let mut told = receiver.bodies();
        told.sort_by_key(|event| text(event, "/event").to_owned());
        assert!(told.iter().all(|event| event.get("path").is_none() && event.get("ip").is_none()));
        told
    };
    let file = "users:\n  - id: ana\n    username: ana\n\
                organizations:\n  - id: acme\n    name: Acme\n    users:\n      - id: ana\n";
    let told = apply(file).await;
    let names: Vec<&str> = told.iter().map(|event| text(event, "/event")).collect();
    assert_eq!(names, ["Organization.Created", "Organization.Membership.Updated", "User.Created"]);
    assert_eq!(
        (&told[0]["data"]["id"], &told[0]["data"]["name"]),
        (&json!("acme"), &json!("Acme"))
    );
    assert_eq!(
        (&told[1]["organizationId"], &told[1]["addedUserIds"]),
        (&json!("acme"), &json!(["ana"]))
    );
    assert_eq!(told[2]["data"]["username"], "ana");
    let told = apply("users:\n  - id: ana\n    name: Ana\n").await;
    let names: Vec<&str> = told.iter().map(|event| text(event, "/event")).collect();
    assert_eq!(names, ["User.Data.Updated"]);
    assert_eq!(told[0]["data"]["name"], "Ana");
}
