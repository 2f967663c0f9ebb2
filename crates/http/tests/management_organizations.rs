//! `/api/organizations`, at the door.

use futures_util::future::join_all;
use serde_json::{Value, json};
use trinco_testkit::{Admin, Answer, Server, text};

const UNKNOWN: &str = "entity.relation_foreign_key_not_found";

async fn organization(admin: &Admin, name: &str) -> String {
    text(&admin.create("/api/organizations", json!({ "name": name })).await, "/id").to_owned()
}

async fn role(admin: &Admin, name: &str, kind: &str) -> String {
    let body = json!({ "name": name, "type": kind });
    text(&admin.create("/api/organization-roles", body).await, "/id").to_owned()
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
async fn an_organization_is_created_read_changed_and_deleted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let body = json!({ "name": "Acme", "customData": { "plan": "pro", "seats": 3 }, "color": { "primaryColor": "#1f4e9e" } });
    let created = admin.post("/api/organizations", body).await.expect(201).json();
    let id = text(&created, "/id").to_owned();
    assert_eq!(
        created,
        json!({
            "tenantId": "default", "id": id, "name": "Acme", "description": null, "isMfaRequired": false,
            "customData": { "plan": "pro", "seats": 3 }, "color": { "primaryColor": "#1f4e9e" }, "branding": {},
            "customCss": null, "createdAt": server.clock().now() * 1000,
        })
    );
    let path = format!("/api/organizations/{id}");
    let changes =
        json!({ "description": "Tools", "isMfaRequired": true, "customData": { "plan": "free" } });
    let changed = admin.patch(&path, changes).await.expect(200).json();
    assert_eq!(changed["customData"], json!({ "plan": "free" }), "custom data is replaced");
    assert_eq!((&changed["name"], &changed["description"]), (&json!("Acme"), &json!("Tools")));
    assert_eq!(admin.get(&path).await.expect(200).json(), changed);
    let cleared = admin.patch(&path, json!({ "description": null })).await.expect(200).json();
    assert_eq!(cleared["description"], Value::Null);
    for refused in [
        json!({ "color": { "primaryColor": "red" } }),
        json!({ "branding": { "logoUrl": "javascript:x" } }),
    ] {
        assert_eq!(code(admin.patch(&path, refused).await, 400), "guard.invalid_input");
    }
    admin.delete(&path).await.expect(204);
    assert_eq!(code(admin.get(&path).await, 404), "entity.not_exists_with_id");
    admin.delete(&path).await.expect(404);
    admin.patch(&path, json!({ "name": "x" })).await.expect(404);
}

