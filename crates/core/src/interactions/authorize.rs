//! The authorization endpoint's use case: from an authorization request to an answer for the application, or to the sign-in pages.

use std::sync::Arc;

use serde::Deserialize;
use trinco_db::Tx;
use trinco_jose::{Audience, Expectation, TokenType};
use trinco_oauth::authorization::pushed as rules;
use trinco_oauth::authorization::{self, AuthorizationError, Context, MAX_STATE, ResponseTarget};
use trinco_oauth::client::Provenance;
use trinco_oauth::interaction::{
    Facts, IdTokenHint, NextStep, Progress, Session as SignedInUser, next_step,
};
use trinco_oauth::response::AuthorizationResponse;
use trinco_oauth::scope::ORGANIZATIONS_RESOURCE;
use trinco_oauth::{AuthorizationRequest, ErrorCode, OAuthError, Params, RedirectUri, Scope};

use super::{Interaction, begin, end, find, pushed};
use crate::applications::{self, RegisteredClient};
use crate::audit::{self, Entry, Outcome};
use crate::consents::{self, Answered};
use crate::sessions::{self, Session};
use crate::{
    Error, Result, Secret, Snapshot, Tenant, access_control, clients, devices, grants, keys,
    registrations,
};

/// What to do with the browser.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Send it back to the application.
    Respond(AuthorizationResponse),
    /// Tell the application that something failed here: its request was a silent one, so nobody would see a page.
    Failed {
        /// What failed.
        error: Arc<Error>,
        /// Where the application is told.
        target: Box<ResponseTarget>,
    },
    /// Show the sign-in pages for this interaction.
    SignIn {
        /// For the browser's interaction cookie.
        interaction_id: Secret,
        /// What the application asked for.
        request: Box<AuthorizationRequest>,
    },
    /// Show the consent page for this interaction.
    Consent {
        /// For the browser's interaction cookie.
        interaction_id: Secret,
        /// What the application asked for.
        request: Box<AuthorizationRequest>,
    },
    /// Ask whether a device may be signed in: there is no redirect URI to answer to.
    ConfirmDevice(Box<super::DeviceConfirmation>),
    /// Tell the person that the device, which asked for this, gets nothing.
    DeviceDenied(Box<AuthorizationRequest>),
    /// Tell the person that the application gets nothing: it is not what it was when it asked, so nobody is sent back to it.
    Denied,
    /// Ask for the code of a device: the person has signed in, which they had to do first.
    EnterCode,
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
    let registered = match client_of(tenant, params).await {
        Ok(registered) => registered,
        Err(error) => return unknown_client(params, error),
    };
    let request = match validate(tenant, params, registered.as_deref(), is_pushed).await? {
        Ok(request) => request,
        Err(error) if may_be_redirected(registered.as_deref(), params) => {
            return Ok(refused(tenant, error));
        }
        Err(AuthorizationError::Show { error, state }) => {
            return Ok(Answer::Refuse { error, state });
        }
        Err(AuthorizationError::Redirect { error, target }) => {
            return Ok(Answer::Refuse { error, state: target.state });
        }
    };
    let registered =
        registered.ok_or_else(|| Error::Internal("a validated request has a client".to_owned()))?;
    let request = consents::limit_request(&tenant.snapshot(), &registered, request);
    match begin_or_answer(tenant, &registered, &request, session).await {
        // Deleted by another node since it was looked up.
        Err(error @ Error::OAuth(_)) => unknown_client(params, error),
        // RFC 6749 §4.1.2.1. A page, which a person would rather have, can be loaded again; a silent request's is seen by nobody.
        Err(error @ (Error::Database(_) | Error::Internal(_))) if request.prompt.none => {
            Ok(Answer::Failed { error: Arc::new(error), target: Box::new(request.target) })
        }
        answer => answer,
    }
}

