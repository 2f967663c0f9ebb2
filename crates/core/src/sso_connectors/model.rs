//! What an enterprise connector is. The serde shape is the shape of the Management API.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::providers::Provider;
use crate::{JsonObject, Secret, Text};

/// A connector to the identity provider of a company.
#[derive(Clone)]
pub struct SsoConnector {
    /// 12 characters.
    pub id: String,
    /// What the identity provider is.
    pub provider: &'static Provider,
    /// Unique within the tenant.
    pub name: String,
    /// Its configuration, with keys of the identity provider.
    pub config: JsonObject,
    /// The e-mail domains of those who sign in by it, in lower case.
    pub domains: Vec<String>,
    /// How it looks to people.
    pub branding: SsoBranding,
    /// Whether profiles are taken over at each sign-in.
    pub sync_profile: bool,
    /// Whether tokens of the identity provider are kept.
    pub enable_token_storage: bool,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// The configuration is not printed.
impl fmt::Debug for SsoConnector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SsoConnector")
            .field("id", &self.id)
            .field("provider", &self.provider.name)
            .finish_non_exhaustive()
    }
}

/// Every enterprise connector of a tenant, the newest first.
#[derive(Clone, Debug, Default)]
pub struct SsoConnectors(pub(super) Vec<Arc<SsoConnector>>);

impl SsoConnectors {
    /// The connector with this id.
    pub fn get(&self, id: &str) -> Option<&Arc<SsoConnector>> {
        self.0.iter().find(|connector| connector.id == id)
    }

    /// Every connector.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<SsoConnector>> {
        self.0.iter()
    }

    /// The connector whose domain this is, in lower case.
    pub fn of_domain(&self, domain: &str) -> Option<&Arc<SsoConnector>> {
        self.0.iter().find(|connector| connector.domains.iter().any(|one| one == domain))
    }
}

/// How an enterprise connector looks to people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SsoBranding {
    /// In place of the provider's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<Text<0, 128>>,
    /// The URL of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<Text<0, 2048>>,
    /// The same for dark pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dark_logo: Option<Text<0, 2048>>,
}

/// The body that creates an enterprise connector.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewSsoConnector {
    /// The provider's name.
    pub provider_name: Text<1, 128>,
    /// Unique within the tenant.
    pub connector_name: Text<1, 128>,
    /// Its configuration.
    #[serde(default)]
    pub config: JsonObject,
    /// The e-mail domains of those who sign in by it.
    #[serde(default)]
    pub domains: Vec<String>,
    /// How it looks to people.
    #[serde(default)]
    pub branding: SsoBranding,
    /// Whether profiles are taken over at each sign-in.
    #[serde(default)]
    pub sync_profile: bool,
    /// Whether tokens of the identity provider are kept.
    #[serde(default)]
    pub enable_token_storage: bool,
}

/// The body that changes an enterprise connector: absent members stay as they are.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SsoConnectorChanges {
    /// Unique within the tenant.
    pub connector_name: Option<Text<1, 128>>,
    /// In place of the configuration.
    pub config: Option<JsonObject>,
    /// In place of the domains.
    pub domains: Option<Vec<String>>,
    /// In place of how it looks.
    pub branding: Option<SsoBranding>,
    /// Whether profiles are taken over at each sign-in.
    pub sync_profile: Option<bool>,
    /// Whether tokens of the identity provider are kept.
    pub enable_token_storage: Option<bool>,
}

/// An enterprise connector as the API shows it, its configuration revealed.
#[derive(Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevealedSsoConnector {
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// Its id.
    pub id: String,
    /// What the identity provider is.
    pub provider_name: ProviderName,
    /// Unique within the tenant.
    pub connector_name: String,
    /// Its configuration.
    pub config: JsonObject,
    /// The e-mail domains of those who sign in by it.
    pub domains: Vec<String>,
    /// How it looks to people.
    pub branding: SsoBranding,
    /// Whether profiles are taken over at each sign-in.
    pub sync_profile: bool,
    /// Whether tokens of the identity provider are kept.
    pub enable_token_storage: bool,
    /// Unix milliseconds.
    pub created_at: i64,
}

impl RevealedSsoConnector {
    pub(super) fn of(tenant_id: &str, connector: &SsoConnector) -> Self {
        Self {
            tenant_id: tenant_id.to_owned(),
            id: connector.id.clone(),
            provider_name: connector.provider.name,
            connector_name: connector.name.clone(),
            config: connector.config.clone(),
            domains: connector.domains.clone(),
            branding: connector.branding.clone(),
            sync_profile: connector.sync_profile,
            enable_token_storage: connector.enable_token_storage,
            created_at: connector.created_at,
        }
    }
}

