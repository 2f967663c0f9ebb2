//! The contract of the Management API: every answer a test receives is held against it.

use std::sync::LazyLock;

use serde_json::Value;

static CONTRACT: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../contract/management.json")).expect("the contract is JSON")
});

/// The contract as an OpenAPI document.
pub fn document() -> &'static Value {
    &CONTRACT
}

/// Where the contract's document is wrong about the reference: the first is a list, which the document could not describe because code
/// checks it; the second is XML.
const MISDESCRIBED: [&str; 2] =
    ["/api/domains/{id}/verification-files", "/api/saml-applications/{id}/metadata"];

/// Holds an answer against the contract. An operation that the contract does not know is ours alone and passes.
///
/// # Panics
/// When a success has a status the contract does not list, or a body of another shape.
pub(crate) fn check(method: &str, path: &str, status: u16, body: &str) {
    let path = path.split('?').next().unwrap_or_default();
    let is_success = (200..300).contains(&status);
    let Some((template, operation)) = operation(method, path).filter(|_| is_success) else {
        return;
    };
    let answer = &operation["responses"][status.to_string()];
    assert!(!answer.is_null(), "{method} {path}: the contract knows no status {status}");
    let schema = &answer["content"]["application/json"]["schema"];
    if schema.is_null() || MISDESCRIBED.contains(&template) {
        return;
    }
    let value: Value =
        serde_json::from_str(body).unwrap_or_else(|_| panic!("{method} {path}: no JSON: {body}"));
    if let Err(problem) = matches(&value, schema) {
        panic!("{method} {path} {status}: {problem}\n{body}");
    }
}

/// Every operation, as `POST /api/roles`.
pub fn operations() -> impl Iterator<Item = String> {
    let paths = CONTRACT["paths"].as_object().expect("the contract has paths");
    paths.iter().flat_map(|(template, operations)| {
        let methods = operations.as_object().expect("a path has operations").keys();
        methods.map(move |method| format!("{} {template}", method.to_uppercase()))
    })
}

/// The operation of the most literal path that fits, with that path.
///
/// # Panics
/// When the contract is damaged.
pub fn operation(method: &str, path: &str) -> Option<(&'static str, &'static Value)> {
    let wanted: Vec<&str> = path.split('/').collect();
    let paths = CONTRACT["paths"].as_object().expect("the contract has paths");
    paths
        .iter()
        .filter_map(|(template, operations)| {
            let parts: Vec<&str> = template.split('/').collect();
            let fits = parts.len() == wanted.len()
                && parts
                    .iter()
                    .zip(&wanted)
                    .all(|(part, wanted)| part.starts_with('{') || part == wanted);
            let literal = parts.iter().filter(|part| !part.starts_with('{')).count();
            let operation = operations.get(method.to_lowercase())?;
            fits.then_some((literal, (template.as_str(), operation)))
        })
        .max_by_key(|(literal, _)| *literal)
        .map(|(_, operation)| operation)
}

/// Whether a value has the shape of an OpenAPI 3.0 schema; the first difference otherwise.
fn matches(value: &Value, schema: &Value) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = CONTRACT
            .pointer(reference.trim_start_matches('#'))
            .expect("a reference leads somewhere");
        return matches(value, target);
    }
    if value.is_null() && schema["nullable"] == true {
        return Ok(());
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(alternatives) = schema[choice].as_array() {
            let fits = alternatives.iter().any(|alternative| matches(value, alternative).is_ok());
            return if fits {
                Ok(())
            } else {
                Err(format!("{value} fits no alternative of {choice}"))
            };
        }
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        matches(value, part)?;
    }
    let type_fits = match schema["type"].as_str() {
        None => true,
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some(other) => panic!("the contract has the unknown type {other}"),
    };
    if !type_fits {
        return Err(format!("{value} is no {}", schema["type"]));
    }
    if schema["enum"].as_array().is_some_and(|values| !values.contains(value)) {
        return Err(format!("{value} is none of {}", schema["enum"]));
    }
    if let Some(text) = value.as_str() {
        let length = text.chars().count() as u64;
        let too_short = schema["minLength"].as_u64().is_some_and(|min| length < min);
        let too_long = schema["maxLength"].as_u64().is_some_and(|max| length > max);
        if too_short || too_long {
            return Err(format!("{value} has {length} characters"));
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        matches(item, &schema["items"]).map_err(|problem| format!("[{index}] {problem}"))?;
    }
    if let Some(object) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(name) {
                return Err(format!("{name} is missing"));
            }
        }
        for (name, member) in object {
            let known = &schema["properties"][name];
            let other = &schema["additionalProperties"];
            let schema = if known.is_object() { known } else { other };
            if schema.is_object() {
                matches(member, schema).map_err(|problem| format!(".{name} {problem}"))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "name is missing")]
    fn a_missing_member_is_noticed() {
        check(
            "GET",
            "/api/resources/abc/scopes",
            200,
            r#"[{"tenantId":"default","id":"x","resourceId":"y","description":null,"createdAt":1}]"#,
        );
    }

    #[test]
    #[should_panic(expected = "no status 218")]
    fn an_unknown_status_is_noticed() {
        check("GET", "/api/roles", 218, "");
    }
}
