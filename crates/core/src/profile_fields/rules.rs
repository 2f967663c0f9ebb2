//! What is allowed of a profile field.

use super::model::{FieldConfig, FieldDefinition, FieldPart, FieldPlace, FieldType};
use crate::{Error, Result};

/// Names that stand for how a user signs in.
const IDENTIFIERS: [&str; 5] = ["username", "email", "phone", "primaryEmail", "primaryPhone"];
/// Members of a user that no field may hide. `name` and `avatar` are fields like any other.
const BUILT_IN: [&str; 17] = [
    "id",
    "tenantId",
    "profile",
    "identities",
    "customData",
    "logtoConfig",
    "applicationId",
    "cimdClientId",
    "isSuspended",
    "hasPassword",
    "password",
    "passwordEncrypted",
    "passwordEncryptionMethod",
    "mfaVerifications",
    "ssoIdentities",
    "lastSignInAt",
    "createdAt",
];
/// Options of a choice at most.
const MOST_OPTIONS: usize = 256;

pub(super) fn check_name(name: &str) -> Result<()> {
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(refused("custom_profile_fields.invalid_name", name));
    }
    if IDENTIFIERS.contains(&name) {
        return Err(refused("custom_profile_fields.name_conflict_sign_in_identifier", name));
    }
    if BUILT_IN.contains(&name) {
        return Err(refused("custom_profile_fields.name_conflict_built_in_prop", name));
    }
    Ok(())
}

/// What a field's definition says of its type's config: checked, and without what the type does not ask for. Regular expressions are
/// for [`super::check_expressions`].
pub(super) fn checked_config(definition: &FieldDefinition) -> Result<FieldConfig> {
    let kind = definition.kind;
    if kind == FieldType::Checkbox && definition.required {
        return Err(Error::invalid_field("required", "must be false for a checkbox"));
    }
    let needs_config = matches!(
        kind,
        FieldType::Select | FieldType::Regex | FieldType::Address | FieldType::Fullname
    );
    match &definition.config {
        None if needs_config => Err(Error::invalid_field("config", "is missing")),
        None => Ok(FieldConfig::default()),
        Some(config) => checked(kind, config.clone(), "config"),
    }
}

fn checked(kind: FieldType, given: FieldConfig, path: &str) -> Result<FieldConfig> {
    let placeholder = given.placeholder.clone();
    let kept = match kind {
        FieldType::Text => {
            check_lengths(&given)?;
            let FieldConfig { min_length, max_length, .. } = given;
            FieldConfig { placeholder, min_length, max_length, ..FieldConfig::default() }
        }
        FieldType::Number => {
            check_values(&given)?;
            let FieldConfig { min_value, max_value, .. } = given;
            FieldConfig { placeholder, min_value, max_value, ..FieldConfig::default() }
        }
        FieldType::Date => {
            check_date(&given, path)?;
            let FieldConfig { format, custom_format, .. } = given;
            FieldConfig { placeholder, format, custom_format, ..FieldConfig::default() }
        }
        FieldType::Checkbox => {
            let is_answer = |text: &str| text == "true" || text == "false";
            if given.default_value.as_ref().is_none_or(|value| !is_answer(value.as_str())) {
                return Err(Error::refused("custom_profile_fields.invalid_default_value"));
            }
            FieldConfig { default_value: given.default_value, ..FieldConfig::default() }
        }
        FieldType::Select => {
            check_options(&given)?;
            FieldConfig { placeholder, options: given.options, ..FieldConfig::default() }
        }
        FieldType::Url => FieldConfig { placeholder, ..FieldConfig::default() },
        FieldType::Regex => {
            if given.format.is_none() {
                return Err(missing(path, "format"));
            }
            FieldConfig { placeholder, format: given.format, ..FieldConfig::default() }
        }
        FieldType::Address | FieldType::Fullname => {
            let parts = given.parts.ok_or_else(|| missing(path, "parts"))?;
            let parts = checked_parts(kind, parts, path)?;
            FieldConfig { parts: Some(parts), ..FieldConfig::default() }
        }
    };
    Ok(kept)
}

