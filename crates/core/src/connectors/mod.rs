//! Connectors: the services a tenant uses to send e-mail and text messages, and to sign people in.
//!
//! A connector is made by a factory, of which there is a list (`factories.json`). A tenant has one connector for e-mail, one for text
//! messages, and for each social target and platform one.

mod authorization;
mod factories;
mod model;
mod rules;
mod store;

use std::sync::Arc;

use serde_json::Value;
use trinco_connectors::messages::Service;
use trinco_db::{Conn, Tx};

pub(crate) use factories::monogram;
pub use factories::{
    ConnectorType, Factory, FormItem, FormItemType, Platform, SelectItem, ShowCondition,
    Translated, factories, factory,
};
pub use model::{
    Connector, ConnectorChanges, ConnectorFactory, ConnectorMetadata, Connectors, NewConnector,
    Presented, RevealedConnector,
};
pub(crate) use rules::invalid_config;
use store::StoredConnector;

use crate::audit::{self, Entry, Outcome};
use crate::{Alphabet, Bumped, Error, JsonObject, Result, Sealer, Section, Tenant, experience};

/// The audit key of a reading of configurations, which hold keys of other services.
const REVEALED: &str = "Connector.Config.Revealed";

/// Every connector, or those of a target, with their configurations. The reading is in the audit log.
///
/// # Errors
/// When the database does not answer.
pub async fn list(tenant: &Tenant, target: Option<&str>) -> Result<Vec<RevealedConnector>> {
    tenant.refresh().await?;
    let snapshot = tenant.snapshot();
    let connectors: Vec<RevealedConnector> = snapshot
        .connectors
        .iter()
        .filter(|connector| target.is_none_or(|target| connector.target() == target))
        .map(|connector| RevealedConnector::from(connector.as_ref()))
        .collect();
    reveal(tenant, connectors.iter().map(|connector| connector.id.as_str())).await?;
    Ok(connectors)
}

/// The connector with this id, with its configuration. The reading is in the audit log.
///
/// # Errors
/// `entity.not_found`.
pub async fn get(tenant: &Tenant, id: &str) -> Result<RevealedConnector> {
    let connector = find(tenant, id).await?;
    reveal(tenant, [id].into_iter()).await?;
    Ok(RevealedConnector::from(connector.as_ref()))
}

async fn reveal(tenant: &Tenant, ids: impl Iterator<Item = &str>) -> Result<()> {
    let ids: Vec<Value> = ids.map(Value::from).collect();
    if ids.is_empty() {
        return Ok(());
    }
    audit::record(tenant, Entry::new(tenant, REVEALED, Outcome::Success).fact("connectorIds", ids))
        .await
}

/// The connector with this id.
async fn find(tenant: &Tenant, id: &str) -> Result<Arc<Connector>> {
    let found = tenant.find(|snapshot| snapshot.connectors.get(id).cloned()).await?;
    found.ok_or_else(|| Error::refused("entity.not_found"))
}

/// Creates a connector. One that sends messages takes the place of another that sends messages of its kind.
///
/// # Errors
/// `connector.not_found_with_connector_id` for an unknown factory; `connector.not_implemented` for one whose messages cannot be sent
/// here; `connector.invalid_config`, which names the members that are wrong; `connector.should_specify_target`,
/// `connector.cannot_overwrite_metadata_for_non_standard_connector`, `connector.multiple_instances_not_supported`,
/// `connector.multiple_target_with_same_platform`, `connector.invalid_type_for_syncing_profile`,
/// `connector.token_storage_not_supported`; `entity.unique_integrity_violation` when the id is taken.
pub async fn create(tenant: &Tenant, new: NewConnector) -> Result<RevealedConnector> {
    let Some(factory) = factory(new.connector_id.as_str()) else {
        let code = "connector.not_found_with_connector_id";
        return Err(Error::refused_with(code, &[("connectorId", new.connector_id.as_str())]));
    };
    rules::check_metadata(factory, new.metadata.as_ref())?;
    rules::check_switches(factory, new.sync_profile, new.enable_token_storage)?;
    rules::check_can_send(factory)?;
    if let Some(config) = &new.config {
        rules::check_config(factory, config)?;
    }
    let id = match new.id {
        Some(id) => {
            rules::check_id(id.as_str())?;
            id.into_string()
        }
        None => Alphabet::Id.random(tenant.randomness(), 12),
    };
    let connector = Connector {
        id,
        factory,
        config: new.config.unwrap_or_default(),
        metadata: new.metadata.unwrap_or_default(),
        sync_profile: new.sync_profile,
        enable_token_storage: new.enable_token_storage,
        created_at: tenant.now_ms(),
    };
    let stored = seal(tenant, &connector)?;
    tenant
        .configure(&[Section::Connectors], stored, |tx, bumped, stored| {
            Box::pin(async move { insert(tx, bumped, stored).await })
        })
        .await?;
    Ok(RevealedConnector::from(&connector))
}

