//! Tencent Cloud: one call of its SMS API, with a signature of version 3.

use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Call, ConfigProblem, Message, SendError, by_status, config, fixed, json_of, template, told,
    with_plus,
};
use crate::outbound::Response;
use crate::sigv4::{hash_of, hex, hmac_of, plain_date};

const HOST: &str = "sms.tencentcloudapi.com";
const SERVICE: &str = "sms";
const JSON: &str = "application/json; charset=utf-8";

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    #[serde(deserialize_with = "config::text")]
    access_key_id: String,
    #[serde(deserialize_with = "config::text")]
    access_key_secret: String,
    #[serde(deserialize_with = "config::text")]
    sign_name: String,
    #[serde(deserialize_with = "config::text")]
    sdk_app_id: String,
    #[serde(deserialize_with = "config::segment")]
    region: String,
    templates: Vec<Template>,
}

/// A template that was approved there: the code takes the place of its one variable.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Template {
    usage_type: String,
    #[serde(deserialize_with = "config::text")]
    template_code: String,
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
        let chosen = template::for_usage(&self.templates, message.usage, |one| &one.usage_type)?;
        let variable = ["code", "link"]
            .into_iter()
            .find_map(|name| message.payload.get(name)?.as_str())
            .unwrap_or_default();
        let body = json!({
            "PhoneNumberSet": [with_plus(message.to)],
            "SmsSdkAppId": self.sdk_app_id,
            "SignName": self.sign_name,
            "TemplateId": chosen.template_code,
            "TemplateParamSet": [variable],
        });
        let mut call = Call::json("Tencent Cloud", fixed(&format!("https://{HOST}/")), &body);
        let authorization = authorization(
            (&self.access_key_id, &self.access_key_secret),
            (SERVICE, HOST),
            &call.request.body,
            message.now,
        );
        call.request.headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        for (name, value) in [
            ("x-tc-action", "SendSms"),
            ("x-tc-version", "2021-01-11"),
            ("x-tc-timestamp", message.now.to_string().as_str()),
            ("x-tc-region", &self.region),
        ] {
            if let Ok(value) = HeaderValue::from_str(value) {
                call.request.headers.insert(HeaderName::from_static(name), value);
            }
        }
        Ok(call.header("authorization", &authorization)?.judged(judge))
    }
}

fn authorization(
    (key_id, secret): (&str, &str),
    (service, host): (&str, &str),
    body: &[u8],
    now: i64,
) -> String {
    let date = plain_date(now);
    let canonical = format!(
        "POST\n/\n\ncontent-type:{JSON}\nhost:{host}\n\ncontent-type;host\n{}",
        hash_of(body)
    );
    let scope = format!("{date}/{service}/tc3_request");
    let to_sign = format!("TC3-HMAC-SHA256\n{now}\n{scope}\n{}", hash_of(canonical.as_bytes()));
    let mut key = hmac_of(format!("TC3{secret}").as_bytes(), &date);
    for part in [service, "tc3_request"] {
        key = hmac_of(key.as_ref(), part);
    }
    let signature = hex(hmac_of(key.as_ref(), &to_sign).as_ref());
    format!(
        "TC3-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders=content-type;host, Signature={signature}"
    )
}

/// The status of the one message; what is wrong with the request as a whole stands beside.
fn judge(answer: &Response) -> Result<(), String> {
    by_status(answer)?;
    if json_of(answer)["Response"]["SendStatusSet"][0]["Code"] == "Ok" {
        Ok(())
    } else {
        Err(told(answer.status, &answer.body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the service's documentation.
    #[test]
    fn the_example_of_the_documentation_has_its_signature() {
        let body = r#"{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}"#;
        let keys = ("AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE");
        let signed =
            authorization(keys, ("cvm", "cvm.tencentcloudapi.com"), body.as_bytes(), 1_551_113_065);
        assert_eq!(
            signed,
            "TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request, \
             SignedHeaders=content-type;host, \
             Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
        );
    }
}