async fn begin_or_answer(
    tenant: &Tenant,
    registered: &RegisteredClient,
    request: &AuthorizationRequest,
    session: Option<&str>,
) -> Result<Answer> {
    let session = current_session(tenant, session).await?;
    advance(tenant, registered, request, session.as_ref(), None).await
}

/// Whether an answer may be sent to the client without anyone having signed in for this request. A stranger's client could otherwise
/// have anyone redirected to wherever it likes by a link to this server (RFC 9700 §4.11.2). The section leaves out silent requests.
fn may_be_redirected(registered: Option<&RegisteredClient>, params: &Params) -> bool {
    let is_silent = || {
        let prompt = params.get("prompt").unwrap_or_default();
        prompt.split_ascii_whitespace().any(|value| value == "none")
    };
    registered.is_none_or(|known| known.client.provenance == Provenance::Operator) || is_silent()
}

/// Shown: who asks is not known, so nobody can be told elsewhere.
pub(super) fn unknown_client(params: &Params, error: Error) -> Result<Answer> {
    match error {
        Error::OAuth(error) => {
            let state = params.limited("state", MAX_STATE).ok().flatten().map(str::to_owned);
            Ok(Answer::Refuse { error: *error, state })
        }
        other => Err(other),
    }
}

pub(super) fn refused(tenant: &Tenant, error: AuthorizationError) -> Answer {
    match error {
        AuthorizationError::Show { error, state } => Answer::Refuse { error, state },
        AuthorizationError::Redirect { error, target } => {
            Answer::Respond(AuthorizationResponse::error(&target, &error, tenant.issuer()))
        }
    }
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
    if super::device::comes_before_code(tenant, &interaction) {
        let session = current_session(tenant, session).await?;
        let session = session.as_ref();
        return super::device::go_on_to_code(tenant, interaction, interaction_id, session).await;
    }
    let registered =
        clients::find(tenant, &interaction.request.client_id).await?.ok_or_else(gone)?;
    // The application may have been changed since the request was checked.
    let target = interaction.request.target.redirect_uri.as_str();
    if RedirectUri::registered(&registered.client, target).is_none()
        && !super::device::is_for_device(tenant, &interaction)
    {
        return Err(gone());
    }
    let session = current_session(tenant, session).await?;
    let request =
        consents::limit_request(&tenant.snapshot(), &registered, interaction.request.clone());
    if let Err(error) = authorization::check_again(&request, &registered.client) {
        // No page can mend that: the application has to ask anew.
        let ended =
            tenant.write(interaction, |tx, interaction| Box::pin(end(tx, interaction))).await?;
        return if ended { Ok(refused_by(tenant, &request, &error)) } else { Err(gone()) };
    }
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
    let progress = interaction
        .as_ref()
        .map_or_else(Progress::default, |(interaction, _)| interaction.progress.clone());
    // A device has no redirect URI to answer to.
    let is_for_device = interaction
        .as_ref()
        .is_some_and(|(interaction, _)| super::device::is_for_device(tenant, interaction));
    let step = decide(tenant, registered, request, session, &progress).await?;
    let error = match (step, session) {
        (NextStep::Issue, Some(session)) => {
            if let Some((interaction, id)) = interaction.clone().filter(|_| is_for_device) {
                return Ok(Answer::ConfirmDevice(Box::new(super::DeviceConfirmation {
                    interaction_id: Secret::new(id.to_owned()),
                    interaction,
                    request: request.clone(),
                    session: session.clone(),
                })));
            }
            let interaction = interaction.map(|(interaction, _)| interaction);
            return issue(tenant, request, session, interaction, None).await;
        }
        (NextStep::Fail(error), session) if is_for_device => {
            if let Some((interaction, _)) = &interaction {
                devices::deny(tenant, interaction, session, error.error).await?;
            }
            return Ok(Answer::Refuse { error, state: None });
        }
        (NextStep::Consent { .. }, Some(_)) => {
            let interaction_id = id_of(tenant, registered, request, interaction).await?;
            return Ok(Answer::Consent { interaction_id, request: Box::new(request.clone()) });
        }
        (NextStep::Login { .. } | NextStep::Issue | NextStep::Consent { .. }, _) => {
            let interaction_id = id_of(tenant, registered, request, interaction).await?;
            return Ok(Answer::SignIn { interaction_id, request: Box::new(request.clone()) });
        }
        // As `may_be_redirected` says.
        (NextStep::Fail(error), None)
            if registered.client.provenance != Provenance::Operator && !request.prompt.none =>
        {
            return Ok(Answer::Refuse { error, state: request.target.state.clone() });
        }
        (NextStep::Fail(error), _) => error,
    };
    Ok(refused_by(tenant, request, &error))
}

