//! `/api/resources`, at the door.

use serde_json::json;
use trinco_testkit::{Admin, Server, Tokens, text};

async fn resource(admin: &Admin, indicator: &str) -> String {
    let body = json!({ "name": "Shop", "indicator": indicator });
    text(&admin.create("/api/resources", body).await, "/id").to_owned()
}

#[tokio::test]
async fn a_resource_is_created_read_changed_and_deleted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let body = json!({ "name": "Shop", "indicator": "https://shop.example/api" });
    let created = admin.post("/api/resources", body.clone()).await.expect(201).json();
    let id = text(&created, "/id").to_owned();
    assert_eq!(id.len(), 21);
    assert_eq!(
        created,
        json!({
            "tenantId": "default", "id": id, "name": "Shop", "indicator": "https://shop.example/api",
            "isDefault": false, "accessTokenTtl": 3600, "scopes": [],
        })
    );
    let again = admin.post("/api/resources", body).await.expect(422).json();
    assert_eq!(again["code"], "resource.resource_identifier_in_use");

    let path = format!("/api/resources/{id}");
    let changed = admin.patch(&path, json!({ "accessTokenTtl": 60 })).await.expect(200).json();
    assert_eq!((&changed["name"], &changed["accessTokenTtl"]), (&json!("Shop"), &json!(60)));
    assert_eq!(admin.get(&path).await.expect(200).json(), changed);
    admin.delete(&path).await.expect(204);
    let gone = admin.get(&path).await.expect(404).json();
    assert_eq!(gone["code"], "entity.not_exists_with_id");
    admin.delete(&path).await.expect(404);
}

#[tokio::test]
async fn an_indicator_that_is_no_absolute_uri_or_is_reserved_is_refused() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for indicator in [
        "shop",
        "https://shop.example/#api",
        "urn:logto:organization:acme",
        "https://x.logto.app/api",
    ] {
        let body = json!({ "name": "Shop", "indicator": indicator });
        let refused = admin.post("/api/resources", body).await.expect(400).json();
        assert_eq!(refused["code"], "guard.invalid_input", "{indicator}");
    }
}

#[tokio::test]
async fn the_management_api_is_read_only() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let path = "/api/resources/management-api";
    let shown = admin.get(path).await.expect(200).json();
    assert_eq!(shown["indicator"], "https://default.logto.app/api");
    let scope = format!("{path}/scopes/management-api-all");
    for refused in [
        admin.patch(path, json!({ "name": "Mine" })).await,
        admin.patch(&format!("{path}/is-default"), json!({ "isDefault": true })).await,
        admin.post(&format!("{path}/scopes"), json!({ "name": "x" })).await,
        admin.patch(&scope, json!({ "name": "x" })).await,
        admin.delete(&scope).await,
    ] {
        assert_eq!(refused.expect(400).json()["code"], "resource.cannot_modify_management_api");
    }
    let refused = admin.delete(path).await.expect(400).json();
    assert_eq!(refused["code"], "resource.cannot_delete_management_api");
}

#[tokio::test]
async fn a_tenant_has_one_default_resource_at_most() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (one, other) =
        (resource(&admin, "https://a.example").await, resource(&admin, "https://b.example").await);
    let set = async |id: &str, is_default: bool| {
        let body = json!({ "isDefault": is_default });
        let shown =
            admin.patch(&format!("/api/resources/{id}/is-default"), body).await.expect(200).json();
        assert_eq!(shown["isDefault"], is_default);
    };
    let defaults = async || {
        let all = admin.get("/api/resources").await.expect(200).json();
        let all =
            all.as_array().expect("a list").iter().filter(|resource| resource["isDefault"] == true);
        all.map(|resource| text(resource, "/id").to_owned()).collect::<Vec<_>>()
    };
    set(&one, true).await;
    assert_eq!(defaults().await, [one.as_str()]);
    set(&other, true).await;
    assert_eq!(defaults().await, [other.as_str()]);
    set(&one, false).await;
    assert_eq!(defaults().await, [other.as_str()]);
    set(&other, false).await;
    assert!(defaults().await.is_empty());
}

