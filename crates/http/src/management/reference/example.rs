//! Calls to copy: bodies made of their schemas, and the command that sends them.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::schema::{Schemas, alternatives, kind_of};

/// Examples end here, whatever the schema goes on with.
const DEEPEST: usize = 6;
/// A body of which nothing is required shows this many members.
const SOME: usize = 2;

/// Members that say most about what they belong to.
const TELLING: [&str; 4] = ["name", "username", "displayName", "description"];

/// A body that `schema` allows: what is required, or a few members when nothing is.
pub(super) fn body<'d>(schemas: &Schemas<'d>, schema: &'d Value) -> Value {
    value(schemas, schema, "", DEEPEST)
}

fn value<'d>(schemas: &Schemas<'d>, schema: &'d Value, name: &str, depth: usize) -> Value {
    let Some(depth) = depth.checked_sub(1) else { return json!({}) };
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    let bare = schemas.bare(schema);
    let schema = bare.schema;
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.first().cloned().unwrap_or_default();
    }
    if let Some(first) = alternatives(schema).and_then(|several| several.first()) {
        return value(schemas, first, name, depth);
    }
    match kind_of(schema).0 {
        "object" => object(schemas, schema, depth),
        "array" => {
            let one = singular(name);
            json!([value(schemas, &schema["items"], one, depth)])
        }
        "string" => text(schema, name, bare.name.unwrap_or_default()).into(),
        "integer" | "number" => number(schema, name).into(),
        "boolean" => true.into(),
        _ => json!({}),
    }
}

fn object<'d>(schemas: &Schemas<'d>, schema: &'d Value, depth: usize) -> Value {
    let Some(properties) = schema["properties"].as_object() else { return json!({}) };
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let telling = TELLING.into_iter().filter(|name| properties.contains_key(*name));
    let simple = properties.iter().filter(|(_, schema)| {
        !matches!(kind_of(schemas.bare(schema).schema).0, "object" | "any JSON")
    });
    let others = simple.map(|(name, _)| name.as_str()).filter(|name| !TELLING.contains(name));
    let shown: Vec<&str> = match (required.is_empty(), depth + 1 == DEEPEST) {
        (false, _) => required,
        (true, true) => {
            let some: Vec<&str> = telling.chain(others).take(SOME).collect();
            // All members hold objects: one of them says more than none.
            if some.is_empty() {
                properties.keys().take(1).map(String::as_str).collect()
            } else {
                some
            }
        }
        (true, false) => Vec::new(),
    };
    let members = shown.into_iter().filter_map(|name| {
        let schema = properties.get(name)?;
        Some((name.to_owned(), value(schemas, schema, name, depth)))
    });
    Value::Object(members.collect::<Map<_, _>>())
}

/// `redirectUris` holds one called `redirectUri`.
fn singular(name: &str) -> &str {
    name.strip_suffix('s').unwrap_or(name)
}

/// A text that could stand there, by the names of the member and of its type.
fn text(schema: &Value, name: &str, type_name: &str) -> String {
    let (lower, type_lower) = (name.to_ascii_lowercase(), type_name.to_ascii_lowercase());
    let is = |word: &str| lower.contains(word) || type_lower.contains(word);
    let format = schema["format"].as_str().unwrap_or_default();
    let text = if format == "email" || is("email") {
        "ada@example.com"
    } else if is("phone") {
        "15550100123"
    } else if format == "date-time" {
        "2030-01-01T00:00:00Z"
    } else if is("color") {
        "#1f4e9e"
    } else if name == "username" {
        "ada"
    } else if is("password") {
        "a long and secret sentence"
    } else if format == "uri"
        || ["url", "uri", "indicator", "avatar", "logo", "favicon"].iter().any(|word| is(word))
    {
        "https://app.example.com/"
    } else if lower == "id" || name.ends_with("Id") {
        "ID"
    } else if is("language") || is("locale") {
        "en"
    } else {
        "example"
    };
    let length = |limit: &str| schema[limit].as_u64().and_then(|limit| usize::try_from(limit).ok());
    let (shortest, longest) =
        (length("minLength").unwrap_or(0), length("maxLength").unwrap_or(usize::MAX));
    let mut text: String = text.chars().take(longest).collect();
    let missing = shortest.saturating_sub(text.chars().count());
    text.extend(std::iter::repeat_n('x', missing));
    text
}

fn number(schema: &Value, name: &str) -> i64 {
    let lowest = schema["minimum"].as_i64();
    let highest = schema["maximum"].as_i64().unwrap_or(i64::MAX);
    // 2030-01-01 in Unix milliseconds.
    let usual = if name.ends_with("At") { 1_893_456_000_000 } else { 1 };
    lowest.map_or(usual, |lowest| usual.max(lowest)).min(highest)
}

/// What is called.
pub(super) struct Call<'a> {
    /// The URL that paths are appended to.
    pub(super) server: &'a str,
    /// In capitals.
    pub(super) method: &'a str,
    /// With its parameters in braces.
    pub(super) path: &'a str,
    /// Those parameters of the query that must be there.
    pub(super) query: &'a [&'a str],
    pub(super) needs_token: bool,
    /// The media type and the body.
    pub(super) body: Option<(&'a str, Value)>,
}

/// The call as a command of `curl`, in a shell that knows the names it has in capitals.
pub(super) fn curl(call: &Call<'_>) -> String {
    let mut url = call.server.to_owned();
    for part in call.path.split('/').filter(|part| !part.is_empty()) {
        url.push('/');
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => url.push_str(&variable(name)),
            None => url.push_str(part),
        }
    }
    for (index, name) in call.query.iter().enumerate() {
        url.push(if index == 0 { '?' } else { '&' });
        let _ = write!(url, "{name}={}", variable(name));
    }
    let mut command = "curl".to_owned();
    if call.method != "GET" {
        let _ = write!(command, " -X {}", call.method);
    }
    let _ = write!(command, " \"{url}\"");
    if call.needs_token {
        command.push_str(" \\\n  -H \"Authorization: Bearer $TOKEN\"");
    }
    match &call.body {
        Some(("application/json", body)) => {
            let text = serde_json::to_string_pretty(body).unwrap_or_default();
            command.push_str(" \\\n  -H \"Content-Type: application/json\"");
            let _ = write!(command, " \\\n  -d '{}'", text.replace('\'', r"'\''"));
        }
        Some(("multipart/form-data", _)) => command.push_str(" \\\n  -F \"file=@FILE\""),
        Some((media_type, _)) => {
            let _ = write!(command, " \\\n  -H \"Content-Type: {media_type}\"");
            command.push_str(" \\\n  --data-binary \"@FILE\"");
        }
        None => {}
    }
    command
}

/// `user_id` and `userId` are `$USER_ID`.
fn variable(name: &str) -> String {
    let mut variable = "$".to_owned();
    for letter in name.trim_start_matches('*').chars() {
        if letter.is_ascii_uppercase() {
            variable.push('_');
        }
        variable.push(if letter.is_ascii_alphanumeric() {
            letter.to_ascii_uppercase()
        } else {
            '_'
        });
    }
    variable
}
