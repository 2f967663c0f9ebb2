//! What is allowed of a connector.

use serde_json::{Value, json};
use trinco_connectors::messages::Service;
use url::Url;

use super::factories::{ConnectorType, Factory, FormItem, FormItemType, ShowCondition};
use super::model::{Connector, ConnectorChanges, ConnectorMetadata};
use crate::{Error, JsonObject, Refusal, Result};

/// What is wrong with a member of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Issue {
    path: String,
    rule: String,
}

/// Refuses a configuration that the factory's connectors cannot work with, naming every member that is wrong.
pub(super) fn check_config(factory: &Factory, config: &JsonObject) -> Result<()> {
    let mut issues: Vec<Issue> =
        factory.form_items.iter().filter_map(|item| issue_of(item, config)).collect();
    if issues.is_empty() {
        issues.extend(beyond_the_form(factory, config));
    }
    if issues.is_empty()
        && let Some(Err(problem)) = Service::read(&factory.id, &Value::Object(config.clone()))
    {
        issues.push(Issue { path: problem.path, rule: problem.rule });
    }
    if issues.is_empty() { Ok(()) } else { Err(invalid(&issues)) }
}

fn invalid(issues: &[Issue]) -> Error {
    let path = |issue: &Issue| {
        if issue.path.is_empty() { "config".to_owned() } else { format!("config.{}", issue.path) }
    };
    let listed: Vec<Value> = issues
        .iter()
        .map(|issue| {
            let path = path(issue);
            json!({ "path": path.split('.').collect::<Vec<_>>(), "message": issue.rule })
        })
        .collect();
    let first = &issues[0];
    Error::Refused(Box::new(Refusal {
        code: "connector.invalid_config",
        values: vec![("path", path(first)), ("rule", first.rule.clone())],
        data: Some(json!({ "type": "body", "issues": listed })),
    }))
}

/// A configuration is wrong at one place.
pub(crate) fn invalid_config(path: &str, rule: &str) -> Error {
    invalid(&[Issue { path: path.to_owned(), rule: rule.to_owned() }])
}

fn issue_of(item: &FormItem, config: &JsonObject) -> Option<Issue> {
    let is_asked_for =
        item.show_conditions.iter().flatten().all(|condition| holds(condition, config));
    let issue = |rule: &str| Some(Issue { path: item.key.clone(), rule: rule.to_owned() });
    let value = match config.get(&item.key) {
        None | Some(Value::Null) => {
            let is_missing = item.required == Some(true) && is_asked_for;
            // What a form begins with stands for what is not given.
            let has_default = item.default_value.is_some() && item.item_type != FormItemType::Json;
            return if is_missing && !has_default { issue("is required") } else { None };
        }
        Some(value) => value,
    };
    let is_choice = |value: &Value| {
        let mut choices = item.select_items.iter().flatten();
        choices.any(|choice| value.as_str() == Some(choice.value.as_str()))
    };
    match item.item_type {
        FormItemType::Text | FormItemType::MultilineText => match value.as_str() {
            None => issue("must be a text"),
            Some(text) if text.contains('\0') => issue("must not contain null characters"),
            Some(text) if text.trim().is_empty() && item.required == Some(true) && is_asked_for => {
                issue("must not be empty")
            }
            Some(_) => None,
        },
        FormItemType::Number => {
            let is_number = value.is_number()
                || value.as_str().is_some_and(|text| text.trim().parse::<f64>().is_ok());
            if is_number { None } else { issue("must be a number") }
        }
        FormItemType::Switch if !value.is_boolean() => issue("must be true or false"),
        FormItemType::Json if !value.is_object() && !value.is_array() => {
            issue("must be an object or a list")
        }
        FormItemType::Select if !is_choice(value) => issue("is none of the choices"),
        FormItemType::MultiSelect => match value.as_array() {
            Some(values) if values.iter().all(is_choice) => None,
            _ => issue("must be a list of the choices"),
        },
        FormItemType::Switch | FormItemType::Json | FormItemType::Select => None,
    }
}

fn holds(condition: &ShowCondition, config: &JsonObject) -> bool {
    let value = config.get(&condition.target_key);
    match &condition.expect_value {
        Some(expected) => value == Some(expected),
        None => value.is_some(),
    }
}

/// Rules that a form cannot tell: addresses of social connectors are web addresses.
fn beyond_the_form(factory: &Factory, config: &JsonObject) -> Vec<Issue> {
    if factory.connector_type != ConnectorType::Social {
        return Vec::new();
    }
    let addresses = [
        "authorizationEndpoint",
        "tokenEndpoint",
        "userInfoEndpoint",
        "signInEndpoint",
        "cloudInstance",
    ];
    let mut issues = Vec::new();
    for key in addresses {
        let Some(text) = config.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
        else {
            continue;
        };
        let is_web = Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.username().is_empty()
                && url.password().is_none()
        });
        if !is_web {
            let rule = "must be an http or https URL without credentials".to_owned();
            issues.push(Issue { path: key.to_owned(), rule });
        }
    }
    issues
}

/// What is told in place of the factory is told of standard connectors alone, and they need a target of their own.
pub(super) fn check_metadata(
    factory: &Factory,
    metadata: Option<&ConnectorMetadata>,
) -> Result<()> {
    match metadata {
        Some(_) if !factory.is_standard => {
            return Err(Error::refused(
                "connector.cannot_overwrite_metadata_for_non_standard_connector",
            ));
        }
        None | Some(ConnectorMetadata { target: None, .. }) if factory.is_standard => {
            return Err(Error::refused("connector.should_specify_target"));
        }
        _ => {}
    }
    check_names(metadata)
}

