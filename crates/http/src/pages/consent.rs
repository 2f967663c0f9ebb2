//! `/consent`: what a third-party application asks for, to be allowed or denied. One form, complete without JavaScript.

use std::sync::Arc;

use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use trinco_core::applications::RegisteredClient;
use trinco_core::interactions::{self, ConsentRequest, Interaction};
use trinco_core::sessions::Session;
use trinco_core::users::User;
use trinco_core::{Error, Result, Secret, Snapshot, Tenant, applications};
use trinco_locales::Texts;
use trinco_oauth::Scope;
use trinco_oauth::scope::{
    OFFLINE_ACCESS, ORGANIZATIONS, ORGANIZATIONS_RESOURCE, SESSIONS, TRUSTED_DEVICES,
};

use super::context::PageContext;
use super::render;
use super::view::{Consent, OrganizationChoice};
use crate::app::Here;
use crate::cookies::{self, Interactions};
use crate::extract::QueryPairs;
use crate::oidc::authorize::send_on;

/// What the anti-forgery token of the form is for.
const PURPOSE: &str = "consent";
/// Longest organization id that is looked at: bytes.
const MAX_ID: usize = 128;

/// The consent in progress that a page belongs to.
struct Current {
    id: Secret,
    interaction: Interaction,
    registered: Arc<RegisteredClient>,
    session: Session,
}

pub(super) async fn show(Here(tenant): Here, query: QueryPairs, headers: HeaderMap) -> Response {
    let page = PageContext::new(&tenant, &headers);
    let current = match current(&tenant, &query, &headers).await {
        Ok(Some(current)) => current,
        Ok(None) => return page.unknown_session(),
        Err(error) => return page.failed(&error, PURPOSE),
    };
    match interactions::consent_request(&tenant, &current.interaction, &current.session).await {
        Ok(Some(request)) => draw(&tenant, &headers, &current, request),
        // Something else comes next, such as signing in again.
        Ok(None) => {
            let next = format!("{}/oidc/auth/{}", tenant.origin().base(), current.id.reveal());
            Redirect::to(&next).into_response()
        }
        Err(error) => page.failed(&error, PURPOSE),
    }
}

pub(super) async fn submit(
    Here(tenant): Here,
    query: QueryPairs,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let page = PageContext::new(&tenant, &headers);
    let Ok(body) = body else {
        return page.refused(StatusCode::PAYLOAD_TOO_LARGE, "request.body_too_large");
    };
    let current = match current(&tenant, &query, &headers).await {
        Ok(Some(current)) => current,
        Ok(None) => return page.unknown_session(),
        Err(error) => return page.failed(&error, PURPOSE),
    };
    let form = Submitted::read(&body);
    if !cookies::xsrf_is_valid(&tenant, PURPOSE, &bound_to(&current), &form.xsrf) {
        return page.unknown_session();
    }
    let Current { id, interaction, session, .. } = current;
    let answer = match form.allows {
        Some(true) => {
            let chosen = form.organization_ids;
            interactions::allow(&tenant, interaction, id.reveal(), &session, chosen).await
        }
        Some(false) => interactions::deny(&tenant, &interaction).await,
        None => return page.unknown_session(),
    };
    match answer {
        Ok(answer) => send_on(&tenant, &headers, answer, &id),
        Err(Error::Refused(refusal)) if refusal.code == "session.not_found" => {
            page.unknown_session()
        }
        Err(error) => page.failed(&error, PURPOSE),
    }
}

/// What the form holds; a decision that is missing or unknown is none.
struct Submitted {
    xsrf: String,
    allows: Option<bool>,
    organization_ids: Vec<String>,
}

impl Submitted {
    fn read(body: &[u8]) -> Self {
        let mut form = Self { xsrf: String::new(), allows: None, organization_ids: Vec::new() };
        for (name, value) in form_urlencoded::parse(body) {
            match &*name {
                "xsrf" => form.xsrf = value.into_owned(),
                "decision" => {
                    form.allows = match &*value {
                        "allow" => Some(true),
                        "deny" => Some(false),
                        _ => None,
                    };
                }
                "organization_ids" if value.len() <= MAX_ID && !value.contains('\0') => {
                    form.organization_ids.push(value.into_owned());
                }
                _ => {}
            }
        }
        form
    }
}

/// The form is for one interaction of one person: an answer cannot be given for somebody who signed in after the page was shown.
fn bound_to(current: &Current) -> String {
    format!("{}.{}.{}", current.id.reveal(), current.session.id, current.session.user_id)
}

async fn current(
    tenant: &Tenant,
    query: &QueryPairs,
    headers: &HeaderMap,
) -> Result<Option<Current>> {
    let in_progress = Interactions::read(tenant, headers);
    let Some(id) = super::named(&in_progress, query).cloned() else { return Ok(None) };
    let Some(interaction) = interactions::find(tenant, id.reveal()).await? else { return Ok(None) };
    let cookie = cookies::session(tenant, headers);
    let cookie = cookie.as_ref().map(|cookie| cookie.reveal().as_str());
    let Some(session) = interactions::current_session(tenant, cookie).await? else {
        return Ok(None);
    };
    let registered = applications::find(tenant, &interaction.request.client_id).await?;
    Ok(registered.map(|registered| Current { id, interaction, registered, session }))
}

