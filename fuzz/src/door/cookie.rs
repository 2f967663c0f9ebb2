//! Cookies: the input is a `Cookie` header.

use http::{HeaderValue, Request, StatusCode, header};

use super::send;
use super::world::World;

/// Sends the cookies to two endpoints that tell whether they were believed.
pub fn run(data: &[u8]) -> bool {
    let world = World::get();
    let filled = world.fill_in(data);
    let Ok(value) = HeaderValue::from_bytes(filled.trim_ascii()) else { return false };
    let ask = |target: &str| {
        let request = Request::builder().uri(target).header(header::COOKIE, value.clone());
        send(world, request.body(Vec::new()).expect("a request"))
    };
    let text = value.to_str().unwrap_or_default();
    let is_there = |pair: String| text.split(';').any(|sent| sent.trim() == pair);

    // A session: a code without a page.
    let query = format!(
        "client_id={}&redirect_uri=http%3A%2F%2Flocalhost%3A9999%2Fcallback&response_type=code&prompt=none&scope=openid\
         &code_challenge={}&code_challenge_method=S256",
        world.name("spa"),
        world.name("challenge"),
    );
    let (head, _) = ask(&format!("/oidc/auth?{query}"));
    let location = head.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
    let signed_in = location.expect("a redirect").contains("code=");
    assert!(!signed_in || is_there(format!("_session={}", world.name("session"))), "{text}");

    // An interaction: it goes on, instead of being unknown.
    let (head, body) = ask(&format!("/oidc/auth/{}", world.name("interaction_id")));
    let goes_on = head.status == StatusCode::SEE_OTHER;
    let sealed = world.name("interaction").to_owned();
    assert!(!goes_on || is_there(sealed), "{text}: {}", String::from_utf8_lossy(&body));
    assert!(!head.status.is_server_error());
    signed_in || goes_on
}
