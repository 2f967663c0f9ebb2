use serde_json::json;

use crate::{Admin, Answer, Server, text};

/// The user's name and password.
pub const USER: (&str, &str) = ("alice", "correct horse battery");
/// The indicator of the API resource.
pub const API: &str = "https://shopping.your-app.com/api";

/// A server with an API resource of two scopes, a role with `read:orders` that the user holds, and the organization `Acme`, where the
/// user is a clerk: that gives `invoices:read` there and `write:orders` on the API.
pub struct World {
    /// The server.
    pub server: Server,
    /// Its Management API.
    pub admin: Admin,
    /// The user's id.
    pub user_id: String,
    /// The organization's id.
    pub organization_id: String,
}

impl World {
    /// Starts the server and creates all that.
    ///
    /// # Panics
    /// When any step does not work.
    pub async fn start() -> Self {
        let server = Server::start().await;
        let admin = server.admin().await;
        let user_id = admin.user(USER.0, USER.1).await;
        let resource = admin
            .create(
                "/api/resources",
                json!({ "name": "Shop", "indicator": API, "accessTokenTtl": 600 }),
            )
            .await;
        let scopes = format!("/api/resources/{}/scopes", text(&resource, "/id"));
        let read = admin.create(&scopes, json!({ "name": "read:orders" })).await;
        let write = admin.create(&scopes, json!({ "name": "write:orders" })).await;
        let role =
            json!({ "name": "shopper", "description": "Buys", "scopeIds": [text(&read, "/id")] });
        let role = admin.create("/api/roles", role).await;
        admin
            .create(
                &format!("/api/users/{user_id}/roles"),
                json!({ "roleIds": [text(&role, "/id")] }),
            )
            .await;

        let organization = admin
            .create("/api/organizations", json!({ "name": "Acme", "description": "A company" }))
            .await;
        let organization_id = text(&organization, "/id").to_owned();
        let scope =
            admin.create("/api/organization-scopes", json!({ "name": "invoices:read" })).await;
        let role = json!({
            "name": "clerk", "organizationScopeIds": [text(&scope, "/id")], "resourceScopeIds": [text(&write, "/id")]
        });
        let role = admin.create("/api/organization-roles", role).await;
        admin
            .create(
                &format!("/api/organizations/{organization_id}/users"),
                json!({ "userIds": [user_id] }),
            )
            .await;
        let roles = json!({ "userIds": [user_id], "organizationRoleIds": [text(&role, "/id")] });
        admin.create(&format!("/api/organizations/{organization_id}/users/roles"), roles).await;
        Self { server, admin, user_id, organization_id }
    }

    /// Presents a refresh token, with further parameters.
    pub async fn refresh(
        &self,
        client: (&str, &str),
        token: &str,
        more: &[(&str, &str)],
    ) -> Answer {
        let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
        form.extend(more);
        self.server.token(client, &form).await
    }
}
