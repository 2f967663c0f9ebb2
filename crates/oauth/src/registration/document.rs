//! Client ID Metadata Documents (draft-ietf-oauth-client-id-metadata-document-02): a `client_id` that is the URL of a document about
//! the client. Sections are the draft's.

use serde_json::{Map, Value};
use url::Url;

use super::metadata::{AuthMethod, ClientMetadata, invalid};
use super::redirect_uri::is_loopback;
use crate::error::OAuthError;

/// Longest `client_id` that is a URL, in bytes.
pub const MAX_CLIENT_ID: usize = 2048;
/// Longest document, in bytes (§8.7).
pub const MAX_DOCUMENT: usize = 5 * 1024;
/// A document is used for at least this long, whatever its server says: seconds. A client that signs in and then asks for tokens is
/// looked up once.
pub const MIN_LIFETIME: i64 = 60;
/// A document is fetched again after this, whatever its server says: seconds.
pub const MAX_LIFETIME: i64 = 86_400;
/// A document whose server does not say: seconds.
pub const DEFAULT_LIFETIME: i64 = 600;

/// Whether a `client_id` is meant as the URL of a document. Ids of registered applications have no colon.
#[must_use]
pub fn is_url(client_id: &str) -> bool {
    client_id.starts_with("https://") || client_id.starts_with("http://")
}

/// A client identifier URL (§3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientIdUrl(Url);

impl ClientIdUrl {
    /// Reads a `client_id`. It must be written the one way every reader agrees on: no dot segments, no capital letters in the host, no
    /// default port, nothing that still has to be encoded.
    ///
    /// # Errors
    /// What is wrong with it, as a rule.
    pub fn parse(client_id: &str) -> Result<Self, &'static str> {
        if client_id.len() > MAX_CLIENT_ID {
            return Err("must not be longer than 2048 bytes");
        }
        let url = Url::parse(client_id).map_err(|_| "must be an absolute URL")?;
        if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
            return Err("must be an https URL");
        }
        if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a fragment or user information");
        }
        // Url::parse gives a path to a URL that has none, so this says that it must have one, too.
        if url.as_str() != client_id {
            return Err("must have a path and be in normal form");
        }
        Ok(Self(url))
    }

    /// The URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// As it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// What people are told the client comes from: its host, and its port when that is an unusual one.
    #[must_use]
    pub fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        match self.0.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Whether its document cannot be forged on the way. Anything else is for development on one machine.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether it stays on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }
}

/// Whether an answer of this status and content type is a document (§5, §5.1). A redirect is not followed: it is none.
#[must_use]
pub fn is_document(status: u16, content_type: Option<&str>) -> bool {
    status == 200 && content_type.is_some_and(is_json)
}

/// `application/json`, or `application/` anything `+json`, parameters aside.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json"
        || essence
            .strip_prefix("application/")
            .and_then(|rest| rest.strip_suffix("+json"))
            .is_some_and(|rest| !rest.is_empty())
}

/// Reads the document of a client.
///
/// # Errors
/// `invalid_client_metadata`, and `invalid_redirect_uri`, with a description that names the member.
pub fn read(client_id: &ClientIdUrl, body: &[u8]) -> Result<ClientMetadata, OAuthError> {
    if body.len() > MAX_DOCUMENT {
        return Err(invalid(format!("the metadata document is longer than {MAX_DOCUMENT} bytes")));
    }
    let members: Map<String, Value> = serde_json::from_slice(body)
        .map_err(|_| invalid("the metadata document is not a JSON object"))?;
    // §4: simple string comparison. A document that can be put under another URL must not speak for that URL.
    if members.get("client_id").and_then(Value::as_str) != Some(client_id.as_str()) {
        return Err(invalid("client_id in the metadata document is not the URL of the document"));
    }
    // §4.1: whatever is published is no secret.
    if ["client_secret", "client_secret_expires_at"].iter().any(|name| members.contains_key(*name))
    {
        return Err(invalid("a metadata document must not hold a client_secret"));
    }
    let metadata = ClientMetadata::read(&members)?;
    match metadata.auth_method {
        Some(method) if method.is_shared_secret() => Err(invalid(
            "token_endpoint_auth_method must be none or private_key_jwt: a document shares no secret",
        )),
        Some(AuthMethod::PrivateKeyJwt)
            if metadata.jwks.is_none() && metadata.jwks_uri.is_none() =>
        {
            Err(invalid("private_key_jwt needs jwks or jwks_uri"))
        }
        _ if metadata.redirect_uris.iter().any(|(_, destination)| !destination.is_claimable()) => {
            Err(invalid("the scheme of a redirect URI must be a domain name in reverse"))
        }
        _ => Ok(metadata),
    }
}

