//! `/api/roles`, `/api/users/{userId}/roles` and `/api/applications/{applicationId}/roles`, at the door.

use serde_json::{Value, json};
use trinco_testkit::{Admin, Answer, Server, text};

async fn role(admin: &Admin, name: &str, kind: &str) -> String {
    let body = json!({ "name": name, "description": "A role", "type": kind });
    text(&admin.create("/api/roles", body).await, "/id").to_owned()
}

async fn scope(admin: &Admin, name: &str) -> String {
    let all = admin.get("/api/resources").await.json();
    let shop = all.as_array().expect("a list").iter().find(|one| one["name"] == "Shop").cloned();
    let shop = match shop {
        Some(shop) => shop,
        None => {
            admin
                .create(
                    "/api/resources",
                    json!({ "name": "Shop", "indicator": "https://shop.example" }),
                )
                .await
        }
    };
    let path = format!("/api/resources/{}/scopes", text(&shop, "/id"));
    text(&admin.create(&path, json!({ "name": name })).await, "/id").to_owned()
}

async fn machine(admin: &Admin, name: &str) -> String {
    let body = json!({ "name": name, "type": "MachineToMachine" });
    text(&admin.create("/api/applications", body).await, "/id").to_owned()
}

fn ids(answer: Answer) -> Vec<String> {
    let list = answer.expect(200).json();
    let mut ids: Vec<String> =
        list.as_array().expect("a list").iter().map(|one| text(one, "/id").to_owned()).collect();
    ids.sort();
    ids
}

fn sorted<const N: usize>(ids: [&String; N]) -> Vec<String> {
    let mut ids: Vec<String> = ids.into_iter().cloned().collect();
    ids.sort();
    ids
}

fn code(answer: Answer, status: u16) -> String {
    text(&answer.expect(status).json(), "/code").to_owned()
}

#[tokio::test]
async fn a_role_is_created_read_changed_and_deleted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let scope_id = scope(&admin, "read:orders").await;
    let body = json!({ "name": "clerk", "description": "Sees orders", "scopeIds": [scope_id] });
    let created = admin.post("/api/roles", body.clone()).await.expect(200).json();
    let id = text(&created, "/id").to_owned();
    assert_eq!(
        created,
        json!({
            "tenantId": "default", "id": id, "name": "clerk", "description": "Sees orders",
            "type": "User", "isDefault": false,
        })
    );
    assert_eq!(code(admin.post("/api/roles", body).await, 422), "role.name_in_use");
    let path = format!("/api/roles/{id}");
    let held = admin.get(&format!("{path}/scopes")).await.expect(200).json();
    assert_eq!((&held[0]["id"], &held[0]["resource"]["name"]), (&json!(scope_id), &json!("Shop")));

    let changed = admin.patch(&path, json!({ "isDefault": true })).await.expect(200).json();
    assert_eq!((&changed["name"], &changed["isDefault"]), (&json!("clerk"), &json!(true)));
    assert_eq!(admin.get(&path).await.expect(200).json(), changed);
    role(&admin, "other", "User").await;
    assert_eq!(code(admin.patch(&path, json!({ "name": "other" })).await, 422), "role.name_in_use");
    admin.delete(&path).await.expect(204);
    admin.get(&path).await.expect(404);
    admin.delete(&path).await.expect(404);
}

#[tokio::test]
async fn a_role_with_an_unknown_scope_is_not_created() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let body = json!({ "name": "clerk", "description": "Sees orders", "scopeIds": ["nowhere"] });
    assert_eq!(code(admin.post("/api/roles", body).await, 404), "entity.not_exists_with_id");
    assert_eq!(admin.get("/api/roles?search=clerk").await.expect(200).header("total-number"), "0");
}

#[tokio::test]
async fn internal_roles_are_hidden_and_left_alone() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let listed = admin.get("/api/roles").await.expect(200);
    assert_eq!(listed.header("total-number"), "1");
    assert_eq!(listed.json()[0]["name"], "Logto Management API access");
    let path = "/api/roles/admin-role";
    let application = machine(&admin, "Robot").await;
    let imitation = json!({ "name": "#internal:mine", "description": "x" });
    for refused in [
        admin.patch(path, json!({ "name": "mine" })).await,
        admin.delete(path).await,
        admin.post("/api/roles", imitation).await,
        admin.delete(&format!("{path}/scopes/management-api-all")).await,
        admin
            .post(&format!("{path}/applications"), json!({ "applicationIds": [application] }))
            .await,
        admin
            .post(
                &format!("/api/applications/{application}/roles"),
                json!({ "roleIds": ["admin-role"] }),
            )
            .await,
    ] {
        assert_eq!(code(refused, 403), "role.internal_role_violation");
    }
}

