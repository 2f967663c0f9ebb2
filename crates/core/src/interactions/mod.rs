//! Interactions: authorization requests that wait for a person.
//!
//! The sign-in pages and (later) the Experience API drive the same steps. An interaction's id is a bearer of that one sign-in: the
//! browser holds it in a cookie, and only its hash is kept here.

mod authorize;
mod consent;
mod device;
mod pushed;
mod store;

use tracing::Instrument as _;
use trinco_db::Tx;
use trinco_oauth::interaction::Progress;
use trinco_oauth::{AuthorizationRequest, OAuthError};

pub use authorize::{Answer, authorize, current_session, resume};
pub use consent::{Allowed, Choice, ConsentRequest, allow, consent_request, deny};
pub use device::{DeviceConfirmation, comes_before_code, is_for_device};
pub(crate) use device::{begin_before_code, validate_device};
pub use pushed::{Posted, push, store_request};

use crate::audit::{self, Entry, Outcome};
use crate::hooks::{Event, News};
use crate::lockout::{self, Attempt, Target};
use crate::passwords::{PasswordDigest, Place};
use crate::sessions::{
    self, InteractionEvent, Session, ShownIdentifier, ShownIdentifierType, Submission,
    VerificationRecord,
};
use crate::users::{self, Identifier, Registration, User};
use crate::{Error, Result, Secret, Tenant, TokenHash, actions, activity};

/// How long a person may take: one hour in milliseconds.
pub const LIFETIME_MS: i64 = 3_600_000;

/// Characters of what someone typed as their name that webhooks are told.
const LONGEST_TOLD: usize = 256;

/// An authorization request and what has been done about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Interaction {
    id_hash: TokenHash,
    /// What the application asked for.
    pub request: AuthorizationRequest,
    /// What the person has done so far.
    pub progress: Progress,
}

/// The person signed in; the browser's session cookie gets this value.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The new value of the session cookie.
    pub cookie: Secret,
}

impl Interaction {
    /// The hash of its id, under which others may keep it in mind.
    pub(crate) fn id_hash(&self) -> &TokenHash {
        &self.id_hash
    }
}

/// Begins an interaction for `request` and returns its id.
///
/// # Errors
/// When the database does not answer.
pub async fn begin(tenant: &Tenant, request: &AuthorizationRequest) -> Result<Secret> {
    let id = Secret::new(tenant.new_token());
    let interaction = Interaction {
        id_hash: TokenHash::of(id.reveal()),
        request: request.clone(),
        progress: Progress::default(),
    };
    let now = tenant.now_ms();
    tenant
        .write((interaction, now), |tx, (interaction, now)| {
            Box::pin(store::insert(tx, interaction, *now, *now + LIFETIME_MS))
        })
        .await
        .map_err(if_client_is_gone)?;
    Ok(id)
}

/// What belongs to a client could not be written because another node has just deleted the client, of which this one knows still.
fn if_client_is_gone(error: Error) -> Error {
    match error {
        Error::Database(trinco_db::Error::ForeignKey) => {
            OAuthError::invalid_client("the client was deleted a moment ago").into()
        }
        other => other,
    }
}

/// The interaction with this id, unless it has expired or ended.
///
/// # Errors
/// When the database does not answer.
pub async fn find(tenant: &Tenant, id: &str) -> Result<Option<Interaction>> {
    store::find(&mut tenant.read().await?, &TokenHash::of(id), tenant.now_ms()).await
}

/// Signs a person in with a password.
///
/// # Errors
/// `session.invalid_credentials` when the user does not exist or the password is another one: the two look and cost the same.
/// `session.verification_blocked_too_many_attempts` after too many of them.
/// `user.suspended` and `password.expired` once the password was right. `auth.forbidden` when sign-in is switched off.
/// `session.verification_failed` when a script of the tenant refuses.
pub async fn sign_in(
    tenant: &Tenant,
    interaction: &Interaction,
    current: Option<&Session>,
    identifier: &str,
    password: &Secret,
) -> Result<SignedIn> {
    if !tenant.snapshot().experience.allows_sign_in() {
        return Err(Error::refused("auth.forbidden"));
    }
    // Whoever goes away while waiting for a place is not counted.
    let place = tenant.passwords().place().await?;
    // Whoever goes away later is: in a task of its own, what is counted costs a hash and leaves an entry all the same.
    let judging =
        judge(tenant.clone(), interaction.clone(), identifier.to_owned(), password.clone(), place);
    let judged = tokio::spawn(judging.in_current_span()).await;
    let Judged { user, identifier, attempt, renewed } =
        judged.unwrap_or_else(|_| Err(Error::Internal("a sign-in was interrupted".to_owned())))?;
    if user.is_suspended {
        return Err(Error::refused("user.suspended"));
    }
    if users::has_expired_password(tenant, &user) {
        return Err(Error::refused("password.expired"));
    }
    let user = actions::before_session(tenant, &interaction.request.client_id, user).await?;
    let entry =
        entry(tenant, "Interaction.SignIn.Submit", Outcome::Success, interaction).user(&user.id);
    let news = finished(tenant, Event::PostSignIn, "SignIn", interaction, &user);
    let shown = VerificationRecord::Password {
        id: tenant.new_id(),
        identifier: (&identifier).into(),
        verified: true,
    };
    let submission = submission(InteractionEvent::SignIn, &user, Some(shown));
    let completion = Completion { submission, attempt: Some(attempt), renewed, entry, news };
    complete(tenant, interaction, current, completion).await
}

