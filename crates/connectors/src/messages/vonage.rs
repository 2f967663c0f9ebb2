//! Vonage: one call of its SMS API, which says with a status of 200 what went wrong.

use serde::Deserialize;
use serde_json::Value;

use super::template::SmsTemplate;
use super::{Call, ConfigProblem, Message, SendError, by_status, config, fixed, json_of, template};
use crate::outbound::Response;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    #[serde(deserialize_with = "config::text")]
    api_key: String,
    #[serde(deserialize_with = "config::text")]
    api_secret: String,
    #[serde(deserialize_with = "config::text")]
    brand_name: String,
    templates: Vec<SmsTemplate>,
}

impl Config {
    pub(super) fn read(value: &Value) -> Result<Self, ConfigProblem> {
        let config: Self = config::read(value)?;
        config::check_sms_templates(&config.templates)?;
        Ok(config)
    }

    pub(super) fn call(&self, message: &Message<'_>) -> Result<Call, SendError> {
        let text = template::sms(&self.templates, message)?;
        let mut fields = vec![
            ("api_key", self.api_key.as_str()),
            ("api_secret", self.api_secret.as_str()),
            ("from", self.brand_name.as_str()),
            ("to", message.to),
            ("text", text.as_str()),
        ];
        if !text.is_ascii() {
            fields.push(("type", "unicode"));
        }
        let call = Call::form("Vonage", fixed("https://rest.nexmo.com/sms/json"), &fields);
        Ok(call.judged(judge))
    }
}

/// Each part of the message has its status; `0` is a success.
pub(super) fn judge(answer: &Response) -> Result<(), String> {
    by_status(answer)?;
    let answer = json_of(answer);
    let parts = answer["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    match parts.iter().find(|part| part["status"] != "0") {
        None if !parts.is_empty() => Ok(()),
        None => Err("without a word about the message".to_owned()),
        Some(part) => Err(format!(
            "status {}: {}",
            part["status"].as_str().unwrap_or("unknown"),
            part["error-text"].as_str().unwrap_or("no reason")
        )),
    }
}
