//! The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2).

use axum::extract::{Path, RawQuery};
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use trinco_core::interactions::{self, Answer};
use trinco_core::{Error, Tenant};
use trinco_oauth::authorization::{FirstScreen, pushed};
use trinco_oauth::response::AuthorizationResponse;
use trinco_oauth::{AuthorizationRequest, OAuthError, Params};

use crate::app::Here;
use crate::cookies::{self, Interactions};
use crate::failure::OidcError;
use crate::pages::context::{PageContext, wants_html};

pub(super) async fn authorize(
    Here(tenant): Here,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, OidcError> {
    let params = match Params::from_query(query.as_deref().unwrap_or_default()) {
        Ok(params) => params,
        Err(error) => return Ok(refuse(&tenant, &headers, error, None)),
    };
    let session = cookies::session(&tenant, &headers);
    let session = session.as_ref().map(|session| session.reveal().as_str());
    let answer = interactions::authorize(&tenant, &params, session).await?;
    Ok(send(&tenant, &headers, answer))
}

/// A form posted by another site arrives without `SameSite=Lax` cookies, so it is kept, and the browser sent for it by GET, which has
/// them. Nothing is decided here.
pub(super) async fn store_and_return(
    Here(tenant): Here,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, OidcError> {
    let params = match Params::from_form(&body) {
        Ok(params) => params,
        Err(error) => return Ok(refuse(&tenant, &headers, error, None)),
    };
    let Some(client_id) = params.get("client_id") else {
        let error = OAuthError::invalid_request("missing required parameter client_id");
        return Ok(refuse(&tenant, &headers, error, None));
    };
    if trinco_core::applications::find(&tenant, client_id).await?.is_none() {
        let error = OAuthError::invalid_client("unknown client");
        return Ok(refuse(&tenant, &headers, error, params.get("state").map(str::to_owned)));
    }
    let request_uri = match params.get("request_uri").filter(|uri| pushed::id_of(uri).is_some()) {
        // RFC 9126 §4: the request is here already.
        Some(pushed) => pushed.to_owned(),
        None => {
            let form = String::from_utf8(body.to_vec())
                .map_err(|_| OAuthError::invalid_request("the form is not UTF-8"))?;
            interactions::store_request(&tenant, form).await?
        }
    };
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", client_id)
        .append_pair("request_uri", &request_uri)
        .finish();
    Ok(no_store(
        Redirect::to(&format!("{}/oidc/auth?{query}", tenant.origin().base())).into_response(),
    ))
}

/// Goes on after the sign-in pages. The interaction must be one of this browser's.
pub(super) async fn resume(
    Here(tenant): Here,
    Path(interaction): Path<String>,
    headers: HeaderMap,
) -> Result<Response, OidcError> {
    let mut in_progress = Interactions::read(&tenant, &headers);
    let Some(application) = in_progress.application_of(&interaction).map(str::to_owned) else {
        return Ok(PageContext::new(&tenant, &headers).unknown_session());
    };
    let session = cookies::session(&tenant, &headers);
    let session = session.as_ref().map(|session| session.reveal().as_str());
    let answer = match interactions::resume(&tenant, &interaction, session).await {
        Ok(answer) => answer,
        Err(Error::Refused(refusal)) if refusal.code == "session.not_found" => {
            return Ok(PageContext::new(&tenant, &headers).unknown_session());
        }
        Err(error) => return Err(error.into()),
    };
    let is_over = !matches!(answer, Answer::SignIn { .. });
    let mut response = send(&tenant, &headers, answer);
    if is_over {
        in_progress.remove(&application);
        in_progress.write(response.headers_mut(), &tenant);
    }
    Ok(response)
}

fn send(tenant: &Tenant, headers: &HeaderMap, answer: Answer) -> Response {
    match answer {
        Answer::Respond(AuthorizationResponse::Redirect(url)) => {
            no_store(Redirect::to(&url).into_response())
        }
        Answer::Respond(AuthorizationResponse::FormPost { action, fields }) => {
            PageContext::new(tenant, headers).form_post(action, fields)
        }
        Answer::SignIn { interaction_id, request } => {
            let mut in_progress = Interactions::read(tenant, headers);
            in_progress.add(&request.client_id, interaction_id);
            let mut response = Redirect::to(&first_page(tenant, &request)).into_response();
            in_progress.write(response.headers_mut(), tenant);
            no_store(response)
        }
        Answer::Refuse { error, state } => refuse(tenant, headers, error, state),
    }
}

/// The page a sign-in starts on, with what it may use (`first_screen`, `login_hint`, `ui_locales`).
fn first_page(tenant: &Tenant, request: &AuthorizationRequest) -> String {
    let wants_register = matches!(
        request.hints.first_screen,
        Some(FirstScreen::Register | FirstScreen::IdentifierRegister)
    );
    let page = if wants_register && tenant.snapshot().experience.allows_registration() {
        "register"
    } else {
        "sign-in"
    };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("app_id", &request.client_id);
    if !request.hints.ui_locales.is_empty() {
        query.append_pair("ui_locales", &request.hints.ui_locales.join(" "));
    }
    format!("{}/{page}?{}", tenant.origin().base(), query.finish())
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

fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
