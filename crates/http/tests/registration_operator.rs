//! What an operator decides about a client that registered itself stays decided, whatever the client sends, at the door.

mod registration;

use registration::{POLICY, manage, metadata, open_world, register, with};
use serde_json::{Value, json};
use trinco_testkit::{API, Method, World, changed, text};

const EVERYTHING: &str = "openid offline_access profile email read:orders write:orders";

/// The scopes of a registration, in the order of [`EVERYTHING`]: a server may tell them in any.
fn in_order(registered: &Value) -> String {
    let told: Vec<&str> = text(registered, "/scope").split(' ').collect();
    let ordered: Vec<&str> = EVERYTHING.split(' ').filter(|scope| told.contains(scope)).collect();
    assert_eq!(ordered.len(), told.len(), "{registered}");
    ordered.join(" ")
}

/// A client that registered, and the world it did in.
struct Registered {
    world: World,
    client: String,
    token: String,
    read: String,
    write: String,
}

impl Registered {
    async fn new(metadata: &Value) -> Self {
        let world = open_world().await;
        let resources = world.admin.get("/api/resources?includeScopes=true").await.json();
        let resources = resources.as_array().expect("a list");
        let api = resources.iter().find(|one| one["indicator"] == API).expect("it is there");
        let id_of = |name: &str| {
            let scopes = api["scopes"].as_array().expect("a list");
            let found = scopes.iter().find(|scope| scope["name"] == name).expect("it is there");
            text(found, "/id").to_owned()
        };
        let (read, write) = (id_of("read:orders"), id_of("write:orders"));
        let told = register(&world, None, metadata).await.expect(201).json();
        let client = text(&told, "/client_id").to_owned();
        let token = text(&told, "/registration_access_token").to_owned();
        Self { world, client, token, read, write }
    }

    /// Registers anew, with these members in place of the usual ones.
    async fn renew(&self, members: Value) -> Value {
        let body = changed(changed(metadata(), json!({ "client_id": self.client })), members);
        let answer = manage(&self.world, Method::PUT, &self.client, &self.token, Some(&body)).await;
        answer.expect(200).json()
    }

    async fn scopes_after(&self, scope: &str) -> String {
        in_order(&self.renew(json!({ "scope": scope })).await)
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/applications/{}{rest}", self.client)
    }

    async fn settings(&self) -> Value {
        let found = self.world.admin.get(&self.path("")).await.expect(200).json();
        found["customClientMetadata"].clone()
    }

    async fn set(&self, settings: Value) {
        let body = json!({ "customClientMetadata": settings });
        self.world.admin.patch(&self.path(""), body).await.expect(200);
    }

    async fn take_away(&self, scope: &str) {
        let path = self.path(&format!("/user-consent-scopes/{scope}"));
        self.world.admin.delete(&path).await.expect(204);
    }

    async fn allow(&self, scopes: Value) {
        let path = self.path("/user-consent-scopes");
        self.world.admin.post(&path, scopes).await.expect(201);
    }

    async fn policy(&self, scopes: Value) {
        let changes = json!({ "consentScopes": scopes });
        self.world.admin.patch(POLICY, changes).await.expect(200);
    }
}

