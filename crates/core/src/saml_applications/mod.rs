//! SAML applications: service providers that let people sign in here by SAML 2.0. What they are, and the keys their answers are to be
//! signed with.

mod certificate;
mod metadata;
mod model;
mod store;

use std::convert::Infallible;

use trinco_db::{Conn, Tx};
use trinco_oauth::ApplicationType;
use url::Url;

pub use model::{
    AcsUrl, AttributeMapping, Binding, CertificateChanges, ClaimName, Encryption, Fingerprint,
    Fingerprints, LifeSpan, ListedSamlCertificate, NameIdFormat, NewSamlApplication,
    NewSamlCertificate, SamlApplication, SamlApplicationChanges, SamlCertificate, SamlConfig,
};

use store::StoredCertificate;

use crate::applications::{self, ApplicationChanges};
use crate::audit::{self, Entry, Outcome};
use crate::{Error, Result, Section, Tenant, Text, calendar};

/// Creates an application with a certificate for three years.
///
/// # Errors
/// `application.saml.acs_url_binding_not_supported`, `application.saml.invalid_certificate_pem_format`, `guard.invalid_input`.
pub async fn create(tenant: &Tenant, new: NewSamlApplication) -> Result<SamlApplication> {
    let config = SamlConfig {
        attribute_mapping: new.attribute_mapping,
        entity_id: new.entity_id.map(Text::into_string).filter(|id| !id.is_empty()),
        acs_url: new.acs_url,
        encryption: new.encryption,
        name_id_format: new.name_id_format,
    };
    check(&config)?;
    let description = new.description.map(Text::into_string);
    let prepared =
        applications::prepare_saml(tenant, new.name.into_string(), description, new.custom_data);
    let application = prepared.application.clone();
    let certificate = made(tenant, &application.id, LifeSpan::FIRST, true).await?;
    let input = (prepared, config.clone(), certificate);
    tenant
        .configure(&[Section::Applications], input, |tx, bumped, input| {
            Box::pin(async move {
                let (prepared, config, certificate) = input;
                let id = &prepared.application.id;
                applications::insert(tx, bumped, prepared).await?;
                store::put_config(tx, id, config).await?;
                store::insert_certificate(tx, id, certificate).await
            })
        })
        .await?;
    Ok(SamlApplication::new(application, config))
}

/// The application with this id.
///
/// # Errors
/// `entity.not_exists_with_id`; `application.saml.saml_application_only` when it is of another kind.
pub async fn get(tenant: &Tenant, id: &str) -> Result<SamlApplication> {
    let (application, _) = applications::get(tenant, id).await?;
    if application.application_type != ApplicationType::SAML {
        return Err(Error::refused("application.saml.saml_application_only"));
    }
    let config = config_of(&mut tenant.read().await?, id).await?;
    Ok(SamlApplication::new(application, config))
}

/// Changes an application.
///
/// # Errors
/// As [`get`] and [`create`].
pub async fn update(
    tenant: &Tenant,
    id: &str,
    changes: SamlApplicationChanges,
) -> Result<SamlApplication> {
    get(tenant, id).await?;
    tenant
        .configure(&[Section::Applications], (id.to_owned(), changes), |tx, bumped, input| {
            Box::pin(async move {
                let (id, changes) = input;
                let of_application = ApplicationChanges {
                    name: changes.name.clone(),
                    description: changes.description.clone(),
                    custom_data: changes.custom_data.clone(),
                    app_level_access_control_enabled: changes.app_level_access_control_enabled,
                    ..ApplicationChanges::default()
                };
                let application = applications::rewrite(tx, bumped, id, &of_application).await?;
                let mut config = config_of(tx, id).await?;
                apply(changes.clone(), &mut config);
                check(&config)?;
                store::put_config(tx, id, &config).await?;
                Ok(SamlApplication::new(application, config))
            })
        })
        .await
}

/// Deletes an application with its certificates.
///
/// # Errors
/// As [`get`].
pub async fn delete(tenant: &Tenant, id: &str) -> Result<()> {
    get(tenant, id).await?;
    applications::delete(tenant, id).await
}

