//! SMTP2GO: one call of its API.

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
    sender: String,
    #[serde(default, deserialize_with = "config::optional_text")]
    sender_name: Option<String>,
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
        let sender = match content.send_from.as_ref().or(self.sender_name.as_ref()) {
            Some(name) => format!("{} <{}>", name.replace(['<', '>', '"'], ""), self.sender),
            None => self.sender.clone(),
        };
        let mut body = json!({ "sender": sender, "to": [message.to], "subject": content.subject });
        body[if content.is_html { "html_body" } else { "text_body" }] = json!(content.body);
        if let Some(address) = content.reply_to {
            body["custom_headers"] = json!([{ "header": "Reply-To", "value": address }]);
        }
        Call::json("SMTP2GO", fixed("https://api.smtp2go.com/v3/email/send"), &body)
            .header("x-smtp2go-api-key", &self.api_key)
    }
}
