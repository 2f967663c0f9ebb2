//! A walk through the API that remembers how it succeeded, and what must fail because that succeeded.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trinco_testkit::{Admin, Answer, Method, Server, contract, text};

/// An id of the right form that nothing has.
const NOBODY: &str = "nobodyhasthis";

/// How an operation succeeded.
struct Example {
    path: String,
    body: Value,
}

/// An administrator who tries every operation.
pub(crate) struct Walk {
    pub(crate) server: Server,
    pub(crate) admin: Admin,
    examples: BTreeMap<(String, String), Example>,
}

impl Walk {
    pub(crate) async fn begin() -> Self {
        let server = Server::start().await;
        let admin = server.admin().await;
        Self { server, admin, examples: BTreeMap::new() }
    }

    /// Does something that succeeds, and returns the answer's JSON (`null` for none). The testkit has held it against the contract.
    pub(crate) async fn ok(&mut self, method: &str, path: &str, body: Value) -> Value {
        let (template, _) = contract::operation(method, path.split('?').next().unwrap_or(path))
            .unwrap_or_else(|| panic!("the contract knows no {method} {path}"));
        let answer = self.admin.send(method_of(method), path, &body).await;
        let status = answer.status.as_u16();
        assert!((200..400).contains(&status), "{method} {path}: {status} {}", answer.text);
        let example = Example { path: path.to_owned(), body };
        self.examples.insert((template.to_owned(), method.to_owned()), example);
        if answer.text.starts_with(['{', '[']) { answer.json() } else { Value::Null }
    }

    /// Tries what cannot be done here, and says so with this status.
    pub(crate) async fn unavailable(&mut self, method: &str, path: &str, body: Value, status: u16) {
        let (template, _) = contract::operation(method, path.split('?').next().unwrap_or(path))
            .unwrap_or_else(|| panic!("the contract knows no {method} {path}"));
        self.admin.send(method_of(method), path, &body).await.expect(status);
        let example = Example { path: path.to_owned(), body };
        self.examples.insert((template.to_owned(), method.to_owned()), example);
    }

    /// Uploads a file as a form does.
    pub(crate) async fn upload(&mut self, path: &'static str, file: &[u8]) {
        let head = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n";
        let body = [head.as_bytes(), file, b"\r\n--b--\r\n"].concat();
        let request = self
            .server
            .browser()
            .request(Method::POST, path)
            .bearer_auth(self.admin.token())
            .header("content-type", "multipart/form-data; boundary=b")
            .body(body);
        Answer::to(request).await.expect(200);
        let example = Example { path: path.to_owned(), body: Value::Null };
        self.examples.insert((path.to_owned(), "POST".to_owned()), example);
    }

    /// As [`Walk::ok`], for what is created; returns its id.
    pub(crate) async fn create(&mut self, path: &str, body: Value) -> String {
        text(&self.ok("POST", path, body).await, "/id").to_owned()
    }

    /// GET.
    pub(crate) async fn get(&mut self, path: &str) -> Value {
        self.ok("GET", path, Value::Null).await
    }

    /// DELETE.
    pub(crate) async fn delete(&mut self, path: &str) {
        self.ok("DELETE", path, Value::Null).await;
    }

    /// The operations that were tried, as `POST /api/roles`.
    pub(crate) fn tried(&self) -> Vec<String> {
        self.examples.keys().map(|(template, method)| format!("{method} {template}")).collect()
    }

    /// Everything that succeeded, without a token and with a wrong one.
    pub(crate) async fn without_a_token(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let browser = self.server.browser();
        for ((template, method), example) in &self.examples {
            let (_, operation) = contract::operation(method, template).expect("an operation");
            // Some are open though the document forgets to say so: they cannot answer that a token is missing.
            if operation["security"] == json!([]) || operation["responses"]["401"].is_null() {
                continue;
            }
            for token in [None, Some("a.b.c")] {
                let mut request = browser.request(method_of(method), &example.path);
                if let Some(token) = token {
                    request = request.bearer_auth(token);
                }
                if !example.body.is_null() {
                    request = request.json(&example.body);
                }
                let answer = Answer::to(request).await;
                let code = code_of(&answer);
                if answer.status != 401 || !code.starts_with("auth.") {
                    problems.push(format!(
                        "{method} {template} with token {token:?}: {}",
                        seen(&answer)
                    ));
                }
            }
        }
        problems
    }