#[tokio::test]
async fn resources_are_listed_whole_unless_a_page_is_asked_for() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = resource(&admin, "https://shop.example/api").await;
    admin.create(&format!("/api/resources/{id}/scopes"), json!({ "name": "read:orders" })).await;
    let all = admin.get("/api/resources?includeScopes=true").await.expect(200);
    assert_eq!(all.header("total-number"), "");
    let all = all.json();
    assert_eq!(all.as_array().expect("a list").len(), 2);
    let shop = all
        .as_array()
        .expect("a list")
        .iter()
        .find(|resource| resource["id"] == id.as_str())
        .unwrap();
    assert_eq!(shop["scopes"][0]["name"], "read:orders");
    let page = admin.get("/api/resources?page=1&page_size=1").await.expect(200);
    assert_eq!(page.header("total-number"), "2");
    assert_eq!(page.json().as_array().expect("a list").len(), 1);
    assert!(page.json()[0].get("scopes").is_none(), "scopes only when they were asked for");
}

#[tokio::test]
async fn scopes_are_created_searched_changed_and_deleted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = resource(&admin, "https://shop.example/api").await;
    let path = format!("/api/resources/{id}/scopes");
    let read = admin.post(&path, json!({ "name": "read:orders" })).await.expect(201).json();
    let scope_id = text(&read, "/id").to_owned();
    assert_eq!(
        read,
        json!({
            "tenantId": "default", "id": scope_id, "resourceId": id, "name": "read:orders",
            "description": null, "createdAt": server.clock().now() * 1000,
        })
    );
    admin
        .post(&path, json!({ "name": "write:orders", "description": "Change them" }))
        .await
        .expect(201);
    let taken = admin.post(&path, json!({ "name": "read:orders" })).await.expect(422).json();
    assert_eq!(taken["code"], "scope.name_exists");
    let spaced = admin.post(&path, json!({ "name": "read orders" })).await.expect(400).json();
    assert_eq!(spaced["code"], "scope.name_with_space");

    let found = admin.get(&format!("{path}?search=%25READ%25")).await.expect(200);
    assert_eq!(found.header("total-number"), "1");
    assert_eq!(found.json()[0]["id"], scope_id.as_str());

    let one = format!("{path}/{scope_id}");
    let taken = admin.patch(&one, json!({ "name": "write:orders" })).await.expect(422).json();
    assert_eq!(taken["code"], "scope.name_exists");
    let changed = admin.patch(&one, json!({ "description": "See them" })).await.expect(200).json();
    assert_eq!(
        (&changed["name"], &changed["description"]),
        (&json!("read:orders"), &json!("See them"))
    );
    let other = resource(&admin, "https://other.example").await;
    admin.delete(&format!("/api/resources/{other}/scopes/{scope_id}")).await.expect(404);
    admin.delete(&one).await.expect(204);
    admin.delete(&one).await.expect(404);
    assert_eq!(admin.get(&path).await.expect(200).json().as_array().expect("a list").len(), 1);
    admin.post("/api/resources/nowhere/scopes", json!({ "name": "x" })).await.expect(404);
}

/// RFC 8707 §2, with the commas that may stand between indicators: whatever can be registered can be asked for.
#[tokio::test]
async fn an_indicator_has_no_comma_and_one_that_is_encoded_can_be_asked_for() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let body = json!({ "name": "Shop", "indicator": "https://shop.example/a,b" });
    let refused = admin.post("/api/resources", body).await.expect(400).json();
    assert_eq!(refused["code"], "guard.invalid_input");
    let indicator = "https://shop.example/a%2Cb";
    resource(&admin, indicator).await;
    let robot = json!({ "name": "Robot", "type": "MachineToMachine" });
    let robot = text(&admin.create("/api/applications", robot).await, "/id").to_owned();
    let secret = admin.secret_of(&robot).await;
    let form = [("grant_type", "client_credentials"), ("resource", indicator)];
    let token = server.token((&robot, &secret), &form).await.expect(200).json();
    assert_eq!(Tokens::claims(text(&token, "/access_token"))["aud"], indicator);
}
