//! Services that carry e-mail and text messages, a file each.
//!
//! [`Service::read`] turns the configuration of a connector into a service, or says which member is wrong; [`Service::send`] sends.
//! All but SMTP are one HTTP request: a file says what the request is and what a success looks like, and this one carries it out.

mod aws_ses;
mod config;
mod gatewayapi;
mod http;
mod mailgun;
mod postmark;
mod sendgrid;
mod smsaero;
mod smtp;
mod smtp2go;
mod template;
mod twilio;
mod vonage;

use ::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use ::http::{HeaderMap, HeaderValue, Method, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};
use url::Url;

pub use config::ConfigProblem;
pub use template::fill;

use crate::outbound::{Outbound, OutboundError, Request, Response};
use template::{EmailTemplate, SmsTemplate};

/// What is to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// An e-mail address, or the digits of a phone number with the country code first.
    pub to: &'a str,
    /// The occasion, by which a connector's own templates are chosen: such as `SignIn`, `Generic`.
    pub usage: &'a str,
    /// What is filled into templates, such as `code`.
    pub payload: &'a Map<String, Value>,
    /// What an e-mail says, when that is not up to the connector's templates.
    pub content: Option<&'a Content>,
    /// Unix seconds.
    pub now: i64,
    /// Random text, for the id of the message.
    pub nonce: &'a str,
}

/// What an e-mail says, its variables not filled in yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The subject.
    pub subject: String,
    /// The text.
    pub body: String,
    /// Whether the text is HTML.
    pub is_html: bool,
    /// Where answers go, in place of the connector's own.
    pub reply_to: Option<String>,
    /// The name of the sender, in place of the connector's own.
    pub send_from: Option<String>,
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The connector has no template for the occasion, and none for every other.
    #[error("the connector has no template for {0}")]
    NoTemplate(String),
    /// The request did not get through.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// The service answered that it does not take the message.
    #[error("{service} answered {answer}")]
    Refused {
        /// Its name.
        service: &'static str,
        /// A status, and what the service says of it.
        answer: String,
    },
    /// Credentials would have been sent where others can read them.
    #[error(
        "the mail server offers no TLS, so the password was not sent; set ignoreTLS to send it all the same"
    )]
    WouldLeak,
}

/// A service as one tenant uses it.
#[derive(Clone, Debug)]
pub struct Service(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Smtp(smtp::Config),
    Http(http::Config),
    Mailgun(mailgun::Config),
    SendGrid(sendgrid::Config),
    Postmark(postmark::Config),
    AwsSes(aws_ses::Config),
    Smtp2go(smtp2go::Config),
    Twilio(twilio::Config),
    Vonage(vonage::Config),
    GatewayApi(gatewayapi::Config),
    SmsAero(smsaero::Config),
}

