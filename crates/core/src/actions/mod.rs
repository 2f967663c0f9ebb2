//! Actions: JavaScript functions of administrators that are asked at steps of signing in. One brings users over from an older system as
//! they sign in, the other changes a user at the end of it.
//!
//! A script runs in the engine of the scripts for custom claims, within its limits ([`trinco_script::limits`]), and in no transaction.

mod answer;
mod model;
mod steps;
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use trinco_db::Conn;
use trinco_script::{Outcome, Run, ScriptError, Secrets};

pub use model::{
    Action, ActionChanges, ActionTrial, ActionType, Actions, EventSample, NamedAction,
    OnExecutionError,
};
pub(crate) use steps::{before_session, verify_elsewhere};

use answer::Answer;
use store::StoredAction;

use crate::audit::{self, Entry};
use crate::token_customizers::{Environment, Script};
use crate::{Error, JsonObject, Result, Sealer, Section, Tenant, tenants};

/// The name of the function a script defines.
const FUNCTION: &str = "runAction";

/// The tenant's actions, with their environment variables. That these were read is recorded.
///
/// # Errors
/// When the database does not answer.
pub async fn list(tenant: &Tenant) -> Result<Vec<NamedAction>> {
    let snapshot = tenant.snapshot();
    let all = snapshot.actions.0.iter();
    let all: Vec<NamedAction> =
        all.map(|(key, action)| NamedAction { key: *key, value: Action::clone(action) }).collect();
    for named in &all {
        record_reading(tenant, named.key, &named.value).await?;
    }
    Ok(all)
}

/// The action of a step, with its environment variables. That these were read is recorded.
///
/// # Errors
/// `entity.not_found`.
pub async fn reveal(tenant: &Tenant, kind: ActionType) -> Result<Action> {
    let action = get(tenant, kind).await?;
    record_reading(tenant, kind, &action).await?;
    Ok(action)
}

async fn record_reading(tenant: &Tenant, kind: ActionType, action: &Action) -> Result<()> {
    match &action.environment_variables {
        Some(_) => audit::record(tenant, change_entry(tenant, "Action.Secret.Read", kind)).await,
        None => Ok(()),
    }
}

/// The action of a step.
///
/// # Errors
/// `entity.not_found`.
pub(crate) async fn get(tenant: &Tenant, kind: ActionType) -> Result<Action> {
    let found = tenant.find(|snapshot| snapshot.actions.get(kind).cloned()).await?;
    found.map(|action| Action::clone(&action)).ok_or_else(not_found)
}

/// Puts an action in the place of whatever was there. Returns whether nothing was.
///
/// # Errors
/// `guard.not_allowed_for_admin_tenant`; `guard.invalid_input` when the script cannot be compiled.
pub async fn put(tenant: &Tenant, kind: ActionType, action: &Action) -> Result<bool> {
    check(tenant, &action.script).await?;
    let stored = sealed(tenant, kind, action)?;
    let entry = change_entry(tenant, "Action.Update", kind);
    tenant
        .configure(&[Section::Actions], (stored, entry), |tx, bumped, (stored, entry)| {
            Box::pin(async move {
                let known = store::all(tx).await?;
                let is_new = known.iter().all(|other| other.kind != stored.kind);
                store::put(tx, bumped, stored).await?;
                audit::append(tx, entry).await?;
                Ok(is_new)
            })
        })
        .await
}

/// Changes the action of a step.
///
/// # Errors
/// `entity.not_found`; as [`put`].
pub async fn update(tenant: &Tenant, kind: ActionType, changes: ActionChanges) -> Result<Action> {
    let mut action = get(tenant, kind).await?;
    let compiles_anew = changes.script.is_some();
    action.apply(changes);
    if compiles_anew {
        check(tenant, &action.script).await?;
    }
    let stored = sealed(tenant, kind, &action)?;
    let entry = change_entry(tenant, "Action.Update", kind);
    tenant
        .configure(&[Section::Actions], (stored, entry), |tx, bumped, (stored, entry)| {
            Box::pin(async move {
                let known = store::all(tx).await?;
                if known.iter().all(|other| other.kind != stored.kind) {
                    return Err(not_found());
                }
                store::put(tx, bumped, stored).await?;
                audit::append(tx, entry).await
            })
        })
        .await?;
    Ok(action)
}

/// Deletes the action of a step.
///
/// # Errors
/// `entity.not_found`.
pub async fn delete(tenant: &Tenant, kind: ActionType) -> Result<()> {
    let entry = change_entry(tenant, "Action.Delete", kind);
    tenant
        .configure(&[Section::Actions], (kind, entry), |tx, bumped, (kind, entry)| {
            Box::pin(async move {
                if !store::delete(tx, bumped, *kind).await? {
                    return Err(not_found());
                }
                audit::append(tx, entry).await
            })
        })
        .await
}

