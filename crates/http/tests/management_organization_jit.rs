//! `/api/organizations/{id}/jit` and `/api/applications/{id}/organizations`, at the door.

use serde_json::{Value, json};
use trinco_testkit::{Admin, Answer, Server, text};

fn code(answer: Answer, status: u16) -> String {
    text(&answer.expect(status).json(), "/code").to_owned()
}

async fn organization(admin: &Admin) -> String {
    text(&admin.create("/api/organizations", json!({ "name": "Acme" })).await, "/id").to_owned()
}

async fn role(admin: &Admin, name: &str, kind: &str) -> String {
    let new = json!({ "name": name, "type": kind });
    text(&admin.create("/api/organization-roles", new).await, "/id").to_owned()
}

fn members(answer: &Value, name: &str) -> Vec<String> {
    let list = answer.as_array().expect("a list");
    list.iter().map(|one| one[name].as_str().expect("a text").to_owned()).collect()
}

#[tokio::test]
async fn email_domains_are_added_replaced_and_removed_in_lower_case() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = organization(&admin).await;
    let path = format!("/api/organizations/{id}/jit/email-domains");
    let added = admin.post(&path, json!({ "emailDomain": "Acme.Example" })).await.expect(201);
    let domain =
        json!({ "tenantId": "default", "organizationId": id, "emailDomain": "acme.example" });
    assert_eq!(added.json(), domain);
    let again = admin.post(&path, json!({ "emailDomain": "ACME.example" })).await;
    assert_eq!(code(again, 422), "entity.unique_integrity_violation");
    for wrong in ["acme", "@acme.example", "a b.example", ""] {
        let refused = admin.post(&path, json!({ "emailDomain": wrong })).await;
        assert_eq!(code(refused, 400), "guard.invalid_input", "{wrong}");
    }
    let domains = json!({ "emailDomains": ["b.example", "a.example", "B.example"] });
    admin.put(&path, domains).await.expect(204);
    let listed = admin.get(&path).await.expect(200);
    assert_eq!(listed.header("total-number"), "2");
    assert_eq!(members(&listed.json(), "emailDomain"), ["a.example", "b.example"]);
    let page = admin.get(&format!("{path}?page=2&page_size=1")).await.expect(200).json();
    assert_eq!(members(&page, "emailDomain"), ["b.example"]);
    admin.delete(&format!("{path}/A.example")).await.expect(204);
    assert_eq!(code(admin.delete(&format!("{path}/a.example")).await, 404), "entity.not_found");

    let nowhere = "/api/organizations/nobody/jit/email-domains";
    assert_eq!(admin.get(nowhere).await.expect(200).json(), json!([]));
    let refused = admin.post(nowhere, json!({ "emailDomain": "acme.example" })).await;
    assert_eq!(code(refused, 422), "entity.relation_foreign_key_not_found");
}

#[tokio::test]
async fn roles_of_whoever_joins_are_roles_for_users() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = organization(&admin).await;
    let (clerk, boss) = (role(&admin, "clerk", "User").await, role(&admin, "boss", "User").await);
    let robot = role(&admin, "robot", "MachineToMachine").await;
    let path = format!("/api/organizations/{id}/jit/roles");
    admin.post(&path, json!({ "organizationRoleIds": [clerk, clerk] })).await.expect(201);
    admin.post(&path, json!({ "organizationRoleIds": [clerk, boss] })).await.expect(201);
    let held = admin.get(&path).await.expect(200).json();
    assert_eq!(members(&held, "name"), ["boss", "clerk"]);
    for (ids, refusal) in [
        (json!(["nobody"]), "entity.relation_foreign_key_not_found"),
        (json!([robot]), "entity.db_constraint_violated"),
    ] {
        let refused = admin.put(&path, json!({ "organizationRoleIds": ids })).await;
        assert_eq!(code(refused, 422), refusal);
    }
    admin.put(&path, json!({ "organizationRoleIds": [boss] })).await.expect(204);
    assert_eq!(
        members(&admin.get(&path).await.expect(200).json(), "id"),
        std::slice::from_ref(&boss)
    );
    admin.delete(&format!("{path}/{boss}")).await.expect(204);
    assert_eq!(code(admin.delete(&format!("{path}/{boss}")).await, 404), "entity.not_found");
    admin.get("/api/organizations/nobody/jit/roles").await.expect(404);
    // A role that is deleted is gone here, too.
    admin.post(&path, json!({ "organizationRoleIds": [clerk] })).await.expect(201);
    admin.delete(&format!("/api/organization-roles/{clerk}")).await.expect(204);
    assert_eq!(admin.get(&path).await.expect(200).json(), json!([]));
}