/// The certificates of an application, the newest first.
///
/// # Errors
/// As [`get`].
pub async fn certificates(tenant: &Tenant, id: &str) -> Result<Vec<ListedSamlCertificate>> {
    get(tenant, id).await?;
    let stored = store::certificates(&mut tenant.read().await?, id).await?;
    let listed = stored.into_iter().map(|stored| {
        let shown = shown(stored)?;
        Ok(ListedSamlCertificate {
            id: shown.id,
            certificate: shown.certificate,
            fingerprints: shown.fingerprints,
            created_at: shown.created_at,
            expires_at: calendar::iso8601(shown.expires_at),
            active: shown.active,
        })
    });
    listed.collect()
}

/// Makes a further certificate, which is not active yet.
///
/// # Errors
/// As [`get`].
pub async fn add_certificate(
    tenant: &Tenant,
    id: &str,
    new: NewSamlCertificate,
) -> Result<SamlCertificate> {
    get(tenant, id).await?;
    let certificate = made(tenant, id, new.life_span_in_years, false).await?;
    let entry = entry(tenant, "SamlApplication.Secret.Create", id, &certificate.id);
    tenant
        .write((id.to_owned(), certificate, entry), |tx, (id, certificate, entry)| {
            Box::pin(async move {
                taken(tx, id).await?;
                store::insert_certificate(tx, id, certificate).await?;
                audit::append(tx, entry).await?;
                shown(certificate.clone())
            })
        })
        .await
}

/// Makes a certificate the active one, or lets it rest.
///
/// # Errors
/// As [`get`]; `entity.not_exists_with_id` when there is no such certificate.
pub async fn update_certificate(
    tenant: &Tenant,
    id: &str,
    certificate_id: &str,
    changes: CertificateChanges,
) -> Result<SamlCertificate> {
    get(tenant, id).await?;
    let entry = entry(tenant, "SamlApplication.Secret.Update", id, certificate_id)
        .fact("active", changes.active);
    let input = (id.to_owned(), certificate_id.to_owned(), changes, entry);
    tenant
        .write(input, |tx, (id, certificate_id, changes, entry)| {
            Box::pin(async move {
                taken(tx, id).await?;
                find_certificate(tx, id, certificate_id).await?;
                if changes.active {
                    store::activate(tx, id, certificate_id).await?;
                } else {
                    store::deactivate(tx, id, certificate_id).await?;
                }
                audit::append(tx, entry).await?;
                shown(find_certificate(tx, id, certificate_id).await?)
            })
        })
        .await
}

/// Deletes a certificate that is not active.
///
/// # Errors
/// As [`update_certificate`]; `application.saml.can_not_delete_active_secret`.
pub async fn delete_certificate(tenant: &Tenant, id: &str, certificate_id: &str) -> Result<()> {
    get(tenant, id).await?;
    let entry = entry(tenant, "SamlApplication.Secret.Delete", id, certificate_id);
    tenant
        .write((id.to_owned(), certificate_id.to_owned(), entry), |tx, input| {
            Box::pin(async move {
                let (id, certificate_id, entry) = input;
                taken(tx, id).await?;
                find_certificate(tx, id, certificate_id).await?;
                if !store::delete_inactive(tx, id, certificate_id).await? {
                    return Err(Error::refused("application.saml.can_not_delete_active_secret"));
                }
                audit::append(tx, entry).await
            })
        })
        .await
}

/// What the service provider is told of this identity provider: an XML document.
///
/// # Errors
/// As [`get`]; `application.saml.no_active_secret`.
pub async fn metadata(tenant: &Tenant, id: &str) -> Result<String> {
    let application = get(tenant, id).await?;
    let active = active_certificate(&mut tenant.read().await?, id).await?;
    let certificate = certificate::base64_of(&active.certificate)
        .ok_or_else(|| Error::Internal("a stored certificate is damaged".to_owned()))?;
    let format = application.config.name_id_format;
    Ok(metadata::document(tenant.origin().base(), id, &certificate, format))
}

/// Refuses a sign-in that cannot be carried out, by the first thing that is missing for it.
///
/// # Errors
/// As [`get`]; `application.saml.entity_id_required`, `application.saml.acs_url_required`, `application.saml.no_active_secret`;
/// `request.feature_not_supported` when nothing is missing: the exchange of messages itself is not there yet.
pub async fn begin(tenant: &Tenant, id: &str) -> Result<Infallible> {
    let application = get(tenant, id).await?;
    if application.config.entity_id.is_none() {
        return Err(Error::refused("application.saml.entity_id_required"));
    }
    if application.config.acs_url.is_none() {
        return Err(Error::refused("application.saml.acs_url_required"));
    }
    active_certificate(&mut tenant.read().await?, id).await?;
    Err(Error::refused("request.feature_not_supported"))
}

