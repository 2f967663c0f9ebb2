//! Clients that describe themselves: the metadata of a registration, and of a document. The first line is a `client_id` that is a URL,
//! the rest metadata, in which `{client_id}` stands for that URL; the first line is read as a `Cache-Control` header, too.

use serde_json::{Map, Value};
use trinco_oauth::RedirectUri;
use trinco_oauth::registration::document::{
    self, ClientIdUrl, MAX_CLIENT_ID, MAX_DOCUMENT, MAX_LIFETIME, MIN_LIFETIME,
};
use trinco_oauth::registration::redirect_uri::Destination;
use trinco_oauth::registration::{AuthMethod, ClientMetadata, MAX_NAME, MAX_REDIRECT_URIS};
use url::Url;

use crate::check;

/// Reads the input both ways.
pub fn run(data: &[u8]) -> bool {
    let Some(text) = check::text(data) else { return false };
    let (first, metadata) = check::first_line(text);
    for age in [None, Some(first)] {
        assert!((MIN_LIFETIME..=MAX_LIFETIME).contains(&document::lifetime(first, age)));
    }
    let _ = document::is_document(200, Some(first));
    let metadata = metadata.replace("{client_id}", first);
    let registered = serde_json::from_str::<Map<String, Value>>(&metadata).is_ok_and(|members| {
        match ClientMetadata::read(&members) {
            Ok(read) => {
                sound(&read);
                true
            }
            Err(error) => {
                check::refusal(&error);
                false
            }
        }
    });
    let Ok(client_id) = ClientIdUrl::parse(first) else { return registered };
    is_one_spelling(&client_id, first);
    match document::read(&client_id, metadata.as_bytes()) {
        Ok(read) => {
            assert!(registered && metadata.len() <= MAX_DOCUMENT);
            sound(&read);
            // Whatever is published is no secret.
            assert!(read.auth_method.is_none_or(|method| !method.is_shared_secret()));
            let with_key = read.auth_method == Some(AuthMethod::PrivateKeyJwt);
            assert!(!with_key || read.jwks.is_some() || read.jwks_uri.is_some());
            let members: Value = serde_json::from_str(&metadata).expect("JSON");
            assert!(members["client_id"] == first && members.get("client_secret").is_none());
            true
        }
        Err(error) => {
            check::refusal(&error);
            registered
        }
    }
}

/// A URL that is an id is the same for every reader.
fn is_one_spelling(client_id: &ClientIdUrl, text: &str) {
    let url = Url::parse(text).expect("a URL");
    assert!(client_id.as_str() == text && url.as_str() == text && text.len() <= MAX_CLIENT_ID);
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
    assert!(url.path().starts_with('/') && document::is_url(text));
    assert!(text.contains(&format!("://{}", client_id.host())));
    assert_eq!(client_id.is_https(), text.starts_with("https://"));
}

/// What was read is within its limits, and its users are sent to no place but their own devices and https.
fn sound(read: &ClientMetadata) {
    assert!((1..=MAX_REDIRECT_URIS).contains(&read.redirect_uris.len()));
    for (uri, destination) in read.redirect_uris.iter().chain(&read.post_logout_redirect_uris) {
        assert!(RedirectUri::try_from(uri.clone()).is_ok() && !uri.contains(['*', '#']));
        let url = Url::parse(uri).expect("a browser reads it");
        match destination {
            Destination::Web { host } => {
                assert!(url.scheme() == "https" && url.host_str() == Some(host));
                assert!(destination.is_named_by(host) && !destination.is_native());
            }
            Destination::Loopback { host } => {
                let is_local = ["localhost", "127.0.0.1", "[::1]"].contains(&host.as_str());
                assert!(url.scheme() == "http" && is_local, "{uri}");
            }
            Destination::Private { scheme } => {
                assert!(
                    !["http", "https", "javascript", "data", "file"].contains(&scheme.as_str())
                );
                assert!(destination.is_named_by(&format!("{scheme}:")));
            }
        }
    }
    // People decide by the name, so something in it is seen, and nothing hidden.
    if let Some(name) = &read.name {
        assert!((1..=MAX_NAME).contains(&name.chars().count()) && name.trim() == name);
        assert!(name.chars().any(char::is_alphanumeric) && !name.contains('\u{3164}'));
        assert!(!name.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)));
    }
    assert!(read.jwks.is_none() || read.jwks_uri.is_none());
    let is_short = |text: &String| text.len() <= 2048 && !text.contains('\0');
    assert!(read.jwks_uri.iter().all(is_short));
    assert!(read.grant_types.iter().flatten().all(|text| text.len() <= 2048));
}