fn refused_by(tenant: &Tenant, request: &AuthorizationRequest, error: &OAuthError) -> Answer {
    Answer::Respond(AuthorizationResponse::error(&request.target, error, tenant.issuer()))
}

async fn id_of(
    tenant: &Tenant,
    registered: &RegisteredClient,
    request: &AuthorizationRequest,
    interaction: Option<(Interaction, &str)>,
) -> Result<Secret> {
    match interaction {
        Some((_, id)) => Ok(Secret::new(id.to_owned())),
        None => {
            // The interaction, and whatever comes of it, belongs to the client.
            if registered.client.provenance == Provenance::Document {
                applications::note_described(tenant, registered).await?;
            }
            begin(tenant, request).await
        }
    }
}

/// What comes next: the protocol's steps, and the application's access control before anyone is asked for consent.
pub(super) async fn decide(
    tenant: &Tenant,
    registered: &RegisteredClient,
    request: &AuthorizationRequest,
    session: Option<&Session>,
    progress: &Progress,
) -> Result<NextStep> {
    if let Err(error) = authorization::check_again(request, &registered.client) {
        return Ok(NextStep::Fail(error));
    }
    let hint = subject_of_hint(tenant, request.id_token_hint.as_deref()).await?;
    let granted = match session {
        Some(session) if registered.client.is_third_party => {
            let mut conn = tenant.read().await?;
            consents::granted(&mut conn, &session.user_id, &request.client_id).await?
        }
        _ => None,
    };
    let facts = Facts {
        request,
        client: &registered.client,
        session: session.map(|session| SignedInUser {
            id: &session.id,
            subject: &session.user_id,
            auth_time: session.authenticated_at.div_euclid(1000),
        }),
        id_token_hint: match (&request.id_token_hint, &hint) {
            (None, _) => IdTokenHint::Absent,
            (Some(_), Some(subject)) => IdTokenHint::Subject(subject),
            (Some(_), None) => IdTokenHint::Invalid,
        },
        granted: granted.as_ref(),
        progress,
    };
    let step = next_step(&facts, tenant.now());
    match (&step, session) {
        (NextStep::Issue | NextStep::Consent { .. }, Some(session)) => {
            let mut conn = tenant.read().await?;
            match access_control::check(&mut conn, registered, &session.user_id).await {
                Err(Error::OAuth(error)) => Ok(NextStep::Fail(*error)),
                Err(error) => Err(error),
                Ok(()) => Ok(step),
            }
        }
        _ => Ok(step),
    }
}

