//! The factories connectors are made by: what `factories.json` lists.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::authorization::AuthorizationRequest;

static FACTORIES: LazyLock<Vec<Factory>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("factories.json"))
        .expect("a test reads the list of factories")
});

/// Every factory, by id.
pub fn factories() -> &'static [Factory] {
    &FACTORIES
}

/// The factory with this id.
pub fn factory(id: &str) -> Option<&'static Factory> {
    factories().iter().find(|factory| factory.id == id)
}

/// What connectors do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ConnectorType {
    /// Send e-mail.
    Email,
    /// Send text messages.
    Sms,
    /// Sign people in.
    Social,
}

impl ConnectorType {
    /// As the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "Email",
            Self::Sms => "Sms",
            Self::Social => "Social",
        }
    }
}

/// Where a social connector signs people in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Platform {
    Native,
    Universal,
    Web,
}

/// Text by language tag; English is always there.
pub type Translated = BTreeMap<String, String>;

/// What connectors of one kind have in common.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Factory {
    /// Such as `google-universal`.
    pub id: String,
    /// What its connectors do.
    #[serde(rename = "type")]
    pub connector_type: ConnectorType,
    /// The service, as identities of users name it.
    pub target: String,
    /// Where its connectors sign people in; none for those that send messages.
    pub platform: Option<Platform>,
    /// Whether its connectors speak a standard, so that a tenant may have several for several services.
    #[serde(default)]
    pub is_standard: bool,
    /// Whether tokens of the service can be kept.
    #[serde(default)]
    pub is_token_storage_supported: bool,
    /// Shown to people.
    pub name: Translated,
    /// Shown to administrators.
    pub description: Translated,
    /// How it is set up, in Markdown.
    pub readme: String,
    /// What its connectors are configured with.
    pub form_items: Vec<FormItem>,
    /// How people are sent to the service, when that takes no more than a URL.
    pub(super) authorization: Option<AuthorizationRequest>,
}

impl Factory {
    /// A drawing of our own: the first letter on a plain ground. The services' logos are theirs.
    pub fn logo(&self) -> String {
        monogram(self.name.get("en").map_or("?", String::as_str))
    }
}

/// A drawing of the first letter of a name, as a `data:` URL.
pub(crate) fn monogram(name: &str) -> String {
    let letter = name.chars().find(|symbol| symbol.is_alphanumeric()).unwrap_or('?');
    let hue = name.bytes().fold(0_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 360);
    let svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 40 40'><rect width='40' height='40' rx='8' \
         fill='hsl({hue},45%,40%)'/><text x='20' y='27' font-family='sans-serif' font-size='20' fill='#fff' \
         text-anchor='middle'>{letter}</text></svg>"
    );
    let mut url = "data:image/svg+xml,".to_owned();
    for byte in svg.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/:=',() ".contains(&byte) && byte != b' ' {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

/// A member of a configuration, as a form asks for it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FormItem {
    /// The member's name.
    pub key: String,
    /// What it is.
    #[serde(rename = "type")]
    pub item_type: FormItemType,
    /// Shown to administrators.
    pub label: String,
    /// An example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<String>,
    /// Whether it must be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// What a form begins with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_value: Option<Value>,
    /// Whether a form hides it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_confidential: Option<bool>,
    /// What can be chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub select_items: Option<Vec<SelectItem>>,
    /// When it is asked for at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub show_conditions: Option<Vec<ShowCondition>>,
}

/// What a member of a configuration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it")]
pub enum FormItemType {
    Text,
    Number,
    MultilineText,
    Switch,
    Json,
    Select,
    MultiSelect,
}

/// Something to choose.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SelectItem {
    /// Shown to administrators, where one is chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What is chosen.
    pub value: String,
}

/// Another member that has a value.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShowCondition {
    /// The other member.
    pub target_key: String,
    /// Its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect_value: Option<Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_whole() {
        assert_eq!(factories().len(), 49);
        for (index, factory) in factories().iter().enumerate() {
            assert!(factories()[index + 1..].iter().all(|other| other.id != factory.id));
            for text in [&factory.name, &factory.description] {
                assert!(text.contains_key("en") && text.contains_key("pt-BR"), "{}", factory.id);
            }
            assert!(factory.readme.starts_with("# "), "{}", factory.id);
            let is_social = factory.connector_type == ConnectorType::Social;
            assert_eq!(factory.platform.is_some(), is_social, "{}", factory.id);
            for item in &factory.form_items {
                let chooses =
                    matches!(item.item_type, FormItemType::Select | FormItemType::MultiSelect);
                assert_eq!(item.select_items.is_some(), chooses, "{} {}", factory.id, item.key);
            }
        }
    }

    #[test]
    fn a_logo_is_a_url_without_quotes_or_gaps() {
        for factory in factories() {
            let logo = factory.logo();
            assert!(logo.starts_with("data:image/svg+xml,%3Csvg"), "{logo}");
            assert!(!logo.contains(['"', ' ', '<', '#']), "{logo}");
        }
    }
}