/// The version of the section was moved first, so that two of these follow one another.
async fn insert(tx: &mut Tx<'_>, bumped: &Bumped, stored: &StoredConnector) -> Result<()> {
    let sends = !stored.slot.starts_with("social:");
    match store::factory_in_slot(tx, &stored.slot).await? {
        None => {}
        Some(other) if sends && other != stored.connector_id => {
            store::clear_slot(tx, bumped, &stored.slot).await?;
        }
        Some(same) if same == stored.connector_id && !is_standard(&same) => {
            return Err(Error::refused("connector.multiple_instances_not_supported"));
        }
        Some(_) => return Err(Error::refused("connector.multiple_target_with_same_platform")),
    }
    store::insert(tx, bumped, stored)
        .await
        .map_err(|error| error.if_taken("connectors_id", "entity.unique_integrity_violation"))
}

fn is_standard(factory_id: &str) -> bool {
    factory(factory_id).is_some_and(|factory| factory.is_standard)
}

/// Changes a connector.
///
/// # Errors
/// `entity.not_found`; `connector.can_not_modify_target`; as [`create`].
pub async fn update(
    tenant: &Tenant,
    id: &str,
    changes: ConnectorChanges,
) -> Result<RevealedConnector> {
    let input = (tenant.clone(), id.to_owned(), changes);
    tenant
        .configure(&[Section::Connectors], input, |tx, bumped, (tenant, id, changes)| {
            Box::pin(async move {
                let stored = store::find(tx, id).await?;
                let stored = stored.ok_or_else(|| Error::refused("entity.not_found"))?;
                let opened = open(tenant.sealer(), tenant.id(), stored)?;
                let mut connector = opened.ok_or_else(|| Error::refused("entity.not_found"))?;
                rules::apply(changes.clone(), &mut connector)?;
                store::update(tx, bumped, &seal(tenant, &connector)?).await?;
                Ok(RevealedConnector::from(&connector))
            })
        })
        .await
}

/// Deletes a connector. A target that no other connector has disappears from the sign-in page.
///
/// # Errors
/// `entity.not_found`.
pub async fn delete(tenant: &Tenant, id: &str) -> Result<()> {
    let target = find(tenant, id).await?.target().to_owned();
    let input = (id.to_owned(), target, tenant.clone());
    tenant
        .configure(
            &[Section::Connectors, Section::Experience],
            input,
            |tx, bumped, (id, target, tenant)| {
                Box::pin(async move {
                    if !store::delete(tx, bumped, id).await? {
                        return Err(Error::refused("entity.not_found"));
                    }
                    if !load(tx, tenant.sealer()).await?.has_target(target) {
                        experience::forget_social_target(tx, bumped, target).await?;
                    }
                    Ok(())
                })
            },
        )
        .await
}