/// Answers with a code: everything that belongs to it is written in one transaction.
pub(super) async fn issue(
    tenant: &Tenant,
    request: &AuthorizationRequest,
    session: &Session,
    interaction: Option<Interaction>,
    answered: Option<Answered>,
) -> Result<Answer> {
    let grantor = grants::Grantor {
        user_id: &session.user_id,
        session_id: &session.id,
        authenticated_at: session.authenticated_at,
    };
    let (new, code) = grants::prepare(tenant, request, grantor);
    let entry = |key| {
        Entry::new(tenant, key, Outcome::Success)
            .application(&request.client_id)
            .user(&session.user_id)
    };
    let issued = Issued {
        interaction,
        new,
        answered,
        user_id: session.user_id.clone(),
        session_id: session.id.clone(),
        client_id: request.client_id.clone(),
        is_self_registered: tenant
            .snapshot()
            .applications
            .get(&request.client_id)
            .is_some_and(|registered| registered.client.provenance == Provenance::Registration),
        now_ms: tenant.now_ms(),
        end: entry("Interaction.End"),
    };
    let kept = tenant.write(issued, |tx, issued| Box::pin(keep(tx, issued))).await;
    if !kept.map_err(super::if_client_is_gone)? {
        let error = OAuthError::new(ErrorCode::LoginRequired, "the session has just ended");
        let response = AuthorizationResponse::error(&request.target, &error, tenant.issuer());
        return Ok(Answer::Respond(response));
    }
    Ok(Answer::Respond(AuthorizationResponse::success(
        &request.target,
        code.reveal(),
        tenant.issuer(),
    )))
}

/// The client a request names. What was just added by another node counts, be it the client or a resource.
pub(super) async fn client_of(
    tenant: &Tenant,
    params: &Params,
) -> Result<Option<Arc<RegisteredClient>>> {
    for indicator in params.resources() {
        tenant.find(|snapshot| resource_scopes(snapshot, indicator)).await?;
    }
    match params.get("client_id") {
        Some(id) => clients::find(tenant, id).await,
        None => Ok(None),
    }
}

/// What a code leaves behind.
struct Issued {
    interaction: Option<Interaction>,
    new: grants::NewGrant,
    answered: Option<Answered>,
    user_id: String,
    session_id: String,
    client_id: String,
    /// Whether the client registered itself, and shows now that it is not idle.
    is_self_registered: bool,
    now_ms: i64,
    end: Entry,
}

/// False, and nothing is kept, when the session has ended.
async fn keep(tx: &mut Tx<'_>, issued: &Issued) -> Result<bool> {
    // First of all, so that the end of the session comes before the grant or revokes it.
    if !sessions::take(tx, &issued.session_id).await? {
        return Ok(false);
    }
    if let Some(interaction) = &issued.interaction
        && !end(tx, interaction).await?
    {
        return Err(Error::refused("session.not_found"));
    }
    if let Some(answered) = &issued.answered {
        consents::remember(tx, &issued.user_id, &issued.client_id, answered, issued.now_ms).await?;
    }
    grants::insert(tx, &issued.new).await?;
    if issued.is_self_registered {
        registrations::note_use(tx, &issued.client_id, issued.now_ms).await?;
    }
    audit::append(tx, &issued.end).await?;
    Ok(true)
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
    // What a client cannot reach does not exist for it.
    let is_reached = |indicator: &str| {
        registered.is_none_or(|registered| {
            consents::reaches_resource(&snapshot, &registered.client.client_id, indicator)
        })
    };
    let context = Context {
        client: registered.map(|registered| &registered.client),
        resource_scopes: &|indicator| {
            resource_scopes(&snapshot, indicator).filter(|_| is_reached(indicator))
        },
        default_resource: snapshot
            .resources
            .default_resource()
            .map(|entry| entry.resource.indicator.as_str())
            .filter(|indicator| is_reached(indicator)),
        is_pushed,
    };
    Ok(authorization::validate(params, &context))
}

/// The scopes an API resource defines; for the organizations resource, the template's organization scopes.
pub(super) fn resource_scopes(snapshot: &Snapshot, indicator: &str) -> Option<Scope> {
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
async fn subject_of_hint(tenant: &Tenant, hint: Option<&str>) -> Result<Option<String>> {
    let Some(hint) = hint else { return Ok(None) };
    let expectation =
        Expectation::new(TokenType::JwtOrAbsent, tenant.issuer(), Audience::Any, tenant.now());
    let verified = keys::verified(tenant, |keys| {
        keys.verify_ignoring_expiry::<HintClaims>(hint, &expectation)
    })
    .await?;
    Ok(verified.ok().map(|verified| verified.claims.sub))
}
