//! Applications as a file declares them: with the id, the secrets and all that belongs to them, in one transaction.

use trinco_oauth::client::Provenance;

use super::model::{Application, ApplicationChanges, NewApplication};
use super::{FIRST_SECRET, prepare, rewrite, rules, seal, store};
use crate::application_experience::{self, ApplicationSignInExperience};
use crate::consents::{self, ConsentScopes};
use crate::roles::{self, applications::hold};
use crate::{Result, Secret, Section, Tenant, keys};

/// A secret with its value.
pub(crate) struct DeclaredSecret {
    pub(crate) name: String,
    pub(crate) value: Secret,
    pub(crate) expires_at: Option<i64>,
}

/// What an application is to be; what is `None` stays as it is.
pub(crate) struct Declared {
    pub(crate) id: String,
    /// What it begins with, when there is no such application yet.
    pub(crate) new: Option<NewApplication>,
    pub(crate) changes: ApplicationChanges,
    /// In place of those it has.
    pub(crate) secrets: Option<Vec<DeclaredSecret>>,
    /// Machine-to-machine roles, in place of those it holds.
    pub(crate) role_ids: Option<Vec<String>>,
    /// In place of those it has.
    pub(crate) consent_scopes: Option<ConsentScopes>,
    pub(crate) experience: Option<ApplicationSignInExperience>,
}

/// The application that a body would create under this id, by the rules that need no database.
///
/// # Errors
/// As [`super::create`].
pub(crate) fn draft(tenant: &Tenant, id: &str, new: NewApplication) -> Result<Application> {
    let application = prepare(tenant, new, Provenance::Operator)?.application;
    Ok(Application { id: id.to_owned(), ..application })
}

/// The application as [`super::update`] would leave it.
///
/// # Errors
/// As [`super::update`].
pub(crate) fn changed(
    mut application: Application,
    changes: &ApplicationChanges,
) -> Result<Application> {
    rules::apply(changes, &mut application)?;
    Ok(application)
}

/// Whether applications of this kind authenticate with secrets.
pub(crate) const fn has_secrets(kind: trinco_oauth::ApplicationType) -> bool {
    rules::has_secrets(kind)
}

struct Sealed {
    new: Option<Application>,
    declared: Declared,
    secrets: Option<Vec<(store::StoredSecret, crate::TokenHash)>>,
}

/// Makes an application what it is to be. A new confidential one whose secrets are not declared gets its first one.
///
/// # Errors
/// As [`super::create`] and [`super::update`]; `entity.relation_foreign_key_not_found` and
/// `application.user_consent_scopes_not_found` when something it refers to is gone.
pub(crate) async fn put(tenant: &Tenant, declared: Declared) -> Result<()> {
    let new = declared.new.clone().map(|new| draft(tenant, &declared.id, new)).transpose()?;
    let asks_for_profile = declared
        .changes
        .custom_client_metadata
        .as_ref()
        .is_some_and(|custom| custom.security_profile.is_some());
    if asks_for_profile || new.as_ref().is_some_and(|new| new.to_client().is_fapi2()) {
        keys::provide_for_fapi(tenant).await?;
    }
    let sealed = |secret: &DeclaredSecret| {
        seal(tenant, &declared.id, &secret.name, &secret.value, secret.expires_at)
    };
    let secrets = match (&declared.secrets, &new) {
        (Some(secrets), _) => Some(secrets.iter().map(sealed).collect()),
        (None, Some(new)) if rules::has_secrets(new.application_type) => {
            let (_, stored, hash) = super::seal_new(tenant, &declared.id, FIRST_SECRET, None);
            Some(vec![(stored, hash)])
        }
        (None, _) => None,
    };
    let sections = &[Section::Applications, Section::Roles];
    tenant
        .configure(sections, Sealed { new, declared, secrets }, |tx, bumped, sealed| {
            Box::pin(async move {
                let declared = &sealed.declared;
                let id = declared.id.as_str();
                if let Some(new) = &sealed.new {
                    store::insert(tx, bumped, new).await.map_err(|error| {
                        error.if_taken("applications_id", "entity.unique_integrity_violation")
                    })?;
                }
                rewrite(tx, bumped, id, &declared.changes).await?;
                if let Some(is_admin) = declared.changes.is_admin {
                    let role = roles::MANAGEMENT_API_ROLE;
                    roles::put_application_role(tx, bumped, id, role, is_admin).await?;
                }
                if let Some(secrets) = &sealed.secrets {
                    for old in store::secrets(tx, id).await? {
                        store::delete_secret(tx, bumped, id, &old.name).await?;
                    }
                    for (stored, hash) in secrets {
                        store::insert_secret(tx, bumped, id, stored, hash).await?;
                    }
                }
                if let Some(role_ids) = &declared.role_ids {
                    hold(tx, bumped, id, role_ids, true).await?;
                }
                if let Some(scopes) = &declared.consent_scopes {
                    consents::replace_scopes(tx, bumped, id, scopes).await?;
                }
                if let Some(experience) = &declared.experience {
                    application_experience::save(tx, bumped, experience).await?;
                }
                Ok(())
            })
        })
        .await
}
