//! The authorization endpoint's use case: from an authorization request to an answer for the application, or to the sign-in pages.

use serde::Deserialize;
use trinco_jose::{Audience, Expectation, TokenType};
use trinco_oauth::authorization::pushed as rules;
use trinco_oauth::authorization::{self, AuthorizationError, Context};
use trinco_oauth::interaction::{
    Facts, IdTokenHint, NextStep, Progress, Session as SignedInUser, next_step,
};
use trinco_oauth::response::AuthorizationResponse;
use trinco_oauth::scope::ORGANIZATIONS_RESOURCE;
use trinco_oauth::{AuthorizationRequest, ErrorCode, OAuthError, Params, RedirectUri, Scope};

use super::{Interaction, begin, end, find, pushed};
use crate::applications::{self, RegisteredClient};
use crate::audit::{self, Entry, Outcome};
use crate::sessions::{self, Session};
use crate::{Error, Result, Secret, Snapshot, Tenant, grants};

/// What to do with the browser.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Send it back to the application.
    Respond(AuthorizationResponse),
    /// Show the sign-in pages for this interaction.
    SignIn {
        /// For the browser's interaction cookie.
        interaction_id: Secret,
        /// What the application asked for.
        request: Box<AuthorizationRequest>,
    },
    /// Show what is wrong and redirect nowhere: who asks, or where to answer, is not trusted.
    Refuse {
        /// What is wrong.
        error: OAuthError,
        /// The request's `state`, for clients that read the answer.
        state: Option<String>,
    },
}

/// Answers an authorization request. `session` is the value of the browser's session cookie.
///
/// # Errors
/// When the database does not answer.
pub async fn authorize(tenant: &Tenant, params: &Params, session: Option<&str>) -> Result<Answer> {
    let stored;
    let (params, is_pushed) = match params.get("request_uri").and_then(rules::id_of) {
        None => (params, false),
        Some(id) => match pushed::take(tenant, id, params.get("client_id")).await? {
            Some(found) => {
                stored = found;
                (&stored.params, stored.is_pushed)
            }
            None => {
                let error =
                    OAuthError::invalid_request("request_uri is unknown, was used or has expired");
                return Ok(Answer::Refuse { error, state: None });
            }
        },
    };
    let registered = match params.get("client_id") {
        Some(id) => applications::find(tenant, id).await?,
        None => None,
    };
    let request = match validate(tenant, params, registered.as_deref(), is_pushed).await? {
        Ok(request) => request,
        Err(AuthorizationError::Show { error, state }) => {
            return Ok(Answer::Refuse { error, state });
        }
        Err(AuthorizationError::Redirect { error, target }) => {
            return Ok(Answer::Respond(AuthorizationResponse::error(
                &target,
                &error,
                tenant.issuer(),
            )));
        }
    };
    let registered =
        registered.ok_or_else(|| Error::Internal("a validated request has a client".to_owned()))?;
    let session = current_session(tenant, session).await?;
    advance(tenant, &registered, &request, session.as_ref(), None).await
}

/// Goes on after the sign-in pages.
///
/// # Errors
/// `session.not_found` when the interaction has expired or was answered before.
pub async fn resume(
    tenant: &Tenant,
    interaction_id: &str,
    session: Option<&str>,
) -> Result<Answer> {
    let gone = || Error::refused("session.not_found");
    let interaction = find(tenant, interaction_id).await?.ok_or_else(gone)?;
    let registered =
        applications::find(tenant, &interaction.request.client_id).await?.ok_or_else(gone)?;
    // The application may have been changed since the request was checked.
    if RedirectUri::registered(&registered.client, interaction.request.target.redirect_uri.as_str())
        .is_none()
    {
        return Err(gone());
    }
    let session = current_session(tenant, session).await?;
    let request = interaction.request.clone();
    advance(tenant, &registered, &request, session.as_ref(), Some((interaction, interaction_id)))
        .await
}

/// The session behind a cookie value.
///
/// # Errors
/// When the database does not answer.
pub async fn current_session(tenant: &Tenant, cookie: Option<&str>) -> Result<Option<Session>> {
    match cookie {
        Some(cookie) => sessions::find(tenant, cookie).await,
        None => Ok(None),
    }
}

