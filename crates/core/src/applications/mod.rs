//! Applications: the OAuth clients of a tenant, and their secrets.

mod assertion;
pub(crate) mod declared;
mod described;
mod model;
mod rules;
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use trinco_db::{Conn, Tx};
use trinco_oauth::ApplicationType;
use trinco_oauth::client::Provenance;

pub use assertion::verify_assertion;
pub(crate) use described::{count_described, described, forget_unused, note_described};
pub use model::{
    Application, ApplicationChanges, ApplicationSecret, CustomClientMetadata, Directory,
    NewApplication, NewSecret, OidcClientMetadata, RegisteredClient,
};

use crate::{
    Alphabet, Bumped, Error, Listing, Page, Result, Secret, Section, Tenant, Text, TokenHash,
    application_experience, consents, roles,
};
use crate::{keys, organizations};

/// The name of the secret that a new confidential application gets.
const FIRST_SECRET: &str = "Default secret";

/// Which applications to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only these kinds; empty for all.
    pub types: Vec<ApplicationType>,
    /// Only third-party, or only first-party ones.
    pub is_third_party: Option<bool>,
    /// Only those that do not hold this role.
    pub without_role: Option<String>,
    /// Only those that are not members of this organization.
    pub outside_organization: Option<String>,
    /// Only those whose name or id contains this, in any case.
    pub containing: Option<String>,
}

/// Lists applications, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(tenant: &Tenant, filter: &Filter, page: Page) -> Result<Listing<Application>> {
    let members = match &filter.outside_organization {
        Some(id) => organizations::application_ids(&mut tenant.read().await?, id).await?,
        None => Vec::new(),
    };
    let snapshot = tenant.snapshot();
    let wanted = filter.containing.as_ref().map(|text| text.to_lowercase());
    let mut found: Vec<&Application> = snapshot
        .applications
        .iter()
        .map(|registered| &registered.application)
        .filter(|application| !members.contains(&application.id))
        .filter(|application| {
            filter.types.is_empty() || filter.types.contains(&application.application_type)
        })
        .filter(|application| {
            filter.is_third_party.is_none_or(|wanted| wanted == application.is_third_party)
        })
        .filter(|application| {
            filter.without_role.as_ref().is_none_or(|role| {
                !snapshot.roles.of_application(&application.id).any(|held| held == role)
            })
        })
        .filter(|application| {
            wanted.as_ref().is_none_or(|wanted| {
                application.id.contains(wanted)
                    || application.name.to_lowercase().contains(wanted.as_str())
            })
        })
        .collect();
    found.sort_by(|one, other| {
        other.created_at.cmp(&one.created_at).then_with(|| one.id.cmp(&other.id))
    });
    Ok(Listing::of(found.into_iter().cloned(), page))
}

/// The application with this id, and whether it may use the whole Management API.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn get(tenant: &Tenant, id: &str) -> Result<(Application, bool)> {
    let registered = find(tenant, id).await?.ok_or_else(|| Error::not_found("applications", id))?;
    let is_admin =
        tenant.snapshot().roles.of_application(id).any(|role| role == roles::MANAGEMENT_API_ROLE);
    Ok((registered.application.clone(), is_admin))
}

/// The client with this id, if there is one.
///
/// # Errors
/// When the database does not answer.
pub async fn find(tenant: &Tenant, id: &str) -> Result<Option<Arc<RegisteredClient>>> {
    tenant.find(|snapshot| snapshot.applications.get(id).cloned()).await
}

/// Creates an application; a confidential one gets its first secret.
///
/// # Errors
/// `application.*` and `guard.invalid_input` when the body breaks a rule.
pub async fn create(tenant: &Tenant, new: NewApplication) -> Result<Application> {
    let prepared = prepare(tenant, new, Provenance::Operator)?;
    if prepared.application.to_client().is_fapi2() {
        keys::provide_for_fapi(tenant).await?;
    }
    let application = prepared.application.clone();
    tenant
        .configure(&[Section::Applications], prepared, |tx, bumped, prepared| {
            Box::pin(insert(tx, bumped, prepared))
        })
        .await?;
    Ok(application)
}

