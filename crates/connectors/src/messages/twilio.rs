//! Twilio: one call of its Messages resource.

use serde::Deserialize;
use serde_json::Value;

use super::template::SmsTemplate;
use super::{Call, ConfigProblem, Message, SendError, config, fixed, template, with_plus};

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Config {
    #[serde(rename = "accountSID", deserialize_with = "config::segment")]
    account_sid: String,
    #[serde(rename = "authToken", deserialize_with = "config::text")]
    auth_token: String,
    #[serde(rename = "fromMessagingServiceSID", deserialize_with = "config::text")]
    from_messaging_service_sid: String,
    #[serde(rename = "disableRiskCheck", default)]
    disable_risk_check: bool,
    templates: Vec<SmsTemplate>,
}

impl Config {
    pub(super) fn read(value: &Value) -> Result<Self, ConfigProblem> {
        let config: Self = config::read(value)?;
        config::check_sms_templates(&config.templates)?;
        Ok(config)
    }

    pub(super) fn call(&self, message: &Message<'_>) -> Result<Call, SendError> {
        let (to, text) = (with_plus(message.to), template::sms(&self.templates, message)?);
        let mut fields = vec![
            ("To", to.as_str()),
            ("MessagingServiceSid", self.from_messaging_service_sid.as_str()),
            ("Body", text.as_str()),
        ];
        if self.disable_risk_check {
            fields.push(("RiskCheck", "disable"));
        }
        let url = format!(
            "https://api.twilio.com/2010-04-01/Accounts/{}/Messages.json",
            self.account_sid
        );
        Call::form("Twilio", fixed(&url), &fields).basic(&self.account_sid, &self.auth_token)
    }
}
