//! Yunpian: one call of its API for single messages.

use serde::Deserialize;
use serde_json::Value;

use super::template::SmsTemplate;
use super::{
    Call, ConfigProblem, Message, SendError, by_status, config, fixed, json_of, template, told,
    with_plus,
};
use crate::outbound::Response;

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    #[serde(deserialize_with = "config::text")]
    apikey: String,
    templates: Vec<SmsTemplate>,
    #[serde(default)]
    enable_international: bool,
    #[serde(default, deserialize_with = "config::optional_text")]
    unsupported_countries_msg: Option<String>,
}

impl Config {
    pub(super) fn read(value: &Value) -> Result<Self, ConfigProblem> {
        let config: Self = config::read(value)?;
        config::check_sms_templates(&config.templates)?;
        Ok(config)
    }

    pub(super) fn call(&self, message: &Message<'_>) -> Result<Call, SendError> {
        let in_china = message.to.strip_prefix("86").filter(|number| number.len() == 11);
        let number = match in_china {
            Some(number) => number.to_owned(),
            None if self.enable_international => with_plus(message.to),
            None => {
                let told = self.unsupported_countries_msg.clone();
                let answer = told.unwrap_or_else(|| "that it does not send abroad".to_owned());
                return Err(SendError::Refused { service: "Yunpian", answer });
            }
        };
        let text = template::sms(&self.templates, message)?;
        let fields = [
            ("apikey", self.apikey.as_str()),
            ("mobile", number.as_str()),
            ("text", text.as_str()),
        ];
        let url = fixed("https://sms.yunpian.com/v2/sms/single_send.json");
        Ok(Call::form("Yunpian", url, &fields).judged(judge))
    }
}

fn judge(answer: &Response) -> Result<(), String> {
    by_status(answer)?;
    if json_of(answer)["code"] == 0 { Ok(()) } else { Err(told(answer.status, &answer.body)) }
}
