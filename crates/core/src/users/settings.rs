//! What is kept of a user's own choices about signing in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{store, take, unknown};
use crate::{Result, Tenant};

/// A user's choices as they are kept, and changed: absent members have not been chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// About the second step of signing in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfa: Option<MfaSettings>,
    /// About signing in by passkey.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passkey_sign_in: Option<PasskeySettings>,
}

/// A user's choices about the second step of signing in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MfaSettings {
    /// Whether the user wants it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Whether the user was asked to add a factor and did not want to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<bool>,
    /// Whether the user wants to sign in without it where that is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_mfa_on_sign_in: Option<bool>,
    /// Whether the user was asked to add another factor and did not want to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_binding_suggestion_skipped: Option<bool>,
}

/// A user's choices about signing in by passkey.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PasskeySettings {
    /// Whether the user was asked to add one and did not want to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<bool>,
}

/// A user's choices as they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownSettings {
    /// About the second step of signing in.
    pub mfa: ShownMfaSettings,
    /// About signing in by passkey.
    pub passkey_sign_in: ShownPasskeySettings,
}

/// As [`MfaSettings`]; what was not chosen is no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownMfaSettings {
    /// Absent when the user has not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Whether the user was asked to add a factor and did not want to.
    pub skipped: bool,
    /// Whether the user wants to sign in without it where that is allowed.
    pub skip_mfa_on_sign_in: bool,
}

/// As [`PasskeySettings`]; what was not chosen is no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ShownPasskeySettings {
    /// Whether the user was asked to add one and did not want to.
    pub skipped: bool,
}

impl Settings {
    /// Takes over what `changes` has.
    fn merge(&mut self, changes: &Self) {
        if let Some(changes) = &changes.mfa {
            let mfa = self.mfa.get_or_insert_default();
            mfa.enabled = changes.enabled.or(mfa.enabled);
            mfa.skipped = changes.skipped.or(mfa.skipped);
            mfa.skip_mfa_on_sign_in = changes.skip_mfa_on_sign_in.or(mfa.skip_mfa_on_sign_in);
            mfa.additional_binding_suggestion_skipped = changes
                .additional_binding_suggestion_skipped
                .or(mfa.additional_binding_suggestion_skipped);
        }
        if let Some(changes) = &changes.passkey_sign_in {
            let passkey = self.passkey_sign_in.get_or_insert_default();
            passkey.skipped = changes.skipped.or(passkey.skipped);
        }
    }

    fn shown(&self) -> ShownSettings {
        let mfa = self.mfa.unwrap_or_default();
        let passkey = self.passkey_sign_in.unwrap_or_default();
        ShownSettings {
            mfa: ShownMfaSettings {
                enabled: mfa.enabled,
                skipped: mfa.skipped == Some(true),
                skip_mfa_on_sign_in: mfa.skip_mfa_on_sign_in == Some(true),
            },
            passkey_sign_in: ShownPasskeySettings { skipped: passkey.skipped == Some(true) },
        }
    }
}

/// What a user has chosen.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn settings(tenant: &Tenant, id: &str) -> Result<ShownSettings> {
    let kept = store::settings(&mut tenant.read().await?, id).await?;
    Ok(kept.ok_or_else(|| unknown(id))?.shown())
}

/// Changes what `changes` has of a user's choices, and returns all of them.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn change_settings(
    tenant: &Tenant,
    id: &str,
    changes: Settings,
) -> Result<ShownSettings> {
    tenant
        .write((id.to_owned(), changes, tenant.now_ms()), |tx, (id, changes, now)| {
            Box::pin(async move {
                take(tx, id, *now).await?;
                let mut settings = store::settings(tx, id).await?.ok_or_else(|| unknown(id))?;
                settings.merge(changes);
                store::set_settings(tx, id, &settings).await?;
                Ok(settings.shown())
            })
        })
        .await
}