/// An application and its first secret, made before the transaction that stores them.
pub(crate) struct Prepared {
    pub(crate) application: Application,
    secret: Option<(Secret, store::StoredSecret, TokenHash)>,
}

impl Prepared {
    /// The secret it gets, if its kind has one.
    pub(crate) fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref().map(|(value, ..)| value)
    }
}

/// Makes an application.
///
/// # Errors
/// As [`create`].
pub(crate) fn prepare(
    tenant: &Tenant,
    new: NewApplication,
    provenance: Provenance,
) -> Result<Prepared> {
    rules::check_new(&new)?;
    let application = Application {
        tenant_id: tenant.id().to_owned(),
        id: tenant.new_id(),
        name: new.name.into_string(),
        description: new.description.map(Text::into_string),
        application_type: new.application_type,
        oidc_client_metadata: new.oidc_client_metadata,
        custom_client_metadata: new.custom_client_metadata,
        protected_app_metadata: None,
        custom_data: new.custom_data,
        is_third_party: new.is_third_party,
        app_level_access_control_enabled: false,
        provenance,
        created_at: tenant.now_ms(),
    };
    rules::check_profile(&application)?;
    let secret = rules::has_secrets(application.application_type)
        .then(|| seal_new(tenant, &application.id, FIRST_SECRET, None));
    Ok(Prepared { application, secret })
}

/// Makes the application behind a SAML service provider. It has no redirect URI: nothing is issued to it as an OAuth client.
pub(crate) fn prepare_saml(
    tenant: &Tenant,
    name: String,
    description: Option<String>,
    custom_data: crate::JsonObject,
) -> Prepared {
    let application = Application {
        tenant_id: tenant.id().to_owned(),
        id: tenant.new_id(),
        name,
        description,
        application_type: ApplicationType::SAML,
        oidc_client_metadata: OidcClientMetadata::default(),
        custom_client_metadata: CustomClientMetadata::default(),
        protected_app_metadata: None,
        custom_data,
        is_third_party: true,
        app_level_access_control_enabled: false,
        provenance: Provenance::Operator,
        created_at: tenant.now_ms(),
    };
    Prepared { application, secret: None }
}

/// Stores what [`prepare`] made.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn insert(tx: &mut Tx<'_>, bumped: &Bumped, prepared: &Prepared) -> Result<()> {
    let application = &prepared.application;
    store::insert(tx, bumped, application).await?;
    if let Some((_, stored, hash)) = &prepared.secret {
        store::insert_secret(tx, bumped, &application.id, stored, hash).await?;
    }
    Ok(())
}

/// The application as it is stored, in the transaction that is about to change it.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub(crate) async fn stored(tx: &mut Tx<'_>, id: &str) -> Result<Application> {
    store::find(tx, id).await?.ok_or_else(|| Error::not_found("applications", id))
}

/// Writes what an application says about itself anew, in the transaction of the registration it belongs to.
///
/// # Errors
/// `entity.not_exists_with_id`, and `guard.invalid_input` as of [`create`].
pub(crate) async fn rewrite(
    tx: &mut Tx<'_>,
    bumped: &Bumped,
    id: &str,
    changes: &ApplicationChanges,
) -> Result<Application> {
    let mut application = stored(tx, id).await?;
    rules::apply(changes, &mut application)?;
    store::update(tx, bumped, &application).await?;
    Ok(application)
}

/// Changes an application.
///
/// # Errors
/// `entity.not_exists_with_id`, or as [`create`].
pub async fn update(tenant: &Tenant, id: &str, changes: ApplicationChanges) -> Result<Application> {
    let sections = &[Section::Applications, Section::Roles];
    let profile =
        changes.custom_client_metadata.as_ref().and_then(|custom| custom.security_profile);
    if profile.is_some() {
        keys::provide_for_fapi(tenant).await?;
    }
    tenant
        .configure(sections, (id.to_owned(), changes), |tx, bumped, (id, changes)| {
            Box::pin(async move {
                let application = rewrite(tx, bumped, id, changes).await?;
                if let Some(is_admin) = changes.is_admin {
                    let role = roles::MANAGEMENT_API_ROLE;
                    roles::put_application_role(tx, bumped, id, role, is_admin).await?;
                }
                Ok(application)
            })
        })
        .await
}

