//! API resources, their permissions, and roles.

use serde_json::json;

use crate::walk::Walk;

pub(crate) async fn walk(walk: &mut Walk) {
    let new =
        json!({ "name": "Orders", "indicator": "https://orders.example", "accessTokenTtl": 600 });
    let resource = walk.create("/api/resources", new).await;
    walk.get("/api/resources?includeScopes=true&page=1").await;
    let path = format!("/api/resources/{resource}");
    walk.get(&path).await;
    walk.ok("PATCH", &path, json!({ "name": "All orders", "accessTokenTtl": 900 })).await;
    walk.ok("PATCH", &format!("{path}/is-default"), json!({ "isDefault": true })).await;
    let scopes = format!("{path}/scopes");
    let scope =
        walk.create(&scopes, json!({ "name": "read:orders", "description": "See orders" })).await;
    walk.get(&format!("{scopes}?page=1&search=read")).await;
    walk.ok("PATCH", &format!("{scopes}/{scope}"), json!({ "name": "see:orders" })).await;

    let new = json!({ "name": "clerk", "description": "Sees orders", "type": "User", "isDefault": false });
    let role = walk.create("/api/roles", new).await;
    walk.get("/api/roles?type=User&page=1&search=clerk").await;
    let role_path = format!("/api/roles/{role}");
    walk.get(&role_path).await;
    walk.ok("PATCH", &role_path, json!({ "description": "Sees all orders", "isDefault": false }))
        .await;
    walk.ok("POST", &format!("{role_path}/scopes"), json!({ "scopeIds": [scope] })).await;
    walk.get(&format!("{role_path}/scopes?page=1")).await;
    walk.delete(&format!("{role_path}/scopes/{scope}")).await;
    let user = walk.create("/api/users", json!({ "username": "clerk" })).await;
    walk.ok("POST", &format!("{role_path}/users"), json!({ "userIds": [user] })).await;
    walk.get(&format!("{role_path}/users?page=1")).await;
    walk.delete(&format!("{role_path}/users/{user}")).await;

    let new = json!({ "name": "robots", "description": "For robots", "type": "MachineToMachine" });
    let robots = format!("/api/roles/{}", walk.create("/api/roles", new).await);
    let robot = json!({ "name": "Robot", "type": "MachineToMachine" });
    let robot = walk.create("/api/applications", robot).await;
    walk.ok("POST", &format!("{robots}/applications"), json!({ "applicationIds": [robot] })).await;
    walk.get(&format!("{robots}/applications?page=1")).await;
    walk.delete(&format!("{robots}/applications/{robot}")).await;
    walk.delete(&role_path).await;
    walk.delete(&format!("{scopes}/{scope}")).await;
    walk.delete(&path).await;
}
