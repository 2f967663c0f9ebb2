//! Clients that register themselves (RFC 7591), and look after their registration (RFC 7592).
//!
//! A registered client is a third-party application like one that an operator made, but for what nobody vouches for: it stays within the
//! tenant's [`Policy`] for as long as it is here, the consent page says that its name is its own, and it is deleted when nobody uses it.

mod model;
mod rules;
mod store;
mod terms;
pub mod tokens;
mod told;

use std::sync::Arc;

use trinco_db::Tx;
use trinco_oauth::client::Provenance;
use trinco_oauth::{ErrorCode, OAuthError};

pub use model::{
    Between, Information, InitialAccessToken, NewInitialAccessToken, Policy, PolicyChanges,
    RegistrableGrant, RegistrableType,
};

use rules::Registrable;
use store::StoredRegistration;
use terms::Terms;
use told::{described, information};

use crate::applications::{self, Application, NewApplication};
use crate::audit::{self, Entry, Outcome};
use crate::consents::{self, ConsentScopes};
use crate::{
    Bumped, Error, JsonObject, Result, Secret, Section, Snapshot, Tenant, TokenHash, oidc_settings,
};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;
/// Deleting a registration deletes an application.
const SECTIONS: &[Section] = &[Section::Applications, Section::Roles];

/// The policy.
pub fn policy(tenant: &Tenant) -> Policy {
    tenant.snapshot().oidc_settings.registration.clone()
}

/// Changes the policy. Its consent scopes bound clients that are here already, from the next token on; the rest is for those to come.
///
/// # Errors
/// `guard.invalid_input`; `application.user_consent_scopes_not_found`; `application.consent_management_api_scopes_not_allowed`.
pub async fn update_policy(tenant: &Tenant, changes: PolicyChanges) -> Result<Policy> {
    if let Some(scopes) = &changes.consent_scopes {
        consents::check_new(tenant, scopes).await?;
    }
    oidc_settings::change(tenant, changes, |settings, changes| {
        rules::apply(changes, &mut settings.registration)
    })
    .await?;
    Ok(policy(tenant))
}

/// The policy as [`update_policy`] would leave it, without a look at the consent scopes.
///
/// # Errors
/// `guard.invalid_input`.
pub(crate) fn changed_policy(mut policy: Policy, changes: &PolicyChanges) -> Result<Policy> {
    rules::apply(changes, &mut policy)?;
    Ok(policy)
}

/// Whether clients may register themselves.
pub fn is_open(tenant: &Tenant) -> bool {
    tenant.snapshot().oidc_settings.registration.enabled
}

/// Registers a client (RFC 7591 §3.1). `initial_access_token` is what it presented as a bearer token.
///
/// # Errors
/// `entity.not_found` when registration is off. `invalid_token` without an initial access token that is good, where one is asked for or
/// presented; `invalid_redirect_uri`, `invalid_client_metadata`, `unapproved_software_statement`; `access_denied` when there are as many
/// registrations as there may be, and `temporarily_unavailable` (429) when as many came within the hour.
pub async fn register(
    tenant: &Tenant,
    initial_access_token: Option<&str>,
    metadata: &JsonObject,
) -> Result<Information> {
    let snapshot = tenant.snapshot();
    let policy = &snapshot.oidc_settings.registration;
    check_open(policy)?;
    if policy.requires_initial_access_token && initial_access_token.is_none() {
        return Err(unauthorized("an initial access token is needed").into());
    }
    let wanted = rules::decide(metadata, policy)?;
    let scopes = consents::narrowed(&policy.consent_scopes, wanted.scope.as_ref(), &snapshot);
    let auth_method = wanted.auth_method;
    let terms = Terms::new(&wanted.custom, scopes.clone());
    let prepared = applications::prepare(tenant, new_application(wanted), Provenance::Registration)
        .map_err(as_metadata)?;
    let application = prepared.application.clone();
    let secret = prepared.secret().filter(|_| auth_method.is_shared_secret()).cloned();
    let token = Secret::new(tenant.new_token());
    let now = tenant.now_ms();
    let registration = StoredRegistration {
        application_id: application.id.clone(),
        auth_method: auth_method.as_str(),
        token_hash: TokenHash::of(token.reveal()),
        created_at: now,
        terms,
    };
    let entry = Entry::new(tenant, "Application.Register", Outcome::Success)
        .application(&application.id)
        .fact("name", application.name.as_str());
    let input = New {
        prepared,
        scopes: scopes.clone(),
        registration,
        initial_access_token: initial_access_token.map(TokenHash::of),
        most: policy.max_registrations.get(),
        most_in_hour: policy.max_registrations_per_hour.get(),
        entry,
        now,
    };
    // Moving the version makes those who register at once take turns, so that counting is not a race.
    tenant
        .configure(&[Section::Applications], input, |tx, bumped, new| {
            Box::pin(async move {
                new.admit(tx).await?;
                applications::insert(tx, bumped, &new.prepared).await?;
                let id = &new.registration.application_id;
                consents::replace_scopes(tx, bumped, id, &new.scopes).await?;
                store::insert(tx, &new.registration).await?;
                audit::append(tx, &new.entry).await
            })
        })
        .await?;
    Ok(Information {
        metadata: described(tenant, &snapshot, &application, auth_method.as_str(), &scopes),
        client_secret: secret.map(|secret| (secret, None)),
        registration_access_token: token,
    })
}

