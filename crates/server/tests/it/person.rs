//! Someone at a browser: keeps cookies, and opens a connection for each request, as a proxy in front of several nodes makes it.

use std::collections::BTreeMap;
use std::io;

use serde_json::json;
use trinco_testkit::{challenge_of, hidden, query_of};
use url::form_urlencoded;

use crate::http::{Answer, Http};

/// The person's name and password.
pub(crate) const USER: (&str, &str) = ("alice", "correct horse battery");
/// Where the application is reached.
const REDIRECT_URI: &str = "http://localhost:9999/callback";
const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more";

pub(crate) struct Person {
    port: u16,
    cookies: BTreeMap<String, String>,
}

impl Person {
    /// Someone who reaches the server, or a proxy before it, on this port of the loopback interface.
    pub(crate) fn at(port: u16) -> Self {
        Self { port, cookies: BTreeMap::new() }
    }

    /// The same person after the server has moved to another port.
    pub(crate) fn moves_to(&mut self, port: u16) {
        self.port = port;
    }

    pub(crate) fn get(&mut self, target: &str) -> io::Result<Answer> {
        self.send("GET", target, &[])
    }

    pub(crate) fn submit(&mut self, target: &str, fields: &[(&str, &str)]) -> io::Result<Answer> {
        self.send("POST", target, fields)
    }

    fn send(&mut self, method: &str, target: &str, fields: &[(&str, &str)]) -> io::Result<Answer> {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let headers = [
            ("cookie", cookies.as_str()),
            ("accept", "text/html"),
            ("connection", "close"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let body = form(fields);
        let answer = Http::connect(self.port)?.send(method, path_of(target), &headers, &body)?;
        for (name, value) in &answer.headers {
            let pair = value.split(';').next().and_then(|pair| pair.split_once('='));
            if let ("set-cookie", Some((name, value))) = (name.as_str(), pair) {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }

    /// Goes through an authorization request, and the sign-in page when it is shown; returns the code.
    pub(crate) fn authorize(&mut self, app: &App) -> io::Result<String> {
        let challenge = challenge_of(VERIFIER);
        let query = form(&[
            ("client_id", app.id.as_str()),
            ("redirect_uri", REDIRECT_URI),
            ("response_type", "code"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
            ("scope", "openid offline_access profile"),
            ("prompt", "consent"),
            ("state", "st-1"),
        ]);
        let mut target = self.get(&format!("/oidc/auth?{query}"))?.header("location").to_owned();
        if target.contains("/sign-in?") {
            let page = self.get(&target)?;
            let xsrf = hidden(&page.body, "xsrf");
            let fields = [("xsrf", xsrf.as_str()), ("identifier", USER.0), ("password", USER.1)];
            let resumed = self.submit(&target, &fields)?.header("location").to_owned();
            target = self.get(&resumed)?.header("location").to_owned();
        }
        Ok(query_of(&target).remove("code").unwrap_or_else(|| panic!("no code in {target:?}")))
    }
}

/// A form, or a query.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// An application that people sign in to: a native one, whose refresh tokens rotate each time.
#[derive(Clone)]
pub(crate) struct App {
    id: String,
}

impl App {
    /// Registers one whose spent refresh tokens are answered for this long.
    pub(crate) fn register(http: &mut Http, bearer: &str, reuse_window: u32) -> Self {
        let body = json!({
            "name": "App", "type": "Native",
            "oidcClientMetadata": { "redirectUris": [REDIRECT_URI], "postLogoutRedirectUris": [] },
            "customClientMetadata": { "refreshTokenReuseWindow": reuse_window },
        });
        let headers = [("authorization", bearer), ("content-type", "application/json")];
        let created = http.send("POST", "/api/applications", &headers, &body.to_string()).unwrap();
        assert_eq!(created.status, 200, "{created:?}");
        Self { id: created.text("/id") }
    }

    pub(crate) fn exchange(&self, http: &mut Http, code: &str) -> io::Result<Answer> {
        self.ask(
            http,
            &[
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", REDIRECT_URI),
                ("code_verifier", VERIFIER),
            ],
        )
    }

    pub(crate) fn refresh(&self, http: &mut Http, token: &str) -> io::Result<Answer> {
        self.ask(http, &[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    fn ask(&self, http: &mut Http, fields: &[(&str, &str)]) -> io::Result<Answer> {
        let fields = [fields, &[("client_id", self.id.as_str())]].concat();
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        http.send("POST", "/oidc/token", &headers, &form(&fields))
    }
}

/// Creates the person's account.
pub(crate) fn create_account(http: &mut Http, bearer: &str) {
    let body = json!({ "username": USER.0, "password": USER.1 }).to_string();
    let headers = [("authorization", bearer), ("content-type", "application/json")];
    let created = http.send("POST", "/api/users", &headers, &body).unwrap();
    assert_eq!(created.status, 200, "{created:?}");
}

/// A URL of the server as the path it is sent.
fn path_of(target: &str) -> &str {
    let after_scheme = target.find("://").map_or(0, |at| at + 3);
    target[after_scheme..].find('/').map_or("/", |at| &target[after_scheme + at..])
}