async fn advance(
    tenant: &Tenant,
    registered: &RegisteredClient,
    request: &AuthorizationRequest,
    session: Option<&Session>,
    interaction: Option<(Interaction, &str)>,
) -> Result<Answer> {
    let hint = subject_of_hint(tenant, request.id_token_hint.as_deref());
    let facts = Facts {
        request,
        client: &registered.client,
        session: session.map(|session| SignedInUser {
            subject: &session.user_id,
            auth_time: session.authenticated_at.div_euclid(1000),
        }),
        id_token_hint: match (&request.id_token_hint, &hint) {
            (None, _) => IdTokenHint::Absent,
            (Some(_), Some(subject)) => IdTokenHint::Subject(subject),
            (Some(_), None) => IdTokenHint::Invalid,
        },
        granted: None,
        progress: interaction
            .as_ref()
            .map_or_else(Progress::default, |(interaction, _)| interaction.progress),
    };
    let step = next_step(&facts, tenant.now());
    let error = match (step, session) {
        (NextStep::Issue, Some(session)) => {
            let interaction = interaction.map(|(interaction, _)| interaction);
            return issue(tenant, request, session, interaction).await;
        }
        (NextStep::Login { .. } | NextStep::Issue, _) => {
            let interaction_id = match interaction {
                Some((_, id)) => Secret::new(id.to_owned()),
                None => begin(tenant, request).await?,
            };
            return Ok(Answer::SignIn { interaction_id, request: Box::new(request.clone()) });
        }
        (NextStep::Consent { .. }, _) => OAuthError::new(
            ErrorCode::ConsentRequired,
            "third-party applications need a consent page",
        ),
        (NextStep::Fail(error), _) => error,
    };
    Ok(Answer::Respond(AuthorizationResponse::error(&request.target, &error, tenant.issuer())))
}

async fn issue(
    tenant: &Tenant,
    request: &AuthorizationRequest,
    session: &Session,
    interaction: Option<Interaction>,
) -> Result<Answer> {
    let grantor = grants::Grantor {
        user_id: &session.user_id,
        session_id: &session.id,
        authenticated_at: session.authenticated_at,
    };
    let (new, code) = grants::prepare(tenant, request, grantor);
    let entry = Entry::new(tenant, "Interaction.End", Outcome::Success)
        .application(&request.client_id)
        .user(&session.user_id);
    tenant
        .write((interaction, new, entry), |tx, (interaction, new, entry)| {
            Box::pin(async move {
                if let Some(interaction) = interaction
                    && !end(tx, interaction).await?
                {
                    return Err(Error::refused("session.not_found"));
                }
                grants::insert(tx, new).await?;
                audit::append(tx, entry).await
            })
        })
        .await?;
    Ok(Answer::Respond(AuthorizationResponse::success(
        &request.target,
        code.reveal(),
        tenant.issuer(),
    )))
}

/// Whether the request may be made. The outer error is the database's.
pub(super) async fn validate(
    tenant: &Tenant,
    params: &Params,
    registered: Option<&RegisteredClient>,
    is_pushed: bool,
) -> Result<Result<AuthorizationRequest, AuthorizationError>> {
    // A resource that was just added by another node counts.
    for indicator in params.resources() {
        tenant.find(|snapshot| resource_scopes(snapshot, indicator)).await?;
    }
    let snapshot = tenant.snapshot();
    let context = Context {
        client: registered.map(|registered| &registered.client),
        resource_scopes: &|indicator| resource_scopes(&snapshot, indicator),
        default_resource: snapshot
            .resources
            .default_resource()
            .map(|entry| entry.resource.indicator.as_str()),
        is_pushed,
    };
    Ok(authorization::validate(params, &context))
}

/// The scopes an API resource defines; for the organizations resource, the template's organization scopes.
fn resource_scopes(snapshot: &Snapshot, indicator: &str) -> Option<Scope> {
    if indicator == ORGANIZATIONS_RESOURCE {
        return Some(
            snapshot.organization_template.scopes().map(|scope| scope.name.as_str()).collect(),
        );
    }
    let entry = snapshot.resources.by_indicator(indicator)?;
    Some(entry.scopes.iter().map(|scope| scope.name.as_str()).collect())
}

#[derive(Deserialize)]
struct HintClaims {
    sub: String,
}

/// An ID token of ours, expired or not, tells whom the application expects (OpenID Connect Core §3.1.2.1).
fn subject_of_hint(tenant: &Tenant, hint: Option<&str>) -> Option<String> {
    let expectation =
        Expectation::new(TokenType::JwtOrAbsent, tenant.issuer(), Audience::Any, tenant.now());
    let keys = &tenant.snapshot().keys;
    keys.verifier()
        .verify_ignoring_expiry::<HintClaims>(hint?, &expectation)
        .ok()
        .map(|verified| verified.claims.sub)
}
