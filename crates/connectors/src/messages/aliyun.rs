//! Alibaba Cloud: Direct Mail, and text messages in two ways, all by calls in its RPC style with a signature of version 1.0.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use super::template::EmailTemplate;
use super::{
    Call, ConfigProblem, Message, SendError, by_status, config, fixed, json_of, template, told,
};
use crate::outbound::Response;
use crate::sigv4::{encoded, extended_time};

/// Direct Mail.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Mail {
    #[serde(deserialize_with = "config::text")]
    access_key_id: String,
    #[serde(deserialize_with = "config::text")]
    access_key_secret: String,
    #[serde(default, deserialize_with = "config::optional_text")]
    region_id: Option<String>,
    #[serde(deserialize_with = "config::text")]
    account_name: String,
    #[serde(default, deserialize_with = "config::optional_text")]
    from_alias: Option<String>,
    templates: Vec<EmailTemplate>,
}

impl Mail {
    pub(super) fn read(value: &Value) -> Result<Self, ConfigProblem> {
        let config: Self = config::read(value)?;
        config::check_email_templates(&config.templates)?;
        if config.region_id.as_deref().is_some_and(|region| !is_region(region)) {
            return Err(ConfigProblem::new("regionId", "must be a region such as cn-hangzhou"));
        }
        Ok(config)
    }

    pub(super) fn call(&self, message: &Message<'_>) -> Result<Call, SendError> {
        let content = template::email(&self.templates, message)?;
        let (url, version) = match self.region_id.as_deref() {
            None | Some("cn-hangzhou") => ("https://dm.aliyuncs.com/".to_owned(), "2015-11-23"),
            Some(region) => (format!("https://dm.{region}.aliyuncs.com/"), "2017-06-22"),
        };
        let mut parameters = vec![
            ("AccountName", self.account_name.clone()),
            ("AddressType", "1".to_owned()),
            ("ReplyToAddress", content.reply_to.is_some().to_string()),
            ("ToAddress", message.to.to_owned()),
            ("Subject", content.subject),
            (if content.is_html { "HtmlBody" } else { "TextBody" }, content.body),
        ];
        parameters.extend(content.reply_to.map(|address| ("ReplyAddress", address)));
        let alias = content.send_from.or_else(|| self.from_alias.clone());
        parameters.extend(alias.map(|name| ("FromAlias", name)));
        let keys = (self.access_key_id.as_str(), self.access_key_secret.as_str());
        Ok(call(fixed(&url), ("SingleSendMail", version), parameters, keys, message))
    }
}

fn is_region(text: &str) -> bool {
    text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Text messages.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sms {
    #[serde(deserialize_with = "config::text")]
    access_key_id: String,
    #[serde(deserialize_with = "config::text")]
    access_key_secret: String,
    #[serde(deserialize_with = "config::text")]
    sign_name: String,
    templates: Vec<SmsTemplate>,
}

/// A template that was approved there.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SmsTemplate {
    usage_type: String,
    template_code: TemplateCode,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum TemplateCode {
    Anywhere(String),
    ByPlace { china: String, overseas: String },
}

/// Which of the two services carries text messages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SmsService {
    /// Messages of any kind.
    Messages,
    /// Codes alone, to numbers of mainland China.
    Codes,
}

impl Sms {
    pub(super) fn read(value: &Value) -> Result<Self, ConfigProblem> {
        let config: Self = config::read(value)?;
        config::check_usages(
            "templates",
            config.templates.iter().map(|one| one.usage_type.as_str()),
        )?;
        Ok(config)
    }

    pub(super) fn call(
        &self,
        service: SmsService,
        message: &Message<'_>,
    ) -> Result<Call, SendError> {
        let chosen = template::for_usage(&self.templates, message.usage, |one| &one.usage_type)?;
        let in_china = message.to.strip_prefix("86").filter(|number| number.len() == 11);
        let code = match &chosen.template_code {
            TemplateCode::Anywhere(code) => code,
            TemplateCode::ByPlace { china, overseas } => {
                if in_china.is_some() {
                    china
                } else {
                    overseas
                }
            }
        };
        let (url, action, number_name) = match service {
            SmsService::Messages => ("https://dysmsapi.aliyuncs.com/", "SendSms", "PhoneNumbers"),
            SmsService::Codes => {
                ("https://dypnsapi.aliyuncs.com/", "SendSmsVerifyCode", "PhoneNumber")
            }
        };
        let parameters = vec![
            (number_name, in_china.unwrap_or(message.to).to_owned()),
            ("SignName", self.sign_name.clone()),
            ("TemplateCode", code.clone()),
            ("TemplateParam", texts_of(message.payload)),
        ];
        let keys = (self.access_key_id.as_str(), self.access_key_secret.as_str());
        let call = call(fixed(url), (action, "2017-05-25"), parameters, keys, message);
        Ok(call.judged(judge))
    }
}

/// The members of a payload that are texts, which are all that a template takes.
fn texts_of(payload: &Map<String, Value>) -> String {
    let texts: Map<String, Value> = payload
        .iter()
        .filter(|(_, value)| value.is_string())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Value::Object(texts).to_string()
}

/// The answer tells of its success by a code.
fn judge(answer: &Response) -> Result<(), String> {
    by_status(answer)?;
    if json_of(answer)["Code"] == "OK" { Ok(()) } else { Err(told(answer.status, &answer.body)) }
}

fn call(
    url: Url,
    (action, version): (&str, &str),
    parameters: Vec<(&'static str, String)>,
    (key_id, secret): (&str, &str),
    message: &Message<'_>,
) -> Call {
    let mut all: BTreeMap<&str, String> = parameters.into_iter().collect();
    for (name, value) in [
        ("AccessKeyId", key_id),
        ("Action", action),
        ("Format", "JSON"),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureNonce", message.nonce),
        ("SignatureVersion", "1.0"),
        ("Version", version),
    ] {
        all.insert(name, value.to_owned());
    }
    all.insert("Timestamp", extended_time(message.now));
    all.insert("Signature", signature("POST", &all, secret));
    let fields: Vec<(&str, &str)> =
        all.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Call::form("Alibaba Cloud", url, &fields)
}

fn signature(method: &str, parameters: &BTreeMap<&str, String>, secret: &str) -> String {
    let query: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    let to_sign = format!("{method}&%2F&{}", encoded(&query.join("&")));
    // The service knows no other algorithm in this version; SHA-1 within an HMAC is not broken.
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, format!("{secret}&").as_bytes());
    STANDARD.encode(hmac::sign(&key, to_sign.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the service's documentation.
    #[test]
    fn the_example_of_the_documentation_has_its_signature() {
        let parameters: BTreeMap<&str, String> = [
            ("AccessKeyId", "testid"),
            ("Action", "DescribeRegions"),
            ("Format", "XML"),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureNonce", "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf"),
            ("SignatureVersion", "1.0"),
            ("Timestamp", "2016-02-23T12:46:24Z"),
            ("Version", "2014-05-26"),
        ]
        .into_iter()
        .map(|(name, value)| (name, value.to_owned()))
        .collect();
        assert_eq!(extended_time(1_456_231_584), "2016-02-23T12:46:24Z");
        assert_eq!(signature("GET", &parameters, "testsecret"), "OLeaidS1JvxuMvnyHOwuJ+uX5qY=");
    }
}