fn apply(changes: SamlApplicationChanges, config: &mut SamlConfig) {
    if let Some(mapping) = changes.attribute_mapping {
        config.attribute_mapping = mapping;
    }
    if let Some(id) = changes.entity_id {
        config.entity_id = id.map(Text::into_string).filter(|id| !id.is_empty());
    }
    if let Some(url) = changes.acs_url {
        config.acs_url = url;
    }
    if let Some(encryption) = changes.encryption {
        config.encryption = encryption;
    }
    if let Some(format) = changes.name_id_format {
        config.name_id_format = format;
    }
}

fn check(config: &SamlConfig) -> Result<()> {
    if config.acs_url.as_ref().is_some_and(|acs| acs.binding != Binding::Post) {
        return Err(Error::refused("application.saml.acs_url_binding_not_supported"));
    }
    let Some(encryption) = &config.encryption else { return Ok(()) };
    let certificate =
        encryption.certificate.as_ref().map(Text::as_str).filter(|pem| !pem.is_empty());
    if certificate.is_some_and(|pem| certificate::base64_of(pem).is_none()) {
        return Err(Error::refused("application.saml.invalid_certificate_pem_format"));
    }
    if encryption.encrypt_assertion == Some(true) {
        if encryption.encrypt_then_sign.is_none() {
            return Err(Error::invalid_field("encryption.encryptThenSign", "is missing"));
        }
        if certificate.is_none() {
            return Err(Error::invalid_field("encryption.certificate", "is missing"));
        }
    }
    Ok(())
}

/// A key and its certificate, made beside the threads that answer requests.
async fn made(
    tenant: &Tenant,
    application_id: &str,
    life_span: LifeSpan,
    active: bool,
) -> Result<StoredCertificate> {
    let host = Url::parse(tenant.origin().base()).ok();
    let host = host.as_ref().and_then(Url::host_str).unwrap_or("trinco").to_owned();
    let now = tenant.now_ms();
    let making =
        tokio::task::spawn_blocking(move || certificate::make(&host, life_span.years(), now));
    let signer = making
        .await
        .map_err(|_| Error::Internal("the making of a certificate broke off".to_owned()))??;
    let id = tenant.new_id();
    let place = [tenant.id(), "saml_application_secrets", application_id, id.as_str()];
    let plain = signer.private_key.reveal().as_bytes();
    let private_key_sealed = tenant.sealer().seal(tenant.randomness(), &place, plain);
    Ok(StoredCertificate {
        id,
        private_key_sealed,
        certificate: signer.certificate,
        active,
        created_at: now,
        expires_at: signer.expires_at,
    })
}

async fn config_of(conn: &mut Conn<'_>, id: &str) -> Result<SamlConfig> {
    store::find_config(conn, id).await?.ok_or_else(|| Error::not_found("saml_applications", id))
}

async fn taken(tx: &mut Tx<'_>, id: &str) -> Result<()> {
    let found = store::take(tx, id).await?;
    found.then_some(()).ok_or_else(|| Error::not_found("saml_applications", id))
}

async fn find_certificate(
    conn: &mut Conn<'_>,
    application_id: &str,
    id: &str,
) -> Result<StoredCertificate> {
    let all = store::certificates(conn, application_id).await?;
    all.into_iter()
        .find(|certificate| certificate.id == id)
        .ok_or_else(|| Error::not_found("saml_application_secrets", id))
}

async fn active_certificate(
    conn: &mut Conn<'_>,
    application_id: &str,
) -> Result<StoredCertificate> {
    let all = store::certificates(conn, application_id).await?;
    all.into_iter()
        .find(|certificate| certificate.active)
        .ok_or_else(|| Error::refused("application.saml.no_active_secret"))
}

fn shown(stored: StoredCertificate) -> Result<SamlCertificate> {
    Ok(SamlCertificate {
        fingerprints: certificate::fingerprints(&stored.certificate)?,
        id: stored.id,
        certificate: stored.certificate,
        created_at: stored.created_at,
        expires_at: stored.expires_at,
        active: stored.active,
    })
}

fn entry(tenant: &Tenant, key: &'static str, id: &str, certificate_id: &str) -> Entry {
    Entry::new(tenant, key, Outcome::Success).application(id).fact("certificateId", certificate_id)
}
