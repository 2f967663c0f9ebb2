//! Pushed authorization requests (RFC 9126): the client sends its request itself, authenticated, and the browser only
//! carries a reference to it.

use serde::Serialize;

use crate::{client::Client, error::OAuthError, params::Params};

/// How long a pushed request waits for its browser: seconds.
pub const LIFETIME: i64 = 60;

/// The form of a `request_uri` (RFC 9126 §2.2).
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// What authenticates a client, and is no part of the request it pushes.
const CREDENTIALS: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

/// The answer (RFC 9126 §2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PushedResponse {
    /// For the authorization endpoint, once.
    pub request_uri: String,
    /// Seconds.
    pub expires_in: i64,
}

/// The `request_uri` of a stored request.
#[must_use]
pub fn request_uri(id: &str) -> String {
    format!("{PREFIX}{id}")
}

/// The stored request a `request_uri` means, if it is one of this server's.
#[must_use]
pub fn id_of(request_uri: &str) -> Option<&str> {
    request_uri.strip_prefix(PREFIX)
}

/// The same parameters without what authenticates a client, which is nothing to keep: beside a push it has served its purpose, and
/// in a request that comes through a browser it is a mistake.
#[must_use]
pub fn without_credentials(params: &Params) -> Params {
    params.without(&CREDENTIALS)
}

/// The authorization request in a push of an authenticated client. A key proven beside it stands for `dpop_jkt`
/// (RFC 9449 §10.1). That the client may ask for all this is still to be validated.
///
/// # Errors
/// `invalid_request` for a reference to another request (RFC 9126 §2.1), another client's id, or another key than was
/// proven.
pub fn request(
    params: &Params,
    client: &Client,
    proven_key: Option<&str>,
) -> Result<Params, OAuthError> {
    if params.get("request_uri").is_some() {
        return Err(OAuthError::invalid_request("request_uri must not be pushed"));
    }
    if params.get("client_id").is_some_and(|id| id != client.client_id) {
        return Err(OAuthError::invalid_request("client_id is not that of the client"));
    }
    let request = without_credentials(params).with("client_id", &client.client_id);
    match (proven_key, request.get("dpop_jkt")) {
        (None, _) => Ok(request),
        (Some(proven), Some(stated)) if proven != stated => {
            Err(OAuthError::invalid_request("dpop_jkt is not the key that was proven"))
        }
        (Some(proven), _) => Ok(request.with("dpop_jkt", proven)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ApplicationType;

    #[test]
    fn a_push_is_kept_without_its_credentials_and_with_its_client() {
        let client = Client::new("app", ApplicationType::Traditional);
        let push = |query: &str| request(&Params::from_query(query).unwrap(), &client, None);
        let kept = push("scope=openid&client_secret=s&client_assertion=a&client_assertion_type=t");
        assert_eq!(kept.unwrap(), Params::from_query("scope=openid&client_id=app").unwrap());
        assert!(push("client_id=app&scope=openid").is_ok());
        assert!(push("client_id=other&scope=openid").is_err());
        let proven = |query: &str| {
            request(&Params::from_query(query).unwrap(), &client, Some("key"))
                .map(|params| params.get("dpop_jkt").map(str::to_owned))
        };
        assert_eq!(proven("").unwrap().as_deref(), Some("key"));
        assert!(proven("dpop_jkt=key").is_ok() && proven("dpop_jkt=other").is_err());
        assert!(push("request_uri=urn:ietf:params:oauth:request_uri:x").is_err());
    }

    #[test]
    fn a_request_uri_names_a_stored_request_and_foreign_ones_do_not() {
        assert_eq!(id_of(&request_uri("abc")), Some("abc"));
        assert_eq!(id_of("https://client.example/request.jwt"), None);
    }
}
