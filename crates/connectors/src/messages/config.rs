//! Reading configurations, so that what is wrong is named.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use url::Url;

use super::{EmailTemplate, SmsTemplate};

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// The member, with dots.
    pub path: String,
    /// What is asked of it.
    pub rule: String,
}

impl ConfigProblem {
    pub(super) fn new(path: &str, rule: impl Into<String>) -> Self {
        Self { path: path.to_owned(), rule: rule.into() }
    }
}

/// Reads a configuration by its type alone.
pub(super) fn read<T: DeserializeOwned>(config: &Value) -> Result<T, ConfigProblem> {
    serde_path_to_error::deserialize(config).map_err(|error| {
        let path = match error.path().to_string() {
            path if path == "." => String::new(),
            path => path,
        };
        ConfigProblem { path, rule: error.into_inner().to_string() }
    })
}

/// Occasions for which every connector that fills in texts itself has one; a generic one counts for all of them.
const NEEDED: [&str; 3] = ["SignIn", "Register", "ForgotPassword"];

/// Refuses a list at `path` that has nothing for some of the occasions that are needed.
pub(super) fn check_usages<'t>(
    path: &str,
    usages: impl Iterator<Item = &'t str>,
) -> Result<(), ConfigProblem> {
    let usages: Vec<&str> = usages.collect();
    if usages.contains(&"Generic") || NEEDED.iter().all(|usage| usages.contains(usage)) {
        return Ok(());
    }
    let rule = "must have one for Generic, or for SignIn, Register and ForgotPassword";
    Err(ConfigProblem::new(path, rule))
}

pub(super) fn check_email_templates(templates: &[EmailTemplate]) -> Result<(), ConfigProblem> {
    check_usages("templates", templates.iter().map(|template| template.usage_type.as_str()))
}

pub(super) fn check_sms_templates(templates: &[SmsTemplate]) -> Result<(), ConfigProblem> {
    check_usages("templates", templates.iter().map(|template| template.usage_type.as_str()))
}

/// Text that is not empty.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() {
        return Err(de::Error::custom("must not be empty"));
    }
    if text.contains(['\r', '\n', '\0']) {
        return Err(de::Error::custom("must be one line"));
    }
    Ok(text)
}

/// Text, where the empty one stands for none.
pub(super) fn optional_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.filter(|text| !text.trim().is_empty());
    match text {
        Some(text) if text.contains(['\r', '\n', '\0']) => {
            Err(de::Error::custom("must be one line"))
        }
        text => Ok(text),
    }
}

/// A web address without credentials.
pub(super) fn url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    web_url(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

/// A web address, where the empty text stands for none.
pub(super) fn optional_url<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Url>, D::Error> {
    let text = optional_text(deserializer)?;
    text.map(|text| web_url(&text)).transpose().map_err(de::Error::custom)
}

fn web_url(text: &str) -> Result<Url, &'static str> {
    match Url::parse(text) {
        Ok(url)
            if matches!(url.scheme(), "http" | "https")
                && url.username().is_empty()
                && url.password().is_none() =>
        {
            Ok(url)
        }
        _ => Err("must be an http or https URL without credentials"),
    }
}

/// A part of a host name or a path: what stands there reaches no other host and no other path.
pub(super) fn segment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = text(deserializer)?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if text.len() <= 253 && text.bytes().all(is_plain) && !text.contains("..") {
        Ok(text)
    } else {
        Err(de::Error::custom("must be letters, digits, hyphens and dots"))
    }
}
