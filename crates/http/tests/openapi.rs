//! The API's description of itself, held against the contract and against what OpenAPI asks for.

use std::collections::BTreeSet;

use serde_json::Value;
use trinco_testkit::{Server, contract};

/// `/api/users/{id}` and `/api/users/{userId}` are one path.
fn normal(path: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "{}".to_owned() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let of_path = |(path, methods): (&String, &Value)| {
        let methods = methods.as_object().expect("methods").clone();
        let path = normal(path);
        methods.into_iter().map(move |(method, operation)| (path.clone(), method, operation))
    };
    paths.iter().flat_map(of_path).collect()
}

async fn described() -> Value {
    let server = Server::start().await;
    let answer = server.browser().get("/api/swagger.json").await.expect(200);
    let document = answer.json();
    assert_eq!(document["servers"][0]["url"], server.base());
    document
}

#[tokio::test]
async fn every_operation_has_an_id_of_its_own_a_summary_and_an_answer() {
    let document = described().await;
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let id = operation["operationId"].as_str().expect("an id").to_owned();
        assert!(ids.insert(id.clone()), "{id} is the id of two operations");
        let summary = operation["summary"].as_str().expect("a summary");
        assert!(summary.len() > 5 && !summary.ends_with('.'), "{method} {path}: {summary:?}");
        let answers = operation["responses"].as_object().expect("answers");
        assert!(answers.len() >= 2, "{method} {path} answers nothing: {answers:?}");
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    match member.as_str().filter(|_| name == "$ref") {
                        Some(reference) => drop(found.insert(reference.to_owned())),
                        None => references(member, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = described().await;
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 50, "only {} references", found.len());
    for reference in found {
        let target = document.pointer(reference.trim_start_matches('#'));
        assert!(target.is_some(), "{reference} leads nowhere");
    }
}

/// Parameters that are not there yet. In the end there is none.
const MISSING: &[&str] = &["patch /api/sign-in-exp: takes no removeUnusedDemoSocialConnector"];

#[tokio::test]
async fn what_the_contract_answers_and_asks_is_described() {
    let document = described().await;
    let ours = operations(&document);
    let mut problems = Vec::new();
    for (path, method, wanted) in operations(contract::document()) {
        let Some((_, _, described)) = ours
            .iter()
            .find(|(our_path, our_method, _)| *our_path == path && *our_method == method)
        else {
            continue;
        };
        let successes = |operation: &Value| -> BTreeSet<String> {
            let answers = operation["responses"].as_object().expect("answers");
            answers.keys().filter(|status| status.starts_with(['2', '3'])).cloned().collect()
        };
        let (of_contract, of_ours) = (successes(&wanted), successes(described));
        if !of_ours.is_subset(&of_contract) {
            problems.push(format!("{method} {path}: {of_ours:?}, not of {of_contract:?}"));
        }
        let body = |operation: &Value| !operation["requestBody"].is_null();
        if body(&wanted) && !body(described) {
            problems.push(format!("{method} {path}: takes no body"));
        }
        let queries = |operation: &Value| -> BTreeSet<String> {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            parameters
                .filter(|parameter| parameter["in"] == "query")
                .filter_map(|parameter| Some(parameter["name"].as_str()?.to_owned()))
                .filter(|name| name != "search_params")
                .collect()
        };
        for name in queries(&wanted).difference(&queries(described)) {
            problems.push(format!("{method} {path}: takes no {name}"));
        }
    }
    assert_eq!(problems, MISSING);
}