/// Where someone is sent to sign in at the connector's service. `state` comes back with them.
///
/// # Errors
/// `entity.not_found`; `connector.unexpected_type` for one that sends messages; `connector.not_implemented` for a service that takes more
/// than a URL; `connector.invalid_config` when the configuration lacks what is needed.
pub async fn authorization_uri(
    tenant: &Tenant,
    id: &str,
    redirect_uri: &str,
    state: &str,
) -> Result<String> {
    let connector = find(tenant, id).await?;
    if connector.factory.connector_type != ConnectorType::Social {
        return Err(Error::refused("connector.unexpected_type"));
    }
    authorization::uri(&connector, redirect_uri, state)
}

/// The service behind a configuration that is tried before it is kept.
///
/// # Errors
/// `entity.not_found` for an unknown factory; `connector.unexpected_type` when it does not make connectors of this kind;
/// `connector.not_implemented`; `connector.invalid_config`.
pub(crate) fn service_to_try(
    factory_id: &str,
    kind: ConnectorType,
    config: &JsonObject,
) -> Result<Service> {
    let factory = factory(factory_id).ok_or_else(|| Error::refused("entity.not_found"))?;
    if factory.connector_type != kind {
        return Err(Error::refused("connector.unexpected_type"));
    }
    rules::check_can_send(factory)?;
    rules::check_config(factory, config)?;
    service_of(factory, config)
}

/// The service that sends the tenant's messages of this kind.
///
/// # Errors
/// `connector.not_found` when there is none; `connector.invalid_config` when it was never configured.
pub(crate) async fn service(tenant: &Tenant, kind: ConnectorType) -> Result<Service> {
    let found = tenant.find(|snapshot| snapshot.connectors.sending(kind).cloned()).await?;
    let connector = found
        .ok_or_else(|| Error::refused_with("connector.not_found", &[("type", kind.as_str())]))?;
    service_of(connector.factory, &connector.config)
}

fn service_of(factory: &Factory, config: &JsonObject) -> Result<Service> {
    match Service::read(&factory.id, &Value::Object(config.clone())) {
        None => Err(Error::refused("connector.not_implemented")),
        Some(Ok(service)) => Ok(service),
        Some(Err(problem)) => Err(rules::invalid_config(&problem.path, &problem.rule)),
    }
}

/// Reads the connectors of a tenant.
///
/// # Errors
/// When the database does not answer or a configuration does not open.
pub(crate) async fn load(conn: &mut Conn<'_>, sealer: &Sealer) -> Result<Connectors> {
    let tenant = conn.tenant().to_owned();
    let mut connectors = Vec::new();
    for stored in store::all(conn).await? {
        connectors.extend(open(sealer, &tenant, stored)?.map(Arc::new));
    }
    Ok(Connectors(connectors))
}

/// `None` for a connector of a newer program, whose factory is not known here.
fn open(sealer: &Sealer, tenant: &str, stored: StoredConnector) -> Result<Option<Connector>> {
    let Some(factory) = factory(&stored.connector_id) else {
        tracing::warn!(tenant, connector = stored.id, "a connector's factory is not known here");
        return Ok(None);
    };
    let config = sealer.open_text(&place(tenant, &stored.id), &stored.config)?;
    Ok(Some(Connector {
        factory,
        config: serde_json::from_str(config.reveal())?,
        metadata: serde_json::from_str(&stored.metadata)?,
        id: stored.id,
        sync_profile: stored.sync_profile,
        enable_token_storage: stored.enable_token_storage,
        created_at: stored.created_at,
    }))
}

fn seal(tenant: &Tenant, connector: &Connector) -> Result<StoredConnector> {
    let config = serde_json::to_vec(&connector.config)?;
    let place = place(tenant.id(), &connector.id);
    Ok(StoredConnector {
        id: connector.id.clone(),
        connector_id: connector.factory.id.clone(),
        slot: connector.slot(),
        config: tenant.sealer().seal(tenant.randomness(), &place, &config),
        metadata: serde_json::to_string(&connector.metadata)?,
        sync_profile: connector.sync_profile,
        enable_token_storage: connector.enable_token_storage,
        created_at: connector.created_at,
    })
}

fn place<'a>(tenant: &'a str, id: &'a str) -> [&'a str; 3] {
    [tenant, "connectors", id]
}
