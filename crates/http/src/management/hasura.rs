//! `/api/authn/hasura`: tells Hasura who sends a request and with which role.

use axum::Json as Body;
use axum::extract::FromRequestParts;
use http::header;
use http::request::Parts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use trinco_core::{Error, Tenant, Text, roles};
use trinco_jose::{Audience, Expectation, TokenType};
use trinco_oauth::dpop::Confirmation;

use super::authentication::CLOCK_SKEW;
use super::doors::{Doors, Input, Operation, get};
use crate::app::Here;
use crate::extract::Query;
use crate::failure::ApiError;

/// Needs no token of the Management API: it looks at the user's own.
pub(super) fn public_routes() -> Doors {
    Doors::new("Hasura")
        .route("/api/authn/hasura", get("Tell Hasura whose request it is, and their role", answer))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct HasuraQuery {
    /// The API the token must be for.
    resource: Text<1, 2048>,
    /// The role of whoever does not hold the one that is asked for.
    unauthorized_role: Option<Text<1, 256>>,
}

/// What Hasura goes by.
#[derive(Serialize, JsonSchema)]
struct Session {
    #[serde(rename = "X-Hasura-User-Id", skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(rename = "X-Hasura-Role", skip_serializing_if = "Option::is_none")]
    role: Option<String>,
}

/// The token of the request that Hasura asks about, and the role it asks for.
struct Asked {
    token: Option<String>,
    role: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let text = |name: header::HeaderName| parts.headers.get(name)?.to_str().ok();
        let bearer = text(header::AUTHORIZATION).and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
        });
        let role = text(header::HeaderName::from_static("expected-role"));
        Ok(Self { token: bearer, role: role.filter(|role| !role.is_empty()).map(str::to_owned) })
    }
}

impl Input for Asked {
    fn describe(operation: &mut Operation<'_>) {
        operation.header(
            "Expected-Role",
            "The role that Hasura asks for.",
            &json!({ "type": "string" }),
        );
    }
}

async fn answer(
    Here(tenant): Here,
    Query(query): Query<HasuraQuery>,
    asked: Asked,
) -> Result<Body<Session>, ApiError> {
    let subject =
        |audience| asked.token.as_deref().and_then(|token| read(&tenant, token, audience));
    let user_id = subject(Audience::Is(query.resource.as_str()));
    let held = match &user_id {
        Some(user_id) => roles::users::role_names_of_user(&tenant, user_id).await?,
        None => Vec::new(),
    };
    let holds_it = asked.role.as_ref().is_some_and(|role| held.contains(role));
    if let Some(role) = query.unauthorized_role.filter(|_| !holds_it) {
        // Of whoever has no such role, any token tells who it is.
        let user_id = user_id.or_else(|| subject(Audience::Any));
        return Ok(Body(Session { user_id, role: Some(role.into_string()) }));
    }
    if asked.role.is_some() && !holds_it {
        return Err(Error::refused("auth.expected_role_not_found").into());
    }
    Ok(Body(Session { user_id, role: asked.role }))
}

/// Whose token it is, if it is one of this tenant for that audience.
fn read(tenant: &Tenant, token: &str, audience: Audience<'_>) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        sub: Option<String>,
        cnf: Option<Confirmation>,
    }
    let access_token = TokenType::Exactly("at+jwt");
    let expectation = Expectation::new(access_token, tenant.issuer(), audience, tenant.now())
        .leeway_seconds(CLOCK_SKEW);
    let snapshot = tenant.snapshot();
    let claims = snapshot.keys.verifier().verify::<Claims>(token, &expectation).ok()?.claims;
    // A token that is bound to a key is nothing without the proof, which Hasura does not hand on.
    claims.sub.filter(|sub| claims.cnf.is_none() && !sub.is_empty())
}
