use serde_json::{Map, Value};

/// Members that come first, in this order; the others follow by name.
const FIRST: [&str; 12] = [
    "version",
    "id",
    "indicator",
    "resource",
    "organization",
    "tokens",
    "username",
    "name",
    "description",
    "type",
    "isThirdParty",
    "scopes",
];

/// Words that readers of other versions of YAML take for something else than text.
const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];

/// Appends a mapping as block YAML.
pub(crate) fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => mapping(members, 0, false, text),
        other => {
            text.push_str(&inline(other));
            text.push('\n');
        }
    }
}

/// `is_begun`: the first key goes on in the line that is there already.
fn mapping(members: &Map<String, Value>, indent: usize, mut is_begun: bool, text: &mut String) {
    let rank = |name: &str| FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len());
    let mut ordered: Vec<(&String, &Value)> = members.iter().collect();
    ordered.sort_by_key(|(name, _)| (rank(name), *name));
    for (name, value) in ordered {
        if !std::mem::take(&mut is_begun) {
            spaces(indent, text);
        }
        text.push_str(&string(name));
        text.push(':');
        member(value, indent, text);
    }
}

fn member(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            text.push('\n');
            mapping(members, indent + 2, false, text);
        }
        Value::Array(values) if !values.is_empty() => {
            text.push('\n');
            sequence(values, indent + 2, text);
        }
        Value::String(long) if is_block(long) => block(long, indent + 2, text),
        other => {
            text.push(' ');
            text.push_str(&inline(other));
            text.push('\n');
        }
    }
}

fn sequence(values: &[Value], indent: usize, text: &mut String) {
    for value in values {
        spaces(indent, text);
        text.push('-');
        match value {
            Value::Object(members) if !members.is_empty() => {
                text.push(' ');
                mapping(members, indent + 2, true, text);
            }
            other => member(other, indent, text),
        }
    }
}

fn spaces(count: usize, text: &mut String) {
    text.extend(std::iter::repeat_n(' ', count));
}

/// A value in one line. What has members or values here is empty.
fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => string(text),
        other => other.to_string(),
    }
}

fn string(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// Whether any reader takes the text for itself without quotes.
fn is_plain(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_alphabetic() || c == '/' || c == '_');
    let is_safe = |c: char| {
        c.is_alphanumeric()
            || matches!(c, ' ' | '_' | '.' | '/' | ':' | '@' | '+' | '-' | '(' | ')')
    };
    begins
        && text.chars().all(is_safe)
        && !text.contains(": ")
        && !text.ends_with([' ', ':'])
        && !WORDS.contains(&text.to_lowercase().as_str())
}

/// JSON's strings are YAML's, but for a few characters that YAML wants escaped.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    for c in Value::from(text).to_string().chars() {
        let is_odd = matches!(
            c,
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        );
        if is_odd {
            quoted.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            quoted.push(c);
        }
    }
    quoted
}

/// Whether the text is several lines that stand as they are below their key.
fn is_block(text: &str) -> bool {
    let is_printed = |c: char| {
        c == '\n'
            || (c >= ' '
                && !matches!(
                    c,
                    '\u{7f}'
                        ..='\u{9f}'
                            | '\u{2028}'
                            | '\u{2029}'
                            | '\u{feff}'
                            | '\u{fffe}'
                            | '\u{ffff}'
                ))
    };
    text.trim_end_matches('\n').contains('\n')
        && !text.starts_with(|c: char| c.is_whitespace())
        && text.chars().all(is_printed)
        && text.lines().all(|line| line.is_empty() || !line.trim().is_empty())
}

fn block(long: &str, indent: usize, text: &mut String) {
    let content = long.trim_end_matches('\n');
    text.push_str(match long.len() - content.len() {
        0 => " |-\n",
        1 => " |\n",
        _ => " |+\n",
    });
    for line in content.split('\n') {
        if !line.is_empty() {
            spaces(indent, text);
            text.push_str(line);
        }
        text.push('\n');
    }
    for _ in 1..long.len() - content.len() {
        text.push('\n');
    }
}
