//! Scripts that add claims to tokens: a JavaScript function that an administrator writes is asked before a token is issued. It answers
//! with further claims, or denies the token.
//!
//! A script runs after everything about the token is decided and before anything is spent or stored, in no transaction: a denial
//! leaves codes and refresh tokens as they were. The limits of a run are those of [`trinco_script::limits`].

mod context;
mod issuance;
mod model;
mod scripts;
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use trinco_db::Conn;
pub use trinco_script::AllowedOrigin;
use trinco_script::{Outcome, ScriptError, Secrets};

pub(crate) use context::{Parties, user as user_context};
pub(crate) use issuance::TokenScript;
pub use model::{
    Customizer, CustomizerChanges, Customizers, Environment, NamedCustomizer, Sample, Script,
    TokenType, Trial,
};
pub use scripts::FETCH_SETTING;
pub(crate) use scripts::Scripts;

use store::{StoredCustomizer, sample_text};

use crate::{Error, JsonObject, Result, Sealer, Section, Tenant, tenants};

/// The tenant's scripts.
pub fn list(tenant: &Tenant) -> Vec<NamedCustomizer> {
    let snapshot = tenant.snapshot();
    let all = snapshot.token_customizers.0.iter();
    all.map(|(token_type, customizer)| NamedCustomizer {
        key: token_type.key(),
        value: Customizer::clone(customizer),
    })
    .collect()
}

/// The script for these tokens.
///
/// # Errors
/// `entity.not_found`.
pub async fn get(tenant: &Tenant, token_type: TokenType) -> Result<Customizer> {
    let found = tenant.find(|snapshot| snapshot.token_customizers.get(token_type).cloned()).await?;
    found.map(|customizer| Customizer::clone(&customizer)).ok_or_else(not_found)
}

/// Puts a script in the place of whatever was there. Returns whether nothing was.
///
/// # Errors
/// `jwt_customizer.can_not_create_for_admin_tenant`; `guard.invalid_input` when the script cannot be compiled.
pub async fn put(tenant: &Tenant, token_type: TokenType, customizer: &Customizer) -> Result<bool> {
    put_members(tenant, token_type, customizer, None).await
}

/// As [`put`], but with `members` only these, called as in the API, become what they are of `customizer`: the others stay, if there is
/// such a script.
///
/// # Errors
/// As [`put`].
pub(crate) async fn put_members(
    tenant: &Tenant,
    token_type: TokenType,
    customizer: &Customizer,
    members: Option<Vec<String>>,
) -> Result<bool> {
    // A script that denies would lock out those who could correct it.
    if tenant.id() == tenants::ADMIN {
        return Err(Error::refused("jwt_customizer.can_not_create_for_admin_tenant"));
    }
    check(tenant, &customizer.script).await?;
    let stored = StoredCustomizer {
        token_type,
        script: Some(customizer.script.clone().into()),
        environment_variables: seal(tenant, token_type, customizer.environment_variables.as_ref()),
        context_sample: sample_text(customizer.context_sample.as_ref())?,
        token_sample: sample_text(customizer.token_sample.as_ref())?,
        block_issuance_on_error: customizer.block_issuance_on_error,
    };
    tenant
        .configure(&[Section::TokenCustomizers], (stored, members), |tx, bumped, input| {
            Box::pin(async move {
                let (stored, members) = input;
                let was = store::find(tx, stored.token_type).await?;
                let is_new = was.is_none();
                match (was, members) {
                    (Some(was), Some(members)) => {
                        store::put(tx, bumped, &was.with(members, stored)).await?;
                    }
                    _ => store::put(tx, bumped, stored).await?,
                }
                Ok(is_new)
            })
        })
        .await
}

/// Changes the script for these tokens.
///
/// # Errors
/// `entity.not_found`; `guard.invalid_input` when the script cannot be compiled.
pub async fn update(
    tenant: &Tenant,
    token_type: TokenType,
    changes: &CustomizerChanges,
) -> Result<Customizer> {
    if let Some(script) = &changes.script {
        get(tenant, token_type).await?;
        check(tenant, script).await?;
    }
    let stored = StoredCustomizer {
        token_type,
        script: changes.script.clone().map(String::from),
        environment_variables: seal(tenant, token_type, changes.environment_variables.as_ref()),
        context_sample: sample_text(changes.context_sample.as_ref())?,
        token_sample: sample_text(changes.token_sample.as_ref())?,
        block_issuance_on_error: changes.block_issuance_on_error,
    };
    tenant
        .configure(&[Section::TokenCustomizers], stored, |tx, bumped, stored| {
            Box::pin(async move {
                store::update(tx, bumped, stored).await?.then_some(()).ok_or_else(not_found)
            })
        })
        .await?;
    get(tenant, token_type).await
}

