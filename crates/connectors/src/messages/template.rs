//! Templates of connectors, and what is filled into them.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{Content, Message, SendError};

/// Stands in for a template that is missing.
const GENERIC: &str = "Generic";

/// What an e-mail says on an occasion.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EmailTemplate {
    pub(super) usage_type: String,
    #[serde(alias = "type", rename = "contentType", default, deserialize_with = "is_html")]
    is_html: bool,
    #[serde(default)]
    subject: String,
    content: String,
    #[serde(default)]
    reply_to: Option<String>,
    #[serde(default)]
    send_from: Option<String>,
}

/// What a text message says on an occasion.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SmsTemplate {
    pub(super) usage_type: String,
    content: String,
}

fn is_html<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "text/html" => Ok(true),
        "text/plain" => Ok(false),
        _ => Err(serde::de::Error::custom("must be text/plain or text/html")),
    }
}

/// The element for an occasion, or else the one for every occasion.
pub(super) fn for_usage<'t, T>(
    all: &'t [T],
    usage: &str,
    usage_of: impl Fn(&T) -> &str,
) -> Result<&'t T, SendError> {
    let find = |wanted: &str| all.iter().find(|one| usage_of(one) == wanted);
    find(usage).or_else(|| find(GENERIC)).ok_or_else(|| SendError::NoTemplate(usage.to_owned()))
}

/// What an e-mail says, filled in.
pub(super) fn email(
    templates: &[EmailTemplate],
    message: &Message<'_>,
) -> Result<Content, SendError> {
    if let Some(content) = message.content {
        return Ok(filled(content, message.payload));
    }
    let template = for_usage(templates, message.usage, |one| &one.usage_type)?;
    let content = Content {
        subject: template.subject.clone(),
        body: template.content.clone(),
        is_html: template.is_html,
        reply_to: template.reply_to.clone(),
        send_from: template.send_from.clone(),
    };
    Ok(filled(&content, message.payload))
}

/// What a text message says, filled in.
pub(super) fn sms(templates: &[SmsTemplate], message: &Message<'_>) -> Result<String, SendError> {
    let template = for_usage(templates, message.usage, |one| &one.usage_type)?;
    Ok(fill(&template.content, message.payload, false))
}

/// A content with its variables filled in. Names and addresses stay on one line.
pub(super) fn filled(content: &Content, payload: &Map<String, Value>) -> Content {
    let line = |text: &str| one_line(&fill(text, payload, false));
    let some = |text: &Option<String>| text.as_deref().map(line).filter(|line| !line.is_empty());
    Content {
        subject: line(&content.subject),
        body: fill(&content.body, payload, content.is_html),
        is_html: content.is_html,
        reply_to: some(&content.reply_to),
        send_from: some(&content.send_from),
    }
}

fn one_line(text: &str) -> String {
    let spaced: String =
        text.chars().map(|symbol| if symbol.is_control() { ' ' } else { symbol }).collect();
    spaced.trim().to_owned()
}

/// Puts values in the place of `{{name}}` and `{{name.member}}`. What the payload knows nothing of stays as it is written; a member that
/// is absent leaves nothing. In HTML, values are escaped: names of users and organizations are not the administrator's.
pub fn fill(template: &str, payload: &Map<String, Value>, is_html: bool) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(begin) = rest.find("{{") {
        let Some(end) = rest[begin..].find("}}").map(|at| begin + at) else { break };
        filled.push_str(&rest[..begin]);
        let name = rest[begin + 2..end].trim();
        match value_of(name, payload) {
            Some(value) if is_html => filled.push_str(&escaped(&value)),
            Some(value) => filled.push_str(&value),
            None => filled.push_str(&rest[begin..end + 2]),
        }
        rest = &rest[end + 2..];
    }
    filled.push_str(rest);
    filled
}

fn value_of<'p>(name: &str, payload: &'p Map<String, Value>) -> Option<Cow<'p, str>> {
    let mut names = name.split('.');
    let mut value = payload.get(names.next()?)?;
    for name in names {
        value = value.get(name).unwrap_or(&Value::Null);
    }
    Some(match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    })
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for symbol in text.chars() {
        match symbol {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn payload(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn values_are_filled_in_and_the_unknown_stays() {
        let payload = payload(&json!({
            "code": "123456", "user": { "name": "Ana <b>", "age": 7 }, "nothing": null,
        }));
        for (template, text, html) in [
            ("Code {{code}}.", "Code 123456.", "Code 123456."),
            ("{{ code }}{{code}}", "123456123456", "123456123456"),
            ("Hi {{user.name}}", "Hi Ana <b>", "Hi Ana &lt;b&gt;"),
            ("{{user.age}}-{{user.mail}}-{{nothing}}", "7--", "7--"),
            ("{{other}} {{", "{{other}} {{", "{{other}} {{"),
            ("{{}} }} {{code", "{{}} }} {{code", "{{}} }} {{code"),
        ] {
            assert_eq!(fill(template, &payload, false), text, "{template}");
            assert_eq!(fill(template, &payload, true), html, "{template}");
        }
    }

    #[test]
    fn what_is_filled_in_is_not_read_again() {
        let payload = payload(&json!({ "a": "{{b}}", "b": "x" }));
        assert_eq!(fill("{{a}}", &payload, false), "{{b}}");
    }

    #[test]
    fn a_subject_stays_on_one_line() {
        let content = Content {
            subject: "Hi {{name}}".to_owned(),
            body: "{{name}}".to_owned(),
            is_html: false,
            reply_to: Some("{{name}}".to_owned()),
            send_from: Some(" ".to_owned()),
        };
        let filled = filled(&content, &payload(&json!({ "name": "a\r\nBcc: b@c.d" })));
        assert_eq!(filled.subject, "Hi a  Bcc: b@c.d");
        assert_eq!(filled.reply_to.as_deref(), Some("a  Bcc: b@c.d"));
        assert_eq!(filled.send_from, None);
    }

    proptest! {
        #[test]
        fn no_value_brings_markup(value: String, template in "[a-z{} ]{0,40}") {
            let payload = payload(&json!({ "a": value }));
            let filled = fill(&template, &payload, true);
            prop_assert!(!filled.contains(['<', '>', '"', '\'']));
        }
    }
}
