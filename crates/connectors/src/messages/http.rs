//! A service of the administrator's own, which is told who is to be told what.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::{Call, Message, SendError, config};

/// The configuration of both connectors, for e-mail and for text messages.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Config {
    #[serde(deserialize_with = "config::url")]
    endpoint: Url,
    #[serde(default, deserialize_with = "config::optional_text")]
    authorization: Option<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    to: &'a str,
    r#type: &'a str,
    payload: &'a Map<String, Value>,
}

impl Config {
    pub(super) fn call(&self, message: &Message<'_>) -> Result<Call, SendError> {
        let body = Body { to: message.to, r#type: message.usage, payload: message.payload };
        let call = Call::json("the service", self.endpoint.clone(), &body);
        match &self.authorization {
            Some(authorization) => call.header("authorization", authorization),
            None => Ok(call),
        }
    }
}
