//! Signing out (OpenID Connect RP-Initiated Logout).

use axum::extract::RawQuery;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, header};
use trinco_core::sessions::{self, Session, SignOut};
use trinco_core::{Error, Tenant};
use trinco_oauth::end_session::{Confirmation, EndSessionRequest};
use trinco_oauth::{OAuthError, Params, redirect_uri};

use super::client::Body;
use crate::app::Here;
use crate::cookies;
use crate::failure::OidcError;
use crate::pages::STAY;
use crate::pages::context::{PageContext, wants_html};
use crate::pages::view::{self, Hidden, XSRF_FIELD};

const XSRF_PURPOSE: &str = "sign-out";
/// The field that holds the id of the session a form is about. The cookie's value may change while the form is shown: by a sign-in in
/// another tab.
const SESSION_FIELD: &str = "session";

pub(super) async fn requested(
    Here(tenant): Here,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, OidcError> {
    match Params::from_query(query.as_deref().unwrap_or_default()) {
        Ok(params) => decide(&tenant, &headers, &params).await,
        Err(error) => refuse(&tenant, &headers, error.into()),
    }
}

pub(super) async fn requested_by_post(
    Here(tenant): Here,
    headers: HeaderMap,
    Body(params): Body,
) -> Result<Response, OidcError> {
    // A form posted by another site comes without `SameSite=Lax` cookies: the browser is sent back by GET, which has them.
    if !cookies::has(&tenant, &headers, cookies::SESSION) {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(repeated(&params));
        let target = format!("{}/oidc/session/end?{}", tenant.origin().base(), query.finish());
        // The address may hold an ID token.
        let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        return Ok((no_store, Redirect::to(&target)).into_response());
    }
    decide(&tenant, &headers, &params).await
}

/// The parameters of a request that are carried on.
fn repeated(params: &Params) -> impl Iterator<Item = (&'static str, &str)> {
    ["client_id", "id_token_hint", "post_logout_redirect_uri", "state", "ui_locales"]
        .into_iter()
        .filter_map(|name| params.get(name).map(|value| (name, value)))
}

async fn decide(
    tenant: &Tenant,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Response, OidcError> {
    let cookie = cookies::session(tenant, headers);
    let cookie = cookie.as_ref().map(|cookie| cookie.reveal().as_str());
    let request = match EndSessionRequest::parse(params) {
        Ok(request) => request,
        Err(error) => return refuse(tenant, headers, error.into()),
    };
    let sign_out = match sessions::sign_out_requested(tenant, &request, cookie).await {
        Ok(sign_out) => sign_out,
        Err(error) => return refuse(tenant, headers, error),
    };
    let Some(session) = &sign_out.session else { return Ok(land(tenant, headers, &sign_out)) };
    let is_automatic = sign_out.decision.confirmation == Confirmation::Automatic;
    Ok(ask(tenant, headers, params, &request, &sign_out, session, is_automatic))
}

/// Shows the form that ends a session.
fn ask(
    tenant: &Tenant,
    headers: &HeaderMap,
    params: &Params,
    request: &EndSessionRequest,
    sign_out: &SignOut,
    session: &Session,
    auto_submit: bool,
) -> Response {
    // The form repeats the request: what it asks for is decided anew, not trusted, when it comes back.
    let mut fields: Vec<Hidden> = repeated(params)
        .map(|(name, value)| Hidden { name: name.to_owned(), value: value.to_owned() })
        .collect();
    fields.push(Hidden {
        name: XSRF_FIELD.to_owned(),
        value: cookies::xsrf(tenant, XSRF_PURPOSE, &session.id),
    });
    fields.push(Hidden { name: SESSION_FIELD.to_owned(), value: session.id.clone() });
    fields.push(Hidden { name: "logout".to_owned(), value: "yes".to_owned() });
    let view = view::SignOut {
        action: format!("{}/oidc/session/end/confirm", tenant.origin().base()),
        fields,
        auto_submit,
        stay_href: Some(stay_href(tenant, sign_out)),
    };
    let landing =
        sign_out.decision.landing.as_ref().map(|landing| landing.uri().form_action_source());
    PageContext::new(tenant, headers)
        .with_locales(&request.ui_locales)
        .sign_out(&view, landing.as_deref())
}

/// Where somebody goes who does not want to sign out: the application that asked, if it is known, is at home where its redirect URIs are.
fn stay_href(tenant: &Tenant, sign_out: &SignOut) -> String {
    let snapshot = tenant.snapshot();
    let client_id = sign_out.client_id.as_deref();
    let registered = client_id.and_then(|id| snapshot.applications.get(id));
    registered
        .and_then(|registered| redirect_uri::front_page(&registered.client))
        .unwrap_or_else(|| format!("{}{STAY}", tenant.origin().base()))
}

/// The confirmation form came back.
pub(super) async fn confirmed(
    Here(tenant): Here,
    headers: HeaderMap,
    Body(params): Body,
) -> Result<Response, OidcError> {
    let cookie = cookies::session(&tenant, &headers);
    let cookie = cookie.as_ref().map(|cookie| cookie.reveal().as_str());
    let request = match EndSessionRequest::parse(&params) {
        Ok(request) => request,
        Err(error) => return refuse(&tenant, &headers, error.into()),
    };
    let sign_out = match sessions::sign_out_requested(&tenant, &request, cookie).await {
        Ok(sign_out) => sign_out,
        Err(error) => return refuse(&tenant, &headers, error),
    };
    let asked_about = params.get(SESSION_FIELD);
    let token = params.get(XSRF_FIELD).unwrap_or_default();
    let is_of = |id: &str| {
        params.get("logout") == Some("yes")
            && cookies::xsrf_is_valid(&tenant, XSRF_PURPOSE, id, token)
    };
    let session = match (&sign_out.session, asked_about) {
        (Some(session), _) if is_of(&session.id) => Some(session.clone()),
        // Somebody else has signed in since: it is not them who were asked.
        (Some(session), Some(other)) if is_of(other) => {
            return Ok(ask(&tenant, &headers, &params, &request, &sign_out, session, false));
        }
        (Some(_), _) => {
            let error = OAuthError::invalid_request("the sign-out form is not ours");
            return refuse(&tenant, &headers, error.into());
        }
        // The session may go on under a new value of the cookie, which crossed this request on its way.
        (None, Some(id)) if is_of(id) => sessions::find_by_id(&tenant, id).await?,
        (None, _) => None,
    };
    if let Some(session) = session {
        sessions::sign_out(&tenant, &session, sign_out.client_id.as_deref()).await?;
    }
    Ok(land(&tenant, &headers, &sign_out))
}

fn land(tenant: &Tenant, headers: &HeaderMap, sign_out: &SignOut) -> Response {
    let mut response = match &sign_out.decision.landing {
        Some(landing) => Redirect::to(&landing.url()).into_response(),
        None => PageContext::new(tenant, headers).signed_out(),
    };
    // One that did not come along may be of a session that goes on.
    if cookies::has(tenant, headers, cookies::SESSION) {
        cookies::clear(response.headers_mut(), tenant, cookies::SESSION);
    }
    response
}

fn refuse(tenant: &Tenant, headers: &HeaderMap, error: Error) -> Result<Response, OidcError> {
    match error {
        Error::OAuth(error) if wants_html(headers) => {
            Ok(PageContext::new(tenant, headers).request_refused(&error))
        }
        error => Err(error.into()),
    }
}
