//! The two kinds of error that JSON endpoints answer with, and the one place where each becomes an HTTP answer. (The third, the error
//! page, is in [`crate::pages`].)
//!
//! A handler returns its error as a value riding on an empty response; the [`render`] layer, which knows the request's language, writes
//! status, headers and body, and logs the cause once.

use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use trinco_core::{Error, Refusal, Tenant};
use trinco_locales::{Language, error_message};
use trinco_oauth::bearer::{self, BearerError};
use trinco_oauth::dpop;
use trinco_oauth::protected_resource::with_metadata;
use trinco_oauth::token::TokenType;
use trinco_oauth::{ErrorCode, OAuthError};

use crate::app::Here;
use crate::observe;
use crate::oidc::USERINFO;
use crate::status::status_of;
use crate::well_known::metadata_url;

/// An error of the JSON APIs: `{code, message, data}`.
#[derive(Debug)]
pub(crate) struct ApiError(pub(crate) Error);

/// An error of the OAuth endpoints: the RFC's members, and the `code` and `message` Logto's SDKs require.
#[derive(Debug)]
pub(crate) struct OidcError {
    error: Error,
    challenge: Challenge,
    state: Option<String>,
}

/// What `WWW-Authenticate` says, if the answer has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Challenge {
    /// For `invalid_client` alone (RFC 6749 §5.2).
    Client,
    /// The request had no bearer token (RFC 6750 §3.1).
    NoToken,
    /// Its access token was refused, which it presented like this.
    Token(TokenType),
    /// A bearer token that no authorization server issues opens the resource (RFC 7591 §3, RFC 7592 §2).
    Registration,
    /// None: the authorization endpoint, where nobody can authenticate anew. Its status is always 400.
    Never,
    /// None: the method is wrong, and the status 405.
    WrongMethod,
}

#[derive(Clone)]
enum Failure {
    Api(Arc<ApiError>),
    Oidc(Arc<OidcError>),
}

impl<E: Into<Error>> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl<E: Into<Error>> From<E> for OidcError {
    fn from(error: E) -> Self {
        Self { error: error.into(), challenge: Challenge::Client, state: None }
    }
}

impl OidcError {
    /// The protocol error, unless something else went wrong.
    pub(crate) fn protocol_error(&self) -> Option<OAuthError> {
        match &self.error {
            Error::OAuth(error) => Some(error.as_ref().clone()),
            _ => None,
        }
    }

    /// No usable bearer token was presented.
    pub(crate) fn from_bearer(error: BearerError) -> Self {
        let challenge = match error {
            BearerError::Missing => Challenge::NoToken,
            BearerError::Malformed | BearerError::Twice => Challenge::Token(TokenType::Bearer),
        };
        Self { error: error.error().into(), challenge, state: None }
    }

    /// A protected resource refuses the access token, which was presented like this.
    pub(crate) fn at_protected_resource(error: Error, presented: TokenType) -> Self {
        Self { error, challenge: Challenge::Token(presented), state: None }
    }

    /// The registration endpoint refuses.
    pub(crate) fn at_registration(error: Error) -> Self {
        Self { error, challenge: Challenge::Registration, state: None }
    }

    /// The authorization endpoint refuses a request it cannot redirect; the answer repeats its `state`.
    pub(crate) fn at_authorization(error: OAuthError, state: Option<String>) -> Self {
        Self { error: error.into(), challenge: Challenge::Never, state }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        carry(Failure::Api(Arc::new(self)))
    }
}

impl IntoResponse for OidcError {
    fn into_response(self) -> Response {
        carry(Failure::Oidc(Arc::new(self)))
    }
}

fn carry(failure: Failure) -> Response {
    let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
    response.extensions_mut().insert(failure);
    response
}

/// Writes the answer for an error a handler returned. Headers that inner layers have set stay.
pub(crate) async fn render(request: Request, next: Next) -> Response {
    let language = crate::language::of_request(request.headers());
    let tenant = request.extensions().get::<Here>().map(|here| here.0.clone());
    let request_id = observe::id_of(request.headers()).map(str::to_owned);
    let response = next.run(request).await;
    let Some(failure) = response.extensions().get::<Failure>().cloned() else { return response };
    let mut answer = match failure {
        Failure::Api(error) => api(&error.0, language, request_id),
        Failure::Oidc(error) => oidc(&error, language, tenant.as_ref(), request_id),
    };
    let written = answer.headers().clone();
    let kept = response.headers().iter().filter(|(name, _)| !written.contains_key(*name));
    answer.headers_mut().extend(kept.map(|(name, value)| (name.clone(), value.clone())));
    answer
}