/// Whose password it is.
struct Judged {
    user: User,
    /// What was typed to say who it is.
    identifier: Identifier,
    attempt: Attempt,
    /// The digest of the password, when it is from elsewhere, and ours in its place.
    renewed: Option<(PasswordDigest, PasswordDigest)>,
}

/// Whose password it is, once that has been counted as an attempt; a wrong one is recorded.
async fn judge(
    tenant: Tenant,
    interaction: Interaction,
    typed: String,
    password: Secret,
    place: Place,
) -> Result<Judged> {
    let (tenant, snapshot) = (&tenant, tenant.snapshot());
    let parsed = Identifier::parse(&typed, &snapshot.experience);
    let found = match &parsed {
        Some(identifier) => {
            let found = users::find_by_identifier(tenant, identifier).await?;
            found.map(|(user, digest)| (user, identifier.clone(), digest))
        }
        None => None,
    };
    let target = Target::of(&typed, &snapshot.experience);
    let attempt = lockout::charge(tenant, target).await?;
    let digest = found.as_ref().and_then(|(_, _, digest)| digest.as_ref());
    let matches = tenant.passwords().verify(&password, digest).await?;
    if let Some(identifier) = parsed.filter(|_| !matches) {
        let known = found.as_ref().map(|(user, ..)| user);
        let client_id = &interaction.request.client_id;
        // A password that a script vouches for is hashed: that takes a place of its own.
        drop(place);
        if known.is_none_or(|user| !user.is_suspended)
            && let Some(user) =
                actions::verify_elsewhere(tenant, client_id, &identifier, known, &password).await?
        {
            return Ok(Judged { user, identifier, attempt, renewed: None });
        }
    }
    match found {
        Some((user, identifier, digest)) if matches => {
            let renewed = match &digest {
                Some(was) => {
                    tenant.passwords().renewed(tenant.randomness(), &password, was).await?
                }
                None => None,
            };
            Ok(Judged { user, identifier, attempt, renewed: digest.zip(renewed) })
        }
        found => {
            let mut entry =
                entry(tenant, "Interaction.SignIn.Identifier.Submit", Outcome::Error, &interaction)
                    .fact("error", "session.invalid_credentials");
            if let Some((user, ..)) = &found {
                entry = entry.user(&user.id);
            }
            if let Some(minutes) = attempt.locks_for {
                entry = entry.fact("lockedForMinutes", minutes);
            }
            let news = attempt.locks_for.map(|_| locked_out(tenant, &interaction, &typed));
            record_refusal(tenant, entry, news).await?;
            Err(Error::refused("session.invalid_credentials"))
        }
    }
}

/// Creates an account and signs it in.
///
/// # Errors
/// `user.*` and `password.rejected` when the name is taken or a policy is not met; `auth.forbidden` when registration is switched
/// off.
pub async fn register(
    tenant: &Tenant,
    interaction: &Interaction,
    current: Option<&Session>,
    username: &str,
    password: &Secret,
) -> Result<SignedIn> {
    if !tenant.snapshot().experience.allows_registration() {
        return Err(Error::refused("auth.forbidden"));
    }
    let registration = Registration {
        username: username.to_owned(),
        password: password.clone(),
        application_id: Some(interaction.request.client_id.clone())
            .filter(|_| !comes_before_code(tenant, interaction)),
    };
    let user = users::register(tenant, registration).await?;
    let entry =
        entry(tenant, "Interaction.Register.Submit", Outcome::Success, interaction).user(&user.id);
    let news = finished(tenant, Event::PostRegister, "Register", interaction, &user);
    let shown = VerificationRecord::NewPasswordIdentity {
        id: tenant.new_id(),
        identifier: ShownIdentifier {
            kind: ShownIdentifierType::Username,
            value: username.trim().to_owned(),
        },
    };
    let submission = submission(InteractionEvent::Register, &user, Some(shown));
    let completion = Completion { submission, attempt: None, renewed: None, entry, news };
    complete(tenant, interaction, current, completion).await
}

