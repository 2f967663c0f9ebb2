//! Telling one webhook: the request, and what the audit log says of it.

use aws_lc_rs::hmac;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trinco_connectors::outbound::{Outbound, OutboundError, Request, Response};
use url::Url;

use super::event::Event;
use super::model::Config;
use super::{news, open_config, open_key, store};
use crate::audit::{Entry, Outcome};
use crate::deliveries::{Attempt, Delivery};
use crate::{Error, Result, Secret, Tenant};

/// The header with the HMAC-SHA-256 of the body under the webhook's signing key, in hexadecimal digits.
const SIGNATURE: HeaderName = HeaderName::from_static("logto-signature-sha-256");
/// Characters of an answer that the audit log keeps.
const KEPT_ANSWER: usize = 4096;
/// Bytes of a request that the audit log keeps; of a longer one only what it was about.
const KEPT_REQUEST: usize = 32 * 1024;

/// What is read of a body that was queued.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    hook_id: String,
    event: Event,
    created_at: String,
}

/// Tells one webhook what was queued for it.
///
/// # Errors
/// When the database does not answer, or holds something unreadable.
pub(crate) async fn attempt(
    tenant: &Tenant,
    outbound: &Outbound,
    delivery: &Delivery,
) -> Result<Attempt> {
    let stored = store::find(&mut tenant.read().await?, &delivery.receiver).await?;
    let Some(stored) = stored.filter(|stored| stored.enabled) else { return Ok(Attempt::Dropped) };
    let Ok(head) = serde_json::from_str::<Head>(&delivery.content) else {
        tracing::error!(tenant = tenant.id(), hook = stored.id, "what was queued is not readable");
        return Ok(Attempt::Dropped);
    };
    let (config, key) = (open_config(tenant, &stored)?, open_key(tenant, &stored)?);
    let answered = match request(&config, &key, &delivery.content) {
        Some(request) => outbound.send(request).await,
        None => Err(OutboundError::Url),
    };
    let is_taken = answered.as_ref().is_ok_and(|answer| answer.status.is_success());
    let outcome = if is_taken { Outcome::Success } else { Outcome::Error };
    let mut entry = Entry::new(tenant, head.event.audit_key(), outcome)
        .hook(&stored.id)
        .fact("attempts", delivery.attempts)
        .fact("hookRequest", serde_json::to_value(Sent::of(&delivery.content, &head))?);
    entry = match &answered {
        Ok(answer) => entry.fact("response", serde_json::to_value(Answered::of(answer))?),
        Err(error) => entry.fact("error", error.to_string()),
    };
    if is_taken {
        return Ok(Attempt::Taken(entry));
    }
    if let Ok(answer) = &answered {
        entry = entry.fact("error", format!("answered {}", answer.status.as_u16()));
    }
    Ok(Attempt::NotTaken { entry, each_time: true })
}

/// Sends an example of an event and waits for the answer.
///
/// # Errors
/// `hook.endpoint_responded_with_error`; `hook.send_test_payload_failed`.
pub(super) async fn send_example(
    tenant: &Tenant,
    outbound: &Outbound,
    hook_id: &str,
    event: Event,
    config: &Config,
    key: &Secret,
) -> Result<()> {
    /// What the caller is told of an answer that is no success.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Refused {
        response_status: u16,
        response_body: String,
    }
    let body = Value::Object(news::example(hook_id, event, tenant.now_ms())).to_string();
    let answered = match request(config, key, &body) {
        Some(request) => outbound.send(request).await,
        None => Err(OutboundError::Url),
    };
    match answered {
        Ok(answer) if answer.status.is_success() => Ok(()),
        Ok(answer) => {
            let told = Refused {
                response_status: answer.status.as_u16(),
                response_body: kept_text(&answer),
            };
            let data = serde_json::to_value(told)?;
            Err(Error::refused_data("hook.endpoint_responded_with_error", data))
        }
        Err(error) => Err(Error::refused_with(
            "hook.send_test_payload_failed",
            &[("message", &error.to_string())],
        )),
    }
}

/// `None` when the URL is none any more.
fn request(config: &Config, key: &Secret, body: &str) -> Option<Request> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    for (name, value) in config.headers.iter().flat_map(|headers| headers.iter()) {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    // The last, so that nobody sets another.
    headers.insert(SIGNATURE, HeaderValue::from_str(&signature(key, body)).ok()?);
    Some(Request {
        method: Method::POST,
        url: Url::parse(config.url.as_str()).ok()?,
        headers,
        body: body.to_owned().into(),
    })
}

fn signature(key: &Secret, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.reveal().as_bytes());
    let tag = hmac::sign(&key, body.as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A request as the audit log keeps it.
#[derive(Serialize)]
struct Sent<'a> {
    body: SentBody<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum SentBody<'a> {
    Whole(Value),
    Head(&'a Head),
}

impl<'a> Sent<'a> {
    fn of(content: &str, head: &'a Head) -> Self {
        let is_short = content.len() <= KEPT_REQUEST;
        let whole = is_short.then(|| serde_json::from_str(content).ok()).flatten();
        Self { body: whole.map_or(SentBody::Head(head), SentBody::Whole) }
    }
}

/// An answer as the audit log keeps it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    status_code: u16,
    body: Value,
}

impl Answered {
    fn of(answer: &Response) -> Self {
        let text = kept_text(answer);
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self { status_code: answer.status.as_u16(), body }
    }
}

/// The beginning of an answer, without what no database takes.
fn kept_text(answer: &Response) -> String {
    String::from_utf8_lossy(&answer.body)
        .chars()
        .filter(|character| *character != '\0')
        .take(KEPT_ANSWER)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_signed_as_receivers_check_it() {
        // printf '{"event":"PostSignIn"}' | openssl dgst -sha256 -hmac key
        let key = Secret::new("key".to_owned());
        assert_eq!(
            signature(&key, r#"{"event":"PostSignIn"}"#),
            "382e84039f93201257142c32423fc9afd70702eed07d19997f3072ca19e6386b"
        );
    }

    #[test]
    fn nobody_chooses_the_signature() {
        let config = r#"{"url":"https://a.example/h","headers":
            {"Logto-Signature-Sha-256":"mine","User-Agent":"me","x-key":"1"}}"#;
        let config: Config = serde_json::from_str(config).unwrap();
        let key = Secret::new("key".to_owned());
        let request = request(&config, &key, "{}").unwrap();
        assert_eq!(request.headers[SIGNATURE], signature(&key, "{}").as_str());
        assert_eq!(
            (&request.headers["user-agent"], &request.headers["x-key"]),
            (&HeaderValue::from_static("me"), &HeaderValue::from_static("1"))
        );
    }

    #[test]
    fn of_a_long_request_only_the_head_is_kept() {
        let head =
            Head { hook_id: "h".to_owned(), event: Event::UserCreated, created_at: "t".to_owned() };
        let long = format!(r#"{{"data":"{}"}}"#, "x".repeat(KEPT_REQUEST));
        let kept = serde_json::to_value(Sent::of(&long, &head)).unwrap();
        assert_eq!(kept["body"]["hookId"], "h");
        assert!(kept["body"].get("data").is_none());
    }
}