fn api(error: &Error, language: Language, request_id: Option<String>) -> Response {
    let refusal = |code| Refusal { code, values: Vec::new(), data: None };
    match error {
        Error::Database(trinco_db::Error::NulInText) => {
            refused(&refusal("guard.invalid_input"), language)
        }
        Error::Refused(refusal) => refused(refusal, language),
        Error::OAuth(error) => {
            answer(status(error.status()), api_body(&refusal(error.error.as_str()), language))
        }
        Error::Database(_) | Error::Internal(_) => {
            let (status, code) = broken(error);
            let mut body = api_body(&refusal(code), language);
            name_request(&mut body, request_id);
            answer(status, body)
        }
    }
}

fn refused(refusal: &Refusal, language: Language) -> Response {
    answer(status(status_of(refusal.code)), api_body(refusal, language))
}

fn api_body(refusal: &Refusal, language: Language) -> Map<String, Value> {
    let values: Vec<(&str, &str)> =
        refusal.values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut body = Map::new();
    body.insert("code".to_owned(), refusal.code.into());
    body.insert(
        "message".to_owned(),
        error_message(language, refusal.code, &values).into_owned().into(),
    );
    if let Some(data) = &refusal.data {
        body.insert("data".to_owned(), data.clone());
    }
    body
}

/// What went wrong here is found in the log by the id of the request, which whoever complains can tell.
fn name_request(body: &mut Map<String, Value>, request_id: Option<String>) {
    if let Some(id) = request_id {
        body.insert("requestId".to_owned(), id.into());
    }
}

fn oidc(
    failure: &OidcError,
    language: Language,
    tenant: Option<&Tenant>,
    request_id: Option<String>,
) -> Response {
    let issuer = tenant.map(Tenant::issuer).unwrap_or_default();
    let stand_in;
    let error = match &failure.error {
        Error::OAuth(error) => error.as_ref(),
        Error::Refused(refusal) => return refused(refusal, language),
        Error::Database(trinco_db::Error::NulInText) => {
            stand_in = OAuthError::invalid_request("text cannot hold a null character");
            &stand_in
        }
        broken_error @ (Error::Database(_) | Error::Internal(_)) => {
            stand_in = told_of(broken_error);
            &stand_in
        }
    };
    if let Some(detail) = &error.detail {
        tracing::debug!(error = error.error.as_str(), detail = &**detail, "a request was refused");
    }
    let mut body = Map::new();
    body.insert("code".to_owned(), error.code().into());
    body.insert(
        "message".to_owned(),
        error_message(language, &error.code(), &[]).into_owned().into(),
    );
    body.insert("error".to_owned(), error.error.as_str().into());
    body.insert("error_description".to_owned(), error.description.clone().into());
    if matches!(failure.error, Error::Database(_) | Error::Internal(_))
        && !matches!(failure.error, Error::Database(trinco_db::Error::NulInText))
    {
        name_request(&mut body, request_id);
    }
    if let Some(scope) = &error.scope {
        body.insert("scope".to_owned(), scope.clone().into());
    }
    if let Some(state) = &failure.state {
        body.insert("state".to_owned(), state.clone().into());
        body.insert("iss".to_owned(), issuer.into());
    }
    let number = match failure.challenge {
        Challenge::NoToken => BearerError::STATUS,
        // RFC 9449 §7.1: at a resource a missing proof is a failed authentication.
        Challenge::Token(_) if error.error == ErrorCode::InvalidDpopProof => 401,
        Challenge::Never => 400,
        Challenge::WrongMethod => 405,
        Challenge::Client | Challenge::Token(_) | Challenge::Registration => error.status(),
    };
    let mut response = answer(status(number), body);
    // RFC 9449 §7.2: both schemes are on offer, and the one that was used says what is wrong.
    let challenges = match failure.challenge {
        Challenge::Client if error.error == ErrorCode::InvalidClient => {
            vec![bearer::basic_challenge(issuer, error)]
        }
        Challenge::NoToken => vec![bearer::challenge(issuer, None), dpop::challenge(None)],
        Challenge::Token(TokenType::Bearer) => {
            vec![bearer::challenge(issuer, Some(error)), dpop::challenge(None)]
        }
        Challenge::Token(TokenType::DPoP) => vec![dpop::challenge(Some(error))],
        Challenge::Registration if error.error == ErrorCode::InvalidToken => {
            vec![bearer::challenge(issuer, Some(error))]
        }
        Challenge::Client | Challenge::Never | Challenge::WrongMethod | Challenge::Registration => {
            vec![]
        }
    };
    // RFC 9728 §5.1: where a client that has no token, or the wrong one, learns who issues them.
    let is_resource = matches!(failure.challenge, Challenge::NoToken | Challenge::Token(_));
    let metadata = tenant.filter(|_| is_resource).map(|tenant| metadata_url(tenant, USERINFO));
    let challenges = challenges.into_iter().map(|challenge| match &metadata {
        Some(url) => with_metadata(&challenge, url),
        None => challenge,
    });
    for value in challenges.filter_map(|value| HeaderValue::from_str(&value).ok()) {
        response.headers_mut().append(header::WWW_AUTHENTICATE, value);
    }
    response
}

