//! Who may use the Management API.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;
use trinco_core::dpop::Proof;
use trinco_core::resources::management::ALL;
use trinco_core::{Error, Occasion, Result, Tenant, resources};
use trinco_jose::{Audience, Expectation, TokenType};
use trinco_oauth::bearer;
use trinco_oauth::dpop::{self, Confirmation};
use trinco_oauth::protected_resource::with_metadata;
use trinco_oauth::{ErrorCode, OAuthError, Scope};

use super::doors::{Input, Operation};
use super::{events, permission};
use crate::app::{App, Here};
use crate::failure::ApiError;
use crate::proof;
use crate::well_known;

/// Clocks of several nodes may differ by this many seconds.
pub(super) const CLOCK_SKEW: u32 = 5;

#[derive(Deserialize)]
struct Claims {
    sub: Option<String>,
    client_id: Option<String>,
    #[serde(default)]
    scope: String,
    cnf: Option<Confirmation>,
}

/// Lets a request pass that carries a token for this tenant's Management API, issued by the tenant itself or by the admin tenant.
pub(super) async fn require_management_token(
    State(app): State<App>,
    here: Here,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let mut checked = authenticate(&app, &here.0, &parts).await;
    if checked.as_ref().is_err_and(|error| error.code() == Some("auth.unauthorized")) {
        // Another node may have just rotated the keys.
        let admin = app.installation().admin_tenant();
        let mut is_new = false;
        for issuer in [&here.0, admin] {
            match issuer.refresh().await {
                Ok(changed) => is_new |= changed,
                Err(error) => return ApiError(error).into_response(),
            }
        }
        if is_new {
            checked = authenticate(&app, &here.0, &parts).await;
        }
    }
    match checked {
        Ok(allowed) => {
            let mut request = Request::from_parts(parts, body);
            request.extensions_mut().insert(allowed);
            if let Some(call) = events::call(request.method(), request.uri().path()) {
                let occasion = Occasion { call: Some(call), ..here.0.occasion().clone() };
                request.extensions_mut().insert(Here(here.0.on(occasion)));
            }
            next.run(request).await
        }
        Err(error) => challenged(error, &here.0, &parts.headers),
    }
}

/// What is wrong with the token, in the scheme it came in (RFC 6750 §3, RFC 9449 §7.1), and where a client learns how to get a
/// better one (RFC 9728 §5.1).
fn challenged(error: Error, tenant: &Tenant, headers: &HeaderMap) -> Response {
    let challenge = match &error {
        Error::OAuth(error) => Some(dpop::challenge(Some(error))),
        Error::Refused(_) if headers.contains_key("dpop") => Some(dpop::challenge(None)),
        Error::Refused(refusal) => {
            let problem = match refusal.code {
                "auth.unauthorized" | "auth.jwt_sub_missing" => {
                    Some(OAuthError::new(ErrorCode::InvalidToken, "invalid token provided"))
                }
                "auth.forbidden" => Some(
                    OAuthError::new(ErrorCode::InsufficientScope, "the token lacks a scope")
                        .with_scope("all"),
                ),
                _ => None,
            };
            Some(bearer::challenge(tenant.issuer(), problem.as_ref()))
        }
        Error::Database(_) | Error::Internal(_) => None,
    };
    let metadata = well_known::metadata_url(tenant, well_known::MANAGEMENT);
    let challenge = challenge.map(|challenge| with_metadata(&challenge, &metadata));
    // A proof that is missing or wrong is a token that was not accepted.
    let error = match error {
        Error::OAuth(_) => Error::refused("auth.unauthorized"),
        other => other,
    };
    let mut response = ApiError(error).into_response();
    if let Some(value) = challenge.and_then(|text| HeaderValue::from_str(&text).ok()) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    response
}

async fn authenticate(app: &App, tenant: &Tenant, request: &Parts) -> Result<MayAll> {
    let mut given = request.headers.get_all(header::AUTHORIZATION).iter();
    let header = given.next().ok_or_else(|| Error::refused("auth.authorization_header_missing"))?;
    // Which of two a proxy has looked at, nobody knows.
    if given.next().is_some() {
        return Err(Error::refused("auth.authorization_token_type_not_supported"));
    }
    let presented = header
        .to_str()
        .ok()
        .and_then(|value| dpop::parse_authorization(Some(value)).ok())
        .ok_or_else(|| Error::refused("auth.authorization_token_type_not_supported"))?;
    let audience = resources::management_api_indicator(tenant.id());
    let token = presented.token.expose();
    let (issuer, claims) = [tenant, app.installation().admin_tenant()]
        .into_iter()
        .find_map(|issuer| Some((issuer, verify(issuer, tenant, &audience, token)?)))
        .ok_or_else(|| Error::refused("auth.unauthorized"))?;
    let (headers, path) = (&request.headers, request.uri.path());
    let proof = proof::of_presented(tenant, headers, &request.method, path, &presented)?;
    let bound_to = claims.cnf.as_ref().map(|cnf| cnf.jkt.as_str());
    dpop::check_access(bound_to, proof.as_ref().map(Proof::key))?;
    if let (Some(proof), Some(client_id)) = (&proof, &claims.client_id) {
        proof.check_for(&issuer.snapshot(), client_id)?;
    }
    if claims.sub.is_none_or(|sub| sub.is_empty()) {
        return Err(Error::refused("auth.jwt_sub_missing"));
    }
    let scopes = Scope::parse(&claims.scope)
        .ok()
        .filter(|scopes| permission::allows(tenant, scopes, &request.method, &request.uri))
        .ok_or_else(|| Error::refused("auth.forbidden"))?;
    if let Some(proof) = proof {
        proof.spend(tenant).await?;
    }
    Ok(MayAll(scopes.contains(ALL)))
}

/// Whether the token of a request allows everything: for what only the body tells to be a way to more.
#[derive(Clone, Copy, Debug)]
pub(super) struct MayAll(bool);

impl MayAll {
    /// # Errors
    /// `auth.forbidden`, unless it does.
    pub(super) fn or_refused(self) -> Result<()> {
        if self.0 { Ok(()) } else { Err(Error::refused("auth.forbidden")) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for MayAll {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Self, Infallible> {
        // A route outside of the check has asked for no token.
        Ok(parts.extensions.get::<Self>().copied().unwrap_or(Self(false)))
    }
}

impl Input for MayAll {
    fn describe(_: &mut Operation<'_>) {}
}

fn verify(issuer: &Tenant, tenant: &Tenant, audience: &str, token: &str) -> Option<Claims> {
    let keys = &issuer.snapshot().keys;
    let access_token = TokenType::Exactly("at+jwt");
    let expectation =
        Expectation::new(access_token, issuer.issuer(), Audience::Is(audience), tenant.now())
            .leeway_seconds(CLOCK_SKEW);
    keys.verifier().verify::<Claims>(token, &expectation).ok().map(|verified| verified.claims)
}
