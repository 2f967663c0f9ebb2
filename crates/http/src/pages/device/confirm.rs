//! `/device/confirm`: "Is this the device in front of you?"

use std::sync::Arc;

use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode};
use trinco_core::applications::RegisteredClient;
use trinco_core::interactions::{self, Answer, DeviceConfirmation};
use trinco_core::{Error, Result, Tenant, applications, devices, users};
use trinco_oauth::authorization::UserCode;
use trinco_oauth::grant::GrantedScopes;

use super::browser::Browser;
use crate::app::Here;
use crate::cookies::{self, Interactions};
use crate::pages::asked::{Organizations, in_words, name_of};
use crate::pages::context::PageContext;
use crate::pages::fields::{Fields, Query};
use crate::pages::render;
use crate::pages::view::{DeviceConfirm, XSRF_FIELD};

const PURPOSE: &str = "device-confirm";

/// The address of the page.
pub(crate) fn address(tenant: &Tenant, confirmation: &DeviceConfirmation) -> String {
    page(tenant, "device/confirm", confirmation)
}

fn page(tenant: &Tenant, name: &str, confirmation: &DeviceConfirmation) -> String {
    let app_id = &confirmation.interaction.request.client_id;
    crate::pages::address(tenant, name, app_id, &confirmation.interaction_id)
}

pub(in crate::pages) async fn show(
    Here(tenant): Here,
    query: Query,
    headers: HeaderMap,
) -> Response {
    match find(&tenant, &query, &headers).await {
        Ok(confirming) => confirming.draw(&tenant, &headers),
        Err(instead) => instead,
    }
}

pub(in crate::pages) async fn submit(
    Here(tenant): Here,
    query: Query,
    headers: HeaderMap,
    Fields(fields): Fields,
) -> Response {
    let context = PageContext::new(&tenant, &headers);
    let Some([decision, xsrf]) = fields.once(["decision", XSRF_FIELD]) else {
        return context.unreadable(StatusCode::BAD_REQUEST);
    };
    let confirming = match find(&tenant, &query, &headers).await {
        Ok(confirming) => confirming,
        Err(instead) => return instead,
    };
    if !cookies::xsrf_is_valid(&tenant, PURPOSE, &confirming.bound_to(), xsrf) {
        return context.unknown_session();
    }
    let allow = match decision {
        "allow" => true,
        "deny" => false,
        _ => return confirming.draw(&tenant, &headers),
    };
    match devices::answer(&tenant, &confirming.confirmation, allow).await {
        Ok(()) => {
            let context = confirming.context(&tenant, &headers);
            let html = render::device_done(&context.shell_for(&confirming.registered), allow);
            let mut response = context.send(StatusCode::OK, html, None);
            let id = &confirming.confirmation.interaction_id;
            Interactions::remove(response.headers_mut(), &tenant, id);
            let browser = Browser::of(&tenant, &headers).without(&confirming.code);
            browser.write(response.headers_mut(), &tenant);
            response
        }
        Err(Error::Refused(_)) => context.unknown_session(),
        Err(error) => context.failed(&error),
    }
}

/// A device that waits for the answer of a person who is signed in.
struct Confirming {
    confirmation: DeviceConfirmation,
    code: UserCode,
    registered: Arc<RegisteredClient>,
    user_name: String,
}

/// What a visit to the page is about, or what the browser gets in its place.
async fn find(
    tenant: &Tenant,
    query: &Query,
    headers: &HeaderMap,
) -> Result<Box<Confirming>, Response> {
    let context = PageContext::new(tenant, headers);
    let gone = || context.unknown_session();
    let failed = |error: Error| match error {
        Error::Refused(_) => gone(),
        error => context.failed(&error),
    };
    let Some(whose) = query.whose() else {
        return Err(context.unreadable(StatusCode::BAD_REQUEST));
    };
    let in_progress = Interactions::read(tenant, headers);
    let id = in_progress.of(whose.app_id, whose.interaction).ok_or_else(gone)?;
    let interaction = interactions::find(tenant, id.reveal()).await.map_err(failed)?;
    // Only a device's interaction is looked at further: another's must not be answered from here.
    if !interaction.is_some_and(|found| interactions::is_for_device(tenant, &found)) {
        return Err(gone());
    }
    let session = cookies::session(tenant, headers);
    let session = session.as_ref().map(|session| session.reveal().as_str());
    let confirmation = match interactions::resume(tenant, id.reveal(), session).await {
        Ok(Answer::ConfirmDevice(confirmation)) => *confirmation,
        // The interaction goes on where it decides what comes first.
        Ok(Answer::SignIn { .. } | Answer::Consent { .. }) => {
            let next = format!("{}/oidc/auth/{}", tenant.origin().base(), id.reveal());
            return Err(Redirect::to(&next).into_response());
        }
        // The device has been told.
        Ok(Answer::Refuse { error, .. }) => return Err(context.request_refused(&error)),
        Ok(_) => return Err(gone()),
        Err(error) => return Err(failed(error)),
    };
    let codes = Browser::of(tenant, headers).codes;
    let code = devices::waiting(tenant, &confirmation, codes).await.map_err(failed)?;
    let code = code.ok_or_else(gone)?;
    let client_id = &confirmation.interaction.request.client_id;
    let registered = applications::find(tenant, client_id).await.map_err(failed)?;
    let registered = registered.ok_or_else(gone)?;
    let user = users::get(tenant, &confirmation.session.user_id).await.map_err(failed)?;
    let user_name = name_of(&user);
    Ok(Box::new(Confirming { confirmation, code, registered, user_name }))
}

impl Confirming {
    /// The form is for this interaction and this person: after somebody else has signed in it is void.
    fn bound_to(&self) -> String {
        let DeviceConfirmation { interaction_id, session, .. } = &self.confirmation;
        format!("{}~{}~{}", interaction_id.reveal(), session.id, session.user_id)
    }

    fn context<'a>(&self, tenant: &'a Tenant, headers: &'a HeaderMap) -> PageContext<'a> {
        let locales = &self.confirmation.interaction.request.hints.ui_locales;
        PageContext::new(tenant, headers).with_locales(locales)
    }

    fn draw(&self, tenant: &Tenant, headers: &HeaderMap) -> Response {
        let context = self.context(tenant, headers);
        let organizations = match self.registered.client.is_third_party {
            true => Organizations::Chosen,
            false => Organizations::All,
        };
        let scopes = GrantedScopes::of(&self.confirmation.request);
        let view = DeviceConfirm {
            action: address(tenant, &self.confirmation),
            xsrf: cookies::xsrf(tenant, PURPOSE, &self.bound_to()),
            app_name: self.registered.display_name().to_owned(),
            user_code: self.code.to_string(),
            asked: in_words(context.texts(), &tenant.snapshot(), &scopes, organizations),
            user_name: self.user_name.clone(),
            other_account_href: page(tenant, "sign-in", &self.confirmation),
        };
        let html = render::device_confirm(&context.shell_for(&self.registered), &view);
        context.send(StatusCode::OK, html, None)
    }
}
