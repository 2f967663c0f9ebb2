#![allow(clippy::needless_pass_by_value, reason = "a configuration is written where it is used")]

use serde_json::json;

use super::*;

const NAMES: &[(&str, &str)] = &[("code", "123456")];

fn payload() -> Map<String, Value> {
    NAMES.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect()
}

fn service(id: &str, config: Value) -> Service {
    Service::read(id, &config).expect("it can be sent through").expect("the configuration is right")
}

fn problem(id: &str, config: Value) -> ConfigProblem {
    Service::read(id, &config).expect("it can be sent through").expect_err("it is wrong")
}

fn message<'a>(
    to: &'a str,
    payload: &'a Map<String, Value>,
    content: Option<&'a Content>,
) -> Message<'a> {
    Message { to, usage: "SignIn", payload, content, now: 1_369_353_600, nonce: "n" }
}

fn mails() -> Value {
    json!([
        { "usageType": "Generic", "contentType": "text/plain", "subject": "S", "content": "G {{code}}" },
        { "usageType": "SignIn", "contentType": "text/html", "subject": "Code {{code}}", "content": "<b>{{code}}</b>" },
    ])
}

fn texts() -> Value {
    json!([{ "usageType": "Generic", "content": "Code {{code}}" }])
}

/// The request a service makes: URL, the headers that matter, and the body as JSON or text.
fn asked(service: &Service, to: &str, content: Option<&Content>) -> (String, String, Value) {
    let payload = payload();
    let call = service.call(&message(to, &payload, content)).unwrap();
    assert_eq!(call.request.method, Method::POST);
    let secret = ["authorization", "x-postmark-server-token", "x-smtp2go-api-key"]
        .into_iter()
        .find_map(|name| call.request.headers.get(name))
        .map(|value| value.to_str().unwrap().to_owned());
    let body = &call.request.body;
    let body = serde_json::from_slice(body)
        .unwrap_or_else(|_| json!(String::from_utf8_lossy(body).into_owned()));
    (call.request.url.to_string(), secret.unwrap_or_default(), body)
}