/// Deletes the script for these tokens.
///
/// # Errors
/// `entity.not_found`.
pub async fn delete(tenant: &Tenant, token_type: TokenType) -> Result<()> {
    tenant
        .configure(&[Section::TokenCustomizers], token_type, |tx, bumped, token_type| {
            Box::pin(async move {
                store::delete(tx, bumped, *token_type).await?.then_some(()).ok_or_else(not_found)
            })
        })
        .await
}

/// Runs a script that may not be kept anywhere, and answers with the claims a token would get.
///
/// # Errors
/// `jwt_customizer.general`, saying what is wrong with the script, or that it denied access. The script's own words are in it: whoever
/// may try scripts may also read them.
pub async fn test(tenant: &Tenant, trial: &Trial) -> Result<JsonObject> {
    let environment = trial.environment_variables.as_ref();
    let payload = issuance::payload(trial.token.0.clone(), trial.context.0.clone(), environment);
    let run = tenant.scripts().run(&trial.script, payload, Secrets::default()).await;
    issuance::tell_console(tenant, trial.token_type, &run.console);
    match run.outcome {
        Ok(Outcome::Returned(claims)) => Ok(issuance::permitted(trial.token_type, claims)),
        Ok(Outcome::Denied(message)) => {
            Err(general(&format!("it denied access: {message}"), "AccessDenied"))
        }
        Err(error) => Err(general(&error.to_string(), code_of(&error))),
    }
}

/// Reads the scripts of a tenant.
///
/// # Errors
/// When the database does not answer, or environment variables do not open.
pub(crate) async fn load(conn: &mut Conn<'_>, sealer: &Sealer) -> Result<Customizers> {
    let tenant = conn.tenant().to_owned();
    let sample = |text: Option<String>| -> Result<Option<Sample>> {
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
    };
    let mut by_type = BTreeMap::new();
    for stored in store::all(conn).await? {
        let script = Script::try_from(stored.script.unwrap_or_default());
        let environment = stored
            .environment_variables
            .map(|sealed| sealer.open_text(&place(&tenant, stored.token_type), &sealed))
            .transpose()?;
        let customizer = Customizer {
            script: script
                .map_err(|problem| Error::Internal(format!("a stored script {problem}")))?,
            environment_variables: environment.map(Environment::from_json),
            context_sample: sample(stored.context_sample)?,
            token_sample: sample(stored.token_sample)?,
            block_issuance_on_error: stored.block_issuance_on_error,
        };
        by_type.insert(stored.token_type, Arc::new(customizer));
    }
    Ok(Customizers(by_type))
}

/// Refuses a script that no token would ever get anything from.
///
/// # Errors
/// `guard.invalid_input`; `jwt_customizer.general` when no script can be looked at now.
pub(crate) async fn check(tenant: &Tenant, script: &Script) -> Result<()> {
    tenant.scripts().compile(script).await.map_err(|error| match error {
        // That says nothing about the script.
        ScriptError::Busy | ScriptError::Engine(_) => general(&error.to_string(), code_of(&error)),
        of_script => Error::invalid_field("script", &of_script.to_string()),
    })
}

fn seal(
    tenant: &Tenant,
    token_type: TokenType,
    environment: Option<&Environment>,
) -> Option<String> {
    let place = place(tenant.id(), token_type);
    environment.map(|environment| {
        let plain = environment.json().reveal().as_bytes();
        tenant.sealer().seal(tenant.randomness(), &place, plain)
    })
}

fn place(tenant: &str, token_type: TokenType) -> [&str; 3] {
    [tenant, "token_customizers", token_type.as_str()]
}

fn not_found() -> Error {
    Error::refused("entity.not_found")
}

fn general(problem: &str, code: &str) -> Error {
    let mut refusal = Error::refused_with("jwt_customizer.general", &[("problem", problem)]);
    if let Error::Refused(refusal) = &mut refusal {
        refusal.data = Some(json!({ "message": problem, "code": code }));
    }
    refusal
}

/// What programs tell failures apart by.
fn code_of(error: &ScriptError) -> &'static str {
    match error {
        ScriptError::Syntax { .. } => "SyntaxError",
        _ => "General",
    }
}
