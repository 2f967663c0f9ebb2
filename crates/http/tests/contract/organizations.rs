//! The organization template, organizations, their members.

use serde_json::json;

use crate::walk::Walk;

/// The ids of a role for users, a role for machines and a permission.
async fn template(walk: &mut Walk) -> (String, String, String) {
    let new = json!({ "name": "read:invoices", "description": "See invoices" });
    let scope = walk.create("/api/organization-scopes", new).await;
    walk.get("/api/organization-scopes?page=1").await;
    let scope_path = format!("/api/organization-scopes/{scope}");
    walk.get(&scope_path).await;
    walk.ok("PATCH", &scope_path, json!({ "description": "See all invoices" })).await;

    let new = json!({
        "name": "accountant", "description": "Sees invoices", "type": "User",
        "organizationScopeIds": [], "resourceScopeIds": [],
    });
    let role = walk.create("/api/organization-roles", new).await;
    walk.get("/api/organization-roles?page=1&q=acc").await;
    let path = format!("/api/organization-roles/{role}");
    walk.get(&path).await;
    walk.ok("PATCH", &path, json!({ "description": "Sees all invoices" })).await;
    let scopes = format!("{path}/scopes");
    walk.ok("POST", &scopes, json!({ "organizationScopeIds": [scope] })).await;
    walk.ok("PUT", &scopes, json!({ "organizationScopeIds": [scope] })).await;
    walk.get(&format!("{scopes}?page=1")).await;
    walk.delete(&format!("{scopes}/{scope}")).await;

    let resource = json!({ "name": "Ledger", "indicator": "https://ledger.example" });
    let resource = walk.create("/api/resources", resource).await;
    let ledger = json!({ "name": "read:ledger" });
    let ledger = walk.create(&format!("/api/resources/{resource}/scopes"), ledger).await;
    let resource_scopes = format!("{path}/resource-scopes");
    walk.ok("POST", &resource_scopes, json!({ "scopeIds": [ledger] })).await;
    walk.ok("PUT", &resource_scopes, json!({ "scopeIds": [ledger] })).await;
    walk.get(&format!("{resource_scopes}?page=1")).await;
    walk.delete(&format!("{resource_scopes}/{ledger}")).await;

    let machines = json!({
        "name": "bookkeeping", "type": "MachineToMachine", "organizationScopeIds": [], "resourceScopeIds": [],
    });
    let machines = walk.create("/api/organization-roles", machines).await;
    (role, machines, scope)
}

pub(crate) async fn walk(walk: &mut Walk) {
    let (role, machines, scope) = template(walk).await;
    let new = json!({
        "name": "Acme", "description": "Anvils", "customData": { "plan": "gold" }, "isMfaRequired": false,
        "branding": {}, "color": { "primaryColor": "#1f4e9e" },
    });
    let organization = walk.create("/api/organizations", new).await;
    walk.get("/api/organizations?q=Acme&showFeatured=1&page=1").await;
    let path = format!("/api/organizations/{organization}");
    walk.get(&path).await;
    walk.ok("PATCH", &path, json!({ "name": "Acme Ltd", "customData": {} })).await;

    let user = walk.create("/api/users", json!({ "username": "member" })).await;
    let users = format!("{path}/users");
    walk.ok("POST", &users, json!({ "userIds": [user] })).await;
    walk.ok("PUT", &users, json!({ "userIds": [user] })).await;
    walk.get(&format!("{users}?page=1")).await;
    let all = json!({ "userIds": [user], "organizationRoleIds": [role] });
    walk.ok("POST", &format!("{users}/roles"), all).await;
    let roles = format!("{users}/{user}/roles");
    walk.ok("POST", &roles, json!({ "organizationRoleIds": [role] })).await;
    walk.ok("PUT", &roles, json!({ "organizationRoleIds": [role] })).await;
    walk.get(&format!("{roles}?page=1")).await;
    walk.get(&format!("{users}/{user}/scopes")).await;
    walk.get(&format!("/api/users/{user}/organizations")).await;
    walk.delete(&format!("{roles}/{role}")).await;
    walk.delete(&format!("{users}/{user}")).await;

    let machine = json!({ "name": "Books", "type": "MachineToMachine" });
    let machine = walk.create("/api/applications", machine).await;
    let applications = format!("{path}/applications");
    walk.ok("POST", &applications, json!({ "applicationIds": [machine] })).await;
    walk.ok("PUT", &applications, json!({ "applicationIds": [machine] })).await;
    walk.get(&format!("{applications}?page=1")).await;
    let all = json!({ "applicationIds": [machine], "organizationRoleIds": [machines] });
    walk.ok("POST", &format!("{applications}/roles"), all).await;
    let roles = format!("{applications}/{machine}/roles");
    walk.ok("POST", &roles, json!({ "organizationRoleIds": [machines] })).await;
    walk.ok("PUT", &roles, json!({ "organizationRoleIds": [machines] })).await;
    walk.get(&format!("{roles}?page=1")).await;
    walk.delete(&format!("{roles}/{machines}")).await;
    walk.delete(&format!("{applications}/{machine}")).await;

    walk.delete(&path).await;
    walk.delete(&format!("/api/organization-roles/{role}")).await;
    walk.delete(&format!("/api/organization-scopes/{scope}")).await;
}