/// Runs a script that may not be kept anywhere, and answers with what it returned; `None` when that was nothing. Nothing is done
/// about it.
///
/// # Errors
/// `action.general`, saying what is wrong with the script or with what it returned.
pub async fn test(tenant: &Tenant, trial: &ActionTrial) -> Result<Option<JsonObject>> {
    let environment = trial.environment_variables.as_ref();
    let event = trial.event.0.clone();
    let run = run(tenant, trial.action_type, &trial.script, environment, event).await;
    match run.outcome {
        Ok(Outcome::Returned(returned)) => {
            let answer = answer::read(trial.action_type, returned.clone());
            match answer.map_err(|problem| general(&problem, "InvalidResult"))? {
                Answer::Nothing => Ok(None),
                Answer::Create(..) | Answer::Update(..) => Ok(Some(returned)),
            }
        }
        Ok(Outcome::Denied(message)) => {
            Err(general(&format!("it denied access: {message}"), "AccessDenied"))
        }
        Err(error @ ScriptError::Syntax { .. }) => Err(general(&error.to_string(), "SyntaxError")),
        Err(error) => Err(general(&error.to_string(), "General")),
    }
}

/// Reads the actions of a tenant.
///
/// # Errors
/// When the database does not answer, or environment variables do not open.
pub(crate) async fn load(conn: &mut Conn<'_>, sealer: &Sealer) -> Result<Actions> {
    let tenant = conn.tenant().to_owned();
    let mut by_type = BTreeMap::new();
    for stored in store::all(conn).await? {
        let script = Script::try_from(stored.script)
            .map_err(|problem| Error::Internal(format!("a stored script {problem}")))?;
        let environment = stored
            .environment_variables
            .map(|sealed| sealer.open_text(&place(&tenant, stored.kind), &sealed))
            .transpose()?;
        let sample = stored.context_sample.map(|text| serde_json::from_str(&text)).transpose()?;
        let on_error = stored.on_execution_error.map(|text| serde_json::from_value(text.into()));
        let action = Action {
            script,
            environment_variables: environment.map(Environment::from_json),
            context_sample: sample,
            enabled: stored.enabled,
            on_execution_error: on_error.transpose()?,
        };
        by_type.insert(stored.kind, Arc::new(action));
    }
    Ok(Actions(by_type))
}

/// Runs a script with its environment variables and an event.
async fn run(
    tenant: &Tenant,
    kind: ActionType,
    script: &Script,
    environment: Option<&Environment>,
    event: Value,
) -> Run {
    let variables = environment.map(Environment::variables).unwrap_or_default();
    let mut payload = JsonObject::new();
    payload.insert("event".to_owned(), event);
    payload.insert("environmentVariables".to_owned(), json!(variables));
    let secrets = environment.map_or_else(Secrets::default, Environment::secrets);
    let run = tenant.scripts().run_function(script.source(), FUNCTION, payload, secrets).await;
    for line in &run.console {
        tracing::debug!(tenant = tenant.id(), script = kind.as_str(), line, "console");
    }
    run
}

async fn check(tenant: &Tenant, script: &Script) -> Result<()> {
    // A script that fails would lock out those who could correct it.
    if tenant.id() == tenants::ADMIN {
        return Err(Error::refused("guard.not_allowed_for_admin_tenant"));
    }
    tenant.scripts().compile(script).await.map_err(|error| match error {
        ScriptError::Busy | ScriptError::Engine(_) => general(&error.to_string(), "General"),
        of_script => Error::invalid_field("script", &of_script.to_string()),
    })
}

fn sealed(tenant: &Tenant, kind: ActionType, action: &Action) -> Result<StoredAction> {
    let place = place(tenant.id(), kind);
    let seal = |environment: &Environment| {
        let plain = environment.json().reveal().as_bytes();
        tenant.sealer().seal(tenant.randomness(), &place, plain)
    };
    Ok(StoredAction {
        kind,
        script: action.script.clone().into(),
        environment_variables: action.environment_variables.as_ref().map(seal),
        context_sample: action.context_sample.as_ref().map(serde_json::to_string).transpose()?,
        enabled: action.enabled,
        on_execution_error: action.on_execution_error.map(|policy| policy.as_str().to_owned()),
    })
}

fn place(tenant: &str, kind: ActionType) -> [&str; 3] {
    [tenant, "actions", kind.as_str()]
}

fn change_entry(tenant: &Tenant, key: &'static str, kind: ActionType) -> Entry {
    Entry::new(tenant, key, audit::Outcome::Success).fact("action", kind.as_str())
}

fn not_found() -> Error {
    Error::refused("entity.not_found")
}

fn general(problem: &str, code: &str) -> Error {
    let mut refusal = Error::refused_with("action.general", &[("problem", problem)]);
    if let Error::Refused(refusal) = &mut refusal {
        refusal.data = Some(json!({ "message": problem, "code": code }));
    }
    refusal
}
