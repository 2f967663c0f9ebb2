//! What sign-in settings are allowed, and what a change does to them.

use trinco_locales::Language;

use super::details::MfaFactor;
use super::model::{
    SignIn, SignInExperience, SignInExperienceChanges, SignInIdentifier, SignInMode, SignUp,
    SignUpIdentifier,
};
use crate::{Error, Result};

/// Applies a change and checks the outcome whole.
pub(super) fn apply(
    changes: SignInExperienceChanges,
    experience: &mut SignInExperience,
) -> Result<()> {
    macro_rules! replace {
        ($($member:ident),* $(,)?) => {$(
            if let Some(value) = changes.$member {
                experience.$member = value;
            }
        )*};
    }
    replace!(
        color,
        branding,
        hide_logto_branding,
        language_info,
        terms_of_use_url,
        privacy_policy_url,
        agree_to_terms_policy,
        sign_in,
        sign_up,
        social_sign_in,
        sign_in_mode,
        custom_content,
        custom_ui_assets,
        custom_ui_csp,
        password_policy,
        mfa,
        adaptive_mfa,
        single_sign_on_enabled,
        support_email,
        support_website_url,
        unknown_session_redirect_url,
        captcha_policy,
        sentinel_policy,
        email_blocklist_policy,
        verification_code_policy,
        forgot_password_methods,
        passkey_sign_in,
        sign_up_profile_fields,
        password_expiration,
        username_policy,
    );
    if let Some(css) = changes.custom_css {
        experience.custom_css = css.map(crate::Text::into_string).filter(|css| !css.is_empty());
    }
    if changes.social_sign_in_connector_targets.is_some() {
        // Targets without a connector are dropped, and which have one is not known here.
        experience.social_sign_in_connector_targets.clear();
    }
    check(experience)
}

/// Those of `targets` that have a connector, each once, in their order.
pub(super) fn targets(targets: &[String], has_connector: impl Fn(&str) -> bool) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for target in targets {
        if has_connector(target) && !kept.contains(target) {
            kept.push(target.clone());
        }
    }
    kept
}

pub(super) fn check(experience: &SignInExperience) -> Result<()> {
    let language = &experience.language_info.fallback_language;
    if Language::from_tag(language).is_none() {
        return Err(Error::refused_with(
            "sign_in_experiences.unsupported_default_language",
            &[("language", language)],
        ));
    }
    check_sign_up(&experience.sign_up)?;
    check_sign_in(&experience.sign_in, &experience.sign_up, experience.sign_in_mode)?;
    experience.password_policy.check_itself()?;
    experience.username_policy.check_itself()?;
    check_numbers(experience)?;
    check_mfa(&experience.mfa.factors)?;
    if let Some(method) =
        experience.forgot_password_methods.as_ref().and_then(|methods| methods.first())
    {
        let code = "sign_in_experiences.forgot_password_method_requires_connector";
        return Err(Error::refused_with(code, &[("method", &format!("{method:?}"))]));
    }
    check_available(experience)
}

fn check_sign_up(sign_up: &SignUp) -> Result<()> {
    let primary = sign_up.identifiers.iter().map(|identifier| match identifier {
        SignInIdentifier::Username => SignUpIdentifier::Username,
        SignInIdentifier::Email => SignUpIdentifier::Email,
        SignInIdentifier::Phone => SignUpIdentifier::Phone,
    });
    let secondary = sign_up.secondary_identifiers.iter().flatten();
    if sign_up.identifiers.is_empty() && secondary.clone().next().is_some() {
        return Err(Error::refused("sign_in_experiences.missing_sign_up_identifiers"));
    }
    let mut seen: Vec<SignUpIdentifier> = Vec::new();
    for identifier in primary.clone().chain(secondary.clone().map(|secondary| secondary.identifier))
    {
        if seen.contains(&identifier) {
            return Err(Error::refused("sign_in_experiences.duplicated_sign_up_identifiers"));
        }
        seen.push(identifier);
    }
    if seen.contains(&SignUpIdentifier::Username) && !sign_up.password {
        return Err(Error::refused("sign_in_experiences.username_requires_password"));
    }
    let primary = primary.map(|identifier| (identifier, sign_up.verify));
    let secondary = secondary.map(|second| (second.identifier, second.verify == Some(true)));
    let is_address =
        |(identifier, _): &(SignUpIdentifier, bool)| *identifier != SignUpIdentifier::Username;
    match primary.chain(secondary).find(is_address) {
        None => Ok(()),
        Some((_, false)) => Err(Error::refused("sign_in_experiences.passwordless_requires_verify")),
        Some((SignUpIdentifier::Phone, true)) => Err(no_connector("Sms")),
        Some((_, true)) => Err(no_connector("Email")),
    }
}

