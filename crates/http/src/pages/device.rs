//! `/device` and `/device/confirm`: a person enters the code of a device, signs in, and allows it or not (RFC 8628 §3.3).
//!
//! Somebody may send their own code to a victim (§5.4), so the second page names the application and shows the code to compare, and
//! nothing is allowed without a press there, even when the link had the code in it.

use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode};
use trinco_core::devices::{self, Entered, Visitor};
use trinco_core::interactions::{self, Answer, DeviceConfirmation};
use trinco_core::{Error, Result, Secret, Tenant, applications, users};
use trinco_oauth::authorization::UserCode;

use super::context::PageContext;
use super::fields::Fields;
use super::render;
use super::view::{DeviceCode, DeviceConfirm, Field, XSRF_FIELD};
use crate::app::Here;
use crate::cookies::{self, Interactions};
use crate::extract::QueryPairs;

/// Ties the forms to a browser, and keeps the code it has entered: `<random>` or `<random>~<code>`.
const COOKIE: &str = "_device";
/// Seconds.
const COOKIE_LIFETIME: i64 = 3600;
const CODE_PURPOSE: &str = "device";
const CONFIRM_PURPOSE: &str = "device-confirm";
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

/// The address of the page that asks whether a device may be signed in.
pub(crate) fn confirm_page(tenant: &Tenant, confirmation: &DeviceConfirmation) -> String {
    let app_id = &confirmation.interaction.request.client_id;
    super::address(tenant, "device/confirm", app_id, &confirmation.interaction_id)
}

pub(super) async fn show(Here(tenant): Here, query: QueryPairs, headers: HeaderMap) -> Response {
    let browser = Browser::of(&tenant, &headers);
    let field = Field { value: shown(query.get("user_code").unwrap_or_default()), error: None };
    draw(&tenant, &headers, &browser, field, None, StatusCode::OK)
}