#[test]
fn each_service_is_asked_in_its_own_way() {
    for (id, config, to, url, secret, body) in [
        (
            "sendgrid-email-service",
            json!({ "apiKey": "k", "fromEmail": "f@e.example", "fromName": "F", "templates": mails() }),
            "a@b.example",
            "https://api.sendgrid.com/v3/mail/send",
            "Bearer k",
            json!({
                "personalizations": [{ "to": [{ "email": "a@b.example" }] }],
                "from": { "email": "f@e.example", "name": "F" },
                "subject": "Code 123456",
                "content": [{ "type": "text/html", "value": "<b>123456</b>" }],
            }),
        ),
        (
            "postmark-mail",
            json!({ "serverToken": "t", "fromEmail": "f@e.example", "templates": [{ "usageType": "Generic", "templateAlias": "x" }] }),
            "a@b.example",
            "https://api.postmarkapp.com/email/withTemplate",
            "t",
            json!({ "From": "f@e.example", "To": "a@b.example", "TemplateAlias": "x", "TemplateModel": { "code": "123456" } }),
        ),
        (
            "smtp2go-email-service",
            json!({ "apiKey": "k", "sender": "f@e.example", "senderName": "F", "templates": mails() }),
            "a@b.example",
            "https://api.smtp2go.com/v3/email/send",
            "k",
            json!({ "sender": "F <f@e.example>", "to": ["a@b.example"], "subject": "Code 123456", "html_body": "<b>123456</b>" }),
        ),
        (
            "mailgun-email",
            json!({ "domain": "m.example", "apiKey": "k", "from": "F <f@m.example>", "deliveries": { "Generic": { "subject": "S", "text": "Code {{code}}" } } }),
            "a@b.example",
            "https://api.mailgun.net/v3/m.example/messages",
            "Basic YXBpOms=",
            json!("to=a%40b.example&from=F+%3Cf%40m.example%3E&subject=S&text=Code+123456"),
        ),
        (
            "mailgun-email",
            json!({ "endpoint": "https://api.eu.mailgun.net", "domain": "m.example", "apiKey": "k", "from": "f@m.example", "deliveries": { "Generic": { "template": "t", "variables": { "a": 1 } } } }),
            "a@b.example",
            "https://api.eu.mailgun.net/v3/m.example/messages",
            "Basic YXBpOms=",
            json!(
                "to=a%40b.example&from=f%40m.example&template=t&h%3AX-Mailgun-Variables=%7B%22a%22%3A1%2C%22code%22%3A%22123456%22%7D"
            ),
        ),
        (
            "twilio-short-message-service",
            json!({ "accountSID": "AC1", "authToken": "t", "fromMessagingServiceSID": "MG1", "templates": texts() }),
            "5511912345678",
            "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json",
            "Basic QUMxOnQ=",
            json!("To=%2B5511912345678&MessagingServiceSid=MG1&Body=Code+123456"),
        ),
        (
            "vonage-sms",
            json!({ "apiKey": "k", "apiSecret": "s", "brandName": "B", "templates": texts() }),
            "5511912345678",
            "https://rest.nexmo.com/sms/json",
            "",
            json!("api_key=k&api_secret=s&from=B&to=5511912345678&text=Code+123456"),
        ),
        (
            "gatewayapi-sms",
            json!({ "endpoint": "https://gatewayapi.com/rest/mtsms", "apiToken": "t", "sender": "B", "templates": texts() }),
            "5511912345678",
            "https://gatewayapi.com/rest/mtsms",
            "Token t",
            json!({ "sender": "B", "message": "Code 123456", "recipients": [{ "msisdn": "5511912345678" }] }),
        ),
        (
            "smsaero-short-message-service",
            json!({ "email": "e@e.example", "apiKey": "k", "senderName": "B", "templates": texts() }),
            "79990000000",
            "https://gate.smsaero.ru/v2/sms/send",
            "Basic ZUBlLmV4YW1wbGU6aw==",
            json!({ "number": "79990000000", "sign": "B", "text": "Code 123456" }),
        ),
        (
            "yunpian-sms",
            json!({ "apikey": "k", "templates": texts(), "enableInternational": true }),
            "8613812345678",
            "https://sms.yunpian.com/v2/sms/single_send.json",
            "",
            json!("apikey=k&mobile=13812345678&text=Code+123456"),
        ),
        (
            "yunpian-sms",
            json!({ "apikey": "k", "templates": texts(), "enableInternational": true }),
            "5511912345678",
            "https://sms.yunpian.com/v2/sms/single_send.json",
            "",
            json!("apikey=k&mobile=%2B5511912345678&text=Code+123456"),
        ),
        (
            "http-sms",
            json!({ "endpoint": "https://sms.example/send", "authorization": "Bearer x" }),
            "5511912345678",
            "https://sms.example/send",
            "Bearer x",
            json!({ "to": "5511912345678", "type": "SignIn", "payload": { "code": "123456" } }),
        ),
    ] {
        let (asked_url, asked_secret, asked_body) = asked(&service(id, config), to, None);
        assert_eq!(
            (asked_url.as_str(), asked_secret.as_str(), &asked_body),
            (url, secret, &body),
            "{id}"
        );
    }
}

#[test]
fn amazon_ses_is_asked_with_a_signature() {
    let ses = service(
        "aws-ses-mail",
        json!({
            "accessKeyId": "AKID", "accessKeySecret": "s", "region": "eu-west-1",
            "emailAddress": "f@e.example", "configurationSetName": "c", "templates": mails(),
        }),
    );
    let (url, authorization, body) = asked(&ses, "a@b.example", None);
    assert_eq!(url, "https://email.eu-west-1.amazonaws.com/v2/email/outbound-emails");
    let scope =
        "AWS4-HMAC-SHA256 Credential=AKID/20130524/eu-west-1/ses/aws4_request, SignedHeaders=";
    assert!(authorization.starts_with(scope), "{authorization}");
    assert_eq!(
        body,
        json!({
            "FromEmailAddress": "f@e.example",
            "ConfigurationSetName": "c",
            "Destination": { "ToAddresses": ["a@b.example"] },
            "Content": { "Simple": {
                "Subject": { "Data": "Code 123456", "Charset": "UTF-8" },
                "Body": { "Html": { "Data": "<b>123456</b>", "Charset": "UTF-8" } },
            } },
        })
    );
}

