//! Mailgun: one call of its Messages API.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use super::{Call, ConfigProblem, Message, SendError, config, fixed, template};

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    #[serde(default, deserialize_with = "config::optional_url")]
    endpoint: Option<Url>,
    #[serde(deserialize_with = "config::segment")]
    domain: String,
    #[serde(deserialize_with = "config::text")]
    api_key: String,
    #[serde(deserialize_with = "config::text")]
    from: String,
    deliveries: BTreeMap<String, Delivery>,
}

/// What is sent on an occasion: a text, or the name of a template that Mailgun keeps.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delivery {
    subject: Option<String>,
    reply_to: Option<String>,
    html: Option<String>,
    text: Option<String>,
    template: Option<String>,
    #[serde(default)]
    variables: Map<String, Value>,
}

impl Config {
    pub(super) fn read(value: &Value) -> Result<Self, ConfigProblem> {
        let config: Self = config::read(value)?;
        config::check_usages("deliveries", config.deliveries.keys().map(String::as_str))?;
        for (usage, delivery) in &config.deliveries {
            if delivery.html.is_none() && delivery.text.is_none() && delivery.template.is_none() {
                let path = format!("deliveries.{usage}");
                return Err(ConfigProblem::new(&path, "must have html, text or template"));
            }
        }
        Ok(config)
    }

    pub(super) fn call(&self, message: &Message<'_>) -> Result<Call, SendError> {
        let mut fields: Vec<(&str, String)> = vec![("to", message.to.to_owned())];
        if let Some(content) = message.content {
            let content = template::filled(content, message.payload);
            fields.push(("from", self.sender_as(content.send_from.as_deref())));
            fields.push(("subject", content.subject));
            fields.push((if content.is_html { "html" } else { "text" }, content.body));
            fields.extend(content.reply_to.map(|address| ("h:Reply-To", address)));
        } else {
            fields.push(("from", self.from.clone()));
            self.deliver(message, &mut fields)?;
        }
        let base = self.endpoint.clone().unwrap_or_else(|| fixed("https://api.mailgun.net"));
        let mut url = base;
        url.set_path(&format!("{}/v3/{}/messages", url.path().trim_end_matches('/'), self.domain));
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Call::form("Mailgun", url, &fields).basic("api", &self.api_key)
    }

    fn deliver(
        &self,
        message: &Message<'_>,
        fields: &mut Vec<(&'static str, String)>,
    ) -> Result<(), SendError> {
        let delivery = self
            .deliveries
            .get(message.usage)
            .or_else(|| self.deliveries.get("Generic"))
            .ok_or_else(|| SendError::NoTemplate(message.usage.to_owned()))?;
        let line = |text: &String| template::fill(text, message.payload, false);
        fields.extend(delivery.subject.as_ref().map(|text| ("subject", line(text))));
        fields.extend(delivery.reply_to.as_ref().map(|text| ("h:Reply-To", line(text))));
        fields.extend(
            delivery
                .html
                .as_ref()
                .map(|html| ("html", template::fill(html, message.payload, true))),
        );
        fields.extend(delivery.text.as_ref().map(|text| ("text", line(text))));
        if let Some(name) = &delivery.template {
            fields.push(("template", name.clone()));
            let mut variables = delivery.variables.clone();
            variables.extend(message.payload.clone());
            fields.push(("h:X-Mailgun-Variables", Value::Object(variables).to_string()));
        }
        Ok(())
    }

    /// The configured sender under another name.
    fn sender_as(&self, name: Option<&str>) -> String {
        let Some(name) = name else { return self.from.clone() };
        let address = match self.from.rsplit_once('<') {
            Some((_, address)) => address.trim_end().trim_end_matches('>'),
            None => self.from.as_str(),
        };
        format!("{} <{address}>", name.replace(['<', '>', '"'], ""))
    }
}