impl Service {
    /// Reads the configuration of a connector made by the factory `factory_id`; `None` when messages cannot be sent through it here.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub fn read(factory_id: &str, config: &Value) -> Option<Result<Self, ConfigProblem>> {
        let kind = match factory_id {
            "simple-mail-transfer-protocol" => smtp::Config::read(config).map(Kind::Smtp),
            "http-email" | "http-sms" => config::read(config).map(Kind::Http),
            "mailgun-email" => mailgun::Config::read(config).map(Kind::Mailgun),
            "sendgrid-email-service" => sendgrid::Config::read(config).map(Kind::SendGrid),
            "postmark-mail" => postmark::Config::read(config).map(Kind::Postmark),
            "aws-ses-mail" => aws_ses::Config::read(config).map(Kind::AwsSes),
            "smtp2go-email-service" => smtp2go::Config::read(config).map(Kind::Smtp2go),
            "twilio-short-message-service" => twilio::Config::read(config).map(Kind::Twilio),
            "vonage-sms" => vonage::Config::read(config).map(Kind::Vonage),
            "gatewayapi-sms" => gatewayapi::Config::read(config).map(Kind::GatewayApi),
            "smsaero-short-message-service" => smsaero::Config::read(config).map(Kind::SmsAero),
            _ => return None,
        };
        Some(kind.map(Self))
    }

    /// Sends a message. When this returns, the service has taken it over.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send(&self, outbound: &Outbound, message: &Message<'_>) -> Result<(), SendError> {
        if let Kind::Smtp(config) = &self.0 {
            return smtp::send(outbound, config, message).await;
        }
        let call = self.call(message)?;
        let answer = outbound.send(call.request).await?;
        (call.judge)(&answer).map_err(|answer| SendError::Refused { service: call.service, answer })
    }

    /// The one request that sends `message`.
    fn call(&self, message: &Message<'_>) -> Result<Call, SendError> {
        match &self.0 {
            Kind::Http(config) => config.call(message),
            Kind::Mailgun(config) => config.call(message),
            Kind::SendGrid(config) => config.call(message),
            Kind::Postmark(config) => config.call(message),
            Kind::AwsSes(config) => config.call(message),
            Kind::Smtp2go(config) => config.call(message),
            Kind::Twilio(config) => config.call(message),
            Kind::Vonage(config) => config.call(message),
            Kind::GatewayApi(config) => config.call(message),
            Kind::SmsAero(config) => config.call(message),
            Kind::Smtp(_) => unreachable!("SMTP is no request"),
        }
    }
}

/// A request, and how its answer is read.
struct Call {
    service: &'static str,
    request: Request,
    judge: fn(&Response) -> Result<(), String>,
}

impl Call {
    /// A POST of JSON.
    fn json<T: Serialize>(service: &'static str, url: Url, body: &T) -> Self {
        let body = serde_json::to_vec(body).expect("a body of texts can be written");
        Self::post(service, url, "application/json", body.into())
    }

    /// A POST of a form.
    fn form(service: &'static str, url: Url, fields: &[(&str, &str)]) -> Self {
        let form =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self::post(service, url, "application/x-www-form-urlencoded", form.into())
    }

    fn post(service: &'static str, url: Url, content_type: &'static str, body: Bytes) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let request = Request { method: Method::POST, url, headers, body };
        Self { service, request, judge: by_status }
    }

    /// With a header whose value is a secret.
    fn header(mut self, name: &'static str, value: &str) -> Result<Self, SendError> {
        let mut value = HeaderValue::from_str(value).map_err(|_| SendError::Refused {
            service: self.service,
            answer: "nothing: its credentials cannot be sent in a header".to_owned(),
        })?;
        value.set_sensitive(true);
        self.request.headers.insert(name, value);
        Ok(self)
    }

    fn bearer(self, token: &str) -> Result<Self, SendError> {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    fn basic(self, user: &str, password: &str) -> Result<Self, SendError> {
        let credentials = STANDARD.encode(format!("{user}:{password}"));
        self.header(AUTHORIZATION.as_str(), &format!("Basic {credentials}"))
    }

    fn judged(self, judge: fn(&Response) -> Result<(), String>) -> Self {
        Self { judge, ..self }
    }
}

/// Any success is one.
fn by_status(answer: &Response) -> Result<(), String> {
    if answer.status.is_success() { Ok(()) } else { Err(told(answer.status, &answer.body)) }
}

/// A status and the beginning of what comes with it: what a service says of a refusal is for the administrator who set it up.
fn told(status: StatusCode, body: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(body)
        .chars()
        .map(|symbol| if symbol.is_control() { ' ' } else { symbol })
        .take(300)
        .collect();
    format!("{} {}", status.as_u16(), text.trim()).trim_end().to_owned()
}

/// The JSON of an answer, `null` when it is none.
fn json_of(answer: &Response) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

/// A URL that is known when the program is written.
fn fixed(url: &str) -> Url {
    Url::parse(url).expect("an address of a service is a URL")
}

/// An international number as the services want it: with a plus.
fn with_plus(digits: &str) -> String {
    format!("+{}", digits.trim_start_matches('+'))
}

#[cfg(test)]
mod tests;
