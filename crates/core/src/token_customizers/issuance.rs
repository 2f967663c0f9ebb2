//! The step of issuing a token at which the tenant's script is asked.

use serde_json::Value;
use trinco_oauth::claims::CustomClaims;
use trinco_oauth::{ErrorCode, OAuthError};
use trinco_script::{Outcome, ScriptError};

use super::context::{self, Parties};
use super::model::{Customizer, Environment, TokenType};
use crate::audit::{self, Entry};
use crate::{Error, JsonObject, Result, Snapshot, Tenant};

/// Texts shorter than this are not looked for in a script's words: they would hide half of them.
const SHORTEST_SECRET: usize = 4;

/// Asks the tenant's script for these tokens, if there is one, for claims. `token` is what the script is shown of the token.
///
/// # Errors
/// `access_denied` when the script denies the token; `oidc.custom_claims_script_error` when it fails and is set to block;
/// `temporarily_unavailable` when too many scripts are running.
pub(crate) async fn custom_claims(
    tenant: &Tenant,
    snapshot: &Snapshot,
    token_type: TokenType,
    parties: &Parties<'_>,
    token: impl FnOnce() -> JsonObject + Send,
) -> Result<JsonObject> {
    let Some(customizer) = snapshot.token_customizers.get(token_type) else {
        return Ok(JsonObject::new());
    };
    let context = context::of(tenant, snapshot, parties).await?;
    let environment = customizer.environment_variables.as_ref();
    let payload = payload(token(), context, environment);
    let run = tenant.scripts().run(&customizer.script, payload).await;
    tell_console(tenant, token_type, &run.console);
    let entry = || {
        let entry = Entry::new(tenant, token_type.audit_key(), audit::Outcome::Error)
            .application(parties.client_id);
        match parties.subject {
            Some(subject) => entry.user(&subject.user.id),
            None => entry,
        }
    };
    match run.outcome {
        Ok(Outcome::Returned(claims)) => Ok(permitted(token_type, claims)),
        Ok(Outcome::Denied(message)) => {
            let message = without_secrets(message, environment);
            let entry = entry().fact("denied", message.as_str());
            audit::record(tenant, entry).await?;
            Err(OAuthError::new(ErrorCode::GrantDenied, message).into())
        }
        Err(error) => {
            let said = without_secrets(error.to_string(), environment);
            tracing::warn!(
                tenant = tenant.id(),
                script = token_type.as_str(),
                problem = error.in_our_words(),
                "a script for custom claims failed"
            );
            audit::record(tenant, entry().fact("error", said)).await?;
            failed(customizer, token_type, &error).map_or_else(|| Ok(JsonObject::new()), Err)
        }
    }
}

/// What a failed script does to the token: nothing, unless it is set to block. One that never ran is asked again later in any case.
fn failed(customizer: &Customizer, token_type: TokenType, error: &ScriptError) -> Option<Error> {
    if *error == ScriptError::Busy {
        let busy = "the server is busy with scripts for custom claims, try again";
        return Some(OAuthError::new(ErrorCode::TemporarilyUnavailable, busy).into());
    }
    let of = match token_type {
        TokenType::AccessToken | TokenType::ClientCredentials => "access tokens",
        TokenType::IdToken => "ID tokens",
    };
    let sentence = format!(
        "the script for custom claims in {of} failed: {}; the audit log says more",
        error.in_our_words()
    );
    let blocks = customizer.block_issuance_on_error == Some(true);
    blocks.then(|| OAuthError::new(ErrorCode::CustomClaimsScriptFailed, sentence).into())
}

/// The argument of the function.
pub(super) fn payload(
    token: JsonObject,
    context: JsonObject,
    environment: Option<&Environment>,
) -> JsonObject {
    let variables = environment.map(Environment::variables).unwrap_or_default();
    let variables = variables.into_iter().map(|(name, value)| (name, value.into())).collect();
    let members = [("token", token), ("context", context), ("environmentVariables", variables)];
    members.into_iter().map(|(name, value)| (name.to_owned(), Value::Object(value))).collect()
}

/// Those of `claims` that a token of this type may have.
pub(super) fn permitted(token_type: TokenType, claims: JsonObject) -> JsonObject {
    match token_type {
        TokenType::AccessToken | TokenType::ClientCredentials => {
            CustomClaims::of_access_token(claims)
        }
        TokenType::IdToken => CustomClaims::of_id_token(claims),
    }
    .into_inner()
}

/// What a script writes is for those who run the server, and only when they look.
pub(super) fn tell_console(tenant: &Tenant, token_type: TokenType, lines: &[String]) {
    for line in lines {
        tracing::debug!(tenant = tenant.id(), script = token_type.as_str(), line, "console");
    }
}

/// A script's words without the values of its environment variables.
fn without_secrets(mut text: String, environment: Option<&Environment>) -> String {
    let variables = environment.map(Environment::variables).unwrap_or_default();
    let mut values: Vec<String> =
        variables.into_values().filter(|value| value.len() >= SHORTEST_SECRET).collect();
    // A value may hold another.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    for value in values {
        text = text.replace(&value, "***");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_values_of_environment_variables_are_taken_out_of_a_scripts_words() {
        let variables = [("A", "k-123"), ("B", "k-12345"), ("C", "a")];
        let variables: BTreeMap<String, String> =
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let environment = Environment::try_from(variables).unwrap();
        let text = "it threw Error: bad k-12345 and k-123".to_owned();
        assert_eq!(without_secrets(text, Some(&environment)), "it threw Error: bad *** and ***");
    }
}
