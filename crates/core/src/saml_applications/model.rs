//! What a SAML application is. The serde shape is the shape of the Management API.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trinco_oauth::ApplicationType;

use crate::applications::Application;
use crate::experience::WebUrl;
use crate::{JsonObject, Text, double_option, nullable};

/// A SAML service provider that people sign in to here.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SamlApplication {
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// 21 characters.
    pub id: String,
    /// Shown to people.
    pub name: String,
    /// Shown to administrators.
    pub description: Option<String>,
    /// Always `SAML`.
    #[serde(rename = "type")]
    pub application_type: ApplicationType,
    /// Whatever the owner keeps here.
    pub custom_data: JsonObject,
    /// Belongs to someone else.
    pub is_third_party: bool,
    /// Whether only listed users may sign in to it.
    pub app_level_access_control_enabled: bool,
    /// Unix milliseconds.
    pub created_at: i64,
    /// How it speaks SAML.
    #[serde(flatten)]
    pub config: SamlConfig,
}

impl SamlApplication {
    pub(super) fn new(application: Application, config: SamlConfig) -> Self {
        Self {
            tenant_id: application.tenant_id,
            id: application.id,
            name: application.name,
            description: application.description,
            application_type: application.application_type,
            custom_data: application.custom_data,
            is_third_party: application.is_third_party,
            app_level_access_control_enabled: application.app_level_access_control_enabled,
            created_at: application.created_at,
            config,
        }
    }
}

/// How an application speaks SAML.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SamlConfig {
    /// Which attribute of an assertion says what of a user.
    pub attribute_mapping: AttributeMapping,
    /// What the application calls itself.
    pub entity_id: Option<String>,
    /// Where answers are sent.
    pub acs_url: Option<AcsUrl>,
    /// Whether assertions are encrypted.
    pub encryption: Option<Encryption>,
    /// How users are named.
    pub name_id_format: NameIdFormat,
}

/// By the name of a claim, the name of the attribute.
pub type AttributeMapping = BTreeMap<ClaimName, Text<0, 256>>;

/// A claim that an attribute can be made of.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum ClaimName {
    Sub,
    Name,
    FamilyName,
    GivenName,
    MiddleName,
    Nickname,
    PreferredUsername,
    Profile,
    Picture,
    Website,
    Email,
    EmailVerified,
    Gender,
    Birthdate,
    Zoneinfo,
    Locale,
    PhoneNumber,
    PhoneNumberVerified,
    Address,
    UpdatedAt,
    Username,
    CreatedAt,
    Roles,
    Organizations,
    OrganizationData,
    OrganizationRoles,
    CustomData,
    Identities,
    SsoIdentities,
}

/// Where answers are sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AcsUrl {
    /// By which means.
    pub binding: Binding,
    /// The address.
    pub url: WebUrl,
}

/// How a message travels (SAML 2.0 Bindings §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Binding {
    /// In a form.
    #[serde(rename = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST")]
    Post,
    /// In a URL.
    #[serde(rename = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect")]
    Redirect,
}

/// How users are named (SAML 2.0 Core §8.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum NameIdFormat {
    /// By their id.
    #[serde(rename = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent")]
    Persistent,
    /// By their e-mail address.
    #[serde(rename = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress")]
    EmailAddress,
    /// By another name each time.
    #[serde(rename = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient")]
    Transient,
    /// By whatever suits.
    #[serde(rename = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified")]
    Unspecified,
}

impl NameIdFormat {
    /// The URI.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Persistent => "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            Self::EmailAddress => "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
            Self::Transient => "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
            Self::Unspecified => "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
        }
    }
}

/// Whether assertions are encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Encryption {
    /// Whether they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encrypt_assertion: Option<bool>,
    /// Whether they are encrypted before they are signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encrypt_then_sign: Option<bool>,
    /// For whom: a certificate in PEM form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Text<0, 16384>>,
}

/// The body that creates a SAML application.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewSamlApplication {
    /// Shown to people.
    pub name: Text<1, 256>,
    /// Shown to administrators.
    #[serde(default, deserialize_with = "nullable")]
    pub description: Option<Text<0, 2048>>,
    /// Whatever the owner keeps here.
    #[serde(default)]
    pub custom_data: JsonObject,
    /// Which attribute of an assertion says what of a user.
    #[serde(default)]
    pub attribute_mapping: AttributeMapping,
    /// What the application calls itself.
    #[serde(default, deserialize_with = "nullable")]
    pub entity_id: Option<Text<0, 128>>,
    /// Where answers are sent.
    #[serde(default, deserialize_with = "nullable")]
    pub acs_url: Option<AcsUrl>,
    /// Whether assertions are encrypted.
    #[serde(default, deserialize_with = "nullable")]
    pub encryption: Option<Encryption>,
    /// How users are named.
    pub name_id_format: NameIdFormat,
}

/// The body that changes a SAML application: absent members stay as they are.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "as in SamlApplication")]
pub struct SamlApplicationChanges {
    pub name: Option<Text<1, 256>>,
    #[serde(deserialize_with = "double_option")]
    pub description: Option<Option<Text<0, 2048>>>,
    pub custom_data: Option<JsonObject>,
    pub app_level_access_control_enabled: Option<bool>,
    pub attribute_mapping: Option<AttributeMapping>,
    #[serde(deserialize_with = "double_option")]
    pub entity_id: Option<Option<Text<0, 128>>>,
    #[serde(deserialize_with = "double_option")]
    pub acs_url: Option<Option<AcsUrl>>,
    #[serde(deserialize_with = "double_option")]
    pub encryption: Option<Option<Encryption>>,
    pub name_id_format: Option<NameIdFormat>,
}

/// A signing certificate, without its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SamlCertificate {
    /// 21 characters.
    pub id: String,
    /// PEM.
    pub certificate: String,
    /// By which people recognise it.
    pub fingerprints: Fingerprints,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub expires_at: i64,
    /// Whether answers are signed with its key.
    pub active: bool,
}

/// A signing certificate in a list, where the contract writes its end as a date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListedSamlCertificate {
    /// 21 characters.
    pub id: String,
    /// PEM.
    pub certificate: String,
    /// By which people recognise it.
    pub fingerprints: Fingerprints,
    /// Unix milliseconds.
    pub created_at: i64,
    /// RFC 3339.
    pub expires_at: String,
    /// Whether answers are signed with its key.
    pub active: bool,
}

/// Hashes of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fingerprints {
    /// Of SHA-256.
    pub sha256: Fingerprint,
}

/// A hash, in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fingerprint {
    /// With colons between the bytes.
    pub formatted: String,
    /// Without.
    pub unformatted: String,
}

/// The body that makes a certificate.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewSamlCertificate {
    /// How long it is good for.
    pub life_span_in_years: LifeSpan,
}

/// From 1 to 100 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "i64")]
pub struct LifeSpan(#[schemars(range(min = 1, max = 100))] i64);

impl LifeSpan {
    /// Of the certificate that a new application gets.
    pub(super) const FIRST: Self = Self(3);

    /// Years.
    pub(super) const fn years(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for LifeSpan {
    type Error = &'static str;

    fn try_from(years: i64) -> Result<Self, Self::Error> {
        if (1..=100).contains(&years) {
            Ok(Self(years))
        } else {
            Err("must be from 1 to 100 years")
        }
    }
}

/// The body that changes a certificate.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub struct CertificateChanges {
    /// Whether answers are to be signed with its key. Then no other's is.
    pub active: bool,
}