/// An enterprise connector with what is known of its identity provider.
#[derive(Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DetailedSsoConnector {
    /// The connector.
    #[serde(flatten)]
    pub connector: RevealedSsoConnector,
    /// What the identity provider is called.
    pub name: String,
    /// Which protocol it speaks.
    pub provider_type: ProviderType,
    /// The URL of a picture.
    pub provider_logo: String,
    /// The same for dark pages.
    pub provider_logo_dark: String,
    /// What the identity provider says of itself, if it could be asked, and what it must be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_config: Option<ProviderConfig>,
}

/// What is known of an identity provider.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ProviderConfig {
    /// Of one that speaks OpenID Connect: its discovery document's members that count.
    Oidc(OidcProviderConfig),
    /// Of one that speaks SAML.
    Saml(SamlProviderConfig),
}

/// What an OpenID provider says of itself (OpenID Connect Discovery §3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OidcProviderConfig {
    /// Its issuer identifier.
    pub issuer: String,
    /// Where people are sent.
    pub authorization_endpoint: String,
    /// Where codes are redeemed.
    pub token_endpoint: String,
    /// Where claims are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_endpoint: Option<String>,
    /// Where its keys are.
    pub jwks_uri: String,
    /// What is asked for.
    pub scope: String,
}

/// Both sides of a connection by SAML.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SamlProviderConfig {
    /// Which attributes are taken for what, unless the configuration says otherwise.
    pub default_attribute_mapping: AttributeMapping,
    /// What the identity provider must be told.
    pub service_provider: ServiceProvider,
    /// What the identity provider says of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_provider: Option<SamlIdentityProvider>,
}

/// Which attributes of an assertion are taken for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AttributeMapping {
    /// Who it is.
    pub id: String,
    /// The e-mail address.
    pub email: String,
    /// The name.
    pub name: String,
}

/// What an identity provider must be told of the tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceProvider {
    /// Its name.
    pub entity_id: String,
    /// Where assertions are sent.
    pub assertion_consumer_service_url: String,
}

/// What a SAML identity provider says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SamlIdentityProvider {
    /// Its name.
    pub entity_id: String,
    /// Where requests go.
    pub sign_in_endpoint: String,
    /// The first certificate it signs with, base64 without line breaks.
    pub x509_certificate: String,
    /// The form of the names it gives, if it says one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_id_format: Option<String>,
    /// Whether it wants requests to be signed.
    pub want_authn_requests_signed: bool,
}

/// An identity provider's name in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it")]
pub enum ProviderName {
    #[serde(rename = "OIDC")]
    Oidc,
    #[serde(rename = "SAML")]
    Saml,
    AzureAD,
    GoogleWorkspace,
    Okta,
    AzureAdOidc,
}

/// The protocol of an identity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum ProviderType {
    Oidc,
    Saml,
}

/// An identity provider that can be connected to, as the API shows it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownProvider {
    /// Its name in the API.
    pub provider_name: ProviderName,
    /// Which protocol it speaks.
    pub provider_type: ProviderType,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The URL of a picture.
    pub logo: String,
    /// The same for dark pages.
    pub logo_dark: String,
}

/// A key that signs requests to a SAML identity provider.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// 21 characters.
    pub id: String,
    /// PKCS#8, sealed.
    pub(crate) private_key: String,
    /// PEM.
    pub certificate: String,
    /// Whether it is the one that signs.
    pub active: bool,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub expires_at: i64,
}

/// A signing key as the API shows it: without its private half.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownSigningKey {
    /// Its id.
    pub id: String,
    /// PEM.
    pub certificate: String,
    /// Of the certificate.
    pub fingerprints: Fingerprints,
    /// Whether it is the one that signs.
    pub active: bool,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub expires_at: i64,
}

/// Short names of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fingerprints {
    /// By SHA-256.
    pub sha256: Fingerprint,
}

/// A short name of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fingerprint {
    /// Pairs of hexadecimal digits with colons between them.
    pub formatted: String,
    /// The digits alone.
    pub unformatted: String,
}

/// A new key pair.
pub(super) struct KeyPair {
    /// PKCS#8.
    pub(super) private_key: Secret<Vec<u8>>,
    /// PEM.
    pub(super) certificate: String,
}

/// A member of a configuration that is a text and not empty.
pub(super) fn text<'c>(config: &'c JsonObject, key: &str) -> Option<&'c str> {
    config.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}
