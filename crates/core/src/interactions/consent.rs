//! The consent step: what a third-party application asks a person for, and the answer.
//!
//! The answer, what is remembered of it, the grant and its code are one transaction: there is no moment in which an interaction has the
//! consent of one person and could issue a code for another. A device is confirmed after that on a page of its own, which counts on
//! nothing but what is remembered of the person who then answers.

use trinco_jose::{base64url_encode, sha256};
use trinco_oauth::client::Provenance;
use trinco_oauth::grant::GrantedScopes;
use trinco_oauth::interaction::{NextStep, Progress};
use trinco_oauth::response::AuthorizationResponse;
use trinco_oauth::scope::ORGANIZATIONS;
use trinco_oauth::{AuthorizationRequest, ErrorCode, OAuthError, RedirectUri};

use super::authorize::{decide, issue};
use super::device::is_for_device;
use super::{Answer, DeviceConfirmation, Interaction, end, entry, store};
use crate::applications::RegisteredClient;
use crate::audit::{self, Outcome};
use crate::authorization::Subject;
use crate::consents::{self, Answered};
use crate::sessions::{self, Session};
use crate::users::User;
use crate::{Error, Result, Secret, Tenant, clients, devices};

/// What the consent page shows.
#[derive(Clone, Debug)]
pub struct ConsentRequest {
    /// Who is asked.
    pub user: User,
    /// What for: all of the request when the client wants the page or never asked before, else what is missing.
    pub scopes: GrantedScopes,
    /// Whether the application has never asked before.
    pub is_first: bool,
    /// Whether the rest of the request was allowed before, and that counts.
    pub is_further: bool,
    /// Tells these scopes from all others: an answer is to them.
    pub fingerprint: String,
    /// The organizations to choose from, when the application asks to see some.
    pub organizations: Option<Vec<Choice>>,
}

/// An organization to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it was chosen before.
    pub is_chosen: bool,
}

/// What the person has to be asked for; `None` when something else comes next, which [`super::resume`] finds out.
///
/// # Errors
/// When the database does not answer.
pub async fn consent_request(
    tenant: &Tenant,
    interaction: &Interaction,
    session: &Session,
) -> Result<Option<ConsentRequest>> {
    let Some((registered, request)) = current(tenant, interaction).await? else { return Ok(None) };
    let step = decide(tenant, &registered, &request, Some(session), &interaction.progress).await?;
    let NextStep::Consent { missing } = step else { return Ok(None) };
    let mut conn = tenant.read().await?;
    let Some(subject) = Subject::read(&mut conn, &session.user_id).await? else { return Ok(None) };
    let before = consents::granted(&mut conn, &session.user_id, &request.client_id).await?;
    let scopes = shown(&registered, &request, missing);
    let is_first = before.is_none();
    let is_further = !is_first && scopes != GrantedScopes::of(&request);
    let organizations = if scopes.scope.contains(ORGANIZATIONS) {
        let chosen =
            consents::organizations::ids(&mut conn, &request.client_id, &session.user_id).await?;
        let choices = subject.memberships.iter().map(|membership| Choice {
            id: membership.id.clone(),
            name: membership.name.clone(),
            is_chosen: chosen.contains(&membership.id),
        });
        Some(choices.collect())
    } else {
        None
    };
    let fingerprint = fingerprint(&scopes)?;
    let user = subject.user;
    Ok(Some(ConsentRequest { user, scopes, is_first, is_further, fingerprint, organizations }))
}

/// What a person allows.
#[derive(Clone, Debug)]
pub struct Allowed {
    /// The [`ConsentRequest::fingerprint`] of the page they saw.
    pub fingerprint: String,
    /// The organizations they chose.
    pub organization_ids: Vec<String>,
}

/// The person allows what the consent page showed. `interaction_id` names the interaction.
///
/// # Errors
/// `session.consent_changed` when the page would show something else by now; `session.not_found` when the interaction has ended, or its
/// application was changed so that it cannot be answered.
pub async fn allow(
    tenant: &Tenant,
    interaction: Interaction,
    interaction_id: &str,
    session: &Session,
    allowed: Allowed,
) -> Result<Answer> {
    let gone = || Error::refused("session.not_found");
    let (registered, request) = current(tenant, &interaction).await?.ok_or_else(gone)?;
    let before =
        decide(tenant, &registered, &request, Some(session), &interaction.progress).await?;
    let is_asked = matches!(before, NextStep::Consent { .. });
    let missing = match before {
        NextStep::Consent { missing } => missing,
        // Allowed on another page a moment ago.
        NextStep::Issue => GrantedScopes::default(),
        NextStep::Fail(error) => return fail(tenant, &interaction, &request, session, error).await,
        NextStep::Login { .. } => {
            let interaction_id = Secret::new(interaction_id.to_owned());
            return Ok(Answer::SignIn { interaction_id, request: Box::new(request) });
        }
    };
    let was_shown = shown(&registered, &request, missing);
    // The limits may have been moved, by the client itself even, while the person was reading.
    if is_asked && fingerprint(&was_shown)? != allowed.fingerprint {
        return Err(Error::refused("session.consent_changed"));
    }
    let earlier =
        consents::granted(&mut tenant.read().await?, &session.user_id, &request.client_id).await?;
    let answered = Answered {
        granted: earlier.unwrap_or_default().union(&GrantedScopes::of(&request)),
        organization_ids: was_shown
            .scope
            .contains(ORGANIZATIONS)
            .then_some(allowed.organization_ids),
    };
    let progress = Progress { consented: true, ..interaction.progress.clone() };
    match decide(tenant, &registered, &request, Some(session), &progress).await? {
        NextStep::Issue if is_for_device(tenant, &interaction) => {
            let interaction_id = Secret::new(interaction_id.to_owned());
            let session = session.clone();
            let confirmation = DeviceConfirmation { interaction_id, interaction, request, session };
            remember_for_device(tenant, confirmation, answered).await
        }
        NextStep::Issue => {
            issue(tenant, &request, session, Some(interaction), Some(answered)).await
        }
        NextStep::Fail(error) => fail(tenant, &interaction, &request, session, error).await,
        NextStep::Login { .. } | NextStep::Consent { .. } => Err(gone()),
    }
}

