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
    ("application.saml.use_saml_app_api", 400),
    ("auth.authorization_header_missing", 401),
    ("auth.authorization_token_type_not_supported", 401),
    ("auth.forbidden", 403),
    ("auth.jwt_sub_missing", 401),
    ("auth.unauthorized", 401),
    ("entity.not_exists", 404),
    ("entity.not_exists_with_id", 404),
    ("entity.not_found", 404),
    ("guard.invalid_input", 400),
    ("guard.invalid_pagination", 400),
    ("request.body_too_large", 413),
    ("request.general", 500),
    ("request.invalid_input", 400),
    ("request.method_not_allowed", 405),
    ("request.unavailable", 503),
    ("resource.cannot_delete_management_api", 400),
    ("resource.cannot_modify_management_api", 400),
    ("role.internal_role_violation", 403),
    ("role.management_api_scopes_not_assignable_to_user_role", 400),
    ("scope.name_with_space", 400),
    ("session.not_found", 404),
    ("user.cannot_delete_self", 400),
    ("user.last_sign_in_method_required", 400),
    ("user.password_algorithm_required", 400),
    ("user.password_and_digest", 400),
    ("user.suspended", 401),
    ("user.user_not_exist", 404),
];
