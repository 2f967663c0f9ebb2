//! Keys that sign requests to SAML identity providers.
//!
//! A new key is made beside the one that signs, so that its certificate can be registered at the identity provider before it signs.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    CertificateParams, DnType, KeyPair as RsaKey, PKCS_RSA_SHA256, RsaKeySize, SerialNumber,
};
use time::OffsetDateTime;

use super::model::{
    Fingerprint, Fingerprints, KeyPair, ProviderType, ShownSigningKey, SigningKey, SsoConnector,
};
use super::{find, open, rules, store};
use crate::audit::{self, Entry, Outcome};
use crate::{Error, Result, Secret, Section, Tenant};

/// How long a certificate is good: seconds. Three years.
const LIFETIME: i64 = 3 * 365 * 86_400;
/// Keys of a connector: the one that signs, the next, and some that are forgotten.
const MOST: usize = 10;

/// The keys of a connector, the newest first.
///
/// # Errors
/// `entity.not_exists_with_id` when there is no such connector, or it does not speak SAML.
pub async fn list(tenant: &Tenant, connector_id: &str) -> Result<Vec<ShownSigningKey>> {
    find_saml(tenant, connector_id).await?;
    let keys = store::keys(&mut tenant.read().await?, connector_id).await?;
    keys.iter().map(show).collect()
}

/// Makes a key. When it is to sign at once, the one that did so does no longer.
///
/// # Errors
/// As [`list`]; `guard.invalid_input` when the connector has too many.
pub async fn create(tenant: &Tenant, connector_id: &str, active: bool) -> Result<ShownSigningKey> {
    let connector = find_saml(tenant, connector_id).await?;
    let pair = generate(tenant, &connector).await?;
    let id = tenant.new_id();
    let place = place(tenant.id(), connector_id, &id);
    let key = SigningKey {
        private_key: tenant.sealer().seal(tenant.randomness(), &place, pair.private_key.reveal()),
        certificate: pair.certificate,
        active,
        created_at: tenant.now_ms(),
        expires_at: tenant.now_ms() + LIFETIME * 1000,
        id,
    };
    let shown = show(&key)?;
    let entry = entry(tenant, "SsoConnector.SigningKey.Created", connector_id, &key.id)
        .fact("active", active);
    let input = (connector_id.to_owned(), key, entry);
    tenant
        .configure(&[Section::SsoConnectors], input, |tx, bumped, (connector_id, key, entry)| {
            Box::pin(async move {
                if store::find(tx, connector_id).await?.is_none() {
                    return Err(not_found(connector_id));
                }
                if store::keys(tx, connector_id).await?.len() >= MOST {
                    let rule = format!("the connector has {MOST} keys already");
                    return Err(Error::invalid_field("active", &rule));
                }
                if key.active {
                    store::deactivate_all(tx, bumped, connector_id).await?;
                }
                store::insert_key(tx, bumped, connector_id, key).await?;
                audit::append(tx, entry).await
            })
        })
        .await?;
    Ok(shown)
}

/// Makes a key the one that signs, or not.
///
/// # Errors
/// As [`list`], also for an unknown key; `single_sign_on.can_not_deactivate_signing_key_in_use` while requests are signed.
pub async fn set_active(
    tenant: &Tenant,
    connector_id: &str,
    key_id: &str,
    active: bool,
) -> Result<ShownSigningKey> {
    find_saml(tenant, connector_id).await?;
    let entry = entry(tenant, "SsoConnector.SigningKey.Updated", connector_id, key_id)
        .fact("active", active);
    let input = (tenant.clone(), connector_id.to_owned(), key_id.to_owned(), active, entry);
    let key = tenant
        .configure(
            &[Section::SsoConnectors],
            input,
            |tx, bumped, (tenant, connector_id, key_id, active, entry)| {
                Box::pin(async move {
                    let connector = open(tenant, tx, connector_id).await?;
                    let keys = store::keys(tx, connector_id).await?;
                    let key = keys.into_iter().find(|key| key.id == *key_id);
                    let mut key = key.ok_or_else(|| key_not_found(key_id))?;
                    if *active {
                        store::deactivate_all(tx, bumped, connector_id).await?;
                        store::activate(tx, bumped, connector_id, key_id).await?;
                    } else if key.active {
                        if rules::signs_requests(&connector.config) {
                            let code = "single_sign_on.can_not_deactivate_signing_key_in_use";
                            return Err(Error::refused(code));
                        }
                        store::deactivate_all(tx, bumped, connector_id).await?;
                    }
                    key.active = *active;
                    audit::append(tx, entry).await?;
                    Ok(key)
                })
            },
        )
        .await?;
    show(&key)
}