/// How long an answer may be used: seconds, within [`MIN_LIFETIME`] and [`MAX_LIFETIME`] (§5.2). `cache_control` is the value of that
/// header, or several joined by commas; `age` is that of the answer in caches before this one (RFC 9111 §4.2, §5.1).
#[must_use]
pub fn lifetime(cache_control: &str, age: Option<&str>) -> i64 {
    let mut fresh = None;
    let mut shared = None;
    let mut must_ask = false;
    for directive in cache_control.split(',') {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        let seconds = || value.trim().trim_matches('"').parse::<u32>().ok().map(i64::from);
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => must_ask = true,
            "max-age" => fresh = seconds().or(Some(0)),
            "s-maxage" => shared = seconds().or(Some(0)),
            _ => {}
        }
    }
    let age = age.and_then(|age| age.trim().parse::<u32>().ok()).map_or(0, i64::from);
    let stated = match shared.or(fresh) {
        _ if must_ask => 0,
        Some(stated) => stated - age,
        None => DEFAULT_LIFETIME,
    };
    stated.clamp(MIN_LIFETIME, MAX_LIFETIME)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const URL: &str = "https://agent.example/client.json";

    fn read_value(document: &Value) -> Result<ClientMetadata, OAuthError> {
        read(&ClientIdUrl::parse(URL).unwrap(), document.to_string().as_bytes())
    }

    fn document() -> Value {
        json!({ "client_id": URL, "client_name": "Agent", "redirect_uris": ["http://127.0.0.1/cb"] })
    }

    #[test]
    fn a_client_id_is_a_url_in_normal_form() {
        for url in [
            URL,
            "https://agent.example/",
            "https://agent.example:8443/c?x=1",
            "http://127.0.0.1:1/c",
            "https://xn--mnchen-3ya.example/c",
        ] {
            assert!(ClientIdUrl::parse(url).is_ok(), "{url}");
        }
        let long = format!("https://agent.example/{}", "c".repeat(2048 - 22));
        assert!(ClientIdUrl::parse(&long).is_ok());
        for url in [
            "https://agent.example",
            "https://Agent.example/c",
            "https://agent.example:443/c",
            "https://agent.example/a/../c",
            "https://agent.example/a/%2e%2e/c",
            "https://agent.example/./c",
            "https://agent.example/c#x",
            "https://u@agent.example/c",
            "https://u:p@agent.example/c",
            "https://agent.example\\c",
            "https://münchen.example/c",
            "https://agent.example/c d",
            "https://0x7f.1/c",
            "https:agent.example/c",
            "ftp://agent.example/c",
            "agent.example/c",
            "",
            &format!("{long}c"),
        ] {
            assert!(ClientIdUrl::parse(url).is_err(), "{url}");
        }
        assert_eq!(ClientIdUrl::parse("https://a.example:8443/").unwrap().host(), "a.example:8443");
        assert_eq!(ClientIdUrl::parse("https://a.example/x").unwrap().host(), "a.example");
    }

    #[test]
    fn a_document_is_json_with_status_200() {
        for content_type in
            ["application/json", "Application/JSON; charset=utf-8", "application/cimd+json"]
        {
            assert!(is_document(200, Some(content_type)), "{content_type}");
        }
        for content_type in ["text/html", "text/json", "application/jsonp", "application/+json", ""]
        {
            assert!(!is_document(200, Some(content_type)), "{content_type}");
        }
        assert!(!is_document(200, None));
        for status in [201, 204, 206, 301, 302, 304, 307, 404, 500] {
            assert!(!is_document(status, Some("application/json")), "{status}");
        }
    }

    #[test]
    fn a_document_speaks_for_its_own_url_and_shares_no_secret() {
        assert!(read_value(&document()).is_ok());
        let keys = json!({ "keys": [] });
        for (name, value) in [
            ("client_id", json!("https://agent.example/client.json?")),
            ("client_id", json!("https://agent.example:443/client.json")),
            ("client_id", json!(null)),
            ("client_secret", json!("s")),
            ("client_secret", json!(null)),
            ("client_secret_expires_at", json!(0)),
            ("token_endpoint_auth_method", json!("client_secret_basic")),
            ("token_endpoint_auth_method", json!("client_secret_post")),
            ("token_endpoint_auth_method", json!("client_secret_jwt")),
            ("token_endpoint_auth_method", json!("private_key_jwt")),
            ("redirect_uris", json!(["https://*.agent.example/cb"])),
            ("redirect_uris", json!(["myagent:/cb"])),
            ("redirect_uris", json!([])),
        ] {
            let mut changed = document();
            changed[name] = value.clone();
            assert!(read_value(&changed).is_err(), "{name} {value}");
        }
        let mut confidential = document();
        confidential["token_endpoint_auth_method"] = json!("private_key_jwt");
        confidential["jwks"] = keys;
        assert!(read_value(&confidential).is_ok());
        let mut long = document();
        long["pad"] = json!("x".repeat(MAX_DOCUMENT));
        assert!(read_value(&long).is_err());
        let url = ClientIdUrl::parse(URL).unwrap();
        for body in ["", "[]", "null", "{", "\u{0}"] {
            assert!(read(&url, body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn caching_follows_the_server_within_bounds() {
        for (cache_control, age, seconds) in [
            ("", None, DEFAULT_LIFETIME),
            ("public", None, DEFAULT_LIFETIME),
            ("max-age=3600", None, 3600),
            ("max-age=3600", Some("600"), 3000),
            ("max-age=3600, s-maxage=120", None, 120),
            ("Max-Age=\"3600\"", None, 3600),
            ("max-age=5", None, MIN_LIFETIME),
            ("max-age=-1", None, MIN_LIFETIME),
            ("max-age=99999999999", None, MIN_LIFETIME),
            ("max-age=31536000", None, MAX_LIFETIME),
            ("no-store", None, MIN_LIFETIME),
            ("no-cache, max-age=3600", None, MIN_LIFETIME),
        ] {
            assert_eq!(lifetime(cache_control, age), seconds, "{cache_control} {age:?}");
        }
    }

    proptest! {
        #[test]
        fn a_lifetime_is_always_within_bounds(cache_control in ".{0,60}", age in ".{0,10}") {
            let seconds = lifetime(&cache_control, Some(&age));
            prop_assert!((MIN_LIFETIME..=MAX_LIFETIME).contains(&seconds));
        }

        #[test]
        fn no_client_id_and_no_document_panics(text in ".{0,80}") {
            let _ = ClientIdUrl::parse(&text);
            let _ = ClientIdUrl::parse(&format!("https://{text}"));
            let _ = read(&ClientIdUrl::parse(URL).unwrap(), text.as_bytes());
        }

        #[test]
        fn a_client_id_that_is_read_is_read_by_browsers_as_it_stands(path in "[ -~]{0,40}") {
            let text = format!("https://agent.example/{path}");
            if let Ok(url) = ClientIdUrl::parse(&text) {
                prop_assert_eq!(url.as_str(), text.as_str());
                prop_assert_eq!(url.url().host_str(), Some("agent.example"));
            }
        }
    }
}
