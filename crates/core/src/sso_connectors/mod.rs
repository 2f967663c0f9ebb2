//! Enterprise connectors: a company's people sign in at the company's own identity provider, by OpenID Connect or SAML. Whose people
//! someone is among shows from the domain of the e-mail address.

mod details;
pub mod keys;
mod model;
mod providers;
mod rules;
mod store;

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::Value;
use trinco_db::{Conn, Tx};

pub use model::{
    AttributeMapping, DetailedSsoConnector, Fingerprint, Fingerprints, NewSsoConnector,
    OidcProviderConfig, ProviderConfig, ProviderName, ProviderType, RevealedSsoConnector,
    SamlIdentityProvider, SamlProviderConfig, ServiceProvider, ShownProvider, ShownSigningKey,
    SigningKey, SsoBranding, SsoConnector, SsoConnectorChanges, SsoConnectors,
};
pub use providers::Provider;
use store::StoredConnector;

use crate::audit::{self, Entry, Outcome};
use crate::{
    Alphabet, Bumped, Error, Listing, Page, Result, Sealer, Section, Tenant, organizations,
};

/// The audit key of a reading of configurations, which hold keys of identity providers.
const REVEALED: &str = "SsoConnector.Config.Revealed";
/// So many identity providers are asked at once.
const ASKED_AT_ONCE: usize = 8;

/// The identity providers that can be connected to.
pub fn providers() -> Vec<ShownProvider> {
    providers::all().iter().map(Provider::shown).collect()
}

/// Lists connectors with what their identity providers say of themselves, the newest first. The reading is in the audit log.
///
/// # Errors
/// When the database does not answer.
pub async fn list(tenant: &Tenant, page: Page) -> Result<Listing<DetailedSsoConnector>> {
    tenant.refresh().await?;
    let listing = Listing::of(tenant.snapshot().sso_connectors.iter().cloned(), page);
    reveal(tenant, listing.rows.iter().map(|connector| connector.id.as_str())).await?;
    let rows = stream::iter(listing.rows)
        .map(|connector| async move { detailed(tenant, &connector).await })
        .buffered(ASKED_AT_ONCE)
        .try_collect()
        .await?;
    Ok(Listing { rows, total: listing.total })
}

/// The connector with this id, with what its identity provider says of itself. The reading is in the audit log.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn get(tenant: &Tenant, id: &str) -> Result<DetailedSsoConnector> {
    let connector = find(tenant, id).await?;
    reveal(tenant, [id].into_iter()).await?;
    detailed(tenant, &connector).await
}

/// Of these connectors those that there are, in their order. The reading is in the audit log.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn revealed(tenant: &Tenant, ids: &[String]) -> Result<Vec<RevealedSsoConnector>> {
    tenant.refresh().await?;
    let snapshot = tenant.snapshot();
    let found = ids.iter().filter_map(|id| snapshot.sso_connectors.get(id));
    let found: Vec<RevealedSsoConnector> =
        found.map(|connector| RevealedSsoConnector::of(tenant.id(), connector)).collect();
    reveal(tenant, found.iter().map(|connector| connector.id.as_str())).await?;
    Ok(found)
}

/// Whether there is a connector with this id.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn is_there(tenant: &Tenant, id: &str) -> Result<bool> {
    let found = tenant.find(|snapshot| snapshot.sso_connectors.get(id).map(drop)).await?;
    Ok(found.is_some())
}

async fn reveal(tenant: &Tenant, ids: impl Iterator<Item = &str>) -> Result<()> {
    let ids: Vec<Value> = ids.map(Value::from).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let entry = Entry::new(tenant, REVEALED, Outcome::Success).fact("ssoConnectorIds", ids);
    audit::record(tenant, entry).await
}