fn check_sign_in(sign_in: &SignIn, sign_up: &SignUp, mode: SignInMode) -> Result<()> {
    for (index, method) in sign_in.methods.iter().enumerate() {
        if !method.password && !method.verification_code {
            return Err(Error::refused("sign_in_experiences.at_least_one_authentication_factor"));
        }
        if sign_in.methods[..index].iter().any(|earlier| earlier.identifier == method.identifier) {
            return Err(Error::invalid_field("signIn.methods", "must name each identifier once"));
        }
        match method.identifier {
            SignInIdentifier::Username if method.verification_code => {
                let rule = "cannot send a code to a user name";
                return Err(Error::invalid_field("signIn.methods", rule));
            }
            SignInIdentifier::Email if method.verification_code => {
                return Err(no_connector("Email"));
            }
            SignInIdentifier::Phone if method.verification_code => return Err(no_connector("Sms")),
            _ => {}
        }
    }
    if mode == SignInMode::SignIn {
        return Ok(());
    }
    // Who signs up must be able to come back.
    for identifier in &sign_up.identifiers {
        let Some(method) = sign_in.methods.iter().find(|method| method.identifier == *identifier)
        else {
            return Err(Error::refused("sign_in_experiences.miss_sign_up_identifier_in_sign_in"));
        };
        if !sign_up.password && !method.verification_code {
            return Err(Error::refused("sign_in_experiences.code_sign_in_must_be_enabled"));
        }
    }
    Ok(())
}

/// No connector sends messages yet, so nothing can be verified by one.
fn no_connector(kind: &str) -> Error {
    Error::refused_with("sign_in_experiences.enabled_connector_not_found", &[("type", kind)])
}

fn check_numbers(experience: &SignInExperience) -> Result<()> {
    let codes = experience.verification_code_policy;
    if codes.expiration_duration.is_some_and(|seconds| !(60..=3600).contains(&seconds)) {
        return Err(Error::invalid_field(
            "verificationCodePolicy.expirationDuration",
            "must be 60 to 3600",
        ));
    }
    if codes.max_retry_attempts.is_some_and(|attempts| !(1..=100).contains(&attempts)) {
        return Err(Error::invalid_field(
            "verificationCodePolicy.maxRetryAttempts",
            "must be 1 to 100",
        ));
    }
    let lockout = experience.sentinel_policy;
    if lockout.max_attempts.is_some_and(|attempts| !(1..=1000).contains(&attempts)) {
        return Err(Error::invalid_field("sentinelPolicy.maxAttempts", "must be 1 to 1000"));
    }
    // At most a month.
    if lockout.lockout_duration.is_some_and(|minutes| !(1..=43_200).contains(&minutes)) {
        return Err(Error::invalid_field("sentinelPolicy.lockoutDuration", "must be 1 to 43200"));
    }
    if experience.custom_content.len() > 100 {
        return Err(Error::invalid_field("customContent", "has more than 100 pages"));
    }
    Ok(())
}