#[tokio::test]
async fn organizations_are_searched_by_name_and_shown_with_members() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let acme = organization(&admin, "Ácme 100%").await;
    organization(&admin, "Other").await;
    let ada = admin.user("ada", "correct horse 1").await;
    admin
        .post(&format!("/api/organizations/{acme}/users"), json!({ "userIds": [ada] }))
        .await
        .expect(201);
    let found = admin.get("/api/organizations?q=%C3%A1CME").await.expect(200);
    assert_eq!(found.header("total-number"), "1");
    assert!(found.json()[0].get("usersCount").is_none());
    assert_eq!(
        ids(admin.get("/api/organizations?q=100%25").await),
        sorted([&acme]),
        "a percent sign stands for itself"
    );
    assert!(ids(admin.get("/api/organizations?q=1_0").await).is_empty());
    let featured = admin.get("/api/organizations?showFeatured=1").await.expect(200).json();
    let shown =
        featured.as_array().expect("a list").iter().find(|one| one["id"] == acme.as_str()).unwrap();
    assert_eq!(shown["usersCount"], 1);
    assert_eq!(shown["featuredUsers"], json!([{ "id": ada, "avatar": null, "name": null }]));
    let empty =
        featured.as_array().expect("a list").iter().find(|one| one["name"] == "Other").unwrap();
    assert_eq!((&empty["usersCount"], &empty["featuredUsers"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn members_are_added_replaced_filtered_and_removed() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = organization(&admin, "Acme").await;
    let editor = role(&admin, "editor", "User").await;
    let (ada, bob) =
        (admin.user("ada", "correct horse 1").await, admin.user("bob", "correct horse 2").await);
    let path = format!("/api/organizations/{id}/users");
    let added = admin.post(&path, json!({ "userIds": [ada, ada] })).await.expect(201).json();
    assert_eq!(added, json!({ "userIds": [ada, ada] }));
    admin.post(&path, json!({ "userIds": [ada, bob] })).await.expect(201);
    admin
        .post(&format!("{path}/{ada}/roles"), json!({ "organizationRoleIds": [editor] }))
        .await
        .expect(201);
    let members = admin.get(&path).await.expect(200);
    assert_eq!(members.header("total-number"), "2");
    assert_eq!(ids(members), sorted([&ada, &bob]));
    let found = admin.get(&format!("{path}?q=AD")).await.expect(200).json();
    assert_eq!(found[0]["username"], "ada");
    assert_eq!(found[0]["organizationRoles"], json!([{ "id": editor, "name": "editor" }]));
    assert_eq!(
        ids(admin.get(&format!("{path}?organizationRoleId={editor}")).await),
        sorted([&ada])
    );
    assert!(ids(admin.get(&format!("{path}?q=bob&organizationRoleId={editor}")).await).is_empty());

    admin.put(&path, json!({ "userIds": [ada] })).await.expect(204);
    assert_eq!(ids(admin.get(&path).await), sorted([&ada]));
    assert_eq!(
        ids(admin.get(&format!("{path}/{ada}/roles")).await),
        sorted([&editor]),
        "who stays keeps the roles"
    );
    assert_eq!(code(admin.put(&path, json!({ "userIds": [bob, "nobody"] })).await, 422), UNKNOWN);
    assert_eq!(
        ids(admin.get(&path).await),
        sorted([&ada]),
        "a refused replacement changes nothing"
    );
    admin.delete(&format!("{path}/{ada}")).await.expect(204);
    assert_eq!(code(admin.delete(&format!("{path}/{ada}")).await, 404), "entity.not_found");
    admin.post(&path, json!({ "userIds": [ada] })).await.expect(201);
    assert!(
        ids(admin.get(&format!("{path}/{ada}/roles")).await).is_empty(),
        "roles end with the membership"
    );

    let nowhere = "/api/organizations/nowhere/users";
    admin.get(nowhere).await.expect(404);
    assert_eq!(code(admin.post(nowhere, json!({ "userIds": [ada] })).await, 422), UNKNOWN);
    assert_eq!(code(admin.put(nowhere, json!({ "userIds": [] })).await, 422), UNKNOWN);
    assert_eq!(code(admin.post(&path, json!({ "userIds": [] })).await, 400), "guard.invalid_input");
}

#[tokio::test]
async fn a_members_roles_are_given_by_id_and_by_name() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = organization(&admin, "Acme").await;
    let (editor, viewer) =
        (role(&admin, "editor", "User").await, role(&admin, "viewer", "User").await);
    let ada = admin.user("ada", "correct horse 1").await;
    let path = format!("/api/organizations/{id}/users/{ada}/roles");
    for refused in [
        admin.get(&path).await,
        admin.post(&path, json!({ "organizationRoleIds": [editor] })).await,
        admin.put(&path, json!({ "organizationRoleIds": [] })).await,
        admin.delete(&format!("{path}/{editor}")).await,
        admin.get(&format!("/api/organizations/{id}/users/{ada}/scopes")).await,
    ] {
        assert_eq!(code(refused, 422), "organization.require_membership");
    }
    admin
        .post(&format!("/api/organizations/{id}/users"), json!({ "userIds": [ada] }))
        .await
        .expect(201);
    let both =
        json!({ "organizationRoleIds": [editor], "organizationRoleNames": ["viewer", "editor"] });
    let given = admin.post(&path, both).await.expect(201).json();
    assert_eq!(given, json!({ "organizationRoleIds": sorted([&editor, &viewer]) }));
    admin.put(&path, json!({ "organizationRoleNames": ["viewer"] })).await.expect(204);
    assert_eq!(ids(admin.get(&path).await), sorted([&viewer]));
    let missing = admin.post(&path, json!({ "organizationRoleNames": ["nobody"] })).await;
    assert_eq!(code(missing, 422), "organization.role_names_not_found");
    assert_eq!(
        code(admin.post(&path, json!({ "organizationRoleIds": ["nowhere"] })).await, 422),
        UNKNOWN
    );
    let robot = role(&admin, "robot", "MachineToMachine").await;
    let wrong = admin.post(&path, json!({ "organizationRoleIds": [robot] })).await;
    assert_eq!(code(wrong, 422), "entity.db_constraint_violated");
    admin.delete(&format!("{path}/{viewer}")).await.expect(204);
    assert_eq!(code(admin.delete(&format!("{path}/{viewer}")).await, 404), "entity.not_found");
}

#[tokio::test]
async fn a_members_scopes_are_those_of_all_the_members_roles() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = organization(&admin, "Acme").await;
    let ada = admin.user("ada", "correct horse 1").await;
    admin
        .post(&format!("/api/organizations/{id}/users"), json!({ "userIds": [ada] }))
        .await
        .expect(201);
    let mut scopes = Vec::new();
    for name in ["edit", "read", "delete"] {
        scopes.push(
            text(&admin.create("/api/organization-scopes", json!({ "name": name })).await, "/id")
                .to_owned(),
        );
    }
    for (name, held) in [("editor", &scopes[..2]), ("viewer", &scopes[1..2])] {
        let body = json!({ "name": name, "organizationScopeIds": held });
        admin.create("/api/organization-roles", body).await;
    }
    let names = json!({ "organizationRoleNames": ["editor", "viewer"] });
    admin.post(&format!("/api/organizations/{id}/users/{ada}/roles"), names).await.expect(201);
    let allowed =
        admin.get(&format!("/api/organizations/{id}/users/{ada}/scopes")).await.expect(200).json();
    let names: Vec<&str> =
        allowed.as_array().expect("a list").iter().map(|scope| text(scope, "/name")).collect();
    assert_eq!(names, ["edit", "read"]);
}

