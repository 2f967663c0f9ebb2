//! The HTTP that the `oauth2` and `openidconnect` crates leave to their users.

use http::{Request, Response};

/// Sends a request of the crates. They revoke and introspect over https only; the test server has no certificate.
pub(crate) async fn http(request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, reqwest::Error> {
    let (parts, body) = request.into_parts();
    let url = parts.uri.to_string().replace("https://127.0.0.1", "http://127.0.0.1");
    let outgoing = reqwest::Client::new().request(parts.method, url).headers(parts.headers);
    let answer = outgoing.body(body).send().await?;
    let mut response = Response::new(Vec::new());
    *response.status_mut() = answer.status();
    response.headers_mut().clone_from(answer.headers());
    *response.body_mut() = answer.bytes().await?.to_vec();
    Ok(response)
}