fn submission(
    interaction_event: InteractionEvent,
    user: &User,
    shown: Option<VerificationRecord>,
) -> Submission {
    Submission {
        interaction_event,
        user_id: user.id.clone(),
        verification_records: shown.into_iter().collect(),
        sign_in_context: None,
    }
}

/// Ends an interaction in the transaction that answers it. False when it has ended already, so that one interaction is answered
/// once.
///
/// # Errors
/// When the database does not answer.
pub async fn end(tx: &mut Tx<'_>, interaction: &Interaction) -> Result<bool> {
    store::delete(tx, &interaction.id_hash).await
}

/// What becomes of a sign-in that went well.
#[derive(Clone)]
struct Completion {
    submission: Submission,
    /// What was counted against the account.
    attempt: Option<Attempt>,
    /// The digest of the password that was right, and the one to have in its place.
    renewed: Option<(PasswordDigest, PasswordDigest)>,
    entry: Entry,
    news: News,
}

async fn complete(
    tenant: &Tenant,
    interaction: &Interaction,
    current: Option<&Session>,
    completion: Completion,
) -> Result<SignedIn> {
    let user_id = completion.submission.user_id.as_str();
    let (session, cookie) = sessions::prepare(tenant, user_id, current);
    let now = tenant.now_ms();
    let input = (
        interaction.id_hash.clone(),
        interaction.progress.clone(),
        session,
        current.cloned(),
        interaction.request.client_id.clone(),
        completion,
        now,
    );
    tenant
        .write(input, |tx, (id_hash, progress, session, current, client_id, completion, now)| {
            Box::pin(async move {
                let Completion { submission, attempt, renewed, entry, news } = completion;
                if let Some(attempt) = attempt {
                    lockout::forget(tx, attempt).await?;
                }
                users::record_sign_in(tx, &submission.user_id, *now).await?;
                if let Some((was, digest)) = renewed {
                    users::renew_digest(tx, &submission.user_id, was, digest).await?;
                }
                activity::note(tx, &submission.user_id, *now).await?;
                let session_id = sessions::start(tx, session, current.as_ref()).await?;
                sessions::record_submission(tx, session_id, client_id, submission).await?;
                news.clone().fact("sessionId", session_id).tell(tx).await?;
                let login_session = Some(session_id.to_owned());
                let progress = Progress { login_session, ..progress.clone() };
                if !store::set_progress(tx, id_hash, &progress).await? {
                    return Err(Error::refused("session.not_found"));
                }
                audit::append(tx, entry).await
            })
        })
        .await?;
    Ok(SignedIn { cookie })
}

/// What webhooks are told of someone who has got in.
fn finished(
    tenant: &Tenant,
    event: Event,
    interaction_event: &str,
    interaction: &Interaction,
    user: &User,
) -> News {
    News::of(tenant, event)
        .fact("interactionEvent", interaction_event)
        .fact("userId", &user.id)
        .user("user", user)
        .application(&tenant.snapshot(), &interaction.request.client_id)
}

/// What webhooks are told when an account is locked: the name that was typed, and what it looks like.
fn locked_out(tenant: &Tenant, interaction: &Interaction, identifier: &str) -> News {
    let snapshot = tenant.snapshot();
    let kind = match Identifier::parse(identifier, &snapshot.experience) {
        Some(Identifier::Email(_)) => "email",
        Some(Identifier::Phone(_)) => "phone",
        Some(Identifier::Username(_)) | None => "username",
    };
    News::of(tenant, Event::IdentifierLockout)
        .fact("interactionEvent", "SignIn")
        .fact("type", kind)
        .fact("value", identifier.chars().take(LONGEST_TOLD).collect::<String>())
        .application(&snapshot, &interaction.request.client_id)
}

async fn record_refusal(tenant: &Tenant, entry: Entry, news: Option<News>) -> Result<()> {
    tenant
        .write((entry, news), |tx, (entry, news)| {
            Box::pin(async move {
                if let Some(news) = news {
                    news.tell(tx).await?;
                }
                audit::append(tx, entry).await
            })
        })
        .await
}

fn entry(tenant: &Tenant, key: &'static str, outcome: Outcome, interaction: &Interaction) -> Entry {
    Entry::new(tenant, key, outcome).application(&interaction.request.client_id)
}
