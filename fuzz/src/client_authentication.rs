//! Who a client says it is: the `Authorization` header (first line of the input, none when it is empty) and the parameters.

use trinco_oauth::Params;
use trinco_oauth::client_authentication::{ClientCredentials, MAX_HEADER, PresentedMethod};

use crate::check::{self, MARKER};
use crate::clients;

/// Reads the credentials and holds them against every application.
pub fn run(data: &[u8]) -> bool {
    let Some(text) = check::text(data) else { return false };
    let (header, body) = check::first_line(text);
    own_header_is_read(header, body);
    let header = Some(header).filter(|header| !header.is_empty());
    let Ok(params) = Params::from_query(body) else { return false };
    let credentials = match ClientCredentials::parse(header, &params) {
        Ok(credentials) => credentials,
        Err(error) => {
            check::refusal(&error);
            return false;
        }
    };
    assert!(!credentials.client_id.is_empty() && !credentials.client_id.contains('\0'));
    assert!(header.is_none_or(|header| header.len() <= MAX_HEADER));
    // RFC 6749 §2.3: one method.
    let with_basic = matches!(credentials.method, PresentedMethod::Basic { .. });
    let in_body = params.get("client_secret").is_some();
    let has_assertion = credentials.assertion().is_some();
    assert!([with_basic, in_body, has_assertion].into_iter().filter(|used| *used).count() <= 1);
    assert!(header.is_none() || !(in_body || has_assertion));
    assert!(params.get("client_id").is_none_or(|id| id == credentials.client_id));
    if !credentials.client_id.contains(MARKER) {
        assert!(!format!("{credentials:?}").contains(MARKER));
    }
    let has_secret = credentials.secrets().next().is_some();
    assert!(credentials.secrets().all(|secret| !secret.expose().is_empty()));
    let mut accepted = false;
    for client in clients::ALL.iter() {
        match credentials.check(client) {
            Ok(()) => {
                accepted = true;
                assert_eq!(client.client_id, credentials.client_id);
                assert_eq!(client.private_key_jwt, has_assertion);
                assert_eq!(client.is_confidential() && !client.private_key_jwt, has_secret);
            }
            Err(error) => check::refusal(&error),
        }
    }
    accepted
}

/// A header written as RFC 6749 §2.3.1 says is read as it was meant.
fn own_header_is_read(id: &str, secret: &str) {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encoded(id), encoded(secret));
    let header = format!("Basic {}", base64(pair.as_bytes()));
    if id.is_empty() || pair.contains("%00") || header.len() > MAX_HEADER {
        return;
    }
    let credentials = ClientCredentials::parse(Some(&header), &Params::default());
    let credentials = credentials.expect("a well-formed header");
    assert_eq!(credentials.client_id, id);
    let mut secrets = credentials.secrets();
    assert!(secret.is_empty() || secrets.any(|read| read.expose() == secret));
}

/// The standard alphabet with padding (RFC 4648 §4).
pub(crate) fn base64(bytes: &[u8]) -> String {
    let mut text = trinco_jose::base64url_encode(bytes).replace('-', "+").replace('_', "/");
    text.extend(std::iter::repeat_n('=', (4 - text.len() % 4) % 4));
    text
}
