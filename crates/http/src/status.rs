//! From the code of a refusal to its HTTP status: the one table.

/// The status of `code`. A code that is not listed is a rule of the entity at hand: 422.
pub(crate) fn status_of(code: &str) -> u16 {
    TABLE.iter().find(|(listed, _)| *listed == code).map_or(422, |(_, status)| *status)
}

/// Codes whose status is not 422.
const TABLE: &[(&str, u16)] = &[
    ("application.invalid_third_party_application_type", 400),
    ("application.no_legacy_secret_found", 400),
    ("application.protected_app_metadata_is_required", 400),
    ("application.protected_app_not_configured", 501),
    ("application.saml.acs_url_required", 400),
    ("application.saml.can_not_delete_active_secret", 400),
    ("application.saml.entity_id_required", 400),
    ("application.saml.invalid_certificate_pem_format", 400),
    ("application.saml.invalid_saml_request", 400),
    ("application.saml.no_active_secret", 404),
    ("application.saml.use_saml_app_api", 400),
    ("auth.authorization_header_missing", 401),
    ("auth.authorization_token_type_not_supported", 401),
    ("auth.expected_role_not_found", 401),
    ("auth.forbidden", 403),
    ("auth.jwt_sub_missing", 401),
    ("auth.unauthorized", 401),
    ("connector.can_not_modify_target", 400),
    ("connector.cannot_overwrite_metadata_for_non_standard_connector", 400),
    ("connector.general", 400),
    ("connector.invalid_config", 400),
    ("connector.not_found", 501),
    ("connector.not_implemented", 501),
    ("connector.should_specify_target", 400),
    ("connector.template_not_found", 400),
    ("connector.unexpected_type", 400),
    ("custom_profile_fields.conflicted_sie_order", 400),
    ("custom_profile_fields.entity_not_exists_with_names", 400),
    ("custom_profile_fields.invalid_address_components", 400),
    ("custom_profile_fields.invalid_default_value", 400),
    ("custom_profile_fields.invalid_fullname_components", 400),
    ("custom_profile_fields.invalid_min_max_input", 400),
    ("custom_profile_fields.invalid_name", 400),
    ("custom_profile_fields.invalid_options", 400),
    ("custom_profile_fields.invalid_regex_format", 400),
    ("custom_profile_fields.invalid_sub_component_type", 400),
    ("custom_profile_fields.name_conflict_built_in_prop", 400),
    ("custom_profile_fields.name_conflict_sign_in_identifier", 400),
    ("domain.domain_is_not_allowed", 400),
    ("entity.not_exists", 404),
    ("entity.not_exists_with_id", 404),
    ("entity.not_found", 404),
    ("guard.file_size_exceeded", 400),
    ("guard.invalid_input", 400),
    ("guard.invalid_pagination", 400),
    ("guard.mime_type_not_allowed", 400),
    ("guard.not_allowed_for_admin_tenant", 400),
    ("hook.endpoint_responded_with_error", 400),
    ("hook.missing_events", 400),
    ("localization.cannot_delete_default_language", 409),
    ("log.invalid_time_window", 400),
    ("oidc.invalid_grant", 404),
    ("oidc.invalid_session_account_id", 404),
    ("oidc.key_not_found", 404),
    ("oidc.session_not_found", 404),
    ("one_time_token.cannot_reactivate_token", 400),
    ("one_time_token.email_mismatch", 400),
    ("one_time_token.token_consumed", 400),
    ("one_time_token.token_expired", 400),
    ("one_time_token.token_not_found", 404),
    ("one_time_token.token_revoked", 400),
    ("password.invalid_legacy_password_format", 400),
    ("password.unsupported_encryption_method", 400),
    ("password.unsupported_legacy_hash_algorithm", 400),
    ("request.body_too_large", 413),
    ("request.general", 500),
    ("request.invalid_input", 400),
    ("request.message_rate_limited", 429),
    ("request.method_not_allowed", 405),
    ("request.unavailable", 503),
    ("request.unsupported_media_type", 415),
    ("resource.cannot_delete_management_api", 400),
    ("resource.cannot_modify_management_api", 400),
    ("role.internal_role_violation", 403),
    ("role.management_api_scopes_not_assignable_to_user_role", 400),
    ("scope.name_with_space", 400),
    ("session.not_found", 404),
    ("session.verification_failed", 400),
    ("sign_in_experiences.at_least_one_authentication_factor", 400),
    ("sign_in_experiences.backup_code_cannot_be_enabled_alone", 400),
    ("sign_in_experiences.code_sign_in_must_be_enabled", 400),
    ("sign_in_experiences.duplicated_mfa_factors", 400),
    ("sign_in_experiences.duplicated_sign_up_identifiers", 400),
    ("sign_in_experiences.enabled_connector_not_found", 400),
    ("sign_in_experiences.forgot_password_method_requires_connector", 400),
    ("sign_in_experiences.miss_sign_up_identifier_in_sign_in", 400),
    ("sign_in_experiences.missing_sign_up_identifiers", 400),
    ("sign_in_experiences.password_expiration_not_enabled", 400),
    ("sign_in_experiences.passwordless_requires_verify", 400),
    ("sign_in_experiences.unsupported_default_language", 400),
    ("sign_in_experiences.username_policy_case_conflicts_exist", 409),
    ("sign_in_experiences.username_requires_password", 400),
    ("single_sign_on.active_signing_key_required", 400),
    ("single_sign_on.can_not_deactivate_signing_key_in_use", 400),
    ("single_sign_on.can_not_delete_active_signing_key", 400),
    ("single_sign_on.duplicate_connector_name", 409),
    ("storage.download_error", 502),
    ("storage.not_configured", 400),
    ("storage.upload_error", 500),
    ("user.cannot_delete_self", 400),
    ("user.enterprise_sso_identity_not_exists", 404),
    ("user.identity_not_exist", 404),
    ("user.last_sign_in_method_required", 400),
    ("user.password_algorithm_required", 400),
    ("user.password_and_digest", 400),
    ("user.suspended", 401),
    ("user.user_not_exist", 404),
    ("verification_code.code_mismatch", 400),
    ("verification_code.exceed_max_try", 400),
    ("verification_code.expired", 400),
    ("verification_code.not_found", 400),
    ("verification_code.phone_email_empty", 400),
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use trinco_locales::{Language, error_message};
    use trinco_oauth::{ErrorCode, OAuthError};

    use super::*;

    /// Every code that a use case or a handler can refuse with, read from the sources.
    fn codes(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                codes(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let calls = ["refused(", "refused_with(", "refused_data("]
                    .into_iter()
                    .flat_map(|call| text.split(call).skip(1));
                let literals =
                    calls.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next());
                let is_code = |text: &&str| text.contains('.') && !text.contains(' ');
                found.extend(literals.filter(is_code).map(str::to_owned));
            }
        }
    }

    #[test]
    fn every_code_has_a_sentence_in_every_language() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut found: Vec<String> = TABLE.iter().map(|(code, _)| (*code).to_owned()).collect();
        codes(&root.join("src"), &mut found);
        codes(&root.join("../core/src"), &mut found);
        // `server_error` is the generic sentence, and rightly so.
        let protocol = ErrorCode::ALL.into_iter().filter(|code| *code != ErrorCode::ServerError);
        found.extend(protocol.map(|code| OAuthError::new(code, "").code()));
        assert!(found.len() > 60, "only {} codes found: the reader is blind", found.len());
        for code in found {
            for language in Language::ALL {
                let sentence = error_message(language, &code, &[]);
                assert_ne!(
                    sentence,
                    error_message(language, "no.such_code", &[]),
                    "{code} in {language:?}"
                );
            }
        }
    }

    #[test]
    fn no_code_is_listed_twice() {
        for (index, (code, _)) in TABLE.iter().enumerate() {
            assert!(TABLE[index + 1..].iter().all(|(other, _)| other != code), "{code}");
        }
    }
}