fn check_lengths(config: &FieldConfig) -> Result<()> {
    let (min, max) = (config.min_length, config.max_length);
    let is_negative = |length: Option<i64>| length.is_some_and(|length| length < 0);
    let is_reversed = min.zip(max).is_some_and(|(min, max)| min > max);
    if is_negative(min) || is_negative(max) || is_reversed {
        return Err(Error::refused("custom_profile_fields.invalid_min_max_input"));
    }
    Ok(())
}

fn check_values(config: &FieldConfig) -> Result<()> {
    let min = config.min_value.as_ref().and_then(serde_json::Number::as_f64);
    let max = config.max_value.as_ref().and_then(serde_json::Number::as_f64);
    if min.zip(max).is_some_and(|(min, max)| min > max) {
        return Err(Error::refused("custom_profile_fields.invalid_min_max_input"));
    }
    Ok(())
}

fn check_date(config: &FieldConfig, path: &str) -> Result<()> {
    let Some(format) = &config.format else { return Err(missing(path, "format")) };
    if format.as_str() == "custom" && config.custom_format.is_none() {
        return Err(missing(path, "customFormat"));
    }
    Ok(())
}

fn check_options(config: &FieldConfig) -> Result<()> {
    let options = config.options.as_deref().unwrap_or_default();
    let is_repeated = |index: usize| {
        let value = &options[index].value;
        options[..index].iter().any(|option| option.value == *value)
    };
    if options.is_empty() || options.len() > MOST_OPTIONS || (0..options.len()).any(is_repeated) {
        return Err(Error::refused("custom_profile_fields.invalid_options"));
    }
    Ok(())
}

fn checked_parts(kind: FieldType, parts: Vec<FieldPart>, path: &str) -> Result<Vec<FieldPart>> {
    let is_name = kind == FieldType::Fullname;
    let code = if is_name {
        "custom_profile_fields.invalid_fullname_components"
    } else {
        "custom_profile_fields.invalid_address_components"
    };
    let is_repeated =
        |index: usize| parts[..index].iter().any(|part| part.name == parts[index].name);
    let is_of_another = parts.iter().any(|part| part.name.is_of_name() != is_name);
    if parts.is_empty() || is_of_another || (0..parts.len()).any(is_repeated) {
        return Err(Error::refused(code));
    }
    let numbered = parts.into_iter().enumerate();
    let checked_part = |(index, part): (usize, FieldPart)| {
        if matches!(part.kind, FieldType::Address | FieldType::Fullname) {
            return Err(Error::refused("custom_profile_fields.invalid_sub_component_type"));
        }
        if let Some(config) = &part.config {
            let path = format!("{path}.parts.{index}.config");
            checked(part.kind, config.clone().into(), &path)?;
        }
        Ok(part)
    };
    numbered.map(checked_part).collect()
}

/// The regular expressions of a field.
pub(super) fn expressions(kind: FieldType, config: &FieldConfig) -> Vec<String> {
    let own = (kind == FieldType::Regex).then_some(&config.format).into_iter().flatten();
    let of_parts = config
        .parts
        .iter()
        .flatten()
        .filter(|part| part.kind == FieldType::Regex)
        .filter_map(|part| part.config.as_ref()?.format.as_ref());
    own.chain(of_parts).map(|format| format.as_str().to_owned()).collect()
}

/// No field is named twice, and no two get the same place.
pub(super) fn check_places(places: &[FieldPlace]) -> Result<()> {
    for (index, place) in places.iter().enumerate() {
        let path = |member: &str| format!("order.{index}.{member}");
        if !(0..=i64::from(i16::MAX)).contains(&place.sie_order) {
            return Err(Error::invalid_field(&path("sieOrder"), "must be from 0 to 32767"));
        }
        let earlier = &places[..index];
        if earlier.iter().any(|other| other.name == place.name) {
            return Err(Error::invalid_field(&path("name"), "is listed twice"));
        }
        if earlier.iter().any(|other| other.sie_order == place.sie_order) {
            return Err(Error::refused("custom_profile_fields.conflicted_sie_order"));
        }
    }
    Ok(())
}