fn check_mfa(factors: &[MfaFactor]) -> Result<()> {
    if factors.iter().enumerate().any(|(index, factor)| factors[..index].contains(factor)) {
        return Err(Error::refused("sign_in_experiences.duplicated_mfa_factors"));
    }
    if factors == [MfaFactor::BackupCode] {
        return Err(Error::refused("sign_in_experiences.backup_code_cannot_be_enabled_alone"));
    }
    Ok(())
}

/// A setting that is accepted is applied: what protects accounts and is not there yet cannot be switched on.
fn check_available(experience: &SignInExperience) -> Result<()> {
    let switched_on = [
        !experience.mfa.factors.is_empty(),
        experience.adaptive_mfa.enabled == Some(true),
        experience.captcha_policy.enabled == Some(true),
        experience.passkey_sign_in.enabled == Some(true),
        experience.password_expiration.enabled == Some(true),
        experience.single_sign_on_enabled,
        experience.custom_ui_assets.is_some(),
        experience.sign_up_profile_fields.as_ref().is_some_and(|fields| !fields.is_empty()),
    ];
    if switched_on.contains(&true) {
        Err(Error::refused("request.feature_not_supported"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn new() -> SignInExperience {
        SignInExperience::of_new_tenant("default", SignInMode::SignInAndRegister)
    }

    fn outcome(change: Value) -> Result<SignInExperience, &'static str> {
        let mut experience = new();
        let changes = serde_json::from_value(change).map_err(|_| "not read")?;
        match apply(changes, &mut experience) {
            Ok(()) => Ok(experience),
            Err(error) => Err(error.code().unwrap()),
        }
    }

    fn method(identifier: &str, password: bool, code: bool) -> Value {
        json!({ "identifier": identifier, "password": password, "verificationCode": code, "isPasswordPrimary": true })
    }

    #[test]
    fn a_new_tenants_settings_are_allowed_and_survive_storage() {
        assert!(check(&new()).is_ok());
        let stored = serde_json::to_string(&new()).unwrap();
        assert_eq!(serde_json::from_str::<SignInExperience>(&stored).unwrap(), new());
    }

    #[test]
    fn present_members_replace_whole_and_absent_ones_stay() {
        let changed = outcome(json!({
            "color": { "primaryColor": "#abc", "isDarkModeEnabled": false, "darkPrimaryColor": "#def" },
            "termsOfUseUrl": "https://a.example/terms",
            "supportEmail": "",
            "customCss": "a{}",
            "passwordPolicy": { "length": { "min": 10 } },
            "signInMode": "SignIn",
        }))
        .unwrap();
        assert_eq!(changed.color.primary_color, "#abc");
        assert_eq!(changed.terms_of_use_url.unwrap(), "https://a.example/terms");
        assert_eq!(changed.support_email, None);
        assert_eq!(changed.custom_css.as_deref(), Some("a{}"));
        assert_eq!(changed.sign_up, new().sign_up);
        assert!(SignInExperience { sign_in_mode: changed.sign_in_mode, ..new() }.allows_sign_in());
        assert!(
            !SignInExperience { sign_in_mode: changed.sign_in_mode, ..new() }.allows_registration()
        );
    }

    #[test]
    fn malformed_values_are_not_read() {
        for change in [
            json!({ "color": { "primaryColor": "red", "isDarkModeEnabled": true, "darkPrimaryColor": "#abc" } }),
            json!({ "color": { "primaryColor": "#abc" } }),
            json!({ "termsOfUseUrl": "javascript:alert(1)" }),
            json!({ "branding": { "logoUrl": "data:x" } }),
            json!({ "signInMode": "Never" }),
        ] {
            assert_eq!(outcome(change.clone()).unwrap_err(), "not read", "{change}");
        }
    }

    #[test]
    fn each_broken_rule_has_its_code() {
        let username = method("username", true, false);
        for (change, code) in [
            (
                json!({ "languageInfo": { "autoDetect": true, "fallbackLanguage": "tlh" } }),
                "unsupported_default_language",
            ),
            (
                json!({ "signIn": { "methods": [method("username", false, false)] } }),
                "at_least_one_authentication_factor",
            ),
            (
                json!({ "signIn": { "methods": [username, method("email", true, true)] } }),
                "enabled_connector_not_found",
            ),
            (
                json!({ "signIn": { "methods": [method("email", true, false)] } }),
                "miss_sign_up_identifier_in_sign_in",
            ),
            (json!({ "signIn": { "methods": [] } }), "miss_sign_up_identifier_in_sign_in"),
            (
                json!({ "signUp": { "identifiers": ["username", "username"], "password": true, "verify": false } }),
                "duplicated_sign_up_identifiers",
            ),
            (
                json!({ "signUp": { "identifiers": ["username"], "password": false, "verify": false } }),
                "username_requires_password",
            ),
            (
                json!({ "signUp": { "identifiers": ["email"], "password": true, "verify": false } }),
                "passwordless_requires_verify",
            ),
            (
                json!({ "signUp": { "identifiers": ["email"], "password": true, "verify": true } }),
                "enabled_connector_not_found",
            ),
            (
                json!({ "signUp": { "identifiers": [], "password": true, "verify": false,
                        "secondaryIdentifiers": [{ "identifier": "emailOrPhone" }] } }),
                "missing_sign_up_identifiers",
            ),
            (
                json!({ "forgotPasswordMethods": ["EmailVerificationCode"] }),
                "forgot_password_method_requires_connector",
            ),
            (
                json!({ "mfa": { "factors": ["Totp", "Totp"], "policy": "Mandatory" } }),
                "duplicated_mfa_factors",
            ),
            (
                json!({ "mfa": { "factors": ["BackupCode"], "policy": "Mandatory" } }),
                "backup_code_cannot_be_enabled_alone",
            ),
        ] {
            assert_eq!(
                outcome(change.clone()).unwrap_err(),
                format!("sign_in_experiences.{code}"),
                "{change}"
            );
        }
    }

    #[test]
    fn a_lockout_has_bounds() {
        for (policy, is_taken) in [
            (json!({ "maxAttempts": 1, "lockoutDuration": 43_200 }), true),
            (json!({ "maxAttempts": 1_000 }), true),
            (json!({}), true),
            (json!({ "maxAttempts": 0 }), false),
            (json!({ "maxAttempts": 1_001 }), false),
            (json!({ "lockoutDuration": 0 }), false),
            (json!({ "lockoutDuration": 43_201 }), false),
        ] {
            let taken = outcome(json!({ "sentinelPolicy": policy }));
            assert_eq!(taken.is_ok(), is_taken, "{policy}");
        }
    }

    #[test]
    fn what_is_not_applied_is_not_accepted() {
        for change in [
            json!({ "mfa": { "factors": ["Totp"], "policy": "Mandatory" } }),
            json!({ "captchaPolicy": { "enabled": true } }),
            json!({ "passwordExpiration": { "enabled": true, "validPeriodDays": 30 } }),
            json!({ "singleSignOnEnabled": true }),
        ] {
            assert_eq!(
                outcome(change.clone()).unwrap_err(),
                "request.feature_not_supported",
                "{change}"
            );
        }
        assert!(outcome(json!({ "captchaPolicy": { "enabled": false }, "mfa": { "factors": [], "policy": "NoPrompt" } })).is_ok());
    }

    #[test]
    fn signing_in_by_email_and_password_needs_no_connector() {
        let methods = [
            method("username", true, false),
            method("email", true, false),
            method("phone", true, false),
        ];
        let changed = outcome(json!({ "signIn": { "methods": methods } })).unwrap();
        assert_eq!(
            changed.sign_in_identifiers().collect::<Vec<_>>(),
            [SignInIdentifier::Username, SignInIdentifier::Email, SignInIdentifier::Phone]
        );
    }

    #[test]
    fn the_document_the_api_returns_can_be_sent_back() {
        assert_eq!(outcome(serde_json::to_value(new()).unwrap()).unwrap(), new());
    }
}