#[tokio::test]
async fn scopes_are_added_once_and_removed() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = role(&admin, "clerk", "User").await;
    let (read, write) = (scope(&admin, "read").await, scope(&admin, "write").await);
    let path = format!("/api/roles/{id}/scopes");
    let added = admin.post(&path, json!({ "scopeIds": [read] })).await.expect(201).json();
    assert_eq!(added[0]["id"], read.as_str());
    let again = admin.post(&path, json!({ "scopeIds": [write, read] })).await;
    assert_eq!(code(again, 422), "role.scope_exists");
    assert_eq!(
        ids(admin.get(&path).await),
        sorted([&read]),
        "nothing is added when something is refused"
    );
    admin.post(&path, json!({ "scopeIds": [write] })).await.expect(201);
    assert_eq!(ids(admin.get(&path).await), sorted([&read, &write]));
    assert_eq!(ids(admin.get(&format!("{path}?search=wri")).await), sorted([&write]));
    admin.delete(&format!("{path}/{read}")).await.expect(204);
    assert_eq!(code(admin.delete(&format!("{path}/{read}")).await, 404), "entity.not_found");
    let management = admin.post(&path, json!({ "scopeIds": ["management-api-all"] })).await;
    assert_eq!(code(management, 400), "role.management_api_scopes_not_assignable_to_user_role");
    assert_eq!(
        code(admin.post(&path, json!({ "scopeIds": [] })).await, 400),
        "guard.invalid_input"
    );
}

#[tokio::test]
async fn a_role_loses_the_scopes_of_a_deleted_resource() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = role(&admin, "clerk", "User").await;
    let scope_id = scope(&admin, "read").await;
    let path = format!("/api/roles/{id}/scopes");
    admin.post(&path, json!({ "scopeIds": [scope_id] })).await.expect(201);
    let resource = admin.get("/api/resources").await.json();
    let resource = resource
        .as_array()
        .expect("a list")
        .iter()
        .find(|one| one["name"] == "Shop")
        .unwrap()
        .clone();
    admin.delete(&format!("/api/resources/{}", text(&resource, "/id"))).await.expect(204);
    assert!(ids(admin.get(&path).await).is_empty());
}

#[tokio::test]
async fn users_get_and_lose_a_role() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = role(&admin, "clerk", "User").await;
    let (ada, bob) =
        (admin.user("ada", "correct horse 1").await, admin.user("bob", "correct horse 2").await);
    let path = format!("/api/roles/{id}/users");
    admin.post(&path, json!({ "userIds": [ada, ada] })).await.expect(201);
    assert_eq!(
        code(admin.post(&path, json!({ "userIds": [bob, ada] })).await, 422),
        "role.user_exists"
    );
    assert_eq!(
        code(admin.post(&path, json!({ "userIds": ["nobody"] })).await, 404),
        "entity.not_exists_with_id"
    );
    admin.post(&path, json!({ "userIds": [bob] })).await.expect(201);
    let holders = admin.get(&path).await.expect(200);
    assert_eq!(holders.header("total-number"), "2");
    assert_eq!(ids(holders), sorted([&ada, &bob]));
    let found = admin.get(&format!("{path}?search=%25AD%25")).await.expect(200);
    assert_eq!(found.header("total-number"), "1");
    assert_eq!(found.json()[0]["username"], "ada");

    let listed = admin.get("/api/roles?search=clerk").await.expect(200).json();
    assert_eq!(listed[0]["usersCount"], 2);
    assert_eq!(listed[0]["featuredUsers"].as_array().expect("a list").len(), 2);
    let others = admin.get(&format!("/api/roles?type=User&excludeUserId={ada}")).await.expect(200);
    assert_eq!(others.header("total-number"), "0");

    admin.delete(&format!("{path}/{ada}")).await.expect(204);
    assert_eq!(code(admin.delete(&format!("{path}/{ada}")).await, 404), "entity.not_found");
    let for_machines = role(&admin, "robot", "MachineToMachine").await;
    let wrong =
        admin.post(&format!("/api/roles/{for_machines}/users"), json!({ "userIds": [bob] })).await;
    assert_eq!(code(wrong, 422), "user.invalid_role_type");
}

