//! GatewayAPI: one call of its REST API.

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::template::SmsTemplate;
use super::{Call, ConfigProblem, Message, SendError, config, template};

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    #[serde(deserialize_with = "config::url")]
    endpoint: Url,
    #[serde(deserialize_with = "config::text")]
    api_token: String,
    #[serde(deserialize_with = "config::text")]
    sender: String,
    templates: Vec<SmsTemplate>,
}

impl Config {
    pub(super) fn read(value: &Value) -> Result<Self, ConfigProblem> {
        let config: Self = config::read(value)?;
        config::check_sms_templates(&config.templates)?;
        Ok(config)
    }

    pub(super) fn call(&self, message: &Message<'_>) -> Result<Call, SendError> {
        let body = json!({
            "sender": self.sender,
            "message": template::sms(&self.templates, message)?,
            "recipients": [{ "msisdn": message.to }],
        });
        Call::json("GatewayAPI", self.endpoint.clone(), &body)
            .header("authorization", &format!("Token {}", self.api_token))
    }
}
