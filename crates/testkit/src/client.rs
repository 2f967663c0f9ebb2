use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, StatusCode, header};
use serde_json::{Value, json};

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: header::HeaderMap,
    /// The body as text.
    pub text: String,
}

impl Answer {
    /// Sends a request and reads the answer.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn to(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, text: response.text().await.expect("the answer is complete") }
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|_| panic!("{} with no JSON: {}", self.status, self.text))
    }

    /// A header as text; empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The answer itself, when it has this status.
    ///
    /// # Panics
    /// When it has another one.
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// Where it redirects to.
    ///
    /// # Panics
    /// When it does not redirect.
    pub fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text);
        self.header("location")
    }
}

/// A client of the Management API.
#[derive(Clone, Debug)]
pub struct Admin {
    client: Client,
    base: String,
    id: String,
    secret: String,
    token: String,
}

impl Admin {
    pub(crate) async fn new(base: String, id: String, secret: String) -> Self {
        let mut admin = Self { client: Client::new(), base, id, secret, token: String::new() };
        admin.renew().await;
        admin
    }

    /// Gets a new token: after the clock was moved, the old one may have expired.
    ///
    /// # Panics
    /// When no token can be had.
    pub async fn renew(&mut self) {
        let form = [
            ("grant_type", "client_credentials"),
            ("resource", "https://default.logto.app/api"),
            ("scope", "all"),
        ];
        let request = self
            .client
            .post(format!("{}/oidc/token", self.base))
            .basic_auth(&self.id, Some(&self.secret))
            .form(&form);
        let answer = Answer::to(request).await.expect(200);
        crate::text(&answer.json(), "/access_token").clone_into(&mut self.token);
    }

    /// The bearer token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Sends a request with a JSON body (none for `null`), and holds the answer against the contract.
    ///
    /// # Panics
    /// When the answer breaks the contract.
    pub async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = self
            .client
            .request(method.clone(), format!("{}{path}", self.base))
            .bearer_auth(&self.token);
        let answer = Answer::to(if body.is_null() { request } else { request.json(body) }).await;
        crate::contract::check(method.as_str(), path, answer.status.as_u16(), &answer.text);
        answer
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &Value::Null).await
    }

    /// POST.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, &body).await
    }

    /// PUT.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, &body).await
    }

    /// PATCH.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, &body).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &Value::Null).await
    }

    /// Creates something and returns the answer's JSON.
    ///
    /// # Panics
    /// When the answer is no success.
    pub async fn create(&self, path: &str, body: Value) -> Value {
        let answer = self.post(path, body).await;
        assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.text);
        if answer.text.starts_with(['{', '[']) { answer.json() } else { json!(answer.text) }
    }

    /// The value of an application's first secret.
    ///
    /// # Panics
    /// When it has none.
    pub async fn secret_of(&self, application_id: &str) -> String {
        let secrets = self
            .get(&format!("/api/applications/{application_id}/secrets"))
            .await
            .expect(200)
            .json();
        crate::text(&secrets, "/0/value").to_owned()
    }
}

/// A browser: keeps cookies and follows no redirects, so that each hop can be looked at.
#[derive(Clone, Debug)]
pub struct Browser {
    client: Client,
    base: String,
}

impl Browser {
    pub(crate) fn new(base: String) -> Self {
        let client = Client::builder()
            .cookie_store(true)
            .redirect(Policy::none())
            .build()
            .expect("a client without TLS can be built");
        Self { client, base }
    }

    fn url(&self, target: &str) -> String {
        if target.starts_with('/') { format!("{}{target}", self.base) } else { target.to_owned() }
    }

    /// Navigates, as a person does.
    pub async fn get(&self, target: &str) -> Answer {
        Answer::to(self.client.get(self.url(target)).header(header::ACCEPT, "text/html,*/*;q=0.8"))
            .await
    }

    /// Submits a form.
    pub async fn submit(&self, target: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self
            .client
            .post(self.url(target))
            .header(header::ACCEPT, "text/html,*/*;q=0.8")
            .form(fields);
        Answer::to(request).await
    }

    /// A request to be completed by the test.
    pub fn request(&self, method: Method, target: &str) -> RequestBuilder {
        self.client.request(method, self.url(target))
    }
}
