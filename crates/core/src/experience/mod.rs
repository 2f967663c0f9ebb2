//! The sign-in experience: how people sign in and sign up at a tenant, and how the pages look.

mod details;
mod model;
mod password_policy;
mod presented;
mod rules;
mod store;
mod username_policy;
mod values;

use trinco_db::{Conn, Tx};

pub use details::{
    AdaptiveMfa, CaptchaPolicy, CustomUiAssets, CustomUiCsp, EmailBlocklistPolicy,
    ForgotPasswordMethod, Mfa, MfaFactor, MfaPolicy, OrganizationRequiredMfaPolicy, PasskeySignIn,
    PasswordExpiration, ProfileField, SentinelPolicy, SocialSignIn, VerificationCodePolicy,
};
pub use model::{
    AgreeToTermsPolicy, Branding, Color, LanguageInfo, SecondaryIdentifier, SignIn,
    SignInExperience, SignInExperienceChanges, SignInIdentifier, SignInMethod, SignInMode, SignUp,
    SignUpIdentifier,
};
pub use password_policy::{
    CharacterTypes, PasswordIssue, PasswordLength, PasswordPolicy, Rejects, ShownIssue,
};
pub use presented::public;
pub use username_policy::{AllowedChars, UsernamePolicy};
pub use values::{EmailAddress, HexColor, LanguageTag, WebUrl};
pub(crate) use values::{clearable, optional};

use crate::{Bumped, Error, Result, Section, Tenant, connectors, tenants, users};

/// Members of the settings that only administrators see.
const PRIVATE_MEMBERS: [&str; 2] = ["emailBlocklistPolicy", "forgotPasswordMethods"];

/// The settings.
pub fn get(tenant: &Tenant) -> SignInExperience {
    tenant.snapshot().experience.as_ref().clone()
}

/// The settings as [`update`] would leave them, by the rules that need no database.
///
/// # Errors
/// As [`update`].
pub(crate) fn changed(
    mut experience: SignInExperience,
    changes: SignInExperienceChanges,
) -> Result<SignInExperience> {
    rules::apply(changes, &mut experience)?;
    Ok(experience)
}

/// Changes the settings.
///
/// # Errors
/// `sign_in_experiences.*` and `guard.invalid_input` when the outcome breaks a rule; `request.feature_not_supported` when it asks
/// for something that would not be applied; `sign_in_experiences.username_policy_case_conflicts_exist` when user names that differ
/// only in case would become one.
pub async fn update(tenant: &Tenant, changes: SignInExperienceChanges) -> Result<SignInExperience> {
    tenant
        .configure(
            &[Section::Experience],
            (tenant.clone(), changes),
            |tx, bumped, (tenant, changes)| {
                Box::pin(async move {
                    let mut experience = load(tx).await?;
                    let was_case_sensitive = experience.username_policy.case_sensitive;
                    rules::apply(changes.clone(), &mut experience)?;
                    if let Some(targets) = &changes.social_sign_in_connector_targets {
                        let connectors = connectors::load(tx, tenant.sealer()).await?;
                        experience.social_sign_in_connector_targets =
                            rules::targets(targets, |target| connectors.has_target(target));
                    }
                    let is_case_sensitive = experience.username_policy.case_sensitive;
                    if is_case_sensitive != was_case_sensitive {
                        users::set_username_case_sensitivity(tx, is_case_sensitive).await?;
                    }
                    store::save(tx, bumped, &experience).await?;
                    Ok(experience)
                })
            },
        )
        .await
}

/// Whether user names that differ in case only are different, as of the transaction at hand: what it writes must agree with it.
///
/// # Errors
/// When the database does not answer or holds something unreadable.
pub(crate) async fn usernames_are_case_sensitive(conn: &mut Conn<'_>) -> Result<bool> {
    Ok(load(conn).await?.username_policy.case_sensitive)
}

/// Reads the settings of a tenant.
///
/// # Errors
/// When the database does not answer or holds something unreadable, or nothing.
pub(crate) async fn load(conn: &mut Conn<'_>) -> Result<SignInExperience> {
    store::find(conn)
        .await?
        .ok_or_else(|| Error::Internal("a tenant has no sign-in settings".to_owned()))
}

/// Takes a social target, whose last connector is gone, from the sign-in page.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn forget_social_target(
    tx: &mut Tx<'_>,
    bumped: &Bumped,
    target: &str,
) -> Result<()> {
    let mut experience = load(tx).await?;
    let before = experience.social_sign_in_connector_targets.len();
    experience.social_sign_in_connector_targets.retain(|one| one != target);
    if experience.social_sign_in_connector_targets.len() < before {
        store::save(tx, bumped, &experience).await?;
    }
    Ok(())
}

/// Gives a new tenant its settings. The admin tenant is closed: operators are not made by signing up.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn seed(tx: &mut Tx<'_>, bumped: &Bumped) -> Result<()> {
    let tenant = tx.tenant().to_owned();
    let mode =
        if tenant == tenants::ADMIN { SignInMode::SignIn } else { SignInMode::SignInAndRegister };
    store::save(tx, bumped, &SignInExperience::of_new_tenant(&tenant, mode)).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_stored_shape_has_every_required_member_of_the_contract() {
        let shown = serde_json::to_value(SignInExperience::of_new_tenant(
            "default",
            SignInMode::SignInAndRegister,
        ))
        .unwrap();
        for member in [
            "tenantId",
            "id",
            "color",
            "branding",
            "hideLogtoBranding",
            "languageInfo",
            "termsOfUseUrl",
            "privacyPolicyUrl",
            "agreeToTermsPolicy",
            "signIn",
            "signUp",
            "socialSignIn",
            "socialSignInConnectorTargets",
            "signInMode",
            "customCss",
            "customContent",
            "customUiAssets",
            "customUiCsp",
            "passwordPolicy",
            "mfa",
            "adaptiveMfa",
            "singleSignOnEnabled",
            "supportEmail",
            "supportWebsiteUrl",
            "unknownSessionRedirectUrl",
            "captchaPolicy",
            "sentinelPolicy",
            "emailBlocklistPolicy",
            "verificationCodePolicy",
            "forgotPasswordMethods",
            "passkeySignIn",
            "signUpProfileFields",
            "passwordExpiration",
            "usernamePolicy",
        ] {
            assert!(shown.get(member).is_some(), "{member}");
        }
        assert_eq!(shown["color"]["primaryColor"], "#1F4E9E");
        assert_eq!(shown["branding"], json!({}));
    }
}
