//! `/consent`: what a third-party application asks for, to be allowed or denied. One form, complete without JavaScript.

use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode, header};
use trinco_core::applications::RegisteredClient;
use trinco_core::interactions::{self, Allowed, ConsentRequest, Interaction};
use trinco_core::sessions::Session;
use trinco_core::{Error, Result, Secret, Tenant, clients};
use trinco_oauth::client::Provenance;

use super::asked::{Organizations, in_words, name_of};
use super::context::PageContext;
use super::fields::{Fields, Pairs, Query, Whose};
use super::render;
use super::view::{Consent, OrganizationChoice, Vouched, XSRF_FIELD};
use crate::app::Here;
use crate::cookies::{self, Interactions};
use crate::oidc::authorize::send_on;

/// What the anti-forgery token of the form is for.
const PURPOSE: &str = "consent";
/// Longest organization id that is looked at: bytes.
const MAX_ID: usize = 128;

/// The consent in progress that a page belongs to.
struct Current {
    id: Secret,
    interaction: Interaction,
    session: Session,
}

pub(super) async fn show(Here(tenant): Here, query: Query, headers: HeaderMap) -> Response {
    let page = PageContext::new(&tenant, &headers);
    let Some(whose) = query.whose() else { return page.unreadable(StatusCode::BAD_REQUEST) };
    match current(&tenant, whose, &headers).await {
        Ok(Some(current)) => ask(&tenant, &headers, &current, None).await,
        Ok(None) => page.unknown_session(),
        Err(error) => page.failed(&error),
    }
}

/// Shows what is asked for; again when it was `answered`, with those organizations, and has changed since it was shown.
async fn ask(
    tenant: &Tenant,
    headers: &HeaderMap,
    current: &Current,
    answered: Option<&[String]>,
) -> Response {
    // Looked up here and not for an answer: no client can stand in the way of a no.
    let page = PageContext::new(tenant, headers);
    let registered = match clients::find(tenant, &current.interaction.request.client_id).await {
        Ok(Some(registered)) => registered,
        Ok(None) => return page.unknown_session(),
        Err(error) => return page.failed(&error),
    };
    match interactions::consent_request(tenant, &current.interaction, &current.session).await {
        Ok(Some(request)) => draw(tenant, headers, current, &registered, request, answered),
        // Something else comes next, such as signing in again.
        Ok(None) => {
            let next = format!("{}/oidc/auth/{}", tenant.origin().base(), current.id.reveal());
            Redirect::to(&next).into_response()
        }
        Err(error) => page.failed(&error),
    }
}

pub(super) async fn submit(
    Here(tenant): Here,
    query: Query,
    headers: HeaderMap,
    Fields(fields): Fields,
) -> Response {
    let page = PageContext::new(&tenant, &headers);
    let (Some(whose), Some(form)) = (query.whose(), Submitted::read(&fields)) else {
        return page.unreadable(StatusCode::BAD_REQUEST);
    };
    let current = match current(&tenant, whose, &headers).await {
        Ok(Some(current)) => current,
        Ok(None) => return page.unknown_session(),
        Err(error) => return page.failed(&error),
    };
    let Some(fingerprint) = fingerprint_in(&tenant, &current, &form.xsrf) else {
        return page.unknown_session();
    };
    let Current { id, interaction, session } = &current;
    let answer = match form.allows {
        Some(true) => {
            let organization_ids = form.organization_ids.clone();
            let allowed = Allowed { fingerprint: fingerprint.to_owned(), organization_ids };
            interactions::allow(&tenant, interaction.clone(), id.reveal(), session, allowed).await
        }
        Some(false) => interactions::deny(&tenant, interaction, session).await,
        None => return page.unknown_session(),
    };
    match answer {
        Ok(answer) => send_on(&tenant, &headers, answer, id),
        Err(Error::Refused(refusal)) if refusal.code == "session.consent_changed" => {
            ask(&tenant, &headers, &current, Some(&form.organization_ids)).await
        }
        Err(Error::Refused(refusal)) if refusal.code == "session.not_found" => {
            page.unknown_session()
        }
        Err(error) => page.failed(&error),
    }
}

/// What the form holds; a decision that is missing or unknown is none.
struct Submitted {
    xsrf: String,
    allows: Option<bool>,
    organization_ids: Vec<String>,
}

impl Submitted {
    /// `None` when a field repeats that there is one of.
    fn read(fields: &Pairs) -> Option<Self> {
        let [xsrf, decision] = fields.once([XSRF_FIELD, "decision"])?;
        let is_id = |value: &&str| value.len() <= MAX_ID && !value.contains('\0');
        Some(Self {
            xsrf: xsrf.to_owned(),
            allows: match decision {
                "allow" => Some(true),
                "deny" => Some(false),
                _ => None,
            },
            organization_ids: fields
                .all("organization_ids")
                .filter(is_id)
                .map(str::to_owned)
                .collect(),
        })
    }
}

