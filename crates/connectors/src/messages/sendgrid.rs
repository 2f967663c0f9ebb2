//! SendGrid: one call of its Mail Send API.

use serde::Deserialize;
use serde_json::{Value, json};

use super::template::EmailTemplate;
use super::{Call, ConfigProblem, Message, SendError, config, fixed, template};

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    #[serde(deserialize_with = "config::text")]
    api_key: String,
    #[serde(deserialize_with = "config::text")]
    from_email: String,
    #[serde(default, deserialize_with = "config::optional_text")]
    from_name: Option<String>,
    templates: Vec<EmailTemplate>,
}

impl Config {
    pub(super) fn read(value: &Value) -> Result<Self, ConfigProblem> {
        let config: Self = config::read(value)?;
        config::check_email_templates(&config.templates)?;
        Ok(config)
    }

    pub(super) fn call(&self, message: &Message<'_>) -> Result<Call, SendError> {
        let content = template::email(&self.templates, message)?;
        let mut from = json!({ "email": self.from_email });
        if let Some(name) = content.send_from.as_ref().or(self.from_name.as_ref()) {
            from["name"] = json!(name);
        }
        let content_type = if content.is_html { "text/html" } else { "text/plain" };
        let mut body = json!({
            "personalizations": [{ "to": [{ "email": message.to }] }],
            "from": from,
            "subject": content.subject,
            "content": [{ "type": content_type, "value": content.body }],
        });
        if let Some(address) = content.reply_to {
            body["reply_to"] = json!({ "email": address });
        }
        Call::json("SendGrid", fixed("https://api.sendgrid.com/v3/mail/send"), &body)
            .bearer(&self.api_key)
    }
}