pub(super) async fn submit(Here(tenant): Here, headers: HeaderMap, form: Fields) -> Response {
    let typed = form.get("user_code");
    let texts = PageContext::new(&tenant, &headers).texts();
    let browser = Browser::of(&tenant, &headers);
    let value = shown(typed);
    if !cookies::xsrf_is_valid(&tenant, CODE_PURPOSE, &browser.id, form.get(XSRF_FIELD)) {
        let field = Field { value, error: None };
        let stale = Some(texts.get("device.stale").to_owned());
        return draw(&tenant, &headers, &browser, field, stale, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let refuse = |key: &str, status: StatusCode| {
        let field = Field { value: value.clone(), error: Some(texts.get(key).to_owned()) };
        draw(&tenant, &headers, &browser, field, None, status)
    };
    let Some(code) = UserCode::parse(typed) else {
        let key = if value.trim().is_empty() { "device.missing" } else { "device.wrong" };
        return refuse(key, StatusCode::UNPROCESSABLE_ENTITY);
    };
    match enter(&tenant, &headers, &browser, &code).await {
        Ok(Entered::Right { client_id, interaction_id }) => {
            let next = format!("{}/oidc/auth/{}", tenant.origin().base(), interaction_id.reveal());
            let mut response = Redirect::to(&next).into_response();
            let in_progress = Interactions::read(&tenant, &headers);
            in_progress.add(response.headers_mut(), &tenant, &client_id, &interaction_id);
            let kept = format!("{}~{code}", browser.id);
            cookies::set(response.headers_mut(), &tenant, COOKIE, &kept, COOKIE_LIFETIME);
            response
        }
        Ok(Entered::Wrong) => refuse("device.wrong", StatusCode::UNPROCESSABLE_ENTITY),
        Ok(Entered::TooManyAttempts) => refuse("device.too_many", StatusCode::TOO_MANY_REQUESTS),
        Err(error) => PageContext::new(&tenant, &headers).failed(&error, "device"),
    }
}

pub(super) async fn show_confirm(
    Here(tenant): Here,
    query: QueryPairs,
    headers: HeaderMap,
) -> Response {
    match Confirming::find(&tenant, &query, &headers).await {
        Ok(Step::Confirm(confirming)) => confirming.draw(&tenant, &headers),
        Ok(Step::SignIn(interaction_id)) => sign_in(&tenant, &interaction_id),
        Ok(Step::Gone) => PageContext::new(&tenant, &headers).unknown_session(),
        Err(error) => PageContext::new(&tenant, &headers).failed(&error, "device"),
    }
}

pub(super) async fn submit_confirm(
    Here(tenant): Here,
    query: QueryPairs,
    headers: HeaderMap,
    form: Fields,
) -> Response {
    let context = PageContext::new(&tenant, &headers);
    let confirming = match Confirming::find(&tenant, &query, &headers).await {
        Ok(Step::Confirm(confirming)) => confirming,
        Ok(Step::SignIn(interaction_id)) => return sign_in(&tenant, &interaction_id),
        Ok(Step::Gone) => return context.unknown_session(),
        Err(error) => return context.failed(&error, "device"),
    };
    if !cookies::xsrf_is_valid(
        &tenant,
        CONFIRM_PURPOSE,
        &confirming.bound_to(),
        form.get(XSRF_FIELD),
    ) {
        return context.unknown_session();
    }
    let allow = match form.get("decision") {
        "allow" => true,
        "deny" => false,
        _ => return confirming.draw(&tenant, &headers),
    };
    match devices::answer(&tenant, &confirming.confirmation, allow).await {
        Ok(()) => {
            let context = confirming.context(&tenant, &headers);
            let html = render::device_done(&context.shell(), allow);
            let mut response = context.send(StatusCode::OK, html, None);
            let id = &confirming.confirmation.interaction_id;
            Interactions::remove(response.headers_mut(), &tenant, id);
            cookies::clear(response.headers_mut(), &tenant, COOKIE);
            response
        }
        Err(Error::Refused(_)) => context.unknown_session(),
        Err(error) => context.failed(&error, "device"),
    }
}

/// The browser that is entering a code.
struct Browser {
    id: String,
    code: Option<UserCode>,
}

impl Browser {
    /// As its cookie says, or a new one.
    fn of(tenant: &Tenant, headers: &HeaderMap) -> Self {
        let cookie = cookies::read(tenant, headers, COOKIE).filter(|value| !value.is_empty());
        match cookie {
            None => Self { id: tenant.new_token(), code: None },
            Some(value) => match value.split_once('~') {
                None => Self { id: value, code: None },
                Some((id, code)) => Self { id: id.to_owned(), code: UserCode::parse(code) },
            },
        }
    }
}

/// What a visit to the confirmation page comes to.
enum Step {
    Confirm(Box<Confirming>),
    SignIn(Secret),
    Gone,
}

/// A device that waits for the answer of a person who is signed in.
struct Confirming {
    confirmation: DeviceConfirmation,
    code: UserCode,
    app_name: String,
    user_name: String,
}

impl Confirming {
    async fn find(tenant: &Tenant, query: &QueryPairs, headers: &HeaderMap) -> Result<Step> {
        let in_progress = Interactions::read(tenant, headers);
        let Some(interaction_id) = super::named(&in_progress, query).cloned() else {
            return Ok(Step::Gone);
        };
        let Some(interaction) = interactions::find(tenant, interaction_id.reveal()).await? else {
            return Ok(Step::Gone);
        };
        // Only a device's interaction is looked at further: another's must not be answered from here.
        if !interactions::is_for_device(tenant, &interaction) {
            return Ok(Step::Gone);
        }
        let session = cookies::session(tenant, headers);
        let session = session.as_ref().map(|session| session.reveal().as_str());
        let confirmation =
            match interactions::resume(tenant, interaction_id.reveal(), session).await {
                Ok(Answer::ConfirmDevice(confirmation)) => *confirmation,
                Ok(Answer::SignIn { .. }) => return Ok(Step::SignIn(interaction_id)),
                Ok(_) | Err(Error::Refused(_)) => return Ok(Step::Gone),
                Err(error) => return Err(error),
            };
        let Some(code) = Browser::of(tenant, headers).code else { return Ok(Step::Gone) };
        if !devices::is_waiting(tenant, &confirmation, &code).await? {
            return Ok(Step::Gone);
        }
        let request = &confirmation.interaction.request;
        let Some(registered) = applications::find(tenant, &request.client_id).await? else {
            return Ok(Step::Gone);
        };
        let user = users::get(tenant, &confirmation.session.user_id).await?;
        let name = [user.username, user.primary_email, user.primary_phone, user.name];
        Ok(Step::Confirm(Box::new(Self {
            app_name: registered.application.name.clone(),
            user_name: name.into_iter().flatten().next().unwrap_or(user.id),
            confirmation,
            code,
        })))
    }

    /// The form is for this interaction and this person: after somebody else has signed in it is void.
    fn bound_to(&self) -> String {
        let DeviceConfirmation { interaction_id, session, .. } = &self.confirmation;
        format!("{}~{}", interaction_id.reveal(), session.user_id)
    }

    fn context<'a>(&self, tenant: &'a Tenant, headers: &'a HeaderMap) -> PageContext<'a> {
        let locales = &self.confirmation.interaction.request.hints.ui_locales;
        PageContext::new(tenant, headers).with_locales(locales)
    }

    fn draw(&self, tenant: &Tenant, headers: &HeaderMap) -> Response {
        let view = DeviceConfirm {
            action: confirm_page(tenant, &self.confirmation),
            xsrf: cookies::xsrf(tenant, CONFIRM_PURPOSE, &self.bound_to()),
            app_name: self.app_name.clone(),
            user_code: self.code.to_string(),
            user_name: self.user_name.clone(),
        };
        let context = self.context(tenant, headers);
        context.send(StatusCode::OK, render::device_confirm(&context.shell(), &view), None)
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
        Some(session) => Visitor::SignedIn { session_id: &session.id },
        None => Visitor::Stranger { browser: &browser.id },
    };
    devices::enter(tenant, code, visitor).await
}

/// The interaction goes on where it decides about signing in.
fn sign_in(tenant: &Tenant, interaction_id: &Secret) -> Response {
    let next = format!("{}/oidc/auth/{}", tenant.origin().base(), interaction_id.reveal());
    Redirect::to(&next).into_response()
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
        xsrf: cookies::xsrf(tenant, CODE_PURPOSE, &browser.id),
        user_code,
        form_error,
    };
    let mut response = context.send(status, render::device_code(&context.shell(), &view), None);
    cookies::set(response.headers_mut(), tenant, COOKIE, &browser.id, COOKIE_LIFETIME);
    response
}