#[tokio::test]
async fn roles_are_given_to_many_members_at_once() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = organization(&admin, "Acme").await;
    let (editor, viewer) =
        (role(&admin, "editor", "User").await, role(&admin, "viewer", "User").await);
    let (ada, bob) =
        (admin.user("ada", "correct horse 1").await, admin.user("bob", "correct horse 2").await);
    admin
        .post(&format!("/api/organizations/{id}/users"), json!({ "userIds": [ada] }))
        .await
        .expect(201);
    let path = format!("/api/organizations/{id}/users/roles");
    let body = json!({ "userIds": [ada, bob], "organizationRoleIds": [editor, viewer] });
    assert_eq!(code(admin.post(&path, body.clone()).await, 422), UNKNOWN, "bob is not a member");
    admin
        .post(&format!("/api/organizations/{id}/users"), json!({ "userIds": [bob] }))
        .await
        .expect(201);
    admin.post(&path, body.clone()).await.expect(201);
    admin.post(&path, body).await.expect(201);
    for user in [&ada, &bob] {
        let held = admin.get(&format!("/api/organizations/{id}/users/{user}/roles")).await;
        assert_eq!(ids(held), sorted([&editor, &viewer]));
    }
}

#[tokio::test]
async fn a_users_organizations_are_listed_with_the_users_roles() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (acme, other) = (organization(&admin, "Acme").await, organization(&admin, "Other").await);
    organization(&admin, "Stranger").await;
    let editor = role(&admin, "editor", "User").await;
    let ada = admin.user("ada", "correct horse 1").await;
    for id in [&acme, &other] {
        admin
            .post(&format!("/api/organizations/{id}/users"), json!({ "userIds": [ada] }))
            .await
            .expect(201);
        server.clock().advance(1);
    }
    let path = format!("/api/organizations/{acme}/users/{ada}/roles");
    admin.post(&path, json!({ "organizationRoleIds": [editor] })).await.expect(201);
    let listed = admin.get(&format!("/api/users/{ada}/organizations")).await.expect(200).json();
    assert_eq!(listed.as_array().expect("a list").len(), 2);
    assert_eq!((&listed[0]["id"], &listed[1]["id"]), (&json!(acme), &json!(other)));
    assert_eq!(listed[0]["organizationRoles"], json!([{ "id": editor, "name": "editor" }]));
    assert_eq!(listed[1]["organizationRoles"], json!([]));
    admin.get("/api/users/nobody/organizations").await.expect(404);
    admin.delete(&format!("/api/organizations/{acme}")).await.expect(204);
    assert_eq!(ids(admin.get(&format!("/api/users/{ada}/organizations")).await), [other]);
}

