//! The identity providers that can be connected to, and what their connectors are configured with.

use super::model::{ProviderName, ProviderType, ShownProvider};
use crate::connectors::monogram;

/// An identity provider that can be connected to.
#[derive(Debug)]
pub struct Provider {
    /// Its name in the API.
    pub name: ProviderName,
    /// Which protocol it speaks.
    pub provider_type: ProviderType,
    /// What people call it.
    pub title: &'static str,
    description: &'static str,
    /// Where its discovery document is, when that is the same for everyone.
    pub(super) issuer: Option<&'static str>,
}

/// Every provider.
static PROVIDERS: [Provider; 6] = [
    Provider {
        name: ProviderName::Oidc,
        provider_type: ProviderType::Oidc,
        title: "OIDC",
        description: "Any identity provider that speaks OpenID Connect.",
        issuer: None,
    },
    Provider {
        name: ProviderName::Saml,
        provider_type: ProviderType::Saml,
        title: "SAML",
        description: "Any identity provider that speaks SAML 2.0.",
        issuer: None,
    },
    Provider {
        name: ProviderName::AzureAD,
        provider_type: ProviderType::Saml,
        title: "Microsoft Entra ID (SAML)",
        description: "The directory of a company at Microsoft, by SAML 2.0.",
        issuer: None,
    },
    Provider {
        name: ProviderName::GoogleWorkspace,
        provider_type: ProviderType::Oidc,
        title: "Google Workspace",
        description: "The accounts of a company at Google, by OpenID Connect.",
        issuer: Some("https://accounts.google.com"),
    },
    Provider {
        name: ProviderName::Okta,
        provider_type: ProviderType::Oidc,
        title: "Okta",
        description: "The directory of a company at Okta, by OpenID Connect.",
        issuer: None,
    },
    Provider {
        name: ProviderName::AzureAdOidc,
        provider_type: ProviderType::Oidc,
        title: "Microsoft Entra ID (OIDC)",
        description: "The directory of a company at Microsoft, by OpenID Connect.",
        issuer: None,
    },
];

impl Provider {
    /// A drawing of our own.
    pub(super) fn logo(&self) -> String {
        monogram(self.title)
    }

    pub(super) fn shown(&self) -> ShownProvider {
        ShownProvider {
            provider_name: self.name,
            provider_type: self.provider_type,
            name: self.title.to_owned(),
            description: self.description.to_owned(),
            logo: self.logo(),
            logo_dark: self.logo(),
        }
    }

    /// As it is stored and as the API spells it.
    pub(super) const fn as_str(&self) -> &'static str {
        match self.name {
            ProviderName::Oidc => "OIDC",
            ProviderName::Saml => "SAML",
            ProviderName::AzureAD => "AzureAD",
            ProviderName::GoogleWorkspace => "GoogleWorkspace",
            ProviderName::Okta => "Okta",
            ProviderName::AzureAdOidc => "AzureAdOidc",
        }
    }
}

pub(super) fn all() -> &'static [Provider] {
    &PROVIDERS
}

pub(super) fn provider(name: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.as_str() == name)
}
