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
}

impl Section {
    /// Every section, in the order of [`Versions`].
    pub const ALL: [Self; 9] = [
        Self::Applications,
        Self::Resources,
        Self::Roles,
        Self::OrganizationTemplate,
        Self::Experience,
        Self::Keys,
        Self::OidcSettings,
        Self::TokenCustomizers,
        Self::Hooks,
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
        }
    }
}

/// The version of each section, in the order of [`Section::ALL`].
pub(crate) type Versions = [i64; Section::ALL.len()];
