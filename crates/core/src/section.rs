//! The parts of the configuration that are versioned and reloaded by themselves.

/// A part of the configuration that changes, is versioned and is reloaded by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Applications and their secrets.
    Applications,
    /// API resources and their scopes.
    Resources,
    /// Roles, their scopes, and the applications that hold them.
    Roles,
    /// Organization roles and organization scopes.
    OrganizationTemplate,
    /// Sign-in settings.
    Experience,
    /// Signing, cookie and rotation keys.
    Keys,
    /// What ID tokens say, and how long sessions last.
    OidcSettings,
    /// Scripts that add claims to tokens.
    TokenCustomizers,
    /// Which webhooks want which events.
    Hooks,
    /// Connectors that send messages and sign people in.
    Connectors,
    /// Connectors to identity providers of companies, and the keys that sign requests to them.
    SsoConnectors,
    /// Texts of the pages that the tenant has written.
    CustomPhrases,
    /// What people may see and change of their own accounts.
    AccountCenter,
    /// Who tells people from machines.
    Captcha,
    /// What is known of users besides the standard claims.
    ProfileFields,
    /// Scripts at steps of signing in.
    Actions,
}

impl Section {
    /// Every section, in the order of [`Versions`].
    pub const ALL: [Self; 16] = [
        Self::Applications,
        Self::Resources,
        Self::Roles,
        Self::OrganizationTemplate,
        Self::Experience,
        Self::Keys,
        Self::OidcSettings,
        Self::TokenCustomizers,
        Self::Hooks,
        Self::Connectors,
        Self::SsoConnectors,
        Self::CustomPhrases,
        Self::AccountCenter,
        Self::Captcha,
        Self::ProfileFields,
        Self::Actions,
    ];

    /// The name under which the section's version is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applications => "applications",
            Self::Resources => "resources",
            Self::Roles => "roles",
            Self::OrganizationTemplate => "organization_template",
            Self::Experience => "experience",
            Self::Keys => "keys",
            Self::OidcSettings => "oidc_settings",
            Self::TokenCustomizers => "token_customizers",
            Self::Hooks => "hooks",
            Self::Connectors => "connectors",
            Self::SsoConnectors => "sso_connectors",
            Self::CustomPhrases => "custom_phrases",
            Self::AccountCenter => "account_center",
            Self::Captcha => "captcha",
            Self::ProfileFields => "profile_fields",
            Self::Actions => "actions",
        }
    }

    /// The tables that are read into the section: a statement that writes one of them must move the section's version.
    pub const fn tables(self) -> &'static [&'static str] {
        match self {
            Self::Applications => &[
                "applications",
                "application_secrets",
                "application_sign_in_experiences",
                "application_user_consent_user_scopes",
                "application_user_consent_resource_scopes",
                "application_user_consent_organization_scopes",
                "application_user_consent_organization_resource_scopes",
            ],
            Self::Resources => &["resources", "scopes"],
            Self::Roles => &["roles", "role_scopes", "application_roles"],
            Self::OrganizationTemplate => &[
                "organization_roles",
                "organization_scopes",
                "organization_role_scopes",
                "organization_role_resource_scopes",
            ],
            Self::Experience => &["sign_in_experiences"],
            Self::Keys => &["keys"],
            Self::OidcSettings => &["oidc_settings"],
            Self::TokenCustomizers => &["token_customizers"],
            Self::Hooks => &["hooks"],
            Self::Connectors => &["connectors"],
            Self::SsoConnectors => &["sso_connectors", "sso_connector_domains", "sso_signing_keys"],
            Self::CustomPhrases => &["custom_phrases"],
            Self::AccountCenter => &["account_centers"],
            Self::Captcha => &["captcha_providers"],
            Self::ProfileFields => &["custom_profile_fields"],
            Self::Actions => &["actions"],
        }
    }
}

/// The version of each section, in the order of [`Section::ALL`].
pub(crate) type Versions = [i64; Section::ALL.len()];