/// Logs what went wrong on our side, once, and tells the outside only that it did. The line is one of the request, which names its route.
pub(crate) fn broken(error: &Error) -> (StatusCode, &'static str) {
    if let Error::Database(error) = error
        && (error.is_temporary() || matches!(error, trinco_db::Error::CommitUnknown { .. }))
    {
        tracing::warn!(%error, "the database is not available");
        (StatusCode::SERVICE_UNAVAILABLE, "request.unavailable")
    } else {
        tracing::error!(%error, "a request failed");
        (StatusCode::INTERNAL_SERVER_ERROR, "request.general")
    }
}

/// As [`broken`], and what a client is told.
pub(crate) fn told_of(error: &Error) -> OAuthError {
    match broken(error).0 {
        StatusCode::SERVICE_UNAVAILABLE => {
            OAuthError::new(ErrorCode::TemporarilyUnavailable, "the server is busy, try again")
        }
        _ => OAuthError::new(ErrorCode::ServerError, "something went wrong on the server"),
    }
}

fn status(number: u16) -> StatusCode {
    StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn answer(status: StatusCode, body: Map<String, Value>) -> Response {
    let mut response = (status, axum::Json(Value::Object(body))).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// No route has this path.
pub(crate) async fn not_found(request: Request) -> Response {
    let language = crate::language::of_request(request.headers());
    let data = json!({ "path": request.uri().path() });
    refused(&Refusal { code: "entity.not_found", values: Vec::new(), data: Some(data) }, language)
}

/// The path has a route, for other methods.
pub(crate) async fn method_not_allowed(request: Request) -> Response {
    if request.uri().path().starts_with("/oidc/") {
        let error =
            OAuthError::invalid_request("this endpoint does not take requests of this method");
        return OidcError { error: error.into(), challenge: Challenge::WrongMethod, state: None }
            .into_response();
    }
    ApiError(Error::refused("request.method_not_allowed")).into_response()
}

#[cfg(test)]
mod tests {
    use trinco_db::Error as Db;

    use super::*;

    #[test]
    fn a_database_that_cannot_answer_now_is_never_an_error_of_ours() {
        let why = || Some("PostgreSQL's disk is full".into());
        for (error, expected) in [
            (Db::Busy, 503),
            (Db::Unavailable { why: why(), source: None }, 503),
            (Db::CommitUnknown { source: None }, 503),
            (Db::ReadOnly, 503),
            (Db::Closed, 503),
            (Db::Aborted, 500),
            (Db::Other { code: "XX000".to_owned(), source: None }, 500),
        ] {
            let answers = [
                api(&Error::Database(error.clone()), Language::En, None),
                oidc(&Error::Database(error.clone()).into(), Language::En, None, None),
                oidc(
                    &OidcError::at_protected_resource(error.clone().into(), TokenType::Bearer),
                    Language::En,
                    None,
                    None,
                ),
            ];
            for answer in answers {
                assert_eq!(answer.status(), expected, "{error:?}");
                let retry = answer.headers().contains_key(header::RETRY_AFTER);
                assert_eq!(retry, expected == 503, "{error:?}");
            }
        }
    }
}
