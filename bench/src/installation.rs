//! What every measurement needs on the server, made through its own doors: applications, an API, a role, an organization, and a
//! first user who has signed in once. That user's rows are what the others' are modelled on.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use ureq::Agent;

use crate::person::{self, App, read};
use crate::server::{Program, Server};
use crate::{Result, load};

const RESOURCE: &str = "https://api.example.com";
const MANAGEMENT: &str = "https://default.logto.app/api";
const REDIRECT_URI: &str = "http://localhost:9999/callback";
/// Everybody's password, so that one hash serves them all.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

pub(crate) struct Installation {
    pub(crate) app: App,
    machine: Machine,
    /// The first user.
    pub(crate) user_id: String,
    /// Their organization; none when there are only users.
    pub(crate) organization_id: Option<String>,
}

/// The machine-to-machine application that `trinco init` makes.
pub(crate) struct Machine {
    id: String,
    secret: String,
}

impl Installation {
    /// Sets up an empty data folder and leaves no server running.
    pub(crate) fn set_up(program: &Program, users_only: bool) -> Result<Self> {
        let server = program.serve()?;
        let agent = load::agent();
        let printed: Value = serde_json::from_str(&program.run(&["init", "--json"])?)
            .map_err(|error| format!("`trinco init --json` did not print JSON: {error}."))?;
        let machine =
            Machine { id: text(&printed, "appId")?, secret: text(&printed, "appSecret")? };
        let api =
            Api { agent: &agent, base: &server.base, bearer: machine.bearer(&agent, &server)? };
        let app = api.create(
            "/api/applications",
            &json!({
                "name": "App", "type": "Native",
                "oidcClientMetadata": { "redirectUris": [REDIRECT_URI], "postLogoutRedirectUris": [] },
            }),
        )?;
        let app =
            App { id: app, redirect_uri: REDIRECT_URI.to_owned(), resource: RESOURCE.to_owned() };
        let resource =
            api.create("/api/resources", &json!({ "name": "API", "indicator": RESOURCE }))?;
        let scopes = format!("/api/resources/{resource}/scopes");
        let scope = api.create(&scopes, &json!({ "name": "read:orders", "description": "" }))?;
        let role = json!({ "name": "shopper", "description": "Buys.", "type": "User", "scopeIds": [scope] });
        let role = api.create("/api/roles", &role)?;
        let user = json!({
            "username": person_named(0), "primaryEmail": address_of(0),
            "name": "Person 0", "password": PASSWORD,
        });
        let user_id = api.create("/api/users", &user)?;
        let mut organization_id = None;
        if !users_only {
            api.post(&format!("/api/users/{user_id}/roles"), &json!({ "roleIds": [role] }))?;
            let organization =
                api.create("/api/organizations", &json!({ "name": "Organization 0" }))?;
            let members = format!("/api/organizations/{organization}/users");
            api.post(&members, &json!({ "userIds": [user_id] }))?;
            organization_id = Some(organization);
            person::sign_in(&agent, &server.base, &app, &person_named(0), PASSWORD)?;
        }
        server.stop()?;
        Ok(Self { app, machine, user_id, organization_id })
    }

    /// A token for the Management API, as an `authorization` header.
    pub(crate) fn bearer(&self, agent: &Agent, server: &Server) -> Result<String> {
        self.machine.bearer(agent, server)
    }

    /// The credentials that machines authenticate with, as an `authorization` header.
    pub(crate) fn basic(&self) -> String {
        self.machine.basic()
    }
}

impl Machine {
    /// RFC 7617; neither part holds a character that RFC 6749 §2.3.1 would have encoded.
    fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.id, self.secret)))
    }

    fn bearer(&self, agent: &Agent, server: &Server) -> Result<String> {
        let answer = request_token(agent, &server.base, &self.basic())?;
        Ok(format!("Bearer {}", text(&answer, "access_token")?))
    }
}

/// RFC 6749 §4.4, for the Management API.
pub(crate) fn request_token(agent: &Agent, base: &str, basic: &str) -> Result<Value> {
    let url = format!("{base}/oidc/token");
    let fields = [("grant_type", "client_credentials"), ("resource", MANAGEMENT), ("scope", "all")];
    let sent = agent
        .post(&url)
        .header("authorization", basic)
        .header("content-type", "application/x-www-form-urlencoded")
        .send(person::form(&fields));
    read(&url, sent)?.0.json(200)
}

/// The user name of this one of the users.
pub(crate) fn person_named(number: u64) -> String {
    format!("person{number:08}")
}

/// Their e-mail address.
pub(crate) fn address_of(number: u64) -> String {
    format!("person{number:08}@example.com")
}

struct Api<'a> {
    agent: &'a Agent,
    base: &'a str,
    bearer: String,
}

impl Api<'_> {
    /// Posts and gives the id of what was created.
    fn create(&self, path: &str, body: &Value) -> Result<String> {
        let created = self.post(path, body)?;
        let created = serde_json::from_str(&created)
            .map_err(|error| format!("POST {path} did not answer in JSON: {error}."))?;
        text(&created, "id")
    }

    fn post(&self, path: &str, body: &Value) -> Result<String> {
        let url = format!("{}{path}", self.base);
        let sent = self
            .agent
            .post(&url)
            .header("authorization", &self.bearer)
            .header("content-type", "application/json")
            .send(body.to_string());
        let (answer, _) = read(&url, sent)?;
        if !(200..300).contains(&answer.status) {
            return Err(format!("POST {path} answered {}: {}", answer.status, answer.body));
        }
        Ok(answer.body)
    }
}

fn text(value: &Value, field: &str) -> Result<String> {
    value[field].as_str().map(str::to_owned).ok_or(format!("an answer has no `{field}`: {value}."))
}