async fn detailed(tenant: &Tenant, connector: &SsoConnector) -> Result<DetailedSsoConnector> {
    Ok(DetailedSsoConnector {
        provider_config: details::of(tenant, connector).await?,
        connector: RevealedSsoConnector::of(tenant.id(), connector),
        name: connector.provider.title.to_owned(),
        provider_type: connector.provider.provider_type,
        provider_logo: connector.provider.logo(),
        provider_logo_dark: connector.provider.logo(),
    })
}

/// The connector with this id.
async fn find(tenant: &Tenant, id: &str) -> Result<Arc<SsoConnector>> {
    let found = tenant.find(|snapshot| snapshot.sso_connectors.get(id).cloned()).await?;
    found.ok_or_else(|| not_found(id))
}

/// Creates a connector.
///
/// # Errors
/// `connector.not_found_with_connector_id` for an unknown provider; `connector.invalid_config`, which names the member that is wrong;
/// `single_sign_on.duplicated_domains`, `single_sign_on.forbidden_domains`, `single_sign_on.duplicate_connector_name`,
/// `single_sign_on.active_signing_key_required`, `connector.token_storage_not_supported`.
pub async fn create(tenant: &Tenant, new: NewSsoConnector) -> Result<RevealedSsoConnector> {
    let Some(provider) = providers::provider(new.provider_name.as_str()) else {
        let code = "connector.not_found_with_connector_id";
        return Err(Error::refused_with(code, &[("connectorId", new.provider_name.as_str())]));
    };
    rules::check_config(provider, &new.config)?;
    rules::check_token_storage(provider, new.enable_token_storage)?;
    if rules::signs_requests(&new.config) {
        return Err(Error::refused("single_sign_on.active_signing_key_required"));
    }
    let connector = SsoConnector {
        id: Alphabet::Id.random(tenant.randomness(), 12),
        provider,
        name: new.connector_name.into_string(),
        config: new.config,
        domains: rules::domains(&new.domains)?,
        branding: new.branding,
        sync_profile: new.sync_profile,
        enable_token_storage: new.enable_token_storage,
        created_at: tenant.now_ms(),
    };
    let entry = entry(tenant, "SsoConnector.Created", &connector.id);
    let input = (seal(tenant, &connector)?, connector.domains.clone(), entry);
    tenant
        .configure(&[Section::SsoConnectors], input, |tx, bumped, (stored, domains, entry)| {
            Box::pin(async move {
                store::insert(tx, bumped, stored).await.map_err(name_taken)?;
                put_domains(tx, bumped, &stored.id, domains).await?;
                audit::append(tx, entry).await
            })
        })
        .await?;
    Ok(RevealedSsoConnector::of(tenant.id(), &connector))
}

/// Changes a connector.
///
/// # Errors
/// `entity.not_exists_with_id`; as [`create`].
pub async fn update(
    tenant: &Tenant,
    id: &str,
    changes: SsoConnectorChanges,
) -> Result<DetailedSsoConnector> {
    let entry = entry(tenant, "SsoConnector.Updated", id);
    let input = (tenant.clone(), id.to_owned(), changes, entry);
    let connector = tenant
        .configure(&[Section::SsoConnectors], input, |tx, bumped, (tenant, id, changes, entry)| {
            Box::pin(async move {
                let mut connector = open(tenant, tx, id).await?;
                rules::apply(changes.clone(), &mut connector)?;
                if rules::signs_requests(&connector.config) && !keys::has_active(tx, id).await? {
                    return Err(Error::refused("single_sign_on.active_signing_key_required"));
                }
                store::update(tx, bumped, &seal(tenant, &connector)?).await.map_err(name_taken)?;
                put_domains(tx, bumped, id, &connector.domains).await?;
                audit::append(tx, entry).await?;
                Ok(connector)
            })
        })
        .await?;
    detailed(tenant, &connector).await
}

async fn put_domains(tx: &mut Tx<'_>, bumped: &Bumped, id: &str, domains: &[String]) -> Result<()> {
    let taken = store::put_domains(tx, bumped, id, domains).await?;
    if taken.is_empty() { Ok(()) } else { Err(rules::duplicated_domains(&taken)) }
}

