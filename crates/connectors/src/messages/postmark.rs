//! Postmark: its own templates by name, or a text of ours.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Call, ConfigProblem, Message, SendError, config, fixed, template};

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    #[serde(deserialize_with = "config::text")]
    server_token: String,
    #[serde(deserialize_with = "config::text")]
    from_email: String,
    templates: Vec<Template>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Template {
    usage_type: String,
    #[serde(deserialize_with = "config::text")]
    template_alias: String,
}

impl Config {
    pub(super) fn read(value: &Value) -> Result<Self, ConfigProblem> {
        let config: Self = config::read(value)?;
        config::check_usages(
            "templates",
            config.templates.iter().map(|one| one.usage_type.as_str()),
        )?;
        Ok(config)
    }

    pub(super) fn call(&self, message: &Message<'_>) -> Result<Call, SendError> {
        let (path, body) = match message.content {
            Some(content) => {
                let content = template::filled(content, message.payload);
                let mut body = json!({ "From": self.from_email, "To": message.to, "Subject": content.subject });
                body[if content.is_html { "HtmlBody" } else { "TextBody" }] = json!(content.body);
                if let Some(address) = content.reply_to {
                    body["ReplyTo"] = json!(address);
                }
                ("email", body)
            }
            None => {
                let own =
                    template::for_usage(&self.templates, message.usage, |one| &one.usage_type)?;
                let body = json!({
                    "From": self.from_email,
                    "To": message.to,
                    "TemplateAlias": own.template_alias,
                    "TemplateModel": message.payload,
                });
                ("email/withTemplate", body)
            }
        };
        let url = fixed("https://api.postmarkapp.com/").join(path).expect("a path is one");
        Call::json("Postmark", url, &body).header("x-postmark-server-token", &self.server_token)
    }
}
