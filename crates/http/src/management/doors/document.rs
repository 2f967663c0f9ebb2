//! The OpenAPI document (version 3.0.3) of some routes.

use std::collections::BTreeSet;

use http::Method;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::Page;
use super::describe::{Content, Operation};

/// Where the definitions of the document stand.
const SCHEMAS: &str = "#/components/schemas/";

/// What is told of a document as a whole.
pub(crate) struct Info<'a> {
    /// The name of the API.
    pub(crate) title: &'a str,
    /// The URL that paths are appended to.
    pub(crate) server: &'a str,
    /// Where a client gets a token.
    pub(crate) token_endpoint: &'a str,
    /// Where people read the same.
    pub(crate) reference: &'a str,
}

/// The document of these operations.
pub(crate) fn document(info: &Info<'_>, pages: &[Page]) -> Value {
    let mut inputs = SchemaSettings::openapi3().for_deserialize().into_generator();
    let mut outputs = SchemaSettings::openapi3().for_serialize().into_generator();
    let mut paths = Map::new();
    let mut areas = BTreeSet::new();
    let mut asked = Vec::new();
    for page in pages {
        areas.insert(page.area);
        let mut operation = Operation::new(&mut inputs, &mut outputs);
        (page.describe)(&mut operation);
        let described = describe(page, operation);
        asked.push((page.path, page.method.as_str().to_ascii_lowercase()));
        let path = paths.entry(page.path).or_insert_with(|| json!({}));
        path[page.method.as_str().to_ascii_lowercase()] = described;
    }
    let mut schemas = outputs.take_definitions(true);
    // What is read and what is written under one name may differ: members that have a default are not asked for.
    let of_inputs = inputs.take_definitions(true);
    let differing: Vec<String> = of_inputs
        .iter()
        .filter(|(name, schema)| schemas.get(*name).is_some_and(|other| other != *schema))
        .map(|(name, _)| name.clone())
        .collect();
    for (name, mut schema) in of_inputs {
        rename(&mut schema, &differing);
        let name = if differing.contains(&name) { format!("{name}Input") } else { name };
        schemas.insert(name, schema);
    }
    for (path, method) in &asked {
        let operation = &mut paths[*path][method];
        rename(&mut operation["requestBody"], &differing);
        rename(&mut operation["parameters"], &differing);
        if operation["requestBody"].is_null()
            && let Some(operation) = operation.as_object_mut()
        {
            operation.remove("requestBody");
        }
    }
    schemas.insert("Error".to_owned(), error());
    json!({
        "openapi": "3.0.3",
        "info": { "title": info.title, "version": env!("CARGO_PKG_VERSION") },
        "externalDocs": { "url": info.reference, "description": "The same for people" },
        "servers": [{ "url": info.server }],
        "tags": areas.iter().map(|area| json!({ "name": area })).collect::<Vec<_>>(),
        "security": [{ "oauth2": ["all"] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "oauth2": {
                    "type": "oauth2",
                    "flows": {
                        "clientCredentials": {
                            "tokenUrl": info.token_endpoint,
                            "scopes": { "all": "Everything" },
                        },
                    },
                },
            },
        },
    })
}

fn describe(page: &Page, operation: Operation<'_>) -> Value {
    let mut parameters: Vec<Value> = path_parameters(page.path)
        .map(|name| {
            json!({
                "name": name, "in": "path", "required": true,
                "schema": { "type": "string", "minLength": 1 },
            })
        })
        .collect();
    parameters.extend(operation.parameters);
    let mut answers = Map::new();
    for (status, content) in operation.answers {
        let mut answer = json!({ "description": meaning(status) });
        if let Some(content) = content {
            answer["content"] = media(&content);
            if status >= 400 {
                // A refusal with a body of its own is one of several.
                let error = json!({ "$ref": format!("{SCHEMAS}Error") });
                let either = json!({ "oneOf": [content.schema, error] });
                answer["content"][content.media_type]["schema"] = either;
            }
        }
        if !operation.headers.is_empty() {
            answer["headers"] = Value::Object(operation.headers.clone());
        }
        answers.insert(status.to_string(), answer);
    }
    if parameters.iter().any(|parameter| parameter["in"] == "query") {
        let too_long = json!({ "description": "The query is too long to be read." });
        answers.insert("431".to_owned(), too_long);
    }
    let refused = json!({
        "description": "It was refused: the code says why, the message says it to a person.",
        "content": { "application/json": { "schema": { "$ref": format!("{SCHEMAS}Error") } } },
    });
    answers.insert("default".to_owned(), refused);
    let body = operation.body.map(|content| {
        let required = page.method != Method::DELETE;
        json!({ "required": required, "content": media(&content) })
    });
    let mut described = json!({
        "operationId": operation_id(page.handler),
        "summary": page.summary,
        "tags": [page.area],
        "parameters": parameters,
        "requestBody": body,
        "responses": answers,
    });
    if !page.needs_token {
        described["security"] = json!([]);
    }
    described
}

fn media(content: &Content) -> Value {
    json!({ content.media_type: { "schema": content.schema } })
}

/// The names in braces.
fn path_parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

/// `trinco_http::management::roles::add_users` is `rolesAddUsers`.
fn operation_id(handler: &str) -> String {
    let mut parts = handler.rsplit("::");
    let function = parts.next().unwrap_or_default();
    let module = parts.next().unwrap_or_default();
    let mut id = String::new();
    for (index, word) in module.split('_').chain(function.split('_')).enumerate() {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if index > 0 => id.extend(first.to_uppercase()),
            Some(first) => id.push(first),
            None => {}
        }
        id.push_str(letters.as_str());
    }
    id
}

fn meaning(status: u16) -> &'static str {
    match status {
        201 => "Created.",
        202 => "Accepted: it will be done.",
        204 => "Done.",
        302 | 303 => "On to another page.",
        _ => "The answer.",
    }
}

/// Points references to the definitions with these names to those of what is read.
fn rename(schema: &mut Value, names: &[String]) {
    match schema {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(reference) if name == "$ref" => {
                        let differs = reference
                            .strip_prefix(SCHEMAS)
                            .is_some_and(|name| names.iter().any(|other| other == name));
                        if differs {
                            reference.push_str("Input");
                        }
                    }
                    member => rename(member, names),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names)),
        _ => {}
    }
}

/// What every refusal looks like.
fn error() -> Value {
    json!({
        "type": "object",
        "required": ["code", "message"],
        "properties": {
            "code": { "type": "string", "description": "Why, for programs." },
            "message": { "type": "string", "description": "Why, for people, in a language of `Accept-Language`." },
            "data": { "description": "More about it; the paths of members that are wrong, for one." },
            "requestId": { "type": "string", "description": "What to look for in the log, when the server is at fault." },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_called_as_its_handler_is() {
        assert_eq!(operation_id("trinco_http::management::roles::list"), "rolesList");
        assert_eq!(operation_id("a::user_roles::list_all"), "userRolesListAll");
    }

    #[test]
    fn the_parameters_of_a_path_stand_in_braces() {
        assert_eq!(path_parameters("/api/a/{b}/c/{d}").collect::<Vec<_>>(), ["b", "d"]);
    }

    #[test]
    fn only_references_to_what_differs_are_renamed() {
        let mut schema = json!({ "a": [{ "$ref": "#/components/schemas/X" }], "b": { "$ref": "#/components/schemas/Y" } });
        rename(&mut schema, &["X".to_owned()]);
        assert_eq!(
            schema,
            json!({ "a": [{ "$ref": "#/components/schemas/XInput" }], "b": { "$ref": "#/components/schemas/Y" } })
        );
    }
}