fn check_names(metadata: Option<&ConnectorMetadata>) -> Result<()> {
    let Some(names) = metadata.and_then(|metadata| metadata.name.as_ref()) else { return Ok(()) };
    if !names.contains_key("en") {
        return Err(Error::invalid_field("metadata.name.en", "is required"));
    }
    if names.len() > 100 || names.keys().any(|tag| tag.is_empty() || tag.len() > 35) {
        return Err(Error::invalid_field(
            "metadata.name",
            "must have language tags as members, 100 at most",
        ));
    }
    Ok(())
}

pub(super) fn check_switches(
    factory: &Factory,
    sync_profile: bool,
    enable_token_storage: bool,
) -> Result<()> {
    if sync_profile && factory.connector_type != ConnectorType::Social {
        return Err(Error::refused("connector.invalid_type_for_syncing_profile"));
    }
    if enable_token_storage && !factory.is_token_storage_supported {
        return Err(Error::refused("connector.token_storage_not_supported"));
    }
    Ok(())
}

/// Messages that cannot be sent must not seem to be.
pub(super) fn check_can_send(factory: &Factory) -> Result<()> {
    let is_social = factory.connector_type == ConnectorType::Social;
    if is_social || Service::read(&factory.id, &Value::Null).is_some() {
        Ok(())
    } else {
        Err(Error::refused("connector.not_implemented"))
    }
}

/// The id is part of URLs.
pub(super) fn check_id(id: &str) -> Result<()> {
    if id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        Ok(())
    } else {
        Err(Error::invalid_field("id", "must be letters, digits, hyphens and underscores"))
    }
}

pub(super) fn apply(changes: ConnectorChanges, connector: &mut Connector) -> Result<()> {
    if let Some(metadata) = changes.metadata {
        change_metadata(metadata, connector)?;
    }
    if let Some(config) = changes.config {
        check_config(connector.factory, &config)?;
        connector.config = config;
    }
    connector.sync_profile = changes.sync_profile.unwrap_or(connector.sync_profile);
    connector.enable_token_storage =
        changes.enable_token_storage.unwrap_or(connector.enable_token_storage);
    check_switches(connector.factory, connector.sync_profile, connector.enable_token_storage)
}

fn change_metadata(changes: ConnectorMetadata, connector: &mut Connector) -> Result<()> {
    if !connector.factory.is_standard {
        return Err(Error::refused(
            "connector.cannot_overwrite_metadata_for_non_standard_connector",
        ));
    }
    if changes.target.is_some() && changes.target != connector.metadata.target {
        return Err(Error::refused("connector.can_not_modify_target"));
    }
    check_names(Some(&changes))?;
    let metadata = &mut connector.metadata;
    metadata.name = changes.name.or_else(|| metadata.name.take());
    metadata.logo = changes.logo.or_else(|| metadata.logo.take());
    metadata.logo_dark = changes.logo_dark.or_else(|| metadata.logo_dark.take());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::factory;

    fn paths(factory_id: &str, config: &Value) -> Vec<String> {
        let config = config.as_object().unwrap().clone();
        match check_config(factory(factory_id).unwrap(), &config) {
            Ok(()) => Vec::new(),
            Err(Error::Refused(refusal)) => {
                assert_eq!(refusal.code, "connector.invalid_config");
                refusal.data.unwrap()["issues"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|issue| {
                        let names = issue["path"].as_array().unwrap().iter();
                        names.map(|name| name.as_str().unwrap()).collect::<Vec<_>>().join(".")
                    })
                    .collect()
            }
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn every_member_that_is_wrong_is_named() {
        let none: [&str; 0] = [];
        let google = json!({ "clientId": "a", "clientSecret": "b", "prompts": ["consent"] });
        assert_eq!(paths("google-universal", &google), none);
        assert_eq!(
            paths("google-universal", &json!({})),
            ["config.clientId", "config.clientSecret"]
        );
        assert_eq!(
            paths(
                "google-universal",
                &json!({ "clientId": " ", "clientSecret": 1, "prompts": ["x"], "offlineAccess": "yes" })
            ),
            ["config.clientId", "config.clientSecret", "config.prompts", "config.offlineAccess"]
        );
        assert_eq!(paths("http-email", &json!({ "endpoint": "x" })), ["config.endpoint"]);
        assert_eq!(
            paths(
                "simple-mail-transfer-protocol",
                &json!({
                    "host": "a.example", "port": "x", "auth": {}, "fromEmail": "a@b.example", "templates": {},
                })
            ),
            ["config.port"]
        );
        assert_eq!(
            paths(
                "simple-mail-transfer-protocol",
                &json!({
                    "host": "a.example", "port": 25, "auth": {}, "fromEmail": "a@b.example", "templates": [],
                })
            ),
            ["config.templates"]
        );
    }

    #[test]
    fn a_member_is_asked_for_when_its_condition_holds() {
        let mut config = json!({
            "authorizationEndpoint": "https://a.example", "tokenEndpoint": "https://a.example",
            "userInfoEndpoint": "ftp://a.example", "clientId": "a", "clientSecret": "b",
        });
        assert_eq!(paths("oauth2", &config), ["config.userInfoEndpoint"]);
        config["userInfoEndpoint"] = json!("https://a.example");
        let none: [&str; 0] = [];
        assert_eq!(paths("oauth2", &config), none, "defaults stand in");
        config["tokenEndpointAuthMethod"] = json!("x");
        assert_eq!(paths("oauth2", &config), ["config.tokenEndpointAuthMethod"]);
        let saml = json!({
            "entityID": "a", "x509Certificate": "b", "idpMetadataXml": "c",
            "assertionConsumerServiceUrl": "https://a.example", "signAuthnRequest": true,
        });
        assert_eq!(paths("saml", &saml), ["config.privateKey"]);
    }
}
