//! What attackers do that no honest client's library lets one do.

#![allow(dead_code, reason = "each test file uses a part of it")]

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use trinco_testkit::{Server, query_of};

/// An authorization request with members added, replaced (same name) or removed (empty value).
pub(crate) fn altered(url: &str, changes: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in query_of(url) {
        if !changes.iter().any(|(changed, _)| *changed == name) {
            query.append_pair(&name, &value);
        }
    }
    for (name, value) in changes.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    format!("/oidc/auth?{}", query.finish())
}

/// The members of an authorization request, as a form.
pub(crate) fn as_form(url: &str) -> Vec<(String, String)> {
    query_of(url).into_iter().collect()
}

/// A form as the HTTP client takes it.
pub(crate) fn pairs(form: &[(String, String)]) -> Vec<(&str, &str)> {
    form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// Sends bytes as they are and reads until the server closes; returns status and everything that came.
pub(crate) async fn raw(server: &Server, request: &str) -> (u16, String) {
    let address = server.base().strip_prefix("http://").expect("a plain base");
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    stream.write_all(request.as_bytes()).await.expect("the server reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("the server answers and closes");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|text| text.parse().ok());
    (status.unwrap_or_else(|| panic!("no status in {answer:?}")), answer)
}

/// A token with this header and these claims, and a signature part that is given.
pub(crate) fn token_of(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let encode = |text: String| trinco_jose::base64url_encode(text);
    let input = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let signature = sign(input.as_bytes());
    format!("{input}.{}", trinco_jose::base64url_encode(signature))
}
