//! The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2).

use axum::extract::RawQuery;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use trinco_core::interactions::{self, Answer, Posted};
use trinco_core::{Error, Secret, Tenant, resources};
use trinco_oauth::authorization::FirstScreen;
use trinco_oauth::response::AuthorizationResponse;
use trinco_oauth::{AuthorizationRequest, OAuthError, Params};

use super::client::Body;
use crate::app::Here;
use crate::cookies::{self, Interactions};
use crate::extract::Path;
use crate::failure::{self, ApiError, OidcError};
use crate::pages;
use crate::pages::context::{PageContext, wants_html};

pub(super) async fn authorize(
    Here(tenant): Here,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, OidcError> {
    if method == Method::HEAD {
        return Ok(head_only());
    }
    let params = match Params::from_query(query.as_deref().unwrap_or_default()) {
        Ok(params) => resources::canonical(&tenant, params),
        Err(error) => return Ok(refuse(&tenant, &headers, error, None)),
    };
    let session = cookies::session(&tenant, &headers);
    let session = session.as_ref().map(|session| session.reveal().as_str());
    match interactions::authorize(&tenant, &params, session).await {
        Ok(answer) => Ok(send(&tenant, &headers, answer)),
        Err(error) => failed(&tenant, &headers, error),
    }
}

/// A form posted by another site arrives without `SameSite=Lax` cookies, so it is kept, and the browser sent for it by GET, which has
/// them.
pub(super) async fn store_and_return(
    Here(tenant): Here,
    headers: HeaderMap,
    body: Result<Body, OidcError>,
) -> Result<Response, OidcError> {
    let params = match body {
        Ok(Body(params)) => params,
        Err(error) => {
            return match error.protocol_error() {
                Some(error) if wants_html(&headers) => Ok(refuse(&tenant, &headers, error, None)),
                _ => Err(error),
            };
        }
    };
    let request_uri = match interactions::store_request(&tenant, &params).await {
        Ok(Posted::Stored(request_uri)) => request_uri,
        Ok(Posted::Answered(answer)) => return Ok(send(&tenant, &headers, answer)),
        Err(error) => return failed(&tenant, &headers, error),
    };
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", params.get("client_id").unwrap_or_default())
        .append_pair("request_uri", &request_uri)
        .finish();
    let target = format!("{}/oidc/auth?{query}", tenant.origin().base());
    Ok(no_store(Redirect::to(&target).into_response()))
}

/// Goes on after the sign-in pages. The interaction must be one of this browser's.
pub(super) async fn resume(
    Here(tenant): Here,
    path: Result<Path<String>, ApiError>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, OidcError> {
    if method == Method::HEAD {
        return Ok(head_only());
    }
    let Ok(Path(interaction)) = path else {
        return Ok(PageContext::new(&tenant, &headers).unknown_session());
    };
    let in_progress = Interactions::read(&tenant, &headers);
    if in_progress.application_of(&interaction).is_none() {
        return Ok(PageContext::new(&tenant, &headers).unknown_session());
    }
    let session = cookies::session(&tenant, &headers);
    let session = session.as_ref().map(|session| session.reveal().as_str());
    let answer = match interactions::resume(&tenant, &interaction, session).await {
        Ok(answer) => answer,
        Err(Error::Refused(refusal)) if refusal.code == "session.not_found" => {
            return Ok(PageContext::new(&tenant, &headers).unknown_session());
        }
        Err(error) => return failed(&tenant, &headers, error),
    };
    Ok(send_on(&tenant, &headers, answer, &Secret::new(interaction)))
}

/// Sends the answer to an interaction, and forgets the interaction when the answer ends it.
pub(crate) fn send_on(
    tenant: &Tenant,
    headers: &HeaderMap,
    answer: Answer,
    interaction_id: &Secret,
) -> Response {
    let is_over = !matches!(
        answer,
        Answer::SignIn { .. } | Answer::Consent { .. } | Answer::ConfirmDevice(_)
    );
    let mut response = send(tenant, headers, answer);
    if is_over {
        Interactions::remove(response.headers_mut(), tenant, interaction_id);
    }
    response
}

fn send(tenant: &Tenant, headers: &HeaderMap, answer: Answer) -> Response {
    match answer {
        Answer::Respond(AuthorizationResponse::Redirect(url)) => {
            no_store(Redirect::to(&url).into_response())
        }
        Answer::Respond(AuthorizationResponse::FormPost { action, fields }) => {
            PageContext::new(tenant, headers).form_post(action, fields)
        }
        Answer::Failed { error, target } => {
            let error = failure::told_of(&error);
            let response = AuthorizationResponse::error(&target, &error, tenant.issuer());
            send(tenant, headers, Answer::Respond(response))
        }
        Answer::SignIn { interaction_id, request } => {
            go_to_page(tenant, headers, &request, &interaction_id, first_page(tenant, &request))
        }
        Answer::Consent { interaction_id, request } => {
            go_to_page(tenant, headers, &request, &interaction_id, "consent")
        }
        Answer::ConfirmDevice(confirmation) => {
            let page = pages::device::confirm_page(tenant, &confirmation);
            no_store(Redirect::to(&page).into_response())
        }
        Answer::DeviceDenied(request) => pages::device::denied(tenant, headers, &request),
        Answer::Denied => PageContext::new(tenant, headers).denied(),
        Answer::EnterCode => {
            let page = pages::device::code_page_of_browser(tenant, headers);
            no_store(Redirect::to(&page).into_response())
        }
        Answer::Refuse { error, state } => refuse(tenant, headers, error, state),
    }
}

/// Sends the browser to a page, with what the page may use (`ui_locales`), and puts the interaction into its cookie.
fn go_to_page(
    tenant: &Tenant,
    headers: &HeaderMap,
    request: &AuthorizationRequest,
    interaction_id: &Secret,
    page: &str,
) -> Response {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("app_id", &request.client_id);
    query.append_pair("interaction", &cookies::tag_of(interaction_id));
    if !request.hints.ui_locales.is_empty() {
        query.append_pair("ui_locales", &request.hints.ui_locales.join(" "));
    }
    let url = format!("{}/{page}?{}", tenant.origin().base(), query.finish());
    let mut response = Redirect::to(&url).into_response();
    let in_progress = Interactions::read(tenant, headers);
    in_progress.add(response.headers_mut(), tenant, &request.client_id, interaction_id);
    no_store(response)
}

/// The page a sign-in starts on (`first_screen`).
fn first_page(tenant: &Tenant, request: &AuthorizationRequest) -> &'static str {
    let wants_register = matches!(
        request.hints.first_screen,
        Some(FirstScreen::Register | FirstScreen::IdentifierRegister)
    );
    if wants_register && tenant.snapshot().experience.allows_registration() {
        "register"
    } else {
        "sign-in"
    }
}

/// A person gets a page, a program the JSON of the error; neither is ever redirected.
fn refuse(
    tenant: &Tenant,
    headers: &HeaderMap,
    error: OAuthError,
    state: Option<String>,
) -> Response {
    if wants_html(headers) {
        PageContext::new(tenant, headers).request_refused(&error)
    } else {
        OidcError::at_authorization(error, state).into_response()
    }
}

/// A HEAD request asks for nothing to happen, and here something would.
fn head_only() -> Response {
    no_store(StatusCode::NO_CONTENT.into_response())
}

/// Something failed here: a person gets a page.
fn failed(tenant: &Tenant, headers: &HeaderMap, error: Error) -> Result<Response, OidcError> {
    if wants_html(headers) {
        Ok(PageContext::new(tenant, headers).failed(&error))
    } else {
        Err(error.into())
    }
}

fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
