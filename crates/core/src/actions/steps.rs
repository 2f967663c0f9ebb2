//! The steps of signing in at which actions run.

use serde_json::{Value, json};
use trinco_script::Outcome;

use super::answer::{self, Answer};
use super::model::{Action, ActionType, OnExecutionError};
use super::run;
use crate::audit::{self, Entry};
use crate::authorization::Subject;
use crate::token_customizers::user_context;
use crate::users::{self, Identifier, NewUser, User};
use crate::{Error, JsonObject, Result, Secret, Tenant};

/// What a script came to.
enum Conclusion {
    Answered(Answer),
    /// It refused, or failed.
    Failed,
}

/// Asks the tenant's script about a password that is not the one kept here. It may know the person from elsewhere: the user it
/// describes is then created, or changed, with this password.
///
/// # Errors
/// When the database does not answer, or what the script wants breaks a rule of users. A script that fails verifies nobody.
pub(crate) async fn verify_elsewhere(
    tenant: &Tenant,
    client_id: &str,
    identifier: &Identifier,
    known: Option<&User>,
    password: &Secret,
) -> Result<Option<User>> {
    let kind = ActionType::PostFirstFactorVerification;
    let Some(action) = tenant.snapshot().actions.enabled(kind).cloned() else { return Ok(None) };
    let event = json!({
        "key": kind.as_str(),
        "interactionEvent": "SignIn",
        "verificationType": "Password",
        "identifier": { "type": kind_and_member(identifier).0, "value": value(identifier) },
        "user": known.map(editable),
        "password": password.reveal(),
    });
    let entry = Entry::new(tenant, kind.audit_key(), audit::Outcome::Error).application(client_id);
    let Conclusion::Answered(answer) = conclude(tenant, kind, &action, event, entry).await? else {
        return Ok(None);
    };
    match (answer, known) {
        (Answer::Create(mut new, members), None) => {
            keeps_identifier(identifier, &members)?;
            fill(&mut new, identifier)?;
            new.password = Some(password.clone());
            users::create(tenant, *new).await.map(Some)
        }
        (Answer::Update(changes, members), Some(user)) => {
            keeps_identifier(identifier, &members)?;
            users::update(tenant, &user.id, *changes).await?;
            users::set_password(tenant, &user.id, password).await.map(Some)
        }
        // A user cannot be made twice, nor nobody be changed.
        _ => Ok(None),
    }
}

/// Asks the tenant's script about someone who has proved who they are and is about to get a session.
///
/// # Errors
/// `session.verification_failed` when the script refuses, or fails and is set to block.
pub(crate) async fn before_session(tenant: &Tenant, client_id: &str, user: User) -> Result<User> {
    let kind = ActionType::PostSignIn;
    let snapshot = tenant.snapshot();
    let Some(action) = snapshot.actions.enabled(kind).cloned() else { return Ok(user) };
    let subject = {
        let mut conn = tenant.read().await?;
        Subject::read(&mut conn, &user.id).await?
    };
    let Some(subject) = subject else { return Ok(user) };
    let mut shown = user_context(&snapshot, &subject)?;
    shown["hasPassword"] = Value::Bool(user.has_password);
    let event = json!({ "key": kind.as_str(), "interactionEvent": "SignIn", "user": shown });
    let entry = Entry::new(tenant, kind.audit_key(), audit::Outcome::Error)
        .application(client_id)
        .user(&user.id);
    match conclude(tenant, kind, &action, event, entry).await? {
        Conclusion::Answered(Answer::Update(changes, _)) => {
            users::update(tenant, &user.id, *changes).await
        }
        Conclusion::Answered(_) => Ok(user),
        Conclusion::Failed => Err(Error::refused("session.verification_failed")),
    }
}

/// Runs the script and reads its answer. Failures are recorded with `entry`, and count as silence where the action says so.
async fn conclude(
    tenant: &Tenant,
    kind: ActionType,
    action: &Action,
    event: Value,
    entry: Entry,
) -> Result<Conclusion> {
    let environment = action.environment_variables.as_ref();
    let run = run(tenant, kind, &action.script, environment, event).await;
    let problem = match run.outcome {
        Ok(Outcome::Returned(returned)) => match answer::read(kind, returned) {
            Ok(answer) => return Ok(Conclusion::Answered(answer)),
            Err(problem) => problem,
        },
        Ok(Outcome::Denied(message)) => {
            audit::record(tenant, entry.fact("denied", message)).await?;
            return Ok(Conclusion::Failed);
        }
        Err(error) => error.to_string(),
    };
    tracing::warn!(tenant = tenant.id(), script = kind.as_str(), problem, "an action failed");
    audit::record(tenant, entry.fact("error", problem)).await?;
    if action.on_execution_error == Some(OnExecutionError::Allow) {
        return Ok(Conclusion::Answered(Answer::Nothing));
    }
    Ok(Conclusion::Failed)
}

/// Whoever signed in by a name or address goes on having it.
fn keeps_identifier(identifier: &Identifier, members: &JsonObject) -> Result<()> {
    let given =
        members.get(kind_and_member(identifier).1).map(|given| given.as_str().unwrap_or_default());
    let is_other = |given: &str| !given.eq_ignore_ascii_case(value(identifier));
    if given.is_some_and(is_other) {
        return Err(Error::refused("action.sign_in_identifier_changed"));
    }
    Ok(())
}

/// Gives a new user the name or address that was typed.
fn fill(new: &mut NewUser, identifier: &Identifier) -> Result<()> {
    let wrong = |rule: &str| Error::Internal(format!("what was typed as an identifier {rule}"));
    match identifier {
        Identifier::Username(name) => {
            new.username = Some(name.clone().try_into().map_err(wrong)?);
        }
        Identifier::Email(address) => {
            new.primary_email = Some(address.clone().try_into().map_err(wrong)?);
        }
        Identifier::Phone(digits) => {
            new.primary_phone = Some(digits.clone().try_into().map_err(wrong)?);
        }
    }
    Ok(())
}

/// As an event calls the kind of identifier, and as a user's member is called that holds it.
const fn kind_and_member(identifier: &Identifier) -> (&'static str, &'static str) {
    match identifier {
        Identifier::Username(_) => ("username", "username"),
        Identifier::Email(_) => ("email", "primaryEmail"),
        Identifier::Phone(_) => ("phone", "primaryPhone"),
    }
}

fn value(identifier: &Identifier) -> &str {
    match identifier {
        Identifier::Username(text) | Identifier::Email(text) | Identifier::Phone(text) => text,
    }
}

/// What a script may change of a user, and the id.
fn editable(user: &User) -> Value {
    json!({
        "id": user.id,
        "username": user.username,
        "primaryEmail": user.primary_email,
        "primaryPhone": user.primary_phone,
        "name": user.name,
        "avatar": user.avatar,
        "customData": user.custom_data,
        "profile": user.profile,
    })
}