/// What is registered, for the client itself (RFC 7592 §2.1).
///
/// # Errors
/// `entity.not_found` when registration is off; `invalid_token`.
pub async fn read(tenant: &Tenant, client_id: &str, token: &str) -> Result<Information> {
    let auth_method = authenticate(tenant, client_id, token).await?;
    let (application, _) = applications::get(tenant, client_id).await?;
    information(tenant, &application, &auth_method, token).await
}

/// Registers a client anew under its id (RFC 7592 §2.2): what the request leaves out is gone, and what the operator has decided stays.
///
/// # Errors
/// As [`read`] and [`register`]; `invalid_client_metadata` when it is to become another kind of application.
pub async fn update(
    tenant: &Tenant,
    client_id: &str,
    token: &str,
    metadata: &JsonObject,
) -> Result<Information> {
    authenticate(tenant, client_id, token).await?;
    let (application, _) = applications::get(tenant, client_id).await?;
    let snapshot = tenant.snapshot();
    let policy = &snapshot.oidc_settings.registration;
    let secrets = applications::secrets(tenant, client_id).await?;
    rules::check_update(metadata, client_id, |presented| {
        secrets.iter().any(|secret| secret.value.reveal() == presented)
    })?;
    let wanted = rules::decide(metadata, policy)?;
    if wanted.kind.application_type() != application.application_type {
        return Err(rules::invalid(
            "a registration cannot become one of another kind of application, register anew",
        )
        .into());
    }
    let auth_method = wanted.auth_method.as_str();
    let renewal = Renewal {
        id: client_id.to_owned(),
        says: wanted,
        allowed: policy.consent_scopes.clone(),
        snapshot: Arc::clone(&snapshot),
    };
    let application = tenant
        .configure(&[Section::Applications], renewal, |tx, bumped, renewal| {
            Box::pin(renewal.write(tx, bumped))
        })
        .await
        .map_err(as_metadata)?;
    information(tenant, &application, auth_method, token).await
}