fn missing(path: &str, member: &str) -> Error {
    Error::invalid_field(&format!("{path}.{member}"), "is missing")
}

fn refused(code: &'static str, name: &str) -> Error {
    Error::refused_with(code, &[("name", name)])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn outcome(body: Value) -> Result<Value, &'static str> {
        let definition: FieldDefinition = serde_json::from_value(body).map_err(|_| "not read")?;
        match checked_config(&definition) {
            Ok(config) => Ok(serde_json::to_value(config).unwrap()),
            Err(error) => Err(error.code().unwrap()),
        }
    }

    fn of(kind: &str, config: &Value) -> Result<Value, &'static str> {
        outcome(json!({ "type": kind, "required": false, "config": config }))
    }

    #[test]
    fn a_config_keeps_what_its_type_asks_for() {
        let given = json!({ "minLength": 1, "maxLength": 5, "placeholder": "p", "options": [], "format": "x" });
        let kept = json!({ "minLength": 1, "maxLength": 5, "placeholder": "p" });
        assert_eq!(of("Text", &given), Ok(kept));
        assert_eq!(of("Number", &json!({ "minValue": -1.5 })), Ok(json!({ "minValue": -1.5 })));
        assert_eq!(outcome(json!({ "type": "Url", "required": true })), Ok(json!({})));
    }

    #[test]
    fn what_breaks_a_rule_of_its_type_is_refused() {
        let part = |name: &str, kind: &str| json!({ "parts": [{ "name": name, "enabled": true, "type": kind, "required": false }] });
        let repeated = json!({ "options": [{ "value": "a" }, { "value": "a" }] });
        let code = |name: &str| format!("custom_profile_fields.{name}");
        for (kind, config, wanted) in [
            ("Text", json!({ "minLength": 2, "maxLength": 1 }), code("invalid_min_max_input")),
            ("Text", json!({ "minLength": -2 }), code("invalid_min_max_input")),
            ("Number", json!({ "minValue": 2, "maxValue": 1.5 }), code("invalid_min_max_input")),
            ("Select", json!({ "options": [] }), code("invalid_options")),
            ("Select", repeated, code("invalid_options")),
            ("Checkbox", json!({ "defaultValue": "yes" }), code("invalid_default_value")),
            ("Address", part("givenName", "Text"), code("invalid_address_components")),
            ("Address", json!({ "parts": [] }), code("invalid_address_components")),
            ("Fullname", part("region", "Text"), code("invalid_fullname_components")),
            ("Fullname", part("givenName", "Address"), code("invalid_sub_component_type")),
            ("Date", json!({}), "guard.invalid_input".to_owned()),
            ("Date", json!({ "format": "custom" }), "guard.invalid_input".to_owned()),
            ("Regex", json!({}), "guard.invalid_input".to_owned()),
        ] {
            assert_eq!(of(kind, &config), Err(wanted.as_str()), "{kind} {config}");
        }
        let select = outcome(json!({ "type": "Select", "required": true }));
        assert_eq!(select, Err("guard.invalid_input"));
        let checkbox = outcome(json!({ "type": "Checkbox", "required": true }));
        assert_eq!(checkbox, Err("guard.invalid_input"));
    }

    #[test]
    fn names_are_letters_and_digits_and_hide_nothing() {
        let code = |name: &str| check_name(name).map_err(|error| error.code().unwrap());
        for name in ["birthdate", "avatar", "name", "fullname", "address", "company_2"] {
            assert_eq!(code(name), Ok(()));
        }
        for (name, wanted) in [
            ("a b", "custom_profile_fields.invalid_name"),
            ("a-b", "custom_profile_fields.invalid_name"),
            ("ação", "custom_profile_fields.invalid_name"),
            ("email", "custom_profile_fields.name_conflict_sign_in_identifier"),
            ("customData", "custom_profile_fields.name_conflict_built_in_prop"),
        ] {
            assert_eq!(code(name), Err(wanted));
        }
    }
}
