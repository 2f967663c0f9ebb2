//! A television: an application that signs people in by device code, for the tests about it.

#![allow(dead_code, reason = "each test file uses a part of it")]

use serde_json::{Value, json};
use trinco_testkit::{API, Answer, Browser, Method, Server, USER, World, hidden, text};

pub(crate) const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
pub(crate) const SCOPE: &str = "openid offline_access profile read:orders write:orders";

/// A world with a television.
pub(crate) async fn television() -> (World, String) {
    let world = World::start().await;
    let id = device_application(&world, json!({ "name": "Television" })).await;
    (world, id)
}

/// An application that uses device codes; `more` are further members of its body.
pub(crate) async fn device_application(world: &World, more: Value) -> String {
    let mut body = json!({
        "type": "Native",
        "oidcClientMetadata": { "redirectUris": [], "postLogoutRedirectUris": [] },
        "customClientMetadata": { "isDeviceFlow": true }
    });
    let members = body.as_object_mut().expect("an object");
    members.extend(more.as_object().expect("an object").clone());
    text(&world.admin.create("/api/applications", body).await, "/id").to_owned()
}

/// The codes for a device that asks for everything.
pub(crate) async fn begin(server: &Server, app: &str) -> Value {
    begin_with(server, app, &[("scope", SCOPE), ("resource", API)]).await
}

/// The codes for a device that sends this form.
pub(crate) async fn begin_with(server: &Server, app: &str, form: &[(&str, &str)]) -> Value {
    let answer = server.post_as((app, ""), "/oidc/device/auth", form).await.expect(200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.json()
}

pub(crate) async fn poll(server: &Server, app: &str, codes: &Value) -> Answer {
    let form = [("grant_type", GRANT), ("device_code", text(codes, "/device_code"))];
    server.token((app, ""), &form).await
}

/// The error, which must be a 400 of the token endpoint with the members that SDKs read.
pub(crate) fn error_of(answer: Answer) -> String {
    let body = answer.expect(400).json();
    let error = text(&body, "/error").to_owned();
    assert_eq!(text(&body, "/code"), format!("oidc.{error}"));
    assert!(text(&body, "/message").len() > 10);
    error
}

/// Types a code into the page.
pub(crate) async fn enter(browser: &Browser, code: &str) -> Answer {
    let page = browser.get("/device").await.expect(200);
    let xsrf = hidden(&page.text, "xsrf");
    browser.submit("/device", &[("xsrf", &xsrf), ("user_code", code)]).await
}

/// Types a code and signs in where that is asked for; returns the address of the page that comes then.
pub(crate) async fn enter_and_arrive(browser: &Browser, code: &str, user: (&str, &str)) -> String {
    let resume = enter(browser, code).await.location().to_owned();
    let target = browser.get(&resume).await.location().to_owned();
    if target.contains("/sign-in?") { sign_in(browser, &target, user).await } else { target }
}

/// Fills in the sign-in page; returns the address of the page that comes then.
pub(crate) async fn sign_in(browser: &Browser, page: &str, user: (&str, &str)) -> String {
    let xsrf = hidden(&browser.get(page).await.expect(200).text, "xsrf");
    let form = [("xsrf", xsrf.as_str()), ("identifier", user.0), ("password", user.1)];
    let resume = browser.submit(page, &form).await.location().to_owned();
    browser.get(&resume).await.location().to_owned()
}

/// As [`enter_and_arrive`], when that is the confirmation page.
pub(crate) async fn enter_and_sign_in(browser: &Browser, code: &str, user: (&str, &str)) -> String {
    let target = enter_and_arrive(browser, code, user).await;
    assert!(target.contains("/device/confirm?app_id="), "{target}");
    target
}

pub(crate) async fn decide(browser: &Browser, confirm: &str, decision: &str) -> Answer {
    let page = browser.get(confirm).await.expect(200);
    let xsrf = hidden(&page.text, "xsrf");
    browser.submit(confirm, &[("xsrf", &xsrf), ("decision", decision)]).await
}

/// Allows a device, from its code on.
pub(crate) async fn allow(browser: &Browser, codes: &Value) {
    let confirm = enter_and_sign_in(browser, text(codes, "/user_code"), USER).await;
    decide(browser, &confirm, "allow").await.expect(200);
}

pub(crate) async fn userinfo(server: &Server, token: &str) -> u16 {
    let request = server.browser().request(Method::GET, "/oidc/me").bearer_auth(token);
    request.send().await.expect("the server answers").status().as_u16()
}