/// Merges `data` into the application's custom data at the top level and returns the result.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn merge_custom_data(
    tenant: &Tenant,
    id: &str,
    data: crate::JsonObject,
) -> Result<crate::JsonObject> {
    tenant
        .configure(&[Section::Applications], (id.to_owned(), data), |tx, bumped, (id, data)| {
            Box::pin(async move {
                let mut application = store::find(tx, id)
                    .await?
                    .ok_or_else(|| Error::not_found("applications", id))?;
                application.custom_data.extend(data.clone());
                store::update(tx, bumped, &application).await?;
                Ok(application.custom_data)
            })
        })
        .await
}

/// Deletes an application with its secrets, grants and tokens.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn delete(tenant: &Tenant, id: &str) -> Result<()> {
    tenant
        .configure(&[Section::Applications, Section::Roles], id.to_owned(), |tx, bumped, id| {
            Box::pin(async move {
                if remove(tx, bumped, id).await? {
                    Ok(())
                } else {
                    Err(Error::not_found("applications", id))
                }
            })
        })
        .await
}

/// [`delete`], in the transaction of something else; false when there is no such application.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn remove(tx: &mut Tx<'_>, bumped: &Bumped, id: &str) -> Result<bool> {
    store::delete(tx, bumped, id).await
}

/// The secrets of an application, the oldest first.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn secrets(tenant: &Tenant, application_id: &str) -> Result<Vec<ApplicationSecret>> {
    get(tenant, application_id).await?;
    let stored = store::secrets(&mut tenant.read().await?, application_id).await?;
    stored.into_iter().map(|stored| open(tenant, application_id, stored)).collect()
}

/// Creates a further secret.
///
/// # Errors
/// `entity.not_exists_with_id`; `application.secret_name_exists`; `entity.db_constraint_violated` for an application that has no
/// secrets by its kind.
pub async fn create_secret(
    tenant: &Tenant,
    application_id: &str,
    new: NewSecret,
) -> Result<ApplicationSecret> {
    let (application, _) = get(tenant, application_id).await?;
    if !rules::has_secrets(application.application_type) {
        return Err(Error::refused("entity.db_constraint_violated"));
    }
    let sealed = seal_new(tenant, application_id, new.name.as_str(), new.expires_at);
    let created = ApplicationSecret {
        application_id: application_id.to_owned(),
        name: sealed.1.name.clone(),
        value: sealed.0.clone(),
        created_at: sealed.1.created_at,
        expires_at: sealed.1.expires_at,
    };
    tenant
        .configure(
            &[Section::Applications],
            (application_id.to_owned(), sealed),
            |tx, bumped, (id, sealed)| {
                Box::pin(async move {
                    store::insert_secret(tx, bumped, id, &sealed.1, &sealed.2).await.map_err(
                        |error| {
                            error.if_taken(
                                "application_secrets_application_id_name",
                                "application.secret_name_exists",
                            )
                        },
                    )
                })
            },
        )
        .await?;
    Ok(created)
}

/// Renames a secret.
///
/// # Errors
/// `entity.not_found`; `application.secret_name_exists`.
pub async fn rename_secret(
    tenant: &Tenant,
    application_id: &str,
    name: &str,
    new_name: Text<1, 256>,
) -> Result<ApplicationSecret> {
    let input = (application_id.to_owned(), name.to_owned(), new_name.clone());
    tenant
        .configure(&[Section::Applications], input, |tx, bumped, (id, name, new_name)| {
            Box::pin(async move {
                let renamed = store::rename_secret(tx, bumped, id, name, new_name.as_str())
                    .await
                    .map_err(|error| {
                    error.if_taken(
                        "application_secrets_application_id_name",
                        "application.secret_name_exists",
                    )
                })?;
                if renamed { Ok(()) } else { Err(Error::refused("entity.not_found")) }
            })
        })
        .await?;
    secrets(tenant, application_id)
        .await?
        .into_iter()
        .find(|secret| secret.name == new_name.as_str())
        .ok_or_else(|| Error::refused("entity.not_found"))
}