#[tokio::test]
async fn a_users_roles_are_added_replaced_and_removed() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (one, two) = (role(&admin, "one", "User").await, role(&admin, "two", "User").await);
    let ada = admin.user("ada", "correct horse 1").await;
    let path = format!("/api/users/{ada}/roles");
    let added = admin.post(&path, json!({ "roleIds": [one] })).await.expect(201).json();
    assert_eq!(added, json!({ "roleIds": [one], "addedRoleIds": [one] }));
    let added = admin.post(&path, json!({ "roleIds": [one, two] })).await.expect(201).json();
    assert_eq!(added, json!({ "roleIds": [one, two], "addedRoleIds": [two] }));
    assert_eq!(ids(admin.get(&path).await), sorted([&one, &two]));

    let replaced = admin.put(&path, json!({ "roleIds": [two] })).await.expect(200).json();
    assert_eq!(replaced, json!({ "roleIds": [two] }));
    assert_eq!(ids(admin.get(&path).await), sorted([&two]));
    let unknown = admin.put(&path, json!({ "roleIds": ["nowhere"] })).await;
    assert_eq!(code(unknown, 404), "entity.not_exists_with_id");
    assert_eq!(ids(admin.get(&path).await), sorted([&two]));
    let for_machines = role(&admin, "robot", "MachineToMachine").await;
    let wrong = admin.put(&path, json!({ "roleIds": [for_machines] })).await;
    assert_eq!(code(wrong, 422), "user.invalid_role_type");
    admin.delete(&format!("{path}/{two}")).await.expect(204);
    admin.delete(&format!("{path}/{two}")).await.expect(404);
    admin.put(&path, json!({ "roleIds": [] })).await.expect(200);
    for unknown in [
        admin.get("/api/users/nobody/roles").await,
        admin.post("/api/users/nobody/roles", json!({ "roleIds": [one] })).await,
        admin.put("/api/users/nobody/roles", json!({ "roleIds": [] })).await,
    ] {
        assert_eq!(code(unknown, 404), "entity.not_exists_with_id");
    }
}

#[tokio::test]
async fn new_users_get_the_default_roles() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let body = json!({ "name": "everyone", "description": "Default", "isDefault": true });
    let id = text(&admin.create("/api/roles", body).await, "/id").to_owned();
    let ada = admin.user("ada", "correct horse 1").await;
    assert_eq!(ids(admin.get(&format!("/api/users/{ada}/roles")).await), [id]);
}

#[tokio::test]
async fn applications_get_and_lose_roles_from_both_sides() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (one, two) = (
        role(&admin, "one", "MachineToMachine").await,
        role(&admin, "two", "MachineToMachine").await,
    );
    let robot = machine(&admin, "Robot").await;
    let holders = format!("/api/roles/{one}/applications");
    admin.post(&holders, json!({ "applicationIds": [robot] })).await.expect(201);
    let again = admin.post(&holders, json!({ "applicationIds": [robot] })).await;
    assert_eq!(code(again, 422), "role.application_exists");
    assert_eq!(ids(admin.get(&holders).await), sorted([&robot]));
    let listed = admin.get("/api/roles?search=one").await.expect(200).json();
    assert_eq!(listed[0]["applicationsCount"], 1);
    assert_eq!(
        listed[0]["featuredApplications"],
        json!([{ "id": robot, "name": "Robot", "type": "MachineToMachine" }])
    );

    let path = format!("/api/applications/{robot}/roles");
    let added = admin.post(&path, json!({ "roleIds": [one, two] })).await.expect(201).json();
    assert_eq!(added, json!({ "roleIds": [one, two], "addedRoleIds": [two] }));
    admin.put(&path, json!({ "roleIds": [two] })).await.expect(200);
    assert_eq!(ids(admin.get(&path).await), sorted([&two]));
    let others = ids(admin.get(&format!("/api/roles?excludeApplicationId={robot}")).await);
    assert!(others.contains(&one) && !others.contains(&two));
    admin.delete(&format!("{path}/{two}")).await.expect(204);
    admin.delete(&format!("{path}/{two}")).await.expect(404);

    let for_users = role(&admin, "people", "User").await;
    let wrong = admin.post(&path, json!({ "roleIds": [for_users] })).await;
    assert_eq!(code(wrong, 422), "application.invalid_role_type");
    let (shop, _) = admin.traditional("Shop").await;
    let wrong =
        admin.post(&format!("/api/applications/{shop}/roles"), json!({ "roleIds": [one] })).await;
    assert_eq!(code(wrong, 422), "application.invalid_type");
    let wrong = admin.post(&holders, json!({ "applicationIds": [shop] })).await;
    assert_eq!(code(wrong, 422), "application.invalid_type");
}

#[tokio::test]
async fn replacing_an_applications_roles_leaves_its_internal_ones() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let robot = machine(&admin, "Robot").await;
    admin
        .patch(&format!("/api/applications/{robot}"), json!({ "isAdmin": true }))
        .await
        .expect(200);
    admin
        .put(&format!("/api/applications/{robot}/roles"), json!({ "roleIds": [] }))
        .await
        .expect(200);
    assert!(ids(admin.get(&format!("/api/applications/{robot}/roles")).await).is_empty());
    let shown: Value = admin.get(&format!("/api/applications/{robot}")).await.expect(200).json();
    assert_eq!(shown["isAdmin"], true);
}