/// Deletes a key that does not sign.
///
/// # Errors
/// As [`list`], also for an unknown key; `single_sign_on.can_not_delete_active_signing_key`.
pub async fn delete(tenant: &Tenant, connector_id: &str, key_id: &str) -> Result<()> {
    find_saml(tenant, connector_id).await?;
    let entry = entry(tenant, "SsoConnector.SigningKey.Deleted", connector_id, key_id);
    let input = (connector_id.to_owned(), key_id.to_owned(), entry);
    tenant
        .configure(&[Section::SsoConnectors], input, |tx, bumped, (connector_id, key_id, entry)| {
            Box::pin(async move {
                let keys = store::keys(tx, connector_id).await?;
                match keys.iter().find(|key| key.id == *key_id) {
                    None => Err(key_not_found(key_id)),
                    Some(key) if key.active => {
                        Err(Error::refused("single_sign_on.can_not_delete_active_signing_key"))
                    }
                    Some(_) => {
                        store::delete_key(tx, bumped, connector_id, key_id).await?;
                        audit::append(tx, entry).await
                    }
                }
            })
        })
        .await
}

/// Whether a connector has a key that signs.
pub(super) async fn has_active(conn: &mut trinco_db::Conn<'_>, connector_id: &str) -> Result<bool> {
    Ok(store::keys(conn, connector_id).await?.iter().any(|key| key.active))
}

async fn find_saml(tenant: &Tenant, connector_id: &str) -> Result<std::sync::Arc<SsoConnector>> {
    let connector = find(tenant, connector_id).await?;
    if connector.provider.provider_type == ProviderType::Saml {
        Ok(connector)
    } else {
        Err(not_found(connector_id))
    }
}

/// An RSA key of 2048 bits, which every identity provider understands, with a certificate of its own. Making one takes a moment.
async fn generate(tenant: &Tenant, connector: &SsoConnector) -> Result<KeyPair> {
    let mut serial = [0; 16];
    tenant.randomness().fill(&mut serial);
    // RFC 5280 §4.1.2.2: a positive number.
    serial[0] &= 0x7f;
    let (now, name) = (tenant.now(), connector.id.clone());
    let made = tokio::task::spawn_blocking(move || certificate(now, &name, &serial)).await;
    made.map_err(|error| Error::Internal(format!("a signing key was not made: {error}")))?
        .map_err(|error| Error::Internal(format!("a signing key cannot be made: {error}")))
}

fn certificate(now: i64, name: &str, serial: &[u8]) -> Result<KeyPair, String> {
    let key = RsaKey::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)
        .map_err(|error| error.to_string())?;
    let time =
        |seconds| OffsetDateTime::from_unix_timestamp(seconds).map_err(|error| error.to_string());
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(serial));
    params.not_before = time(now)?;
    params.not_after = time(now + LIFETIME)?;
    params.distinguished_name.push(DnType::CommonName, name);
    let certificate = params.self_signed(&key).map_err(|error| error.to_string())?;
    Ok(KeyPair {
        private_key: Secret::new(key.serialize_der()),
        certificate: certificate.pem().replace("\r\n", "\n"),
    })
}

fn show(key: &SigningKey) -> Result<ShownSigningKey> {
    let base64: String =
        key.certificate.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD
        .decode(base64)
        .map_err(|_| Error::Internal("a stored certificate is no PEM".to_owned()))?;
    let pairs: Vec<String> =
        digest(&SHA256, &der).as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    Ok(ShownSigningKey {
        id: key.id.clone(),
        certificate: key.certificate.clone(),
        fingerprints: Fingerprints {
            sha256: Fingerprint { formatted: pairs.join(":"), unformatted: pairs.concat() },
        },
        active: key.active,
        created_at: key.created_at,
        expires_at: key.expires_at,
    })
}

fn entry(tenant: &Tenant, key: &'static str, connector_id: &str, key_id: &str) -> Entry {
    Entry::new(tenant, key, Outcome::Success)
        .fact("ssoConnectorId", connector_id)
        .fact("keyId", key_id)
}

fn not_found(connector_id: &str) -> Error {
    Error::not_found("sso_connectors", connector_id)
}

fn key_not_found(key_id: &str) -> Error {
    Error::not_found("sso_signing_keys", key_id)
}

fn place<'a>(tenant: &'a str, connector_id: &'a str, key_id: &'a str) -> [&'a str; 4] {
    [tenant, "sso_signing_keys", connector_id, key_id]
}
