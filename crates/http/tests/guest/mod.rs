//! A third-party application for the tests about consent.

#![allow(dead_code, reason = "each test file uses a part of it")]

use serde_json::{Value, json};
use trinco_testkit::{
    API, Answer, Browser, REDIRECT_URI, Server, Tokens, USER, World, hidden, query_of, text,
};

pub(crate) const ORGANIZATIONS: &str = "urn:logto:scope:organizations";

/// A third-party application in a world, and the ids of what it may ask for.
pub(crate) struct Guest {
    pub(crate) world: World,
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) read: String,
    pub(crate) write: String,
    pub(crate) invoices: String,
}

impl Guest {
    pub(crate) async fn start() -> Self {
        let world = World::start().await;
        let metadata = json!({ "redirectUris": [REDIRECT_URI], "postLogoutRedirectUris": [] });
        let body = json!({
            "name": "Ledger", "type": "Traditional", "isThirdParty": true, "oidcClientMetadata": metadata,
        });
        let id = text(&world.admin.create("/api/applications", body).await, "/id").to_owned();
        let secret = world.admin.secret_of(&id).await;
        let resources = world.admin.get("/api/resources?includeScopes=true").await.json();
        let shop = resources
            .as_array()
            .expect("the world has it")
            .iter()
            .find(|one| one["indicator"] == API);
        let shop = text(shop.expect("the world has it"), "/id").to_owned();
        let scopes = world.admin.get(&format!("/api/resources/{shop}/scopes")).await.json();
        let named = |name: &str| {
            let found = scopes
                .as_array()
                .expect("the world has it")
                .iter()
                .find(|scope| scope["name"] == name);
            text(found.expect("the world has it"), "/id").to_owned()
        };
        let (read, write) = (named("read:orders"), named("write:orders"));
        let scopes = world.admin.get("/api/organization-scopes").await.json();
        let invoices = text(&scopes, "/0/id").to_owned();
        Self { world, id, secret, read, write, invoices }
    }

    pub(crate) fn server(&self) -> &Server {
        &self.world.server
    }

    pub(crate) fn client(&self) -> (&str, &str) {
        (&self.id, &self.secret)
    }

    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/api/applications/{}/{rest}", self.id)
    }

    pub(crate) async fn may_ask(&self, scopes: Value) {
        self.world.admin.post(&self.path("user-consent-scopes"), scopes).await.expect(201);
    }

    /// Everything there is to ask for.
    pub(crate) async fn may_ask_for_everything(&self) {
        self.may_ask(json!({
            "userScopes": ["profile", "email", ORGANIZATIONS],
            "resourceScopes": [self.read], "organizationScopes": [self.invoices],
            "organizationResourceScopes": [self.write],
        }))
        .await;
    }

    pub(crate) fn url(&self, scope: &str, more: &[(&str, &str)]) -> String {
        self.server().authorization_url(&self.id, scope, more)
    }

    /// Signs in and goes to the page that is next.
    pub(crate) async fn arrive(
        &self,
        browser: &Browser,
        scope: &str,
        more: &[(&str, &str)],
    ) -> String {
        arrive(browser, &self.url(scope, more)).await
    }

    pub(crate) async fn exchange(&self, target: &str) -> Tokens {
        let code = query_of(target).remove("code").unwrap_or_else(|| panic!("no code: {target}"));
        Tokens(self.server().exchange(self.client(), &code).await.expect(200).json())
    }
}

pub(crate) async fn arrive(browser: &Browser, url: &str) -> String {
    let mut target = browser.get(url).await.location().to_owned();
    if target.contains("/sign-in?") {
        let xsrf = hidden(&browser.get(&target).await.expect(200).text, "xsrf");
        let form = [("xsrf", xsrf.as_str()), ("identifier", USER.0), ("password", USER.1)];
        let resume = browser.submit(&target, &form).await.location().to_owned();
        target = browser.get(&resume).await.location().to_owned();
    }
    target
}

/// Answers the consent page, as it is shown but for the organizations.
pub(crate) async fn answer(
    browser: &Browser,
    page: &str,
    decision: &str,
    organizations: &[&str],
) -> Answer {
    let shown = browser.get(page).await.expect(200);
    let xsrf = hidden(&shown.text, "xsrf");
    let mut form = vec![("xsrf", xsrf.as_str()), ("decision", decision)];
    form.extend(organizations.iter().map(|id| ("organization_ids", *id)));
    browser.submit(page, &form).await
}