/// Deletes a connector with its domains and keys.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn delete(tenant: &Tenant, id: &str) -> Result<()> {
    let input = (id.to_owned(), entry(tenant, "SsoConnector.Deleted", id));
    tenant
        .configure(&[Section::SsoConnectors], input, |tx, bumped, (id, entry)| {
            Box::pin(async move {
                if !store::delete(tx, bumped, id).await? {
                    return Err(not_found(id));
                }
                organizations::jit::forget_sso_connector(tx, id).await?;
                audit::append(tx, entry).await
            })
        })
        .await
}

fn entry(tenant: &Tenant, key: &'static str, id: &str) -> Entry {
    Entry::new(tenant, key, Outcome::Success).fact("ssoConnectorId", id)
}

/// Reads the enterprise connectors of a tenant.
///
/// # Errors
/// When the database does not answer or a configuration does not open.
pub(crate) async fn load(conn: &mut Conn<'_>, sealer: &Sealer) -> Result<SsoConnectors> {
    let tenant = conn.tenant().to_owned();
    let mut domains: HashMap<String, Vec<String>> = HashMap::new();
    for (id, domain) in store::domains(conn).await? {
        domains.entry(id).or_default().push(domain);
    }
    let mut connectors = Vec::new();
    for stored in store::all(conn).await? {
        let domains = domains.remove(&stored.id).unwrap_or_default();
        connectors.push(Arc::new(opened(sealer, &tenant, stored, domains)?));
    }
    Ok(SsoConnectors(connectors))
}

/// The connector as of the transaction at hand.
async fn open(tenant: &Tenant, tx: &mut Tx<'_>, id: &str) -> Result<SsoConnector> {
    let stored = store::find(tx, id).await?.ok_or_else(|| not_found(id))?;
    let domains = store::domains_of(tx, id).await?;
    opened(tenant.sealer(), tenant.id(), stored, domains)
}

fn opened(
    sealer: &Sealer,
    tenant: &str,
    stored: StoredConnector,
    domains: Vec<String>,
) -> Result<SsoConnector> {
    let provider = providers::provider(&stored.provider_name).ok_or_else(|| {
        Error::Internal(format!(
            "a stored connector has the unknown provider {}",
            stored.provider_name
        ))
    })?;
    let config = sealer.open_text(&place(tenant, &stored.id), &stored.config)?;
    Ok(SsoConnector {
        provider,
        config: serde_json::from_str(config.reveal())?,
        domains,
        branding: serde_json::from_str(&stored.branding)?,
        id: stored.id,
        name: stored.connector_name,
        sync_profile: stored.sync_profile,
        enable_token_storage: stored.enable_token_storage,
        created_at: stored.created_at,
    })
}

fn seal(tenant: &Tenant, connector: &SsoConnector) -> Result<StoredConnector> {
    let config = serde_json::to_vec(&connector.config)?;
    let place = place(tenant.id(), &connector.id);
    Ok(StoredConnector {
        id: connector.id.clone(),
        provider_name: connector.provider.as_str().to_owned(),
        connector_name: connector.name.clone(),
        config: tenant.sealer().seal(tenant.randomness(), &place, &config),
        branding: serde_json::to_string(&connector.branding)?,
        sync_profile: connector.sync_profile,
        enable_token_storage: connector.enable_token_storage,
        created_at: connector.created_at,
    })
}

fn name_taken(error: Error) -> Error {
    error.if_taken("sso_connectors_connector_name", "single_sign_on.duplicate_connector_name")
}

fn not_found(id: &str) -> Error {
    Error::not_found("sso_connectors", id)
}

fn place<'a>(tenant: &'a str, id: &'a str) -> [&'a str; 3] {
    [tenant, "sso_connectors", id]
}