/// The form is for one interaction of one person, and for what it showed them: an answer cannot be given for somebody who signed in
/// after the page was shown, nor to something else.
fn bound_to(current: &Current, fingerprint: &str) -> String {
    let Current { id, session, .. } = current;
    format!("{}.{}.{}.{fingerprint}", id.reveal(), session.id, session.user_id)
}

/// The anti-forgery token, which begins with what tells the scopes on the page from others.
fn xsrf(tenant: &Tenant, current: &Current, fingerprint: &str) -> String {
    let token = cookies::xsrf(tenant, PURPOSE, &bound_to(current, fingerprint));
    format!("{fingerprint}.{token}")
}

/// What the token of a form says that its page showed, when the token is valid.
fn fingerprint_in<'f>(tenant: &Tenant, current: &Current, xsrf: &'f str) -> Option<&'f str> {
    let (fingerprint, token) = xsrf.split_once('.')?;
    cookies::xsrf_is_valid(tenant, PURPOSE, &bound_to(current, fingerprint), token)
        .then_some(fingerprint)
}

async fn current(
    tenant: &Tenant,
    whose: Whose<'_>,
    headers: &HeaderMap,
) -> Result<Option<Current>> {
    let in_progress = Interactions::read(tenant, headers);
    let Some(id) = in_progress.of(whose.app_id, whose.interaction).cloned() else {
        return Ok(None);
    };
    let Some(interaction) = interactions::find(tenant, id.reveal()).await? else { return Ok(None) };
    let cookie = cookies::session(tenant, headers);
    let cookie = cookie.as_ref().map(|cookie| cookie.reveal().as_str());
    let session = interactions::current_session(tenant, cookie).await?;
    Ok(session.map(|session| Current { id, interaction, session }))
}

fn draw(
    tenant: &Tenant,
    headers: &HeaderMap,
    current: &Current,
    registered: &RegisteredClient,
    request: ConsentRequest,
    answered: Option<&[String]>,
) -> Response {
    let asked = &current.interaction.request;
    let context = PageContext::new(tenant, headers).with_locales(&asked.hints.ui_locales);
    let href = |page: &str| super::address(tenant, page, &asked.client_id, &current.id);
    let redirect_uri = asked.target.redirect_uri.as_str();
    let is_for_device = interactions::is_for_device(tenant, &current.interaction);
    let only_one = request.organizations.as_ref().is_some_and(|choices| choices.len() == 1);
    let view = Consent {
        action: href("consent"),
        xsrf: xsrf(tenant, current, &request.fingerprint),
        has_changed: answered.is_some(),
        app_name: registered.display_name().to_owned(),
        vouched: vouched_for(registered),
        user_name: name_of(&request.user),
        other_account_href: href("sign-in"),
        is_further: request.is_further,
        asked: in_words(
            context.texts(),
            &tenant.snapshot(),
            &request.scopes,
            Organizations::ChosenHere,
        ),
        organizations: request.organizations.map(|choices| {
            choices
                .into_iter()
                .map(|choice| OrganizationChoice {
                    // What somebody has just ticked, or left alone, is not answered for them the second time.
                    checked: answered
                        .map_or(choice.is_chosen || (only_one && request.is_first), |ids| {
                            ids.contains(&choice.id)
                        }),
                    id: choice.id,
                    name: choice.name,
                })
                .collect()
        }),
        next: (!is_for_device).then(|| host_of(redirect_uri)),
    };
    let html = render::consent(&context.shell_for(registered), &view);
    // A device's form ends on a page of this server.
    let form_target = (!is_for_device).then(|| asked.target.redirect_uri.form_action_source());
    let mut response = context.send(StatusCode::OK, html, form_target.as_deref());
    // The page's address must not tell the application's pictures and links who asks.
    response
        .headers_mut()
        .insert(header::REFERRER_POLICY, http::HeaderValue::from_static("no-referrer"));
    response
}

/// A name that nobody here has checked is not all a person gets to decide by.
fn vouched_for(registered: &RegisteredClient) -> Vouched {
    let client = &registered.client;
    match client.provenance {
        Provenance::Operator => Vouched::Here,
        Provenance::Registration => Vouched::Itself,
        Provenance::Document => {
            Vouched::By(registered.document_host().unwrap_or_else(|| client.client_id.clone()))
        }
    }
}

/// The host of a redirect URI as it will be in the address bar, or the scheme of a native application.
fn host_of(redirect_uri: &str) -> String {
    let rest = redirect_uri.split_once("://").map_or("", |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let scheme = redirect_uri.split(':').next().unwrap_or_default();
    let is_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    if is_web && !host.is_empty() { host.to_owned() } else { format!("{scheme}:") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_learns_where_they_go_on_to() {
        for (uri, host) in [
            ("https://app.example.com/cb?x=1", "app.example.com"),
            ("http://localhost:9999/callback", "localhost:9999"),
            ("com.example.app://cb", "com.example.app:"),
            ("com.example.app:/cb", "com.example.app:"),
        ] {
            assert_eq!(host_of(uri), host);
        }
    }
}
