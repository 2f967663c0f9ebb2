//! `/device` and `/device/confirm`: a person enters the code of a device, signs in, and allows it or not (RFC 8628 §3.3).
//!
//! Somebody may send their own code to a victim (§5.4), so the second page names the application and shows the code to compare, and
//! nothing is allowed without a press there, even when the link had the code in it.

mod browser;
mod confirm;

use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode};
use trinco_core::devices::{self, Entered, Visitor};
use trinco_core::{Result, Tenant, interactions};
use trinco_oauth::AuthorizationRequest;
use trinco_oauth::authorization::UserCode;

pub(crate) use confirm::address as confirm_page;
pub(super) use confirm::{show as show_confirm, submit as submit_confirm};

use super::context::PageContext;
use super::fields::{Fields, Query};
use super::render;
use super::view::{DeviceCode, Field, XSRF_FIELD};
use crate::app::Here;
use crate::cookies::{self, Interactions};
use browser::Browser;

const PURPOSE: &str = "device";
/// Longest code that is shown again, in characters.
const MAX_INPUT: usize = 64;

/// The address of the page that asks for a code.
pub(crate) fn code_page(tenant: &Tenant, user_code: Option<&str>) -> String {
    let page = format!("{}/device", tenant.origin().base());
    match user_code {
        None => page,
        Some(code) => {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("user_code", code)
                .finish();
            format!("{page}?{query}")
        }
    }
}

/// The address of the page that asks for a code, with the one this browser has typed last.
pub(crate) fn code_page_of_browser(tenant: &Tenant, headers: &HeaderMap) -> String {
    let typed = Browser::of(tenant, headers).codes.pop();
    code_page(tenant, typed.map(|code| code.to_string()).as_deref())
}

/// The page that ends it: the device gets nothing.
pub(crate) fn denied(
    tenant: &Tenant,
    headers: &HeaderMap,
    request: &AuthorizationRequest,
) -> Response {
    let context = PageContext::new(tenant, headers).with_locales(&request.hints.ui_locales);
    let snapshot = tenant.snapshot();
    let registered = snapshot.applications.get(&request.client_id);
    let shell = registered.map_or_else(|| context.shell(), |found| context.shell_for(found));
    context.send(StatusCode::OK, render::device_done(&shell, false), None)
}

pub(super) async fn show(Here(tenant): Here, Query(query): Query, headers: HeaderMap) -> Response {
    let Some([user_code]) = query.once(["user_code"]) else {
        return PageContext::new(&tenant, &headers).unreadable(StatusCode::BAD_REQUEST);
    };
    let browser = Browser::of(&tenant, &headers);
    let field = Field { value: shown(user_code), error: None };
    draw(&tenant, &headers, &browser, field, None, StatusCode::OK)
}

pub(super) async fn submit(
    Here(tenant): Here,
    headers: HeaderMap,
    Fields(fields): Fields,
) -> Response {
    let Some([user_code, xsrf]) = fields.once(["user_code", XSRF_FIELD]) else {
        return PageContext::new(&tenant, &headers).unreadable(StatusCode::BAD_REQUEST);
    };
    let texts = PageContext::new(&tenant, &headers).texts();
    let browser = Browser::of(&tenant, &headers);
    let value = shown(user_code);
    if !cookies::xsrf_is_valid(&tenant, PURPOSE, &browser.id, xsrf) {
        let field = Field { value, error: None };
        let stale = Some(texts.get("device.stale").to_owned());
        return draw(&tenant, &headers, &browser, field, stale, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let refuse = |key: &str, status: StatusCode| {
        let field = Field { value: value.clone(), error: Some(texts.get(key).to_owned()) };
        draw(&tenant, &headers, &browser, field, None, status)
    };
    let Some(code) = UserCode::parse(user_code) else {
        let key = if value.trim().is_empty() { "device.missing" } else { "device.wrong" };
        return refuse(key, StatusCode::UNPROCESSABLE_ENTITY);
    };
    match enter(&tenant, &headers, &browser, &code).await {
        Ok(
            Entered::Right { client_id, interaction_id }
            | Entered::SignInFirst { client_id, interaction_id },
        ) => {
            let next = format!("{}/oidc/auth/{}", tenant.origin().base(), interaction_id.reveal());
            let mut response = Redirect::to(&next).into_response();
            let in_progress = Interactions::read(&tenant, &headers);
            in_progress.add(response.headers_mut(), &tenant, &client_id, &interaction_id);
            browser.with(code).write(response.headers_mut(), &tenant);
            response
        }
        Ok(Entered::Wrong) => refuse("device.wrong", StatusCode::UNPROCESSABLE_ENTITY),
        Ok(Entered::TooManyAttempts) => refuse("device.too_many", StatusCode::TOO_MANY_REQUESTS),
        Err(error) => PageContext::new(&tenant, &headers).failed(&error),
    }
}

async fn enter(
    tenant: &Tenant,
    headers: &HeaderMap,
    browser: &Browser,
    code: &UserCode,
) -> Result<Entered> {
    let cookie = cookies::session(tenant, headers);
    let cookie = cookie.as_ref().map(|cookie| cookie.reveal().as_str());
    let session = interactions::current_session(tenant, cookie).await?;
    let visitor = match &session {
        Some(session) => Visitor::SignedIn { user_id: &session.user_id },
        None => Visitor::Stranger { browser: &browser.id },
    };
    devices::enter(tenant, code, visitor).await
}

fn shown(code: &str) -> String {
    code.chars().filter(|symbol| !symbol.is_control()).take(MAX_INPUT).collect()
}

fn draw(
    tenant: &Tenant,
    headers: &HeaderMap,
    browser: &Browser,
    user_code: Field,
    form_error: Option<String>,
    status: StatusCode,
) -> Response {
    let context = PageContext::new(tenant, headers);
    let view = DeviceCode {
        action: code_page(tenant, None),
        xsrf: cookies::xsrf(tenant, PURPOSE, &browser.id),
        user_code,
        form_error,
    };
    let mut response = context.send(status, render::device_code(&context.shell(), &view), None);
    // A browser that has a cookie keeps it: it may be on its way to another page with a code in it.
    if browser.is_new {
        browser.write(response.headers_mut(), tenant);
    }
    response
}
