//! What a profile field is. The serde shape is the shape of the Management API.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::Text;

/// What is asked of users besides how they sign in.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProfileField {
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// 21 characters.
    pub id: String,
    /// The name of the member of the user's profile or custom data. It never changes.
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// Shown beside it.
    pub label: String,
    /// Explains it.
    pub description: Option<String>,
    /// Whether it must be filled in.
    pub required: bool,
    /// What its type asks for.
    pub config: FieldConfig,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Its place on the pages.
    pub sie_order: i64,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it")]
pub enum FieldType {
    Text,
    Number,
    Date,
    Checkbox,
    Select,
    Url,
    Regex,
    Address,
    Fullname,
}

impl FieldType {
    /// As it is stored and as the API says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::Number => "Number",
            Self::Date => "Date",
            Self::Checkbox => "Checkbox",
            Self::Select => "Select",
            Self::Url => "Url",
            Self::Regex => "Regex",
            Self::Address => "Address",
            Self::Fullname => "Fullname",
        }
    }
}

/// What the types ask for; each has some of these.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FieldConfig {
    /// Stands in the empty field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<Text<0, 256>>,
    /// Characters at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_length: Option<i64>,
    /// Characters at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<i64>,
    /// The least number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_value: Option<Number>,
    /// The greatest number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_value: Option<Number>,
    /// How a date is written, or the regular expression that fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Text<1, 128>>,
    /// How a date is written whose format is `custom`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_format: Option<Text<1, 128>>,
    /// What may be chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<FieldOption>>,
    /// `true` or `false`: whether a box is ticked at first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_value: Option<Text<0, 256>>,
    /// What an address or a full name is made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<Vec<FieldPart>>,
}

/// One of the things that may be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldOption {
    /// Shown in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Text<0, 256>>,
    /// What is kept.
    pub value: Text<1, 256>,
}

/// A part of an address or of a full name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldPart {
    /// Which part.
    pub name: PartName,
    /// Whether it is asked for at all.
    pub enabled: bool,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// Shown beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Text<1, 128>>,
    /// Explains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Text<0, 256>>,
    /// Whether it must be filled in.
    pub required: bool,
    /// What its type asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<PartConfig>,
}

/// What the type of a part asks for: all of [`FieldConfig`] but parts of its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "as in FieldConfig")]
pub struct PartConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<Text<0, 256>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_length: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_value: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_value: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Text<1, 128>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_format: Option<Text<1, 128>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<FieldOption>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_value: Option<Text<0, 256>>,
}

impl From<PartConfig> for FieldConfig {
    fn from(part: PartConfig) -> Self {
        let PartConfig {
            placeholder,
            min_length,
            max_length,
            min_value,
            max_value,
            format,
            custom_format,
            options,
            default_value,
        } = part;
        Self {
            placeholder,
            min_length,
            max_length,
            min_value,
            max_value,
            format,
            custom_format,
            options,
            default_value,
            parts: None,
        }
    }
}

/// The parts there are (OpenID Connect Core §5.1, §5.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum PartName {
    Formatted,
    StreetAddress,
    Locality,
    Region,
    PostalCode,
    Country,
    GivenName,
    MiddleName,
    FamilyName,
}

impl PartName {
    /// Whether it is a part of a name rather than of an address.
    pub const fn is_of_name(self) -> bool {
        matches!(self, Self::GivenName | Self::MiddleName | Self::FamilyName)
    }
}

/// What is said of a field: everything but its name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldDefinition {
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// Shown beside it; the pages have words of their own for fields they know.
    #[serde(default)]
    pub label: Option<Text<1, 128>>,
    /// Explains it.
    #[serde(default)]
    pub description: Option<Text<0, 256>>,
    /// Whether it must be filled in.
    pub required: bool,
    /// What its type asks for.
    #[serde(default)]
    pub config: Option<FieldConfig>,
}

/// The body that creates a field.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewProfileField {
    /// The name of the member of the user's profile or custom data.
    pub name: Text<1, 128>,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// Shown beside it.
    #[serde(default)]
    pub label: Option<Text<1, 128>>,
    /// Explains it.
    #[serde(default)]
    pub description: Option<Text<0, 256>>,
    /// Whether it must be filled in.
    pub required: bool,
    /// What its type asks for.
    #[serde(default)]
    pub config: Option<FieldConfig>,
}

impl NewProfileField {
    /// Its name, and what else is said of it. (One struct in another would lose the path of what is wrong.)
    pub(super) fn into_parts(self) -> (String, FieldDefinition) {
        let Self { name, kind, label, description, required, config } = self;
        (name.into_string(), FieldDefinition { kind, label, description, required, config })
    }
}

/// The place of a field on the pages.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldPlace {
    /// Which field.
    pub name: Text<1, 128>,
    /// Small numbers come first.
    pub sie_order: i64,
}

/// The fields of a tenant, in the order of the pages.
#[derive(Clone, Debug, Default)]
pub struct Catalogue(pub(super) Vec<Arc<ProfileField>>);

impl Catalogue {
    /// Every field, in the order of the pages.
    pub fn iter(&self) -> impl Iterator<Item = &ProfileField> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// The field with this name.
    pub fn get(&self, name: &str) -> Option<&ProfileField> {
        self.iter().find(|field| field.name == name)
    }
}
