//! `/api/organization-roles` and `/api/organization-scopes`, at the door.

use serde_json::json;
use trinco_testkit::{Admin, Answer, Server, text};

async fn scope(admin: &Admin, name: &str) -> String {
    text(&admin.create("/api/organization-scopes", json!({ "name": name })).await, "/id").to_owned()
}

async fn role(admin: &Admin, name: &str) -> String {
    text(&admin.create("/api/organization-roles", json!({ "name": name })).await, "/id").to_owned()
}

async fn resource_scope(admin: &Admin, name: &str) -> String {
    let body = json!({ "name": "Shop", "indicator": format!("https://{name}.example") });
    let resource = admin.create("/api/resources", body).await;
    let path = format!("/api/resources/{}/scopes", text(&resource, "/id"));
    text(&admin.create(&path, json!({ "name": name })).await, "/id").to_owned()
}

fn names(answer: Answer) -> Vec<String> {
    let list = answer.expect(200).json();
    list.as_array().expect("a list").iter().map(|one| text(one, "/name").to_owned()).collect()
}

fn code(answer: Answer, status: u16) -> String {
    text(&answer.expect(status).json(), "/code").to_owned()
}

const UNKNOWN: &str = "entity.relation_foreign_key_not_found";

#[tokio::test]
async fn an_organization_scope_is_created_found_changed_and_deleted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let path = "/api/organization-scopes";
    let created = admin.post(path, json!({ "name": "invite:member" })).await.expect(201).json();
    let id = text(&created, "/id").to_owned();
    assert_eq!(
        created,
        json!({ "tenantId": "default", "id": id, "name": "invite:member", "description": null })
    );
    let taken = admin.post(path, json!({ "name": "invite:member" })).await;
    assert_eq!(code(taken, 422), "entity.unique_integrity_violation");
    scope(&admin, "edit").await;
    assert_eq!(names(admin.get(path).await), ["edit", "invite:member"]);
    assert_eq!(names(admin.get(&format!("{path}?q=INVITE")).await), ["invite:member"]);
    let page = admin.get(&format!("{path}?page=2&page_size=1")).await;
    assert_eq!(page.header("total-number"), "2");
    assert_eq!(names(page), ["invite:member"]);
    let one = format!("{path}/{id}");
    let changed =
        admin.patch(&one, json!({ "description": "Ask someone in" })).await.expect(200).json();
    assert_eq!(admin.get(&one).await.expect(200).json(), changed);
    assert_eq!(changed["description"], "Ask someone in");
    let taken = admin.patch(&one, json!({ "name": "edit" })).await;
    assert_eq!(code(taken, 422), "entity.unique_integrity_violation");
    admin.delete(&one).await.expect(204);
    assert_eq!(code(admin.get(&one).await, 404), "entity.not_exists_with_id");
    admin.delete(&one).await.expect(404);
}

#[tokio::test]
async fn an_organization_role_begins_with_scopes_and_is_listed_with_them() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (edit, orders) = (scope(&admin, "edit").await, resource_scope(&admin, "orders").await);
    let body = json!({
        "name": "editor", "description": "Edits", "organizationScopeIds": [edit], "resourceScopeIds": [orders],
    });
    let created = admin.post("/api/organization-roles", body.clone()).await.expect(201).json();
    let id = text(&created, "/id").to_owned();
    assert_eq!(
        created,
        json!({ "tenantId": "default", "id": id, "name": "editor", "description": "Edits", "type": "User" })
    );
    let taken = admin.post("/api/organization-roles", body).await;
    assert_eq!(code(taken, 422), "entity.unique_integrity_violation");
    let listed = admin.get("/api/organization-roles?q=edit").await.expect(200);
    assert_eq!(listed.header("total-number"), "1");
    let listed = listed.json();
    assert_eq!(listed[0]["scopes"], json!([{ "id": edit, "name": "edit" }]));
    assert_eq!(listed[0]["resourceScopes"][0]["name"], "orders");
    assert_eq!(listed[0]["resourceScopes"][0]["resource"]["name"], "Shop");

    for body in [
        json!({ "name": "a", "organizationScopeIds": ["nowhere"] }),
        json!({ "name": "b", "resourceScopeIds": ["nowhere"] }),
    ] {
        assert_eq!(code(admin.post("/api/organization-roles", body).await, 422), UNKNOWN);
    }
    assert_eq!(names(admin.get("/api/organization-roles").await), ["editor"], "all or nothing");
}

