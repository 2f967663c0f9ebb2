//! What the settings are. The serde shape is the shape of the Management API, and of the stored document.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::experience::WebUrl;
use crate::{Text, double_option, nullable};

/// The id of the one document of settings a tenant has.
const ID: &str = "default";

/// What people may see and change of their own accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountCenter {
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// Always `default`.
    pub id: String,
    /// Whether people may do anything by themselves.
    pub enabled: bool,
    /// What may be done with each part of an account; what is not named is off.
    pub fields: FieldControls,
    /// Origins besides the tenant's own that may use its passkeys.
    pub webauthn_related_origins: Vec<RelatedOrigin>,
    /// Where people are sent who want their account deleted.
    #[serde(default, deserialize_with = "nullable")]
    pub delete_account_url: Option<WebUrl>,
    /// CSS after the pages' own.
    #[serde(default, deserialize_with = "nullable")]
    pub custom_css: Option<Text<0, 262_144>>,
    /// The profile fields on the pages, in order. `None`: those of signing up.
    #[serde(default, deserialize_with = "nullable")]
    pub profile_fields: Option<Vec<ProfileFieldName>>,
}

/// What may be done with the parts of an account. Absent: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct FieldControls {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Control>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar: Option<Control>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Control>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Control>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Control>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Control>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<Control>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub social: Option<Control>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_data: Option<Control>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfa: Option<Control>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passkey: Option<Control>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Control>,
}

impl FieldControls {
    /// Everything may be seen and changed.
    fn everything() -> Self {
        let edit = Some(Control::Edit);
        Self {
            name: edit,
            avatar: edit,
            profile: edit,
            email: edit,
            phone: edit,
            password: edit,
            username: edit,
            social: edit,
            custom_data: edit,
            mfa: edit,
            passkey: edit,
            session: edit,
        }
    }
}

/// An origin as browsers write it, such as `https://app.example.com`.
pub type RelatedOrigin = Text<1, 2048>;

/// What people may do with a part of their account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Control {
    /// Not even see it.
    Off,
    /// See it.
    ReadOnly,
    /// See and change it.
    Edit,
}

/// A profile field on the pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProfileFieldName {
    /// Which.
    pub name: Text<1, 128>,
}

impl AccountCenter {
    /// What a new tenant has. Operators may change everything of their own accounts.
    pub(super) fn of_new_tenant(tenant_id: &str, is_admin: bool) -> Self {
        let fields = if is_admin { FieldControls::everything() } else { FieldControls::default() };
        Self {
            tenant_id: tenant_id.to_owned(),
            id: ID.to_owned(),
            enabled: is_admin,
            fields,
            webauthn_related_origins: Vec::new(),
            delete_account_url: None,
            custom_css: None,
            profile_fields: None,
        }
    }

    /// What people may do with a part of their account, such as `|fields| fields.email`.
    pub fn control(&self, part: impl Fn(&FieldControls) -> Option<Control>) -> Control {
        part(&self.fields).filter(|_| self.enabled).unwrap_or(Control::Off)
    }

    pub(super) fn apply(&mut self, changes: AccountCenterChanges) {
        let AccountCenterChanges {
            enabled,
            fields,
            webauthn_related_origins,
            delete_account_url,
            custom_css,
            profile_fields,
        } = changes;
        self.enabled = enabled.unwrap_or(self.enabled);
        if let Some(fields) = fields {
            self.fields = fields;
        }
        if let Some(WebOrigins(origins)) = webauthn_related_origins {
            self.webauthn_related_origins = origins;
        }
        if let Some(url) = delete_account_url {
            self.delete_account_url = url;
        }
        if let Some(css) = custom_css {
            self.custom_css = css;
        }
        if let Some(fields) = profile_fields {
            self.profile_fields = fields;
        }
    }
}

/// The body that changes the settings: absent members stay as they are, present ones replace the old value whole.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "as in AccountCenter")]
pub struct AccountCenterChanges {
    pub enabled: Option<bool>,
    pub fields: Option<FieldControls>,
    pub webauthn_related_origins: Option<WebOrigins>,
    /// `null` and the empty string take it away.
    #[serde(deserialize_with = "crate::experience::clearable")]
    pub delete_account_url: Option<Option<WebUrl>>,
    #[serde(deserialize_with = "double_option")]
    pub custom_css: Option<Option<Text<0, 262_144>>>,
    #[serde(deserialize_with = "double_option")]
    pub profile_fields: Option<Option<Vec<ProfileFieldName>>>,
}

/// At most twenty origins, each with a scheme and a host and nothing behind them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<RelatedOrigin>")]
pub struct WebOrigins(Vec<RelatedOrigin>);

impl TryFrom<Vec<RelatedOrigin>> for WebOrigins {
    type Error = String;

    fn try_from(origins: Vec<RelatedOrigin>) -> Result<Self, String> {
        if origins.len() > 20 {
            return Err("has more than 20 origins".to_owned());
        }
        match origins.iter().find(|origin| !is_origin(origin.as_str())) {
            Some(other) => Err(format!(
                "must hold origins such as https://app.example.com, and {:?} is none",
                other.as_str()
            )),
            None => Ok(Self(origins)),
        }
    }
}

fn is_origin(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_named_is_off_and_so_is_everything_while_it_is_not_enabled() {
        let mut settings = AccountCenter::of_new_tenant("default", false);
        let fields = json!({ "fields": { "name": "Edit" } });
        settings.apply(serde_json::from_value(fields).unwrap());
        assert_eq!(settings.control(|f| f.name), Control::Off);
        settings.apply(serde_json::from_value(json!({ "enabled": true })).unwrap());
        assert_eq!(settings.control(|f| f.name), Control::Edit);
        assert_eq!(settings.control(|f| f.email), Control::Off);
    }

    #[test]
    fn origins_have_nothing_behind_the_host() {
        let read = |origin: &str| {
            serde_json::from_value::<AccountCenterChanges>(
                json!({ "webauthnRelatedOrigins": [origin] }),
            )
        };
        assert!(read("https://app.example.com").is_ok());
        assert!(read("http://localhost:3000").is_ok());
        for other in ["https://app.example.com/", "https://a/b", "app.example.com", "ftp://a", ""] {
            assert!(read(other).is_err(), "{other}");
        }
    }
}
