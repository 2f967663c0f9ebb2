//! Amazon SES: one call of its API of version 2, signed.

use serde::Deserialize;
use serde_json::{Value, json};

use super::template::EmailTemplate;
use super::{Call, ConfigProblem, Message, SendError, config, fixed, template};
use crate::sigv4::{self, Credentials};

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    #[serde(deserialize_with = "config::text")]
    access_key_id: String,
    #[serde(deserialize_with = "config::text")]
    access_key_secret: String,
    #[serde(deserialize_with = "config::segment")]
    region: String,
    #[serde(default, deserialize_with = "config::optional_text")]
    email_address: Option<String>,
    #[serde(default, deserialize_with = "config::optional_text")]
    email_address_identity_arn: Option<String>,
    #[serde(default, deserialize_with = "config::optional_text")]
    feedback_forwarding_email_address: Option<String>,
    #[serde(default, deserialize_with = "config::optional_text")]
    feedback_forwarding_email_address_identity_arn: Option<String>,
    #[serde(default, deserialize_with = "config::optional_text")]
    configuration_set_name: Option<String>,
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
        let part = |text: &str| json!({ "Data": text, "Charset": "UTF-8" });
        let kind = if content.is_html { "Html" } else { "Text" };
        let mut body = json!({
            "Destination": { "ToAddresses": [message.to] },
            "Content": { "Simple": { "Subject": part(&content.subject), "Body": { kind: part(&content.body) } } },
        });
        let named = |address: &String| match &content.send_from {
            Some(name) => format!("\"{}\" <{address}>", name.replace(['"', '\\'], "")),
            None => address.clone(),
        };
        for (member, value) in [
            ("FromEmailAddress", self.email_address.as_ref().map(named)),
            ("FromEmailAddressIdentityArn", self.email_address_identity_arn.clone()),
            ("FeedbackForwardingEmailAddress", self.feedback_forwarding_email_address.clone()),
            (
                "FeedbackForwardingEmailAddressIdentityArn",
                self.feedback_forwarding_email_address_identity_arn.clone(),
            ),
            ("ConfigurationSetName", self.configuration_set_name.clone()),
        ] {
            if let Some(value) = value {
                body[member] = json!(value);
            }
        }
        if let Some(address) = &content.reply_to {
            body["ReplyToAddresses"] = json!([address]);
        }
        let url = format!("https://email.{}.amazonaws.com/v2/email/outbound-emails", self.region);
        let mut call = Call::json("Amazon SES", fixed(&url), &body);
        let credentials =
            Credentials { access_key_id: &self.access_key_id, secret: &self.access_key_secret };
        sigv4::sign(&mut call.request, &credentials, &self.region, "ses", message.now);
        Ok(call)
    }
}
