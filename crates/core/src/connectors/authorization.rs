//! How people are sent to the service that knows them: an OAuth 2.0 authorization request (RFC 6749 §4.1.1), with the habits of the
//! services as data.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::model::Connector;
use super::rules::invalid_config;
use crate::{Error, JsonObject, Result};

/// Of what the authorization request of a factory's connectors is made.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AuthorizationRequest {
    /// With `{members}` of the configuration.
    endpoint: String,
    /// The member that holds the client's id.
    #[serde(default = "client_id")]
    client_id_key: String,
    /// The parameter that tells it.
    #[serde(default = "client_id_parameter")]
    client_id_parameter: String,
    /// What is asked for unless the configuration says otherwise.
    scope: Option<String>,
    /// The member that says otherwise.
    scope_key: Option<String>,
    /// A member that lists prompts.
    prompts_key: Option<String>,
    /// A member that asks for a refresh token.
    offline_key: Option<String>,
    /// A member whose members are further parameters.
    extra_key: Option<String>,
    /// As [`Self::extra_key`], in the words of the configuration.
    optional_key: Option<String>,
    /// Members that are told when they are set, and their parameters.
    #[serde(default)]
    flags: BTreeMap<String, String>,
    /// Parameters that are always told.
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    fragment: Option<String>,
    /// Whether an app on the device takes the request, which asks for nothing but the state.
    #[serde(default)]
    is_native: bool,
}

fn client_id() -> String {
    "clientId".to_owned()
}

fn client_id_parameter() -> String {
    "client_id".to_owned()
}

/// Parameters that belong to the protocol: a configuration adds others.
const OURS: [&str; 5] = ["client_id", "redirect_uri", "response_type", "state", "scope"];

/// The URL that sends someone to the connector's service.
///
/// # Errors
/// `connector.not_implemented` for a service that takes more than a URL; `connector.invalid_config`.
pub(super) fn uri(connector: &Connector, redirect_uri: &str, state: &str) -> Result<String> {
    let Some(request) = &connector.factory.authorization else {
        return Err(Error::refused("connector.not_implemented"));
    };
    let config = &connector.config;
    let mut url = Url::parse(&endpoint(&request.endpoint, config)?)
        .map_err(|_| invalid_config("authorizationEndpoint", "must be a URL"))?;
    let client_id = text(config, &request.client_id_key)?;
    {
        let mut query = url.query_pairs_mut();
        query.append_pair(&request.client_id_parameter, client_id);
        if !request.is_native {
            query.append_pair("redirect_uri", redirect_uri).append_pair("response_type", "code");
        }
        query.append_pair("state", state);
        let chosen = request.scope_key.as_deref().and_then(|key| words(config.get(key)));
        if let Some(scope) = chosen.or_else(|| request.scope.clone()) {
            query.append_pair("scope", &scope);
        }
        if let Some(prompts) = request.prompts_key.as_deref().and_then(|key| words(config.get(key)))
        {
            query.append_pair("prompt", &prompts);
        }
        let wants = |key: &str| config.get(key) == Some(&Value::Bool(true));
        if request.offline_key.as_deref().is_some_and(wants) {
            query.append_pair("access_type", "offline");
        }
        for (key, parameter) in &request.flags {
            if let Some(Value::Bool(flag)) = config.get(key) {
                query.append_pair(parameter, if *flag { "true" } else { "false" });
            }
        }
        for (name, value) in &request.parameters {
            query.append_pair(name, value);
        }
        for key in [&request.extra_key, &request.optional_key].into_iter().flatten() {
            let extra = config.get(key).and_then(Value::as_object).into_iter().flatten();
            for (name, value) in extra {
                let name = snake_case(name);
                let Some(value) = words(Some(value)) else { continue };
                if !OURS.contains(&name.as_str()) {
                    query.append_pair(&name, &value);
                }
            }
        }
    }
    url.set_fragment(request.fragment.as_deref());
    Ok(url.into())
}

/// The address, with members of the configuration in the place of their names.
fn endpoint(pattern: &str, config: &JsonObject) -> Result<String> {
    let mut address = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((key, after)) = after.split_once('}') else { break };
        address.push_str(before);
        let value = text(config, key)?.trim_end_matches('/');
        // The whole address may be the configuration's; else it is a part of a path.
        if !before.is_empty() && value.contains(['/', '?', '#']) {
            return Err(invalid_config(key, "must not contain slashes or question marks"));
        }
        address.push_str(value);
        rest = after;
    }
    address.push_str(rest);
    Ok(address)
}

fn text<'c>(config: &'c JsonObject, key: &str) -> Result<&'c str> {
    let value =
        config.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    value.ok_or_else(|| invalid_config(key, "is required"))
}

/// A text, a number, a flag or a list, as one parameter tells it.
fn words(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        Value::Bool(_) | Value::Number(_) => value?.to_string(),
        Value::Null | Value::Object(_) => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

/// `responseMode` as `response_mode`.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len());
    for symbol in name.chars() {
        if symbol.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(symbol.to_ascii_lowercase());
    }
    snake
}