#[test]
fn a_text_from_elsewhere_takes_the_place_of_the_connectors() {
    let content = Content {
        subject: "Hello".to_owned(),
        body: "Your code: {{code}}".to_owned(),
        is_html: false,
        reply_to: Some("help@e.example".to_owned()),
        send_from: Some("Shop".to_owned()),
    };
    let postmark = service(
        "postmark-mail",
        json!({ "serverToken": "t", "fromEmail": "f@e.example", "templates": [{ "usageType": "Generic", "templateAlias": "x" }] }),
    );
    let (url, _, body) = asked(&postmark, "a@b.example", Some(&content));
    assert_eq!(url, "https://api.postmarkapp.com/email");
    assert_eq!(
        body,
        json!({
            "From": "f@e.example", "To": "a@b.example", "Subject": "Hello",
            "TextBody": "Your code: 123456", "ReplyTo": "help@e.example",
        })
    );
    let sendgrid = service(
        "sendgrid-email-service",
        json!({ "apiKey": "k", "fromEmail": "f@e.example", "templates": mails() }),
    );
    let (_, _, body) = asked(&sendgrid, "a@b.example", Some(&content));
    assert_eq!(body["from"], json!({ "email": "f@e.example", "name": "Shop" }));
    assert_eq!(body["reply_to"], json!({ "email": "help@e.example" }));
    let mailgun = service(
        "mailgun-email",
        json!({ "domain": "m.example", "apiKey": "k", "from": "F <f@m.example>", "deliveries": { "Generic": { "text": "x" } } }),
    );
    let (_, _, body) = asked(&mailgun, "a@b.example", Some(&content));
    assert!(body.as_str().unwrap().contains("from=Shop+%3Cf%40m.example%3E"), "{body}");
}

#[test]
fn what_is_wrong_with_a_configuration_is_named() {
    let smtp = |changes: Value| {
        let mut config = json!({
            "host": "smtp.example", "port": 587, "auth": { "user": "u", "pass": "p" },
            "fromEmail": "f@e.example", "templates": mails(),
        });
        config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        config
    };
    assert!(
        Service::read("simple-mail-transfer-protocol", &smtp(json!({ "port": "25" })))
            .unwrap()
            .is_ok()
    );
    for (change, path) in [
        (json!({ "host": "a b" }), "host"),
        (json!({ "host": "" }), "host"),
        (json!({ "port": 0 }), "port"),
        (json!({ "port": "x" }), "port"),
        (json!({ "fromEmail": "x" }), "fromEmail"),
        (json!({ "fromEmail": "a@b.example\r\nBcc: c@d.example" }), "fromEmail"),
        (json!({ "auth": { "user": "u" } }), "auth"),
        (json!({ "auth": { "type": "oauth2", "user": "u" } }), "auth.type"),
        (json!({ "tls": { "rejectUnauthorized": false } }), "tls.rejectUnauthorized"),
        (json!({ "ignoreTLS": true, "secure": true }), "ignoreTLS"),
        (json!({ "templates": [] }), "templates"),
        (json!({ "templates": [{ "usageType": "Generic" }] }), "templates[0]"),
        (
            json!({ "templates": [{ "usageType": "Generic", "content": "x", "contentType": "x" }] }),
            "templates[0].contentType",
        ),
        (json!({ "customHeaders": { "X-A": "b\r\nBcc: c@d.example" } }), "customHeaders.X-A"),
    ] {
        assert_eq!(
            problem("simple-mail-transfer-protocol", smtp(change.clone())).path,
            path,
            "{change}"
        );
    }
    let missing = problem("http-email", json!({}));
    assert!(missing.rule.contains("endpoint"), "{missing:?}");
    for url in ["ftp://a.example", "https://u:p@a.example", "a"] {
        assert_eq!(problem("http-email", json!({ "endpoint": url })).path, "endpoint", "{url}");
    }
    let aimed =
        json!({ "domain": "x/../..", "apiKey": "k", "from": "f@m.example", "deliveries": {} });
    assert_eq!(problem("mailgun-email", aimed).path, "domain");
    assert!(Service::read("google-universal", &json!({})).is_none());
}

#[test]
fn without_a_template_nothing_is_sent() {
    let only = json!([
        { "usageType": "SignIn", "content": "x" }, { "usageType": "Register", "content": "x" },
        { "usageType": "ForgotPassword", "content": "x" },
    ]);
    let vonage = service(
        "vonage-sms",
        json!({ "apiKey": "k", "apiSecret": "s", "brandName": "B", "templates": only }),
    );
    let payload = payload();
    let message = Message { usage: "BindMfa", ..message("1", &payload, None) };
    assert!(
        matches!(vonage.call(&message), Err(SendError::NoTemplate(usage)) if usage == "BindMfa")
    );
}

