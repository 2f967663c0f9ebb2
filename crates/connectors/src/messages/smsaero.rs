//! SMS Aero: one call of its gateway, which tells of its success in the answer.

use serde::Deserialize;
use serde_json::{Value, json};

use super::template::SmsTemplate;
use super::{
    Call, ConfigProblem, Message, SendError, by_status, config, fixed, json_of, template, told,
};
use crate::outbound::Response;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    #[serde(deserialize_with = "config::text")]
    email: String,
    #[serde(deserialize_with = "config::text")]
    api_key: String,
    #[serde(deserialize_with = "config::text")]
    sender_name: String,
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
            "number": message.to,
            "sign": self.sender_name,
            "text": template::sms(&self.templates, message)?,
        });
        let call = Call::json("SMS Aero", fixed("https://gate.smsaero.ru/v2/sms/send"), &body);
        Ok(call.basic(&self.email, &self.api_key)?.judged(judge))
    }
}

fn judge(answer: &Response) -> Result<(), String> {
    by_status(answer)?;
    if json_of(answer)["success"] == true { Ok(()) } else { Err(told(answer.status, &answer.body)) }
}