/// Deletes a registration with everything users allowed it (RFC 7592 §2.3).
///
/// # Errors
/// As [`read`].
pub async fn delete(tenant: &Tenant, client_id: &str, token: &str) -> Result<()> {
    authenticate(tenant, client_id, token).await?;
    let entry =
        Entry::new(tenant, "Application.Deregister", Outcome::Success).application(client_id);
    tenant
        .configure(SECTIONS, (client_id.to_owned(), entry), |tx, bumped, (id, entry)| {
            Box::pin(async move {
                if applications::remove(tx, bumped, id).await? {
                    audit::append(tx, entry).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Notes that a user let a registered client in, in the transaction that does.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn note_use(tx: &mut Tx<'_>, client_id: &str, now_ms: i64) -> Result<()> {
    store::set_used(tx, client_id, now_ms).await
}

/// Deletes up to `batch` registrations that nobody uses, and what is no longer counted; returns how many rows.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn sweep(tenant: &Tenant, batch: u32) -> Result<u64> {
    let now = tenant.now_ms();
    let before = now - policy(tenant).unused_ttl_in_days.get() * DAY_MS;
    let unused = store::unused(&mut tenant.read().await?, before, batch).await?;
    let hour = now.div_euclid(HOUR_MS) - 1;
    let mut deleted =
        tenant.write(hour, |tx, hour| Box::pin(store::delete_hours_before(tx, *hour))).await?;
    if !unused.is_empty() {
        deleted += tenant
            .configure(SECTIONS, (unused, before), |tx, bumped, (unused, before)| {
                Box::pin(async move {
                    // One of them may have been used a moment ago.
                    let still = store::unused(tx, *before, u32::MAX).await?;
                    let mut deleted = 0;
                    for id in unused.iter().filter(|id| still.contains(id)) {
                        deleted += u64::from(applications::remove(tx, bumped, id).await?);
                    }
                    Ok(deleted)
                })
            })
            .await?;
    }
    Ok(deleted)
}

/// A registration on its way into the database.
struct New {
    prepared: applications::Prepared,
    scopes: ConsentScopes,
    registration: StoredRegistration,
    initial_access_token: Option<TokenHash>,
    most: i64,
    most_in_hour: i64,
    entry: Entry,
    now: i64,
}

impl New {
    /// Uses the token up and counts, or refuses; a refusal takes both back.
    async fn admit(&self, tx: &mut Tx<'_>) -> Result<()> {
        if let Some(token) = &self.initial_access_token
            && !store::use_token(tx, token, self.now).await?
        {
            return Err(
                unauthorized("the initial access token is unknown, used up or expired").into()
            );
        }
        if store::count(tx).await? >= self.most {
            let description = "no more clients can register here, ask whoever runs this server";
            return Err(OAuthError::new(ErrorCode::AccessDenied, description).into());
        }
        if store::count_in_hour(tx, self.now.div_euclid(HOUR_MS)).await? > self.most_in_hour {
            let description = "too many clients have registered within the hour, try again later";
            return Err(OAuthError::new(ErrorCode::TooManyRegistrations, description).into());
        }
        Ok(())
    }
}

/// A registration that is made anew.
struct Renewal {
    id: String,
    says: Registrable,
    /// What the policy allows.
    allowed: ConsentScopes,
    snapshot: Arc<Snapshot>,
}

impl Renewal {
    /// Reads what the operator has made of it, and writes both together.
    async fn write(&self, tx: &mut Tx<'_>, bumped: &Bumped) -> Result<Application> {
        let application = applications::stored(tx, &self.id).await?;
        let listed = consents::stored_scopes(tx, &self.id).await?;
        let kept = store::find_terms(tx, &self.id).await?;
        let (says, snapshot) = (&self.says, &self.snapshot);
        let renewed =
            terms::renewed(&application, &listed, kept.as_ref(), says, &self.allowed, snapshot);
        let application = applications::rewrite(tx, bumped, &self.id, &renewed.changes).await?;
        consents::replace_scopes(tx, bumped, &self.id, &renewed.scopes).await?;
        let auth_method = says.auth_method.as_str();
        store::set_renewed(tx, &self.id, auth_method, &renewed.terms).await?;
        Ok(application)
    }
}

fn check_open(policy: &Policy) -> Result<()> {
    if policy.enabled { Ok(()) } else { Err(Error::refused("entity.not_found")) }
}

/// How the client of a registration authenticates, once its token is known to be the registration's own. Another client's token, and one
/// for a client that does not exist, are wrong in the same way.
async fn authenticate(tenant: &Tenant, client_id: &str, token: &str) -> Result<String> {
    check_open(&tenant.snapshot().oidc_settings.registration)?;
    let mut conn = tenant.read().await?;
    let found = store::find_auth_method(&mut conn, client_id, &TokenHash::of(token)).await?;
    found.ok_or_else(|| unauthorized("the registration access token is wrong").into())
}

fn unauthorized(detail: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidToken, detail)
}

fn new_application(wanted: Registrable) -> NewApplication {
    NewApplication {
        name: wanted.name,
        description: None,
        application_type: wanted.kind.application_type(),
        oidc_client_metadata: wanted.oidc,
        custom_client_metadata: wanted.custom,
        custom_data: JsonObject::new(),
        // Never one of the operator's own.
        is_third_party: true,
    }
}

/// What the Management API calls invalid input is invalid metadata here (RFC 7591 §3.2.2).
fn as_metadata(error: Error) -> Error {
    match error {
        Error::Refused(refusal) if refusal.code == "guard.invalid_input" => {
            let value = |name| {
                let found = refusal.values.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| value.as_str()).unwrap_or_default()
            };
            let member = value("path").rsplit('.').next().unwrap_or_default().to_owned();
            rules::invalid(format!("{member} {}", value("rule"))).into()
        }
        other => other,
    }
}