fn draw(
    tenant: &Tenant,
    headers: &HeaderMap,
    current: &Current,
    request: ConsentRequest,
) -> Response {
    let asked = &current.interaction.request;
    let context = PageContext::new(tenant, headers).with_locales(&asked.hints.ui_locales);
    let texts = context.texts();
    let href = |page: &str| super::address(tenant, page, &asked.client_id, &current.id);
    let snapshot = tenant.snapshot();
    let (sees, does) = account_items(texts, &request.scopes.scope);
    let in_organizations =
        request.scopes.resources.get(ORGANIZATIONS_RESOURCE).cloned().unwrap_or_default();
    let redirect_uri = asked.target.redirect_uri.as_str();
    let only_one = request.organizations.as_ref().is_some_and(|choices| choices.len() == 1);
    let view = Consent {
        action: href("consent"),
        xsrf: cookies::xsrf(tenant, PURPOSE, &bound_to(current)),
        app_name: current.registered.display_name().to_owned(),
        user_name: name_of(&request.user),
        other_account_href: href("sign-in"),
        is_further: request.is_further,
        sees,
        does,
        resources: resource_items(&snapshot, &request),
        in_organizations: organization_items(&snapshot, &in_organizations),
        organizations: request.organizations.map(|choices| {
            choices
                .into_iter()
                .map(|choice| OrganizationChoice {
                    checked: choice.is_chosen || (only_one && !request.is_further),
                    id: choice.id,
                    name: choice.name,
                })
                .collect()
        }),
        next: host_of(redirect_uri),
    };
    let html = render::consent(&context.shell_for(&current.registered), &view);
    let form_target = asked.target.redirect_uri.form_action_source();
    let mut response = context.send(StatusCode::OK, html, Some(&form_target));
    // The page's address must not tell the application's pictures and links who asks.
    response
        .headers_mut()
        .insert(header::REFERRER_POLICY, http::HeaderValue::from_static("no-referrer"));
    response
}

/// The reserved scopes in words: what the application sees of the account, and what it does with it.
fn account_items(texts: Texts, scope: &Scope) -> (Vec<String>, Vec<String>) {
    let (mut sees, mut does) = (Vec::new(), Vec::new());
    for token in scope.iter() {
        let name = token.rsplit(':').next().unwrap_or(token);
        let Some(words) = texts.find(&format!("consent.scope.{name}")) else { continue };
        match token {
            OFFLINE_ACCESS | SESSIONS | TRUSTED_DEVICES => does.push(words.to_owned()),
            // The choice below says so.
            ORGANIZATIONS => {}
            _ => sees.push(words.to_owned()),
        }
    }
    (sees, does)
}

/// Permissions by resource, in the operator's words where there are some.
fn resource_items(snapshot: &Snapshot, request: &ConsentRequest) -> Vec<(String, Vec<String>)> {
    let named = request.scopes.resources.iter().filter(|(_, scope)| !scope.is_empty());
    named
        .filter_map(|(indicator, scope)| {
            let entry = snapshot.resources.by_indicator(indicator)?;
            let defined = entry.scopes.iter().filter(|defined| scope.contains(&defined.name));
            let words =
                defined.map(|defined| words_of(&defined.name, defined.description.as_deref()));
            Some((entry.resource.name.clone(), words.collect()))
        })
        .collect()
}

fn organization_items(snapshot: &Snapshot, scope: &Scope) -> Vec<String> {
    let mut found: Vec<_> = snapshot
        .organization_template
        .scopes()
        .filter(|defined| scope.contains(&defined.name))
        .collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
        .into_iter()
        .map(|defined| words_of(&defined.name, defined.description.as_deref()))
        .collect()
}

fn words_of(name: &str, description: Option<&str>) -> String {
    description.filter(|text| !text.trim().is_empty()).unwrap_or(name).to_owned()
}

/// What a person knows the account by.
fn name_of(user: &User) -> String {
    [&user.username, &user.primary_email, &user.primary_phone, &user.name]
        .into_iter()
        .find_map(Clone::clone)
        .unwrap_or_else(|| user.id.clone())
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

    #[test]
    fn every_reserved_scope_has_words() {
        use trinco_locales::Language;
        for language in Language::ALL {
            for token in trinco_oauth::scope::RESERVED {
                let name = token.rsplit(':').next().unwrap();
                assert!(Texts::of(language).find(&format!("consent.scope.{name}")).is_some());
            }
        }
    }

    #[test]
    fn an_answer_without_a_known_decision_is_none() {
        for (body, allows) in [
            ("decision=allow", Some(true)),
            ("decision=deny", Some(false)),
            ("decision=maybe", None),
            ("decision=allow&decision=deny", Some(false)),
            ("", None),
        ] {
            assert_eq!(Submitted::read(body.as_bytes()).allows, allows, "{body}");
        }
    }
}
