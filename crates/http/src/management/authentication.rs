//! Who may use the Management API.

use axum::extract::Request;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header;
use serde::Deserialize;
use trinco_core::{Error, Result, Tenant, resources};
use trinco_jose::{Audience, Expectation, TokenType};
use trinco_oauth::{Scope, bearer};

use crate::app::{App, Here};
use crate::failure::ApiError;

/// Clocks of several nodes may differ by this many seconds.
const CLOCK_SKEW: u32 = 5;

#[derive(Deserialize)]
struct Claims {
    sub: Option<String>,
    #[serde(default)]
    scope: String,
}

/// Lets a request pass that carries a token for this tenant's Management API, issued by the tenant itself or by the admin tenant.
pub(super) async fn require_management_token(
    State(app): State<App>,
    here: Here,
    request: Request,
    next: Next,
) -> Response {
    let mut checked = authenticate(&app, &here.0, &request);
    if checked.as_ref().is_err_and(|error| error.code() == Some("auth.unauthorized")) {
        // Another node may have just rotated the keys.
        let admin = app.installation().admin_tenant();
        for issuer in [&here.0, admin] {
            if let Err(error) = issuer.refresh().await {
                return ApiError(error).into_response();
            }
        }
        checked = authenticate(&app, &here.0, &request);
    }
    match checked {
        Ok(()) => next.run(request).await,
        Err(error) => ApiError(error).into_response(),
    }
}

fn authenticate(app: &App, tenant: &Tenant, request: &Request) -> Result<()> {
    let header = request
        .headers()
        .get(header::AUTHORIZATION)
        .ok_or_else(|| Error::refused("auth.authorization_header_missing"))?;
    let token = header
        .to_str()
        .ok()
        .and_then(|value| bearer::parse(Some(value)).ok())
        .ok_or_else(|| Error::refused("auth.authorization_token_type_not_supported"))?;
    let audience = resources::management_api_indicator(tenant.id());
    let token = token.expose();
    let claims = verify(tenant, tenant, &audience, token)
        .or_else(|| verify(app.installation().admin_tenant(), tenant, &audience, token))
        .ok_or_else(|| Error::refused("auth.unauthorized"))?;
    if claims.sub.is_none_or(|sub| sub.is_empty()) {
        return Err(Error::refused("auth.jwt_sub_missing"));
    }
    if !Scope::parse(&claims.scope).is_ok_and(|scope| scope.contains("all")) {
        return Err(Error::refused("auth.forbidden"));
    }
    Ok(())
}

fn verify(issuer: &Tenant, tenant: &Tenant, audience: &str, token: &str) -> Option<Claims> {
    let keys = &issuer.snapshot().keys;
    let access_token = TokenType::Exactly("at+jwt");
    let expectation =
        Expectation::new(access_token, issuer.issuer(), Audience::Is(audience), tenant.now())
            .leeway_seconds(CLOCK_SKEW);
    keys.verifier().verify::<Claims>(token, &expectation).ok().map(|verified| verified.claims)
}