/// Deletes a secret: it no longer authenticates.
///
/// # Errors
/// `entity.not_found`.
pub async fn delete_secret(tenant: &Tenant, application_id: &str, name: &str) -> Result<()> {
    tenant
        .configure(
            &[Section::Applications],
            (application_id.to_owned(), name.to_owned()),
            |tx, bumped, (id, name)| {
                Box::pin(async move {
                    if store::delete_secret(tx, bumped, id, name).await? {
                        Ok(())
                    } else {
                        Err(Error::refused("entity.not_found"))
                    }
                })
            },
        )
        .await
}

/// Replaces the secret of the time when an application had a single one. Here every secret has a name, so there is none to replace.
///
/// # Errors
/// `entity.not_exists_with_id`; `application.no_legacy_secret_found`.
pub async fn replace_legacy_secret(tenant: &Tenant, application_id: &str) -> Result<Application> {
    get(tenant, application_id).await?;
    Err(Error::refused("application.no_legacy_secret_found"))
}

/// What a presented secret turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretCheck {
    /// It is one of the application's.
    Valid,
    /// It was one of them, and has expired.
    Expired,
    /// It is not one of them.
    Wrong,
}

impl RegisteredClient {
    /// Compares a presented secret with the application's; every one is compared, so that time tells nothing.
    pub fn check_secret(&self, presented: &str, now_ms: i64) -> SecretCheck {
        let presented = TokenHash::of(presented);
        let mut result = SecretCheck::Wrong;
        for secret in &self.secrets {
            if verify_slices_are_equal(
                secret.hash.as_str().as_bytes(),
                presented.as_str().as_bytes(),
            )
            .is_ok()
            {
                let expired = secret.expires_at.is_some_and(|at| at <= now_ms);
                result = if expired { SecretCheck::Expired } else { SecretCheck::Valid };
            }
        }
        result
    }
}

/// Reads every application of a tenant.
///
/// # Errors
/// When the database does not answer or holds something unreadable.
pub(crate) async fn load(conn: &mut Conn<'_>) -> Result<Directory> {
    let mut secrets: BTreeMap<String, Vec<model::SecretHash>> = BTreeMap::new();
    for (application_id, hash) in store::secret_hashes(conn).await? {
        secrets.entry(application_id).or_default().push(hash);
    }
    let mut experiences = application_experience::load(conn).await?;
    let mut consent_scopes = consents::load(conn).await?;
    let by_id = store::all(conn)
        .await?
        .into_iter()
        .map(|application| {
            let registered = RegisteredClient {
                client: application.to_client(),
                secrets: secrets.remove(&application.id).unwrap_or_default(),
                experience: experiences.remove(&application.id),
                consent_scopes: consent_scopes.remove(&application.id).unwrap_or_default(),
                keys: rules::verifier_of(&application.oidc_client_metadata),
                application,
            };
            (registered.application.id.clone(), Arc::new(registered))
        })
        .collect();
    Ok(Directory { by_id })
}

fn seal_new(
    tenant: &Tenant,
    application_id: &str,
    name: &str,
    expires_at: Option<i64>,
) -> (Secret, store::StoredSecret, TokenHash) {
    let value = Secret::new(Alphabet::Secret.random(tenant.randomness(), 32));
    let (stored, hash) = seal(tenant, application_id, name, &value, expires_at);
    (value, stored, hash)
}

fn seal(
    tenant: &Tenant,
    application_id: &str,
    name: &str,
    value: &Secret,
    expires_at: Option<i64>,
) -> (store::StoredSecret, TokenHash) {
    let hash = TokenHash::of(value.reveal());
    // The name is not part of the place: it can change.
    let place = [tenant.id(), "application_secrets", application_id];
    let sealed = tenant.sealer().seal(tenant.randomness(), &place, value.reveal().as_bytes());
    let stored = store::StoredSecret {
        name: name.to_owned(),
        sealed,
        created_at: tenant.now_ms(),
        expires_at,
    };
    (stored, hash)
}

fn open(
    tenant: &Tenant,
    application_id: &str,
    stored: store::StoredSecret,
) -> Result<ApplicationSecret> {
    let place = [tenant.id(), "application_secrets", application_id];
    Ok(ApplicationSecret {
        application_id: application_id.to_owned(),
        value: tenant.sealer().open_text(&place, &stored.sealed)?,
        name: stored.name,
        created_at: stored.created_at,
        expires_at: stored.expires_at,
    })
}
