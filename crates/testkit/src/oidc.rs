use std::collections::HashMap;

use serde_json::{Value, json};

use crate::{Admin, Answer, Browser, Server, text};

/// Where test applications receive their answers. Nothing listens there: the redirect is read, not followed.
pub const REDIRECT_URI: &str = "http://localhost:9999/callback";

/// The answer of the token endpoint.
#[derive(Clone, Debug)]
pub struct Tokens(pub Value);

impl Tokens {
    /// The access token.
    pub fn access(&self) -> &str {
        text(&self.0, "/access_token")
    }

    /// The refresh token.
    pub fn refresh(&self) -> &str {
        text(&self.0, "/refresh_token")
    }

    /// The ID token.
    pub fn id(&self) -> &str {
        text(&self.0, "/id_token")
    }

    /// The claims of a JWT, unverified.
    ///
    /// # Panics
    /// When it is no JWT.
    pub fn claims(token: &str) -> Value {
        let payload = token.split('.').nth(1).unwrap_or_else(|| panic!("no JWT: {token}"));
        let bytes = trinco_jose::base64url_decode(payload).expect("base64url");
        serde_json::from_slice(&bytes).expect("JSON claims")
    }
}

/// The S256 challenge of a verifier (RFC 7636 §4.2).
pub fn challenge_of(verifier: &str) -> String {
    trinco_oauth::pkce::CodeChallenge::of(verifier).as_str().to_owned()
}

/// The verifier of the challenge in [`Server::authorization_url`]. It has the right length; tests need no secrets.
pub const VERIFIER: &str = "MYqr0KjZe_7S7nK6qgwyw_grQCU7N6CBnz2B5uLosq8";

impl Server {
    /// An authorization request as the SDKs send it, with further parameters.
    pub fn authorization_url(&self, client_id: &str, scope: &str, more: &[(&str, &str)]) -> String {
        let challenge = challenge_of(VERIFIER);
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs([
            ("client_id", client_id),
            ("redirect_uri", REDIRECT_URI),
            ("response_type", "code"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
            ("state", "st-1"),
            ("scope", scope),
        ]);
        if !more.iter().any(|(name, _)| *name == "prompt") {
            query.append_pair("prompt", "consent");
        }
        query.extend_pairs(more);
        format!("/oidc/auth?{}", query.finish())
    }

    /// Posts a form to the token endpoint with Basic authentication (none for an empty secret).
    pub async fn token(&self, client: (&str, &str), form: &[(&str, &str)]) -> Answer {
        self.post_as(client, "/oidc/token", form).await
    }

    /// Posts a form as a client.
    pub async fn post_as(&self, client: (&str, &str), path: &str, form: &[(&str, &str)]) -> Answer {
        let request = self.browser().request(reqwest::Method::POST, path);
        let mut form = form.to_vec();
        let request = if client.1.is_empty() {
            form.push(("client_id", client.0));
            request
        } else {
            request.basic_auth(client.0, Some(client.1))
        };
        Answer::to(request.form(&form)).await
    }

    /// Exchanges a code.
    pub async fn exchange(&self, client: (&str, &str), code: &str) -> Answer {
        self.exchange_for(client, code, &[]).await
    }

    /// Exchanges a code, with further parameters.
    pub async fn exchange_for(
        &self,
        client: (&str, &str),
        code: &str,
        more: &[(&str, &str)],
    ) -> Answer {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ];
        form.extend(more);
        self.token(client, &form).await
    }

    /// Signs in through the pages and exchanges the code.
    ///
    /// # Panics
    /// When any step does not work.
    pub async fn sign_in(
        &self,
        browser: &Browser,
        client: (&str, &str),
        user: (&str, &str),
        scope: &str,
        more: &[(&str, &str)],
    ) -> Tokens {
        let code = browser.authorize(&self.authorization_url(client.0, scope, more), user).await;
        Tokens(self.exchange(client, &code).await.expect(200).json())
    }
}

impl Browser {
    /// Goes through an authorization request and the sign-in page, if it is shown, and returns the code.
    ///
    /// # Panics
    /// When any step does not work.
    pub async fn authorize(&self, url: &str, (username, password): (&str, &str)) -> String {
        let mut target = self.get(url).await.location().to_owned();
        if target.contains("/sign-in?") {
            let page = self.get(&target).await.expect(200);
            let fields = [
                ("xsrf", hidden(&page.text, "xsrf")),
                ("identifier", username.to_owned()),
                ("password", password.to_owned()),
            ];
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let resumed = self.submit(&target, &fields).await.location().to_owned();
            target = self.get(&resumed).await.location().to_owned();
        }
        query_of(&target).remove("code").unwrap_or_else(|| panic!("no code in {target}"))
    }
}

impl Admin {
    /// A traditional application with its secret.
    pub async fn traditional(&self, name: &str) -> (String, String) {
        let metadata = json!({ "redirectUris": [REDIRECT_URI], "postLogoutRedirectUris": ["http://localhost:9999/"] });
        let body = json!({ "name": name, "type": "Traditional", "oidcClientMetadata": metadata });
        let id = text(&self.create("/api/applications", body).await, "/id").to_owned();
        let secret = self.secret_of(&id).await;
        (id, secret)
    }

    /// A single-page application, which has no secret.
    pub async fn single_page(&self, name: &str) -> String {
        let metadata = json!({ "redirectUris": [REDIRECT_URI], "postLogoutRedirectUris": ["http://localhost:9999/"] });
        let body = json!({ "name": name, "type": "SPA", "oidcClientMetadata": metadata });
        text(&self.create("/api/applications", body).await, "/id").to_owned()
    }

    /// A user with a password; returns the id.
    pub async fn user(&self, username: &str, password: &str) -> String {
        let body = json!({ "username": username, "password": password });
        text(&self.create("/api/users", body).await, "/id").to_owned()
    }
}

/// The value of a hidden field.
///
/// # Panics
/// When the page has no such field.
pub fn hidden(html: &str, name: &str) -> String {
    let field = html
        .split("<input")
        .find(|input| input.contains(&format!("name=\"{name}\"")))
        .unwrap_or_else(|| panic!("no field {name} in {html}"));
    let value = field.split("value=\"").nth(1).and_then(|rest| rest.split('"').next());
    value.unwrap_or_default().to_owned()
}

/// The query of a URL.
pub fn query_of(url: &str) -> HashMap<String, String> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
