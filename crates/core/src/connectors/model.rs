//! What a connector is. The serde shape is the shape of the Management API.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::factories::{ConnectorType, Factory, FormItem, Platform, Translated};
use crate::{JsonObject, Text, double_option};

/// A service that a tenant uses to send messages or to sign people in.
#[derive(Clone)]
pub struct Connector {
    /// 12 characters, or what its creator chose.
    pub id: String,
    /// What it was made by.
    pub factory: &'static Factory,
    /// Its configuration, with keys of the service.
    pub config: JsonObject,
    /// What is told of it in place of what the factory tells.
    pub metadata: ConnectorMetadata,
    /// Whether profiles are taken over at each sign-in, and not at the first alone.
    pub sync_profile: bool,
    /// Whether tokens of the service are kept.
    pub enable_token_storage: bool,
    /// Unix milliseconds.
    pub created_at: i64,
}

impl Connector {
    /// The service, as identities of users name it.
    pub fn target(&self) -> &str {
        self.metadata.target.as_ref().map_or(&self.factory.target, Text::as_str)
    }

    /// What it occupies: of each slot a tenant has one connector.
    pub(super) fn slot(&self) -> String {
        match self.factory.connector_type {
            ConnectorType::Email => "email".to_owned(),
            ConnectorType::Sms => "sms".to_owned(),
            ConnectorType::Social => {
                let platform = self.factory.platform.unwrap_or(Platform::Universal);
                format!("social:{platform:?}:{}", self.target())
            }
        }
    }
}

/// The configuration is not printed.
impl fmt::Debug for Connector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Connector")
            .field("id", &self.id)
            .field("factory", &self.factory.id)
            .finish_non_exhaustive()
    }
}

/// What is told of a connector in place of what its factory tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectorMetadata {
    /// The service, as identities of users name it. Never changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Text<1, 128>>,
    /// Shown to people, by language tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<BTreeMap<String, Text<0, 128>>>,
    /// The URL of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<Text<0, 65_536>>,
    /// The same for dark pages.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "double_option")]
    pub logo_dark: Option<Option<Text<0, 65_536>>>,
}

/// The body that creates a connector.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewConnector {
    /// The factory's id.
    pub connector_id: Text<1, 128>,
    /// The connector's own.
    pub id: Option<Text<1, 128>>,
    /// Its configuration.
    pub config: Option<JsonObject>,
    /// What is told of it in place of what the factory tells.
    pub metadata: Option<ConnectorMetadata>,
    /// Whether profiles are taken over at each sign-in.
    #[serde(default)]
    pub sync_profile: bool,
    /// Whether tokens of the service are kept.
    #[serde(default)]
    pub enable_token_storage: bool,
}

/// The body that changes a connector: absent members stay as they are.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ConnectorChanges {
    /// In place of the configuration.
    pub config: Option<JsonObject>,
    /// Members that are told of it.
    pub metadata: Option<ConnectorMetadata>,
    /// Whether profiles are taken over at each sign-in.
    pub sync_profile: Option<bool>,
    /// Whether tokens of the service are kept.
    pub enable_token_storage: Option<bool>,
}

/// What is shown of factories and connectors alike.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Presented {
    /// What it does.
    #[serde(rename = "type")]
    pub connector_type: ConnectorType,
    /// The service, as identities of users name it.
    pub target: String,
    /// Where it signs people in.
    pub platform: Option<Platform>,
    /// Shown to people, by language tag.
    pub name: Translated,
    /// Shown to administrators, by language tag.
    pub description: Translated,
    /// The URL of a picture.
    pub logo: String,
    /// The same for dark pages.
    pub logo_dark: Option<String>,
    /// How it is set up, in Markdown.
    pub readme: String,
    /// What it is configured with.
    pub form_items: Vec<FormItem>,
    /// Whether it speaks a standard.
    pub is_standard: bool,
    /// Whether tokens of the service can be kept.
    pub is_token_storage_supported: bool,
}

impl Presented {
    fn of_factory(factory: &Factory) -> Self {
        Self {
            connector_type: factory.connector_type,
            target: factory.target.clone(),
            platform: factory.platform,
            name: factory.name.clone(),
            description: factory.description.clone(),
            logo: factory.logo(),
            logo_dark: None,
            readme: factory.readme.clone(),
            form_items: factory.form_items.clone(),
            is_standard: factory.is_standard,
            is_token_storage_supported: factory.is_token_storage_supported,
        }
    }

    fn of_connector(connector: &Connector) -> Self {
        let mut shown = Self::of_factory(connector.factory);
        connector.target().clone_into(&mut shown.target);
        let ConnectorMetadata { name, logo, logo_dark, .. } = &connector.metadata;
        if let Some(name) = name {
            shown.name = name
                .iter()
                .map(|(language, name)| (language.clone(), name.as_str().to_owned()))
                .collect();
        }
        if let Some(logo) = logo {
            logo.as_str().clone_into(&mut shown.logo);
        }
        if let Some(logo_dark) = logo_dark {
            shown.logo_dark = logo_dark.as_ref().map(|logo| logo.as_str().to_owned());
        }
        shown
    }
}

/// A factory as the API shows it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ConnectorFactory {
    /// Its id.
    pub id: String,
    /// The rest.
    #[serde(flatten)]
    pub shown: Presented,
}

impl From<&Factory> for ConnectorFactory {
    fn from(factory: &Factory) -> Self {
        Self { id: factory.id.clone(), shown: Presented::of_factory(factory) }
    }
}

/// A connector as the API shows it, its configuration revealed.
#[derive(Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevealedConnector {
    /// Its id.
    pub id: String,
    /// The factory's id.
    pub connector_id: String,
    /// Its configuration, with keys of the service.
    pub config: JsonObject,
    /// What is told of it in place of what the factory tells.
    pub metadata: ConnectorMetadata,
    /// Whether profiles are taken over at each sign-in.
    pub sync_profile: bool,
    /// Whether tokens of the service are kept.
    pub enable_token_storage: bool,
    /// The rest.
    #[serde(flatten)]
    pub shown: Presented,
}

impl From<&Connector> for RevealedConnector {
    fn from(connector: &Connector) -> Self {
        Self {
            id: connector.id.clone(),
            connector_id: connector.factory.id.clone(),
            config: connector.config.clone(),
            metadata: connector.metadata.clone(),
            sync_profile: connector.sync_profile,
            enable_token_storage: connector.enable_token_storage,
            shown: Presented::of_connector(connector),
        }
    }
}

/// Every connector of a tenant, in the order of their creation.
#[derive(Clone, Debug, Default)]
pub struct Connectors(pub(super) Vec<Arc<Connector>>);

impl Connectors {
    /// The connector with this id.
    pub fn get(&self, id: &str) -> Option<&Arc<Connector>> {
        self.0.iter().find(|connector| connector.id == id)
    }

    /// Every connector.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Connector>> {
        self.0.iter()
    }

    /// The connector that sends messages of this kind, if there is one.
    pub fn sending(&self, kind: ConnectorType) -> Option<&Arc<Connector>> {
        self.0
            .iter()
            .find(|one| one.factory.connector_type == kind && kind != ConnectorType::Social)
    }

    /// Whether a social connector signs people in by way of this target.
    pub fn has_target(&self, target: &str) -> bool {
        self.0.iter().any(|connector| {
            connector.factory.connector_type == ConnectorType::Social
                && connector.target() == target
        })
    }
}
