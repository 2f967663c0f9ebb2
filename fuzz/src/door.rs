//! The HTTP doors: requests as text, handed to the router of a server that has users, applications and a signed-in browser.
//!
//! The first line is a method and a target, then come headers, an empty line and a body. `{name}` stands for what only the running
//! server knows: ids, secrets, tokens, cookies (see [`world`]).

mod answer;
mod cookie;
mod world;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, Request};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

pub use cookie::run as cookie;

use world::World;

/// The protocol endpoints.
pub fn oidc(data: &[u8]) -> bool {
    run(data, |path| path.starts_with("/oidc"))
}

/// The pages.
pub fn pages(data: &[u8]) -> bool {
    run(data, |path| !path.starts_with("/oidc") && !path.starts_with("/api"))
}

/// The Management API.
pub fn api(data: &[u8]) -> bool {
    run(data, |path| path.starts_with("/api"))
}

/// Sends the input if it is a request to such a path; whether it succeeded.
fn run(data: &[u8], is_wanted: impl Fn(&str) -> bool) -> bool {
    let world = World::get();
    let Some(request) = parse(world, data).filter(|request| is_wanted(request.uri().path())) else {
        return false;
    };
    if !world.allows(&request) {
        return false;
    }
    let asked = answer::Asked::of(&request, data);
    let (head, body) = send(world, request);
    answer::check(&asked, &head, &body);
    world.remember(&asked, &head);
    head.status.is_success() || head.status.is_redirection()
}

/// The request that the input writes down.
fn parse(world: &World, data: &[u8]) -> Option<Request<Vec<u8>>> {
    let data = world.fill_in(data);
    let (head, body) = match data.windows(2).position(|two| two == b"\n\n") {
        Some(at) => (&data[..at], &data[at + 2..]),
        None => (&*data, &data[data.len()..]),
    };
    let mut lines = head.split(|byte| *byte == b'\n');
    let first = str::from_utf8(lines.next()?).ok()?;
    let (method, target) = first.split_once(' ')?;
    let mut request = Request::builder().method(method).uri(target).body(body.to_vec()).ok()?;
    request.uri().path_and_query()?;
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        request.headers_mut().append(name, value);
    }
    Some(request)
}

/// The answer, read to its end.
fn send(world: &World, request: Request<Vec<u8>>) -> (http::response::Parts, Vec<u8>) {
    world.block_on(async {
        let request = request.map(Body::from);
        let answer: Response =
            world.router().oneshot(request).await.unwrap_or_else(|never| match never {});
        let (head, body) = answer.into_parts();
        let body = body.collect().await.expect("an answer is complete").to_bytes();
        (head, body.to_vec())
    })
}