#[test]
fn a_success_that_tells_of_a_failure_is_one() {
    let answer = |body: &str| Response {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    };
    let judge = vonage::judge;
    assert_eq!(judge(&answer(r#"{"messages":[{"status":"0"}]}"#)), Ok(()));
    for body in [
        r#"{"messages":[{"status":"0"},{"status":"4","error-text":"Bad Credentials"}]}"#,
        r#"{"messages":[]}"#,
        "no JSON",
    ] {
        assert!(judge(&answer(body)).is_err(), "{body}");
    }
    let refused = Response { status: StatusCode::FORBIDDEN, ..answer("{\"message\":\"no\nway\"}") };
    assert_eq!(by_status(&refused), Err("403 {\"message\":\"no way\"}".to_owned()));
}

#[test]
fn alibaba_cloud_is_asked_with_every_parameter_signed() {
    let keys = json!({ "accessKeyId": "id", "accessKeySecret": "s" });
    let with = |more: Value| {
        let mut config = keys.clone();
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        config
    };
    let by_place =
        json!([{ "usageType": "Generic", "templateCode": { "china": "C", "overseas": "O" } }]);
    let sms = with(json!({ "signName": "B", "templates": by_place }));
    let mail = with(
        json!({ "accountName": "f@e.example", "fromAlias": "F", "regionId": "ap-southeast-1", "templates": mails() }),
    );
    for (id, config, to, url, expected) in [
        (
            "aliyun-short-message-service",
            sms.clone(),
            "8613812345678",
            "https://dysmsapi.aliyuncs.com/",
            vec![
                ("Action", "SendSms"),
                ("PhoneNumbers", "13812345678"),
                ("TemplateCode", "C"),
                ("TemplateParam", "{\"code\":\"123456\"}"),
            ],
        ),
        (
            "aliyun-short-message-service",
            sms.clone(),
            "5511912345678",
            "https://dysmsapi.aliyuncs.com/",
            vec![("PhoneNumbers", "5511912345678"), ("TemplateCode", "O")],
        ),
        (
            "aliyun-short-message-auth-service",
            sms,
            "8613812345678",
            "https://dypnsapi.aliyuncs.com/",
            vec![("Action", "SendSmsVerifyCode"), ("PhoneNumber", "13812345678")],
        ),
        (
            "aliyun-direct-mail",
            mail,
            "a@b.example",
            "https://dm.ap-southeast-1.aliyuncs.com/",
            vec![
                ("Action", "SingleSendMail"),
                ("Version", "2017-06-22"),
                ("FromAlias", "F"),
                ("HtmlBody", "<b>123456</b>"),
                ("ReplyToAddress", "false"),
            ],
        ),
    ] {
        let (asked_url, _, body) = asked(&service(id, config), to, None);
        assert_eq!(asked_url, url);
        let fields: std::collections::HashMap<String, String> =
            url::form_urlencoded::parse(body.as_str().unwrap().as_bytes()).into_owned().collect();
        for (name, value) in expected {
            assert_eq!(fields.get(name).map(String::as_str), Some(value), "{id} {name}");
        }
        assert_eq!(fields["Timestamp"], "2013-05-24T00:00:00Z");
        assert!(fields["Signature"].len() == 28, "{}", fields["Signature"]);
    }
}

#[test]
fn tencent_cloud_is_asked_with_a_signature() {
    let tencent = service(
        "tencent-short-message-service",
        json!({
            "accessKeyId": "id", "accessKeySecret": "s", "signName": "B", "sdkAppId": "1400", "region": "ap-guangzhou",
            "templates": [{ "usageType": "Generic", "templateCode": "77" }],
        }),
    );
    let (url, authorization, body) = asked(&tencent, "8613812345678", None);
    assert_eq!(url, "https://sms.tencentcloudapi.com/");
    assert!(authorization.starts_with("TC3-HMAC-SHA256 Credential=id/2013-05-24/sms/tc3_request"));
    assert_eq!(
        body,
        json!({
            "PhoneNumberSet": ["+8613812345678"], "SmsSdkAppId": "1400", "SignName": "B",
            "TemplateId": "77", "TemplateParamSet": ["123456"],
        })
    );
}

#[test]
fn messages_abroad_are_sent_where_they_are_switched_on() {
    let yunpian = service(
        "yunpian-sms",
        json!({ "apikey": "k", "templates": texts(), "unsupportedCountriesMsg": "no" }),
    );
    let payload = payload();
    let refused = yunpian.call(&message("5511912345678", &payload, None));
    assert!(matches!(refused, Err(SendError::Refused { answer, .. }) if answer == "no"));
}