    /// Everything that succeeded, of something that is not there. `elsewhere` lists what is answered otherwise, and how.
    pub(crate) async fn of_nothing(&self, elsewhere: &[(&str, u16)]) -> Vec<String> {
        let mut problems = Vec::new();
        for ((template, method), example) in &self.examples {
            let Some(path) = of_nobody(template, &example.path) else {
                continue;
            };
            let answer = self.admin.send(method_of(method), &path, &example.body).await;
            let name = format!("{method} {template}");
            let wanted = elsewhere
                .iter()
                .find(|(other, _)| *other == name)
                .map_or(404, |(_, status)| *status);
            if answer.status != wanted || (wanted != 200 && code_of(&answer).is_empty()) {
                problems.push(format!("{name}, of {path}: {}", seen(&answer)));
            }
        }
        problems
    }

    /// Everything that takes a body, with each member in turn of a type it is not, and without each that is asked for, but for those
    /// in `with_default`; and every list of pages, with a page there is not.
    pub(crate) async fn with_nonsense(&self, with_default: &[(&str, &str)]) -> Vec<String> {
        let mut problems = Vec::new();
        for ((template, method), example) in &self.examples {
            let (_, operation) = contract::operation(method, template).expect("an operation");
            let name = format!("{method} {template}");
            if has_pages(operation) {
                let path = format!("{}?page=0", example.path.split('?').next().unwrap_or_default());
                let answer = self.admin.send(method_of(method), &path, &Value::Null).await;
                if code_of(&answer) != "guard.invalid_pagination" {
                    problems.push(format!("{name}, page 0: {}", seen(&answer)));
                }
            }
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            if !example.body.is_object() || !schema.is_object() {
                continue;
            }
            for (member, nonsense) in nonsense_for(schema, &example.body) {
                let mut body = example.body.clone();
                body[&member] = nonsense;
                let answer = self.admin.send(method_of(method), &example.path, &body).await;
                let named = answer.text.contains(&format!("\"{member}\""));
                if answer.status != 400 || code_of(&answer) != "guard.invalid_input" || !named {
                    problems.push(format!(
                        "{name}, {member} is {}: {}",
                        body[&member],
                        seen(&answer)
                    ));
                }
            }
            for member in
                schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str)
            {
                if with_default.contains(&(name.as_str(), member)) {
                    continue;
                }
                let mut body = example.body.clone();
                body.as_object_mut().expect("an object").remove(member);
                let answer = self.admin.send(method_of(method), &example.path, &body).await;
                if answer.status != 400 || code_of(&answer) != "guard.invalid_input" {
                    problems.push(format!("{name}, without {member}: {}", seen(&answer)));
                }
            }
            let answer = self.admin.send(method_of(method), &example.path, &json!([])).await;
            if answer.status != 400 || code_of(&answer) != "guard.invalid_input" {
                problems.push(format!("{name}, of an array: {}", seen(&answer)));
            }
        }
        problems
    }
}

/// The members of the example whose type the contract tells, and a value of another one.
fn nonsense_for(schema: &Value, example: &Value) -> Vec<(String, Value)> {
    let members = example.as_object().expect("a body is an object");
    let mut nonsense = Vec::new();
    for name in members.keys() {
        // What may be of several types is nonsense in none of them.
        if schema["properties"][name]["oneOf"].is_array() {
            continue;
        }
        let other = match schema["properties"][name]["type"].as_str() {
            Some("string") => json!(42),
            Some("array" | "object" | "number" | "integer") => json!("nonsense"),
            Some("boolean") => json!(1),
            _ => continue,
        };
        nonsense.push((name.clone(), other));
    }
    nonsense
}

fn has_pages(operation: &Value) -> bool {
    operation["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|parameter| parameter["name"] == "page")
}

/// The path with its first parameter replaced; `None` when it has none.
fn of_nobody(template: &str, path: &str) -> Option<String> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let at = template.split('/').position(|part| part.starts_with('{'))?;
    let mut parts: Vec<&str> = path.split('/').collect();
    parts[at] = NOBODY;
    let path = parts.join("/");
    Some(if query.is_empty() { path } else { format!("{path}?{query}") })
}

fn method_of(name: &str) -> Method {
    name.parse().expect("a method")
}

fn code_of(answer: &Answer) -> String {
    let body: Value = serde_json::from_str(&answer.text).unwrap_or_default();
    body["code"].as_str().unwrap_or_default().to_owned()
}

fn seen(answer: &Answer) -> String {
    format!("{} {}", answer.status, answer.text.chars().take(200).collect::<String>())
}
