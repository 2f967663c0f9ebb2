//! The configuration of one tenant, in memory: read by every request, replaced as a whole when it changes.

use std::sync::Arc;

use trinco_db::TenantDb;

use crate::section::{Section, Versions};
use crate::{
    Result, Sealer, account_center, actions, applications, captcha, configs, connectors,
    custom_phrases, experience, hooks, keys, oidc_settings, organization_template, profile_fields,
    resources, roles, sso_connectors, token_customizers,
};

/// One tenant's configuration at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Applications by client id.
    pub applications: Arc<applications::Directory>,
    /// API resources by id and by indicator.
    pub resources: Arc<resources::Catalogue>,
    /// Roles by id.
    pub roles: Arc<roles::Catalogue>,
    /// Organization roles and scopes.
    pub organization_template: Arc<organization_template::Template>,
    /// Sign-in settings.
    pub experience: Arc<experience::SignInExperience>,
    /// Keys in use.
    pub keys: Arc<keys::Keys>,
    /// What ID tokens say, and how long sessions last.
    pub oidc_settings: Arc<oidc_settings::OidcSettings>,
    /// Scripts that add claims to tokens.
    pub token_customizers: Arc<token_customizers::Customizers>,
    /// Which webhooks want which events.
    pub hooks: Arc<hooks::Listeners>,
    /// Connectors that send messages and sign people in.
    pub connectors: Arc<connectors::Connectors>,
    /// Connectors to identity providers of companies.
    pub sso_connectors: Arc<sso_connectors::SsoConnectors>,
    /// Texts of the pages that the tenant has written.
    pub custom_phrases: Arc<custom_phrases::Phrasebook>,
    /// What people may see and change of their own accounts.
    pub account_center: Arc<account_center::AccountCenter>,
    /// Who tells people from machines, if anybody does.
    pub captcha: Arc<captcha::Configured>,
    /// What is known of users besides the standard claims.
    pub profile_fields: Arc<profile_fields::Catalogue>,
    /// Scripts at steps of signing in.
    pub actions: Arc<actions::Actions>,
    versions: Versions,
}

impl Snapshot {
    /// Reads every section.
    ///
    /// # Errors
    /// When the database does not answer or holds something unreadable.
    pub async fn load(db: &TenantDb, sealer: &Sealer) -> Result<Self> {
        let mut conn = db.read().await?;
        // Versions first: a change that slips in between is then read twice, never missed.
        let versions = configs::versions(&mut conn).await?;
        Ok(Self {
            applications: Arc::new(applications::load(&mut conn).await?),
            resources: Arc::new(resources::load(&mut conn).await?),
            roles: Arc::new(roles::load(&mut conn).await?),
            organization_template: Arc::new(organization_template::load(&mut conn).await?),
            experience: Arc::new(experience::load(&mut conn).await?),
            keys: Arc::new(keys::load(&mut conn, sealer).await?),
            oidc_settings: Arc::new(oidc_settings::load(&mut conn).await?),
            token_customizers: Arc::new(token_customizers::load(&mut conn, sealer).await?),
            hooks: Arc::new(hooks::load(&mut conn).await?),
            connectors: Arc::new(connectors::load(&mut conn, sealer).await?),
            sso_connectors: Arc::new(sso_connectors::load(&mut conn, sealer).await?),
            custom_phrases: Arc::new(custom_phrases::load(&mut conn).await?),
            account_center: Arc::new(account_center::load(&mut conn).await?),
            captcha: Arc::new(captcha::load(&mut conn, sealer).await?),
            profile_fields: Arc::new(profile_fields::load(&mut conn).await?),
            actions: Arc::new(actions::load(&mut conn, sealer).await?),
            versions,
        })
    }

    /// The newest configuration: this snapshot with the sections that have moved read again, or `None` when none has.
    ///
    /// # Errors
    /// As [`Snapshot::load`].
    pub async fn refreshed(&self, db: &TenantDb, sealer: &Sealer) -> Result<Option<Self>> {
        let mut conn = db.read().await?;
        let versions = configs::versions(&mut conn).await?;
        if versions == self.versions {
            return Ok(None);
        }
        let mut next = Self { versions, ..self.clone() };
        for (index, section) in Section::ALL.into_iter().enumerate() {
            if versions[index] == self.versions[index] {
                continue;
            }
            match section {
                Section::Applications => {
                    next.applications = Arc::new(applications::load(&mut conn).await?);
                }
                Section::Resources => next.resources = Arc::new(resources::load(&mut conn).await?),
                Section::Roles => next.roles = Arc::new(roles::load(&mut conn).await?),
                Section::OrganizationTemplate => {
                    next.organization_template =
                        Arc::new(organization_template::load(&mut conn).await?);
                }
                Section::Experience => {
                    next.experience = Arc::new(experience::load(&mut conn).await?);
                }
                Section::Keys => next.keys = Arc::new(keys::load(&mut conn, sealer).await?),
                Section::OidcSettings => {
                    next.oidc_settings = Arc::new(oidc_settings::load(&mut conn).await?);
                }
                Section::TokenCustomizers => {
                    next.token_customizers =
                        Arc::new(token_customizers::load(&mut conn, sealer).await?);
                }
                Section::Hooks => next.hooks = Arc::new(hooks::load(&mut conn).await?),
                Section::Connectors => {
                    next.connectors = Arc::new(connectors::load(&mut conn, sealer).await?);
                }
                Section::SsoConnectors => {
                    next.sso_connectors = Arc::new(sso_connectors::load(&mut conn, sealer).await?);
                }
                Section::CustomPhrases => {
                    next.custom_phrases = Arc::new(custom_phrases::load(&mut conn).await?);
                }
                Section::AccountCenter => {
                    next.account_center = Arc::new(account_center::load(&mut conn).await?);
                }
                Section::Captcha => {
                    next.captcha = Arc::new(captcha::load(&mut conn, sealer).await?);
                }
                Section::ProfileFields => {
                    next.profile_fields = Arc::new(profile_fields::load(&mut conn).await?);
                }
                Section::Actions => {
                    next.actions = Arc::new(actions::load(&mut conn, sealer).await?);
                }
            }
        }
        Ok(Some(next))
    }
}