#[tokio::test]
async fn machine_to_machine_applications_are_members_with_roles() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = organization(&admin, "Acme").await;
    let (one, two) = (
        role(&admin, "one", "MachineToMachine").await,
        role(&admin, "two", "MachineToMachine").await,
    );
    let (robot, other) = (machine(&admin, "Robot").await, machine(&admin, "Other").await);
    let path = format!("/api/organizations/{id}/applications");
    admin.post(&path, json!({ "applicationIds": [robot, other] })).await.expect(201);
    admin.post(&path, json!({ "applicationIds": [robot] })).await.expect(201);
    let roles = format!("{path}/{robot}/roles");
    admin.post(&roles, json!({ "organizationRoleIds": [one] })).await.expect(201);
    let listed = admin.get(&format!("{path}?q=robo")).await.expect(200).json();
    assert_eq!(listed[0]["organizationRoles"], json!([{ "id": one, "name": "one" }]));
    admin.put(&roles, json!({ "organizationRoleIds": [two] })).await.expect(204);
    assert_eq!(ids(admin.get(&roles).await), sorted([&two]));
    let body = json!({ "applicationIds": [robot, other], "organizationRoleIds": [one] });
    admin.post(&format!("{path}/roles"), body).await.expect(201);
    assert_eq!(ids(admin.get(&roles).await), sorted([&one, &two]));
    admin.delete(&format!("{roles}/{two}")).await.expect(204);
    assert_eq!(code(admin.delete(&format!("{roles}/{two}")).await, 404), "entity.not_found");

    admin.put(&path, json!({ "applicationIds": [robot] })).await.expect(204);
    assert_eq!(ids(admin.get(&path).await), sorted([&robot]));
    assert_eq!(ids(admin.get(&roles).await), sorted([&one]), "which stays keeps its roles");
    let stranger =
        admin.post(&format!("{path}/{other}/roles"), json!({ "organizationRoleIds": [one] })).await;
    assert_eq!(code(stranger, 422), "organization.require_membership");
    let (shop, _) = admin.traditional("Shop").await;
    let wrong = admin.post(&path, json!({ "applicationIds": [shop] })).await;
    assert_eq!(code(wrong, 422), "entity.db_constraint_violated");
    assert_eq!(
        code(admin.post(&path, json!({ "applicationIds": ["nowhere"] })).await, 422),
        UNKNOWN
    );
    let people = role(&admin, "people", "User").await;
    let wrong = admin.post(&roles, json!({ "organizationRoleIds": [people] })).await;
    assert_eq!(code(wrong, 422), "entity.db_constraint_violated");
    admin.delete(&format!("{path}/{robot}")).await.expect(204);
    admin.delete(&format!("{path}/{robot}")).await.expect(404);
}

#[tokio::test]
async fn of_replacements_that_happen_at_once_one_wins_whole() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = organization(&admin, "Acme").await;
    let mut users = Vec::new();
    for name in ["ada", "bob", "cleo", "dora"] {
        users.push(admin.user(name, "correct horse 1").await);
    }
    let path = format!("/api/organizations/{id}/users");
    for _ in 0..5 {
        let replacements = users.iter().map(|user| admin.put(&path, json!({ "userIds": [user] })));
        for answer in join_all(replacements).await {
            answer.expect(204);
        }
        assert_eq!(ids(admin.get(&path).await).len(), 1);
    }
}
