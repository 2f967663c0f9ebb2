//! What a provider is. The serde shape is the shape of the Management API.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, Text};

/// A provider and how to reach it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CaptchaProvider {
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// 21 characters.
    pub id: String,
    /// Which provider, and its keys.
    pub config: CaptchaConfig,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
}

/// The body that sets the provider.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct NewCaptchaProvider {
    /// Which provider, and its keys.
    pub config: CaptchaConfig,
}

/// A provider's own settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type")]
pub enum CaptchaConfig {
    /// Cloudflare Turnstile.
    #[serde(rename_all = "camelCase")]
    Turnstile {
        /// Public.
        site_key: Text<1, 512>,
        /// Checks answers.
        secret_key: SecretKey,
    },
    /// reCAPTCHA Enterprise.
    #[serde(rename_all = "camelCase")]
    RecaptchaEnterprise {
        /// Public.
        site_key: Text<1, 512>,
        /// Checks answers.
        secret_key: SecretKey,
        /// The project of the keys.
        project_id: Text<1, 512>,
        /// Where the script comes from, in place of the usual host.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        domain: Option<Text<1, 253>>,
        /// Whether people see it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<RecaptchaMode>,
    },
}

/// Whether people see the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RecaptchaMode {
    /// They do not.
    Invisible,
    /// They tick a box.
    Checkbox,
}

/// A key that does not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SecretKey(Text<0, 1024>);

impl SecretKey {
    /// The key itself.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// What stands in a config whose key is kept elsewhere.
impl Default for SecretKey {
    fn default() -> Self {
        Self(Text::new("").expect("a text that may be empty"))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretKey(…)")
    }
}

/// What sign-in pages need of the provider.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicCaptcha {
    /// Which provider.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Public.
    pub site_key: String,
    /// Where the script comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Whether people see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<RecaptchaMode>,
}

impl CaptchaConfig {
    /// As the API calls the provider.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Turnstile { .. } => "Turnstile",
            Self::RecaptchaEnterprise { .. } => "RecaptchaEnterprise",
        }
    }

    /// The key that answers are checked with.
    pub const fn secret_key(&self) -> &SecretKey {
        match self {
            Self::Turnstile { secret_key, .. } | Self::RecaptchaEnterprise { secret_key, .. } => {
                secret_key
            }
        }
    }

    fn secret_key_mut(&mut self) -> &mut SecretKey {
        match self {
            Self::Turnstile { secret_key, .. } | Self::RecaptchaEnterprise { secret_key, .. } => {
                secret_key
            }
        }
    }

    pub(super) fn set_secret_key(&mut self, text: &str) -> Result<()> {
        let key = Text::new(text)
            .map_err(|rule| Error::Internal(format!("a stored captcha secret {rule}")))?;
        *self.secret_key_mut() = SecretKey(key);
        Ok(())
    }

    /// As it is stored beside its sealed key.
    pub(super) fn without_secret(&self) -> Self {
        let mut config = self.clone();
        *config.secret_key_mut() = SecretKey::default();
        config
    }

    pub(super) fn public(&self) -> PublicCaptcha {
        match self {
            Self::Turnstile { site_key, .. } => PublicCaptcha {
                kind: self.kind(),
                site_key: site_key.as_str().to_owned(),
                domain: None,
                mode: None,
            },
            Self::RecaptchaEnterprise { site_key, domain, mode, .. } => PublicCaptcha {
                kind: self.kind(),
                site_key: site_key.as_str().to_owned(),
                domain: domain.as_ref().map(|domain| domain.as_str().to_owned()),
                mode: *mode,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_secret_neither_prints_nor_leaves_with_what_is_public() {
        let body = json!({ "type": "RecaptchaEnterprise", "siteKey": "site", "secretKey": "hunter2", "projectId": "p", "mode": "checkbox" });
        let mut config: CaptchaConfig = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(serde_json::to_value(&config).unwrap(), body);
        assert!(!format!("{config:?}").contains("hunter2"));
        let public = serde_json::to_value(config.public()).unwrap();
        assert_eq!(
            public,
            json!({ "type": "RecaptchaEnterprise", "siteKey": "site", "mode": "checkbox" })
        );
        let stored = serde_json::to_string(&config.without_secret()).unwrap();
        assert!(!stored.contains("hunter2"));
        config = serde_json::from_str(&stored).unwrap();
        config.set_secret_key("hunter2").unwrap();
        assert_eq!(config.secret_key().as_str(), "hunter2");
    }
}
