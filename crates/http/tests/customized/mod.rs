//! A world with applications of every grant, for the tests about scripts.

#![allow(dead_code, reason = "each test file uses a part of it")]

use serde_json::{Value, json};
use trinco_db::{params, sql};
use trinco_testkit::{API, Answer, Server, Tokens, USER, World, hidden, text};

pub(crate) const ACCESS: &str = "/api/configs/jwt-customizer/access-token";
pub(crate) const MACHINE: &str = "/api/configs/jwt-customizer/client-credentials";
pub(crate) const ID: &str = "/api/configs/jwt-customizer/id-token";
pub(crate) const SCOPE: &str =
    "openid offline_access profile email read:orders urn:logto:scope:organizations";

pub(crate) struct Customized {
    pub(crate) world: World,
    pub(crate) app: (String, String),
    pub(crate) machine: (String, String),
    television: String,
}

impl Customized {
    pub(crate) async fn start() -> Self {
        let world = World::start().await;
        let app = world.admin.traditional("Shop").await;
        let allowed = json!({ "customClientMetadata": { "allowTokenExchange": true } });
        world.admin.patch(&format!("/api/applications/{}", app.0), allowed).await.expect(200);
        let machine = json!({ "name": "Robot", "type": "MachineToMachine" });
        let machine = world.admin.create("/api/applications", machine).await;
        let machine = text(&machine, "/id").to_owned();
        let secret = world.admin.secret_of(&machine).await;
        let television = json!({
            "name": "Television", "type": "Native",
            "oidcClientMetadata": { "redirectUris": [], "postLogoutRedirectUris": [] },
            "customClientMetadata": { "isDeviceFlow": true }
        });
        let television = world.admin.create("/api/applications", television).await;
        let television = text(&television, "/id").to_owned();
        Self { world, app, machine: (machine, secret), television }
    }

    pub(crate) fn client(&self) -> (&str, &str) {
        (&self.app.0, &self.app.1)
    }

    /// Keeps a script.
    pub(crate) async fn put(&self, path: &str, script: &str) {
        let answer = self.world.admin.put(path, json!({ "script": script })).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    }

    /// An authorization code for the API.
    pub(crate) async fn code(&self) -> String {
        let url = self.world.server.authorization_url(&self.app.0, SCOPE, &[("resource", API)]);
        self.world.server.browser().authorize(&url, USER).await
    }

    pub(crate) async fn try_exchange(&self, code: &str) -> Answer {
        self.world.server.exchange_for(self.client(), code, &[("resource", API)]).await
    }

    pub(crate) async fn exchange(&self, code: &str) -> Tokens {
        Tokens(self.try_exchange(code).await.expect(200).json())
    }

    pub(crate) async fn machine_token(&self, form: &[(&str, &str)]) -> Answer {
        self.world.server.token((&self.machine.0, &self.machine.1), form).await
    }

    pub(crate) async fn subject_token(&self) -> String {
        let body = json!({ "userId": self.world.user_id, "context": { "ticket": 7 } });
        text(&self.world.admin.create("/api/subject-tokens", body).await, "/subjectToken")
            .to_owned()
    }

    pub(crate) async fn exchange_subject_token(&self, token: &str) -> Answer {
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", token),
            ("subject_token_type", "urn:logto:token-type:impersonation_token"),
            ("resource", API),
            ("scope", "read:orders"),
        ];
        self.world.server.token(self.client(), &form).await
    }

    /// The device code of a television that its user has allowed.
    pub(crate) async fn allowed_device(&self) -> String {
        let server = &self.world.server;
        let form = [("scope", SCOPE), ("resource", API)];
        let codes = server.post_as((&self.television, ""), "/oidc/device/auth", &form).await;
        let codes = codes.expect(200).json();
        let browser = server.browser();
        let page = browser.get("/device").await.expect(200);
        let xsrf = hidden(&page.text, "xsrf");
        let form = [("xsrf", xsrf.as_str()), ("user_code", text(&codes, "/user_code"))];
        let resume = browser.submit("/device", &form).await.location().to_owned();
        let sign_in = browser.get(&resume).await.location().to_owned();
        let xsrf = hidden(&browser.get(&sign_in).await.expect(200).text, "xsrf");
        let form = [("xsrf", xsrf.as_str()), ("identifier", USER.0), ("password", USER.1)];
        let resume = browser.submit(&sign_in, &form).await.location().to_owned();
        let confirm = browser.get(&resume).await.location().to_owned();
        let xsrf = hidden(&browser.get(&confirm).await.expect(200).text, "xsrf");
        let form = [("xsrf", xsrf.as_str()), ("decision", "allow")];
        browser.submit(&confirm, &form).await.expect(200);
        text(&codes, "/device_code").to_owned()
    }

    pub(crate) async fn poll(&self, device_code: &str) -> Answer {
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", device_code),
            ("resource", API),
        ];
        self.world.server.token((&self.television, ""), &form).await
    }

    pub(crate) async fn device_tokens(&self) -> Answer {
        let device_code = self.allowed_device().await;
        self.poll(&device_code).await
    }
}

/// A request for a machine's token.
pub(crate) fn machine_form(resource: &str) -> [(&str, &str); 2] {
    [("grant_type", "client_credentials"), ("resource", resource)]
}

/// A script that answers with an expression about `token`, `context` and `environmentVariables`.
pub(crate) fn asks(expression: &str) -> String {
    format!(
        "const getCustomJwtClaims = async ({{ token, context, environmentVariables }}) => ({expression});"
    )
}

/// A script that always answers with these claims.
pub(crate) fn returning(claims: &Value) -> String {
    asks(&claims.to_string())
}

/// `error`, `code` and `error_description` of a refusal of the token endpoint.
pub(crate) fn error_of(answer: Answer) -> (String, String, String) {
    let body = answer.expect(400).json();
    assert!(text(&body, "/message").len() > 10, "{body}");
    let member = |name: &str| text(&body, name).to_owned();
    (member("/error"), member("/code"), member("/error_description"))
}

/// The audit entries of a key, oldest first.
pub(crate) async fn logged(server: &Server, key: &str) -> Vec<Value> {
    let query =
        sql!("SELECT payload FROM logs WHERE tenant_id = $1 AND key = $2 ORDER BY created_at, id");
    let mut conn = server.tenant().read().await.expect("the database answers");
    let rows = conn.all(query, params![key]).await.expect("the database answers");
    rows.into_iter()
        .map(|row| {
            let payload: String = row.get(0).expect("text");
            serde_json::from_str(&payload).expect("JSON")
        })
        .collect()
}
