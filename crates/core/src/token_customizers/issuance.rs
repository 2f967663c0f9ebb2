//! The step of issuing a token at which the tenant's script is asked.

use serde_json::Value;
use trinco_oauth::claims::CustomClaims;
use trinco_oauth::{ErrorCode, OAuthError};
use trinco_script::{Outcome, ScriptError};

use super::context::{self, Parties};
use super::model::{Environment, TokenType};
use crate::audit::{self, Entry};
use crate::{JsonObject, Result, Snapshot, Tenant};

/// The tenant's script for a token that is about to be issued, if the tenant has one.
pub(crate) struct TokenScript<'a> {
    /// Whose script.
    pub(crate) tenant: &'a Tenant,
    /// The configuration that the token is decided by.
    pub(crate) snapshot: &'a Snapshot,
    /// What is about to be issued.
    pub(crate) token_type: TokenType,
    /// Whom the token is about.
    pub(crate) parties: Parties<'a>,
}

impl TokenScript<'_> {
    /// Asks the script for claims. `token` is what it is shown of the token.
    ///
    /// # Errors
    /// `access_denied` when the script denies the token; `oidc.custom_claims_script_error` when it fails and is set to block;
    /// `temporarily_unavailable` when too many scripts are running.
    pub(crate) async fn claims(
        &self,
        token: impl FnOnce() -> JsonObject + Send,
    ) -> Result<JsonObject> {
        let Self { tenant, snapshot, token_type, ref parties } = *self;
        let Some(customizer) = snapshot.token_customizers.get(token_type) else {
            return Ok(JsonObject::new());
        };
        let context = context::of(tenant, snapshot, parties).await?;
        let environment = customizer.environment_variables.as_ref();
        let payload = payload(token(), context, environment);
        let secrets = environment.map(Environment::secrets).unwrap_or_default();
        let run = tenant.scripts().run(&customizer.script, payload, secrets).await;
        tell_console(tenant, token_type, &run.console);
        match run.outcome {
            Ok(Outcome::Returned(claims)) => Ok(permitted(token_type, claims)),
            Ok(Outcome::Denied(message)) => {
                let entry = self.entry().fact("denied", message.as_str());
                audit::record(tenant, entry).await?;
                Err(OAuthError::new(ErrorCode::GrantDenied, message).into())
            }
            Err(error) => {
                self.tell_failure(&error.to_string()).await?;
                // One that never ran is asked again later in any case.
                if error == ScriptError::Busy {
                    let busy = "the server is busy with scripts for custom claims, try again";
                    return Err(OAuthError::new(ErrorCode::TemporarilyUnavailable, busy).into());
                }
                self.without_claims(&error.in_our_words())?;
                Ok(JsonObject::new())
            }
        }
    }

    /// With what the script adds, the token would be longer than `limit` bytes. That is a failure of the script like any other.
    ///
    /// # Errors
    /// `oidc.custom_claims_script_error` when the script is set to block; else the token is to be made without the script's claims.
    pub(crate) async fn made_too_long(&self, limit: usize) -> Result<()> {
        let problem = format!("the token is longer than {} KiB with what it returns", limit / 1024);
        self.tell_failure(&problem).await?;
        self.without_claims(&problem)
    }

    /// Tells those who run the server, in the script's words, why it failed.
    async fn tell_failure(&self, problem: &str) -> Result<()> {
        let script = self.token_type.as_str();
        let tenant = self.tenant.id();
        tracing::warn!(tenant, script, problem, "a script for custom claims failed");
        audit::record(self.tenant, self.entry().fact("error", problem)).await
    }

    /// What a failed script does to the token: nothing, unless it is set to block.
    fn without_claims(&self, in_our_words: &str) -> Result<()> {
        let customizer = self.snapshot.token_customizers.get(self.token_type);
        if customizer.is_none_or(|customizer| customizer.block_issuance_on_error != Some(true)) {
            return Ok(());
        }
        let of = match self.token_type {
            TokenType::AccessToken | TokenType::ClientCredentials => "access tokens",
            TokenType::IdToken => "ID tokens",
        };
        let sentence = format!(
            "the script for custom claims in {of} failed: {in_our_words}; the server's log says more"
        );
        Err(OAuthError::new(ErrorCode::CustomClaimsScriptFailed, sentence).into())
    }

    fn entry(&self) -> Entry {
        let entry = Entry::new(self.tenant, self.token_type.audit_key(), audit::Outcome::Error)
            .application(self.parties.client_id);
        match self.parties.subject {
            Some(subject) => entry.user(&subject.user.id),
            None => entry,
        }
    }
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