/// Remembers what the person answered, unless the sign-in or the interaction has ended meanwhile, and asks about the device.
async fn remember_for_device(
    tenant: &Tenant,
    confirmation: DeviceConfirmation,
    answered: Answered,
) -> Result<Answer> {
    let input = (confirmation.clone(), answered, tenant.now_ms());
    tenant
        .write(input, |tx, (confirmation, answered, now)| {
            Box::pin(async move {
                let DeviceConfirmation { interaction, request, session, .. } = confirmation;
                if !sessions::take(tx, &session.id).await?
                    || !store::take(tx, interaction.id_hash()).await?
                {
                    return Err(Error::refused("session.not_found"));
                }
                consents::remember(tx, &session.user_id, &request.client_id, answered, *now).await
            })
        })
        .await?;
    Ok(Answer::ConfirmDevice(Box::new(confirmation)))
}

/// The person does not allow it: the application learns `access_denied` (RFC 6749 §4.1.2.1), and nothing is remembered.
///
/// An application that is not what it was when it asked is told nothing, but the person's no counts.
///
/// # Errors
/// `session.not_found` when the interaction has ended.
pub async fn deny(tenant: &Tenant, interaction: &Interaction, session: &Session) -> Result<Answer> {
    let request = match current(tenant, interaction).await {
        Ok(Some((_, request))) => Some(request),
        // What it says about itself cannot be had, or not be used.
        Ok(None) | Err(Error::OAuth(_)) => None,
        Err(error) => return Err(error),
    };
    let is_known = request.is_some();
    let request = request.unwrap_or_else(|| interaction.request.clone());
    if is_for_device(tenant, interaction) {
        devices::deny(tenant, interaction, Some(session), ErrorCode::AccessDenied).await?;
        return Ok(Answer::DeviceDenied(Box::new(request)));
    }
    let error = OAuthError::new(ErrorCode::AccessDenied, "the user did not allow it");
    let answer = respond(tenant, interaction, &request, error).await?;
    Ok(if is_known { answer } else { Answer::Denied })
}

/// Something else than the person's answer ends the interaction.
async fn fail(
    tenant: &Tenant,
    interaction: &Interaction,
    request: &AuthorizationRequest,
    session: &Session,
    error: OAuthError,
) -> Result<Answer> {
    if is_for_device(tenant, interaction) {
        devices::deny(tenant, interaction, Some(session), error.error).await?;
        return Ok(Answer::Refuse { error, state: None });
    }
    respond(tenant, interaction, request, error).await
}

/// Ends the interaction with an error for the application.
async fn respond(
    tenant: &Tenant,
    interaction: &Interaction,
    request: &AuthorizationRequest,
    error: OAuthError,
) -> Result<Answer> {
    let entry = entry(tenant, "Interaction.End", Outcome::Error, interaction)
        .fact("error", error.error.as_str());
    tenant
        .write((interaction.clone(), entry), |tx, (interaction, entry)| {
            Box::pin(async move {
                if !end(tx, interaction).await? {
                    return Err(Error::refused("session.not_found"));
                }
                audit::append(tx, entry).await
            })
        })
        .await?;
    Ok(Answer::Respond(AuthorizationResponse::error(&request.target, &error, tenant.issuer())))
}

/// The application of an interaction, and the request within what the application may ask for now. `None` when it may not be answered
/// any more.
async fn current(
    tenant: &Tenant,
    interaction: &Interaction,
) -> Result<Option<(std::sync::Arc<RegisteredClient>, AuthorizationRequest)>> {
    let request = interaction.request.clone();
    let Some(registered) = clients::find(tenant, &request.client_id).await? else {
        return Ok(None);
    };
    let redirect_uri = request.target.redirect_uri.as_str();
    if RedirectUri::registered(&registered.client, redirect_uri).is_none()
        && !is_for_device(tenant, interaction)
    {
        return Ok(None);
    }
    let request = consents::limit_request(&tenant.snapshot(), &registered, request);
    Ok(Some((registered, request)))
}

/// What the page shows.
fn shown(
    registered: &RegisteredClient,
    request: &AuthorizationRequest,
    missing: GrantedScopes,
) -> GrantedScopes {
    if missing.is_empty() || is_shown_whole(registered, request) {
        GrantedScopes::of(request)
    } else {
        missing
    }
}

/// The same for the same scopes, in this process and in every other.
fn fingerprint(scopes: &GrantedScopes) -> Result<String> {
    Ok(base64url_encode(sha256(serde_json::to_string(scopes)?.as_bytes())))
}

/// A client that asks for the page, or that nobody here knows, gets all of its request on it, so that the person sees the whole.
fn is_shown_whole(registered: &RegisteredClient, request: &AuthorizationRequest) -> bool {
    request.prompt.consent || registered.client.provenance == Provenance::Document
}
