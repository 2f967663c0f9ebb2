//! The server behind the doors: one for the whole run.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use http::{Method, Request, response};
use serde_json::json;
use tokio::runtime::Runtime;
use trinco_testkit::{API, Answer, REDIRECT_URI, USER, hidden};

use super::answer::Asked;
use crate::client_authentication::base64;

/// So many things are made through the API; more would only make the server slow.
const MOST_CREATED: usize = 400;

/// The server, and what requests may say of it.
pub(super) struct World {
    runtime: Runtime,
    server: trinco_testkit::World,
    router: Router,
    names: Vec<(&'static str, String)>,
    created: AtomicUsize,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (server, names) = runtime.block_on(begin());
    let router = server.server.router();
    World { runtime, server, router, names, created: AtomicUsize::new(0) }
});

impl World {
    pub(super) fn get() -> &'static Self {
        &WORLD
    }

    pub(super) fn router(&self) -> Router {
        self.router.clone()
    }

    pub(super) fn block_on<F: Future>(&self, work: F) -> F::Output {
        self.runtime.block_on(work)
    }

    /// Where the server believes to be.
    pub(super) fn base(&self) -> &str {
        self.server.server.base()
    }

    /// What a name stands for.
    pub(super) fn name(&self, name: &str) -> &str {
        let found = self.names.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str()).expect("a name that is set")
    }

    /// The values that no answer to a stranger may hold, and their names.
    pub(super) fn secrets(&self) -> impl Iterator<Item = (&str, &str)> {
        const SECRET: [&str; 8] = [
            "web_secret",
            "machine_secret",
            "password",
            "admin_token",
            "session",
            "access",
            "refresh",
            "rotation",
        ];
        let secrets = self.names.iter().filter(|(name, _)| SECRET.contains(name));
        secrets.map(|(name, value)| (*name, value.as_str()))
    }

    /// The input with `{name}` replaced.
    pub(super) fn fill_in(&self, data: &[u8]) -> Vec<u8> {
        let mut filled = Vec::with_capacity(data.len() + 64);
        let mut rest = data;
        while let Some(at) = rest.iter().position(|byte| *byte == b'{') {
            filled.extend_from_slice(&rest[..at]);
            rest = &rest[at..];
            let named = self.names.iter().find(|(name, _)| {
                rest[1..].strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"}"))
            });
            if let Some((name, value)) = named {
                filled.extend_from_slice(value.as_bytes());
                rest = &rest[name.len() + 2..];
            } else {
                filled.push(b'{');
                rest = &rest[1..];
            }
        }
        filled.extend_from_slice(rest);
        filled
    }

    /// Whether the request may be sent: nothing is deleted that later requests need, and not too much is made.
    pub(super) fn allows(&self, request: &Request<Vec<u8>>) -> bool {
        let in_api = request.uri().path().starts_with("/api");
        let makes = in_api && request.method() == Method::POST;
        // Settings that have the server fetch something from elsewhere stay off: nothing here leaves this machine.
        let may_fetch = request.uri().path().starts_with("/api/configs")
            && ![Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
        let takes_away = in_api && request.method() == Method::DELETE;
        let makes_too_much = makes && self.created.load(Ordering::Relaxed) >= MOST_CREATED;
        // Who is locked out of the API reaches nothing behind it.
        let locks_out = in_api && request.uri().path().contains(self.name("machine"));
        !(takes_away || makes_too_much || may_fetch || locks_out)
    }

    /// Counts what was made.
    pub(super) fn remember(&self, asked: &Asked, head: &response::Parts) {
        if asked.is_api && asked.method == Method::POST && head.status.is_success() {
            self.created.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn begin() -> (trinco_testkit::World, Vec<(&'static str, String)>) {
    let world = trinco_testkit::World::start().await;
    let (server, admin) = (&world.server, &world.admin);
    let policy = json!({ "enabled": true, "requiresInitialAccessToken": false });
    admin.patch("/api/configs/dynamic-client-registration", policy).await.expect(200);
    let (web, web_secret) = admin.traditional("Web").await;
    let spa = admin.single_page("Page").await;
    let text = |value: &serde_json::Value| trinco_testkit::text(value, "/id").to_owned();
    let tv = json!({ "name": "TV", "type": "Native", "oidcClientMetadata": { "redirectUris": [],
        "postLogoutRedirectUris": [] }, "customClientMetadata": { "isDeviceFlow": true } });
    let tv = text(&admin.create("/api/applications", tv).await);
    let third = json!({ "name": "Third", "type": "Traditional", "isThirdParty": true,
        "oidcClientMetadata": { "redirectUris": [REDIRECT_URI], "postLogoutRedirectUris": [] } });
    let third = text(&admin.create("/api/applications", third).await);
    let machine = json!({ "name": "Machine", "type": "MachineToMachine" });
    let machine = text(&admin.create("/api/applications", machine).await);
    let machine_secret = admin.secret_of(&machine).await;

    let browser = server.browser();
    let scope = "openid offline_access profile read:orders";
    let more = [("resource", API)];
    let tokens = server.sign_in(&browser, (&web, &web_secret), USER, scope, &more).await;
    // Another sign-in in the same browser, in the middle of which it stays.
    let url = server.authorization_url(&spa, "openid", &[("prompt", "login")]);
    let begun = browser.get(&url).await;
    let page = begun.location().to_owned();
    let interaction = cookie(&begun, "_interaction_").expect("an interaction");
    let xsrf = hidden(&browser.get(&page).await.text, "xsrf");
    let session = signed_in(&world, &spa).await;
    let session = session.strip_prefix("_session=").expect("its name").to_owned();
    let (_, value) = interaction.rsplit_once('~').expect("a value of three parts");
    let interaction_id = value.split('.').next().unwrap_or_default().to_owned();
    let basic = base64(format!("{web}:{web_secret}").as_bytes());
    let challenge = trinco_testkit::challenge_of("MYqr0KjZe_7S7nK6qgwyw_grQCU7N6CBnz2B5uLosq8");
    let names = vec![
        ("web", web),
        ("web_secret", web_secret),
        ("basic", basic),
        ("spa", spa),
        ("tv", tv),
        ("third", third),
        ("machine", machine),
        ("machine_secret", machine_secret),
        ("callback", REDIRECT_URI.to_owned()),
        ("challenge", challenge),
        ("api", API.to_owned()),
        ("user", world.user_id.clone()),
        ("password", USER.1.to_owned()),
        ("organization", world.organization_id.clone()),
        ("admin_token", admin.token().to_owned()),
        ("access", tokens.access().to_owned()),
        ("refresh", tokens.refresh().to_owned()),
        ("id_token", tokens.id().to_owned()),
        ("session", session),
        ("interaction", interaction),
        ("interaction_id", interaction_id),
        ("xsrf", xsrf),
    ];
    (world, names)
}

/// The first cookie that an answer sets whose name begins so: name and value.
fn cookie(answer: &Answer, name: &str) -> Option<String> {
    let set = answer.headers.get_all("set-cookie").iter().filter_map(|set| set.to_str().ok());
    let mut pairs = set.filter_map(|set| set.split(';').next());
    pairs.find(|pair| pair.starts_with(name)).map(str::to_owned)
}

/// The session cookie of a browser that has signed in.
async fn signed_in(world: &trinco_testkit::World, client_id: &str) -> String {
    let browser = world.server.browser();
    let url = world.server.authorization_url(client_id, "openid", &[]);
    let page = browser.get(&url).await.location().to_owned();
    let form = browser.get(&page).await.expect(200);
    let xsrf = hidden(&form.text, "xsrf");
    let fields = [("xsrf", xsrf.as_str()), ("identifier", USER.0), ("password", USER.1)];
    cookie(&browser.submit(&page, &fields).await, "_session=").expect("a session")
}