#[tokio::test]
async fn a_client_that_registers_anew_stays_within_what_the_operator_decided() {
    let it = Registered::new(&metadata()).await;
    let settings = json!({
        "allowRefreshToken": false, "maxAccessTokenTtl": 60, "maxGrantTtlInDays": 1, "maxAllowedGrants": 1,
        "requirePushedAuthorizationRequests": true, "dpopBoundAccessTokens": true, "refreshTokenReuseWindow": 0,
        "refreshTokenTtlInDays": 2, "idTokenTtl": 300,
    });
    it.set(settings.clone()).await;
    let application = json!({
        "description": "Watched", "appLevelAccessControlEnabled": true, "oidcClientMetadata": {
            "redirectUris": [], "postLogoutRedirectUris": [], "backchannelLogoutUri": "https://agent.example/logout",
        },
    });
    it.world.admin.patch(&it.path(""), application).await.expect(200);
    // What the client asks for in between, the same or less, makes nothing of it the client's own.
    for members in [
        json!({}),
        json!({ "grant_types": ["authorization_code"], "dpop_bound_access_tokens": true }),
        json!({ "require_pushed_authorization_requests": false, "dpop_bound_access_tokens": false }),
    ] {
        let told = it.renew(members).await;
        assert_eq!(told["grant_types"], json!(["authorization_code"]), "{told}");
        assert_eq!(told["dpop_bound_access_tokens"], true);
        assert_eq!(told["require_pushed_authorization_requests"], true);
        assert_eq!(it.settings().await, settings);
    }
    let kept = it.world.admin.get(&it.path("")).await.expect(200).json();
    assert_eq!(kept["description"], "Watched");
    assert_eq!(kept["appLevelAccessControlEnabled"], true);
    assert_eq!(kept["oidcClientMetadata"]["backchannelLogoutUri"], "https://agent.example/logout");
    assert_ne!(kept["oidcClientMetadata"]["redirectUris"], json!([]), "those are the client's");

    // The operator can take it back.
    it.set(json!({ "maxAccessTokenTtl": 120 })).await;
    let told = it.renew(json!({})).await;
    assert_eq!(told["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(told["dpop_bound_access_tokens"], false);
    assert_eq!(it.settings().await["maxAccessTokenTtl"], 120);
}

#[tokio::test]
async fn what_a_client_gave_up_by_itself_it_can_ask_for_again() {
    let it = Registered::new(&with("grant_types", json!(["authorization_code"]))).await;
    it.set(json!({ "allowRefreshToken": false, "maxAllowedGrants": 3 })).await;
    let strict =
        json!({ "dpop_bound_access_tokens": true, "require_pushed_authorization_requests": true });
    let told = it.renew(strict).await;
    assert_eq!(told["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(told["dpop_bound_access_tokens"], true);
    let told = it.renew(json!({})).await;
    assert_eq!(told["dpop_bound_access_tokens"], false);
    assert_eq!(told["require_pushed_authorization_requests"], false);
    assert_eq!(it.settings().await["maxAllowedGrants"], 3);
}

#[tokio::test]
async fn consent_scopes_that_the_operator_took_away_do_not_come_back() {
    let it = Registered::new(&metadata()).await;
    let read = format!("resource-scopes/{}", it.read);
    it.take_away(&read).await;
    assert_eq!(it.scopes_after(EVERYTHING).await, "openid offline_access profile");
    // Fewer, and the same again.
    assert_eq!(it.scopes_after("openid").await, "openid offline_access");
    assert_eq!(it.scopes_after(EVERYTHING).await, "openid offline_access profile");
    it.policy(json!({ "userScopes": ["profile", "email"], "resourceScopes": [it.read, it.write] }))
        .await;
    assert_eq!(it.scopes_after(EVERYTHING).await, "openid offline_access profile");
    it.take_away("user-scopes/profile").await;
    assert_eq!(it.scopes_after(EVERYTHING).await, "openid offline_access");

    // What the operator gives back is there to ask for.
    it.allow(json!({ "userScopes": ["email"], "resourceScopes": [it.read] })).await;
    assert_eq!(it.scopes_after(EVERYTHING).await, "openid offline_access email read:orders");
    // Whatever an operator gave a client, the policy bounds all of them.
    it.policy(json!({ "userScopes": ["profile", "email"] })).await;
    assert_eq!(it.scopes_after(EVERYTHING).await, "openid offline_access email");
    it.policy(json!({ "userScopes": ["email"], "resourceScopes": [it.read] })).await;
    assert_eq!(it.scopes_after(EVERYTHING).await, "openid offline_access email read:orders");
}

#[tokio::test]
async fn a_client_nobody_has_decided_about_follows_the_policy() {
    let it = Registered::new(&with("scope", json!("openid profile"))).await;
    assert_eq!(it.scopes_after("openid").await, "openid offline_access");
    let all = "openid offline_access profile read:orders";
    assert_eq!(it.scopes_after(EVERYTHING).await, all);
    it.policy(json!({ "userScopes": ["profile", "email"], "resourceScopes": [it.read] })).await;
    let read = manage(&it.world, Method::GET, &it.client, &it.token, None).await.expect(200);
    assert_eq!(in_order(&read.json()), all, "it has to ask");
    let more = "openid offline_access profile email read:orders";
    assert_eq!(it.scopes_after(EVERYTHING).await, more);
    // A permission that is deleted was taken away by nobody.
    let resources = it.world.admin.get("/api/resources").await.json();
    let resources = resources.as_array().expect("a list");
    let api = resources.iter().find(|one| one["indicator"] == API).expect("it is there");
    let path = format!("/api/resources/{}/scopes/{}", text(api, "/id"), it.read);
    it.world.admin.delete(&path).await.expect(204);
    it.policy(json!({ "userScopes": ["profile", "email"], "resourceScopes": [it.write] })).await;
    let all = "openid offline_access profile email write:orders";
    assert_eq!(it.scopes_after(EVERYTHING).await, all);
}
