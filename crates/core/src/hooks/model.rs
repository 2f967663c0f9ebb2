//! What a webhook is. The serde shape is the shape of the Management API.

use std::collections::BTreeMap;

use http::header::{
    CONNECTION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE,
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use url::Url;

use super::event::Event;
use crate::{Secret, Text, double_option};

/// Headers a webhook may add.
const MOST_HEADERS: usize = 50;
/// Characters of a header's value.
const LONGEST_HEADER: usize = 4096;

/// Someone who is told of events.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hook {
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// Its id.
    pub id: String,
    /// Shown to people.
    pub name: String,
    /// The one event it was about before there were several.
    pub event: Option<Event>,
    /// What it is told of.
    pub events: Vec<Event>,
    /// Where to.
    pub config: Config,
    /// What requests to it are signed with.
    #[serde(serialize_with = "revealed")]
    #[schemars(with = "Secret")]
    pub signing_key: Secret,
    /// Whether it is told at all.
    pub enabled: bool,
    /// Unix milliseconds.
    pub created_at: i64,
    /// How that went lately, when it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_stats: Option<ExecutionStats>,
}

fn revealed<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.reveal())
}

/// How the deliveries of the last day went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionStats {
    /// Requests that were taken.
    pub success_count: i64,
    /// Requests.
    pub request_count: i64,
}

/// Where a webhook is, and what is sent there besides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    /// Where requests are sent.
    pub url: ReceiverUrl,
    /// Headers of the requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<Headers>,
    /// Kept for those who send it: deliveries have retries of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
}

/// The http(s) URL of a receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct ReceiverUrl(String);

impl ReceiverUrl {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for ReceiverUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::<1, 2048>::deserialize(deserializer)?.into_string();
        let is_fine = Url::parse(&text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.username().is_empty()
                && url.password().is_none()
        });
        if !is_fine {
            return Err(de::Error::custom("must be an http or https URL without credentials"));
        }
        Ok(Self(text))
    }
}

/// Headers that a webhook wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Headers(BTreeMap<String, String>);

impl Headers {
    /// Each with its value.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// What says how a request is carried is not the receiver's to choose.
        const RESERVED: [HeaderName; 7] =
            [CONNECTION, CONTENT_LENGTH, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];
        let headers = BTreeMap::<String, String>::deserialize(deserializer)?;
        if headers.len() > MOST_HEADERS {
            return Err(de::Error::custom(format!("has more than {MOST_HEADERS} headers")));
        }
        for (name, value) in &headers {
            let is_fine = HeaderName::from_bytes(name.as_bytes())
                .is_ok_and(|name| !RESERVED.contains(&name))
                && value.len() <= LONGEST_HEADER
                && HeaderValue::from_str(value).is_ok();
            if !is_fine {
                return Err(de::Error::custom(format!("cannot have the header {name:?}")));
            }
        }
        Ok(Self(headers))
    }
}

/// The body that creates a webhook.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewHook {
    /// Shown to people.
    #[serde(default)]
    pub name: Option<Text<1, 256>>,
    /// What it is told of, when that is one event.
    #[serde(default)]
    pub event: Option<Event>,
    /// What it is told of.
    #[serde(default)]
    pub events: Option<Vec<Event>>,
    /// Where to.
    pub config: Config,
    /// Whether it is told at all; yes unless it says otherwise.
    #[serde(default)]
    pub enabled: Option<bool>,
}

/// The body that changes a webhook: absent members stay as they are, present ones replace the old value.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HookChanges {
    /// Shown to people.
    pub name: Option<Text<1, 256>>,
    /// What it is told of, when that is one event.
    #[serde(deserialize_with = "double_option")]
    pub event: Option<Option<Event>>,
    /// What it is told of.
    pub events: Option<Vec<Event>>,
    /// Where to.
    pub config: Option<Config>,
    /// Whether it is told at all.
    pub enabled: Option<bool>,
}

/// The body that sends examples.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HookTest {
    /// Of which events.
    pub events: Vec<Event>,
    /// Where to.
    pub config: Config,
}

/// Which webhooks want which events: what every event looks up.
#[derive(Clone, Debug, Default)]
pub struct Listeners(BTreeMap<Event, Vec<String>>);

impl Listeners {
    /// From each webhook's id, whether it is enabled, and its events.
    pub(super) fn new(hooks: impl Iterator<Item = (String, bool, Vec<Event>)>) -> Self {
        let mut listeners: BTreeMap<Event, Vec<String>> = BTreeMap::new();
        for (id, _, events) in hooks.filter(|(_, enabled, _)| *enabled) {
            for event in events {
                listeners.entry(event).or_default().push(id.clone());
            }
        }
        Self(listeners)
    }

    /// The ids of the webhooks that want to be told of `event`.
    pub fn of(&self, event: Event) -> &[String] {
        self.0.get(&event).map(Vec::as_slice).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Result<Config, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn a_receiver_is_on_the_web_and_its_headers_are_headers() {
        for good in [
            r#"{"url":"https://a.example/hook"}"#,
            r#"{"url":"http://127.0.0.1:8080","retries":3,"headers":{}}"#,
            r#"{"url":"https://a.example","headers":{"Authorization":"Bearer x","user-agent":"me"}}"#,
        ] {
            assert!(config(good).is_ok(), "{good}");
        }
        for bad in [
            r#"{}"#,
            r#"{"url":""}"#,
            r#"{"url":"ftp://a.example"}"#,
            r#"{"url":"https://me:secret@a.example"}"#,
            r#"{"url":"https://a.example","headers":{"a b":"c"}}"#,
            r#"{"url":"https://a.example","headers":{"a":"b\nc: d"}}"#,
            r#"{"url":"https://a.example","headers":{"Content-Length":"1"}}"#,
            r#"{"url":"https://a.example","headers":{"host":"b.example"}}"#,
        ] {
            assert!(config(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_those_who_want_an_event_are_told() {
        let hooks = [
            ("one".to_owned(), true, vec![Event::UserCreated, Event::RoleCreated]),
            ("off".to_owned(), false, vec![Event::UserCreated]),
            ("two".to_owned(), true, vec![Event::UserCreated]),
        ];
        let listeners = Listeners::new(hooks.into_iter());
        assert_eq!(listeners.of(Event::UserCreated), ["one", "two"]);
        assert_eq!(listeners.of(Event::RoleCreated), ["one"]);
        assert!(listeners.of(Event::UserDeleted).is_empty());
    }
}
