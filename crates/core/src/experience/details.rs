//! The lesser parts of the sign-in settings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Text;

/// How accounts of social connectors are treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SocialSignIn {
    /// Link to an account with the same e-mail address or phone number without asking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub automatic_account_linking: Option<bool>,
    /// Do not ask for the identifiers that sign-up needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_required_identifiers: Option<bool>,
}

/// The tenant's own pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomUiAssets {
    /// Which upload.
    pub id: Text<1, 64>,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// What the tenant's own pages may load.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CustomUiCsp {
    /// Sources of scripts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script_src: Option<Vec<Text<1, 2048>>>,
    /// Where scripts may connect to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_src: Option<Vec<Text<1, 2048>>>,
}

/// The second step of signing in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Mfa {
    /// By which means.
    pub factors: Vec<MfaFactor>,
    /// Whether it is asked for.
    pub policy: MfaPolicy,
    /// What happens when an organization asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_required_mfa_policy: Option<OrganizationRequiredMfaPolicy>,
}

impl Default for Mfa {
    fn default() -> Self {
        Self {
            factors: Vec::new(),
            policy: MfaPolicy::UserControlled,
            organization_required_mfa_policy: None,
        }
    }
}

/// A means of the second step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it")]
pub enum MfaFactor {
    Totp,
    WebAuthn,
    BackupCode,
    EmailVerificationCode,
    PhoneVerificationCode,
}

/// Whether the second step is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it")]
pub enum MfaPolicy {
    UserControlled,
    Mandatory,
    PromptOnlyAtSignIn,
    PromptAtSignInAndSignUp,
    NoPrompt,
    PromptAtSignInAndSignUpMandatory,
    PromptOnlyAtSignInMandatory,
}

/// What happens when an organization asks for the second step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it")]
pub enum OrganizationRequiredMfaPolicy {
    NoPrompt,
    Mandatory,
}

/// When to ask for the second step by circumstances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AdaptiveMfa {
    /// Whether to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// Whether to ask whether someone is human.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CaptchaPolicy {
    /// Whether to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// When to lock out after wrong passwords.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SentinelPolicy {
    /// After so many within an hour, 1 to 1000; 100 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// For so many minutes, 1 to 43,200; 60 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lockout_duration: Option<u32>,
}

/// Which e-mail addresses may sign up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EmailBlocklistPolicy {
    /// Not those of throw-away services.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_disposable_addresses: Option<bool>,
    /// Not those with a `+`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_subaddressing: Option<bool>,
    /// These addresses and domains in any case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_allowlist: Option<Vec<Text<1, 256>>>,
    /// Not these addresses and domains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_blocklist: Option<Vec<Text<1, 256>>>,
}

/// How verification codes work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct VerificationCodePolicy {
    /// Seconds, 60 to 3600.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_duration: Option<u32>,
    /// 1 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_retry_attempts: Option<u32>,
}

/// How a forgotten password may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it")]
pub enum ForgotPasswordMethod {
    EmailVerificationCode,
    PhoneVerificationCode,
}

/// Signing in by passkey.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PasskeySignIn {
    /// Whether to offer it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// With a button.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub show_passkey_button: Option<bool>,
    /// In the identifier field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_autofill: Option<bool>,
}

/// A profile field to ask for at sign-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProfileField {
    /// Its name in the catalog of fields.
    pub name: Text<1, 128>,
}

/// When passwords expire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PasswordExpiration {
    /// Whether they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled_at: Option<i64>,
    /// How long one lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_period_days: Option<u32>,
}