#[tokio::test]
async fn an_application_knows_its_organizations_and_its_roles_there() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (one, two) = (organization(&admin).await, organization(&admin).await);
    let robot = role(&admin, "robot", "MachineToMachine").await;
    let new = json!({ "name": "Robot", "type": "MachineToMachine" });
    let application = admin.create("/api/applications", new).await;
    let application = text(&application, "/id");
    let path = format!("/api/applications/{application}/organizations");
    assert_eq!(admin.get(&path).await.expect(200).json(), json!([]));
    for id in [&one, &two] {
        let ids = json!({ "applicationIds": [application] });
        admin.post(&format!("/api/organizations/{id}/applications"), ids).await.expect(201);
        server.clock().advance(1);
    }
    let roles = format!("/api/organizations/{two}/applications/{application}/roles");
    admin.post(&roles, json!({ "organizationRoleIds": [robot] })).await.expect(201);
    let listed = admin.get(&path).await.expect(200).json();
    assert_eq!(members(&listed, "id"), [one, two.clone()]);
    assert_eq!(listed[0]["organizationRoles"], json!([]));
    assert_eq!(listed[1]["organizationRoles"], json!([{ "id": robot, "name": "robot" }]));
    let page = admin.get(&format!("{path}?page=2&page_size=1")).await.expect(200);
    assert_eq!(page.header("total-number"), "2");
    assert_eq!(members(&page.json(), "id"), [two]);
    admin.get("/api/applications/nobody/organizations").await.expect(404);

    let secret = format!("/api/applications/{application}/legacy-secret");
    assert_eq!(code(admin.delete(&secret).await, 400), "application.no_legacy_secret_found");
    admin.delete("/api/applications/nobody/legacy-secret").await.expect(404);
}

#[tokio::test]
async fn identity_providers_whose_people_join_are_connectors_there_are() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = organization(&admin).await;
    let connector = async |name: &str| {
        let new = json!({ "providerName": "SAML", "connectorName": name, "config": {} });
        text(&admin.create("/api/sso-connectors", new).await, "/id").to_owned()
    };
    let (one, two) = (connector("One").await, connector("Two").await);
    let path = format!("/api/organizations/{id}/jit/sso-connectors");
    let names = async || {
        let mut names = members(&admin.get(&path).await.expect(200).json(), "connectorName");
        names.sort();
        names
    };
    admin.post(&path, json!({ "ssoConnectorIds": [one] })).await.expect(201);
    admin.post(&path, json!({ "ssoConnectorIds": [one, two] })).await.expect(201);
    assert_eq!(names().await, ["One", "Two"]);
    let unknown = admin.put(&path, json!({ "ssoConnectorIds": ["nobody"] })).await;
    assert_eq!(code(unknown, 422), "entity.relation_foreign_key_not_found");
    admin.put(&path, json!({ "ssoConnectorIds": [two] })).await.expect(204);
    assert_eq!(names().await, ["Two"]);
    let removed = format!("{path}/{one}");
    assert_eq!(code(admin.delete(&removed).await, 404), "entity.not_found");
    // A connector that is deleted is gone here, too.
    admin.delete(&format!("/api/sso-connectors/{two}")).await.expect(204);
    let listed = admin.get(&format!("{path}?page=1")).await.expect(200);
    assert_eq!((listed.header("total-number"), listed.json()), ("0", json!([])));
    admin.get("/api/organizations/nobody/jit/sso-connectors").await.expect(404);
}