#[tokio::test]
async fn an_organization_role_is_changed_and_deleted_but_keeps_its_type() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let path = format!("/api/organization-roles/{}", role(&admin, "editor").await);
    let changed =
        admin.patch(&path, json!({ "name": "author", "type": "User" })).await.expect(200).json();
    assert_eq!(changed["name"], "author");
    let refused = admin.patch(&path, json!({ "type": "MachineToMachine" })).await;
    assert_eq!(code(refused, 422), "entity.db_constraint_violated");
    admin.delete(&path).await.expect(204);
    admin.delete(&path).await.expect(404);
    admin.get(&path).await.expect(404);
}

#[tokio::test]
async fn a_roles_scopes_are_added_replaced_and_removed() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (edit, read) = (scope(&admin, "edit").await, scope(&admin, "read").await);
    let path = format!("/api/organization-roles/{}/scopes", role(&admin, "editor").await);
    admin.post(&path, json!({ "organizationScopeIds": [edit] })).await.expect(201);
    admin.post(&path, json!({ "organizationScopeIds": [edit, read] })).await.expect(201);
    assert_eq!(names(admin.get(&path).await), ["edit", "read"]);
    admin.put(&path, json!({ "organizationScopeIds": [read] })).await.expect(204);
    assert_eq!(names(admin.get(&path).await), ["read"]);
    let unknown = admin.put(&path, json!({ "organizationScopeIds": [edit, "nowhere"] })).await;
    assert_eq!(code(unknown, 422), UNKNOWN);
    assert_eq!(names(admin.get(&path).await), ["read"], "a refused replacement changes nothing");
    admin.delete(&format!("{path}/{read}")).await.expect(204);
    assert_eq!(code(admin.delete(&format!("{path}/{read}")).await, 404), "entity.not_found");
    assert_eq!(
        code(admin.post(&path, json!({ "organizationScopeIds": [] })).await, 400),
        "guard.invalid_input"
    );
    admin.put(&path, json!({ "organizationScopeIds": [] })).await.expect(204);
    let nowhere = "/api/organization-roles/nowhere/scopes";
    assert_eq!(
        code(admin.post(nowhere, json!({ "organizationScopeIds": [edit] })).await, 422),
        UNKNOWN
    );
    admin.get(nowhere).await.expect(404);
}

#[tokio::test]
async fn a_roles_resource_scopes_are_added_replaced_and_removed() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (orders, stock) =
        (resource_scope(&admin, "orders").await, resource_scope(&admin, "stock").await);
    let path = format!("/api/organization-roles/{}/resource-scopes", role(&admin, "editor").await);
    admin.post(&path, json!({ "scopeIds": [orders] })).await.expect(201);
    admin.post(&path, json!({ "scopeIds": [orders, stock] })).await.expect(201);
    assert_eq!(names(admin.get(&path).await), ["orders", "stock"]);
    admin.put(&path, json!({ "scopeIds": [stock] })).await.expect(204);
    assert_eq!(names(admin.get(&path).await), ["stock"]);
    assert_eq!(code(admin.post(&path, json!({ "scopeIds": ["nowhere"] })).await, 422), UNKNOWN);
    let management = admin.post(&path, json!({ "scopeIds": ["management-api-all"] })).await;
    assert_eq!(code(management, 400), "role.management_api_scopes_not_assignable_to_user_role");
    admin.delete(&format!("{path}/{stock}")).await.expect(204);
    admin.delete(&format!("{path}/{stock}")).await.expect(404);
}
