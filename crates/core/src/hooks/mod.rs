//! Webhooks: others are told, by a signed HTTP request, when something happens.
//!
//! An event is queued in the transaction of what it tells of, once for each webhook that wants it; [`crate::deliveries`] makes the
//! requests. Which webhooks want what is read from the configuration snapshot, so where there is none, an event costs nothing.

mod delivery;
mod event;
mod model;
mod news;
mod rules;
mod store;

use trinco_db::{Conn, Tx};

pub(crate) use delivery::attempt;
pub use event::Event;
pub use model::{
    Config, ExecutionStats, Headers, Hook, HookChanges, HookTest, Listeners, NewHook, ReceiverUrl,
};
pub(crate) use news::{Membership, News, telling};

use crate::audit::{self, Entry, Outcome};
use crate::deliveries::{self, Kind};
use crate::{
    Alphabet, Bumped, Error, Listing, Page, Result, Sealer, Secret, Section, Tenant, Text,
};
use store::Stored;

const SECTION: &[Section] = &[Section::Hooks];
/// Characters of a signing key.
const KEY_LENGTH: usize = 32;
/// So many webhooks a tenant may have: each is looked at with every event.
const MOST: i64 = 100;

/// Lists webhooks, the newest first. Their signing keys and headers are secrets: that they were shown is recorded.
///
/// # Errors
/// When the database does not answer or holds something unreadable.
pub async fn list(tenant: &Tenant, with_stats: bool, page: Page) -> Result<Listing<Hook>> {
    let Listing { rows, total } = store::list(&mut tenant.read().await?, page).await?;
    let mut hooks = Vec::with_capacity(rows.len());
    for stored in rows {
        hooks.push(shown(tenant, stored, with_stats).await?);
    }
    if !hooks.is_empty() {
        let ids: Vec<&str> = hooks.iter().map(|hook| hook.id.as_str()).collect();
        record_reading(tenant, &ids).await?;
    }
    Ok(Listing { rows: hooks, total })
}

/// The webhook with this id. As with [`list`], the reading is recorded.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn get(tenant: &Tenant, id: &str, with_stats: bool) -> Result<Hook> {
    let stored = find(&mut tenant.read().await?, id).await?;
    let hook = shown(tenant, stored, with_stats).await?;
    record_reading(tenant, &[id]).await?;
    Ok(hook)
}

/// Creates a webhook with a signing key of its own.
///
/// # Errors
/// `hook.missing_events`; `guard.invalid_input` when there are too many.
pub async fn create(tenant: &Tenant, new: NewHook) -> Result<Hook> {
    let events = rules::events(new.events.as_deref(), new.event)?;
    let key = new_key(tenant);
    let hook = Hook {
        tenant_id: tenant.id().to_owned(),
        id: tenant.new_id(),
        name: new.name.map(Text::into_string).unwrap_or_default(),
        event: new.event,
        events,
        config: new.config,
        signing_key: key,
        enabled: new.enabled.unwrap_or(true),
        created_at: tenant.now_ms(),
        execution_stats: None,
    };
    let stored = sealed(tenant, &hook)?;
    let entry = changed(tenant, "Hook.Created", &hook.id);
    tenant
        .configure(SECTION, (stored, entry), |tx, bumped, (stored, entry)| {
            Box::pin(async move {
                if store::count(tx).await? >= MOST {
                    let rule = format!("there are {MOST} webhooks already; delete one first");
                    return Err(Error::invalid_field("", &rule));
                }
                store::insert(tx, bumped, stored).await?;
                audit::append(tx, entry).await
            })
        })
        .await?;
    Ok(hook)
}

/// Changes a webhook. What is queued for it goes where it says by then.
///
/// # Errors
/// `entity.not_exists_with_id`; `hook.missing_events`.
pub async fn update(tenant: &Tenant, id: &str, changes: HookChanges) -> Result<Hook> {
    rules::check_changes(&changes)?;
    let config =
        changes.config.as_ref().map(|config| seal_config(tenant, id, config)).transpose()?;
    let entry = changed(tenant, "Hook.Updated", id);
    let input = (id.to_owned(), changes, config, entry);
    let stored = tenant
        .configure(SECTION, input, |tx, bumped, (id, changes, config, entry)| {
            Box::pin(async move {
                let mut stored = taken(tx, bumped, id).await?;
                rules::apply(changes, &mut stored)?;
                if let Some(config) = config {
                    config.clone_into(&mut stored.config);
                }
                store::update(tx, bumped, &stored).await?;
                audit::append(tx, entry).await?;
                Ok(stored)
            })
        })
        .await?;
    opened(tenant, stored)
}

/// Gives a webhook a new signing key. What is delivered from now on is signed with it, what was queued before included.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn rotate_signing_key(tenant: &Tenant, id: &str) -> Result<Hook> {
    let key = seal_key(tenant, id, &new_key(tenant));
    let entry = changed(tenant, "Hook.SigningKey.Updated", id);
    let input = (id.to_owned(), key, entry);
    let stored = tenant
        .configure(SECTION, input, |tx, bumped, (id, key, entry)| {
            Box::pin(async move {
                let mut stored = taken(tx, bumped, id).await?;
                key.clone_into(&mut stored.signing_key);
                store::update(tx, bumped, &stored).await?;
                audit::append(tx, entry).await?;
                Ok(stored)
            })
        })
        .await?;
    opened(tenant, stored)
}

/// Deletes a webhook, with what is still queued for it.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn delete(tenant: &Tenant, id: &str) -> Result<()> {
    let entry = changed(tenant, "Hook.Deleted", id);
    tenant
        .configure(SECTION, (id.to_owned(), entry), |tx, bumped, (id, entry)| {
            Box::pin(async move {
                if !store::delete(tx, bumped, id).await? {
                    return Err(unknown(id));
                }
                deliveries::forget_receiver(tx, Kind::Hook, id).await?;
                audit::append(tx, entry).await
            })
        })
        .await
}

/// Sends an example of each of these events, signed with the webhook's key, to where `test` says, and waits for the answers.
///
/// # Errors
/// `entity.not_exists_with_id`; `hook.endpoint_responded_with_error` with the answer; `hook.send_test_payload_failed` when there is none.
pub async fn test(tenant: &Tenant, id: &str, test: HookTest) -> Result<()> {
    let events = rules::events(Some(&test.events), None)?;
    let stored = find(&mut tenant.read().await?, id).await?;
    let key = open_key(tenant, &stored)?;
    let outbound = tenant.outbound()?;
    for event in events {
        delivery::send_example(tenant, outbound, id, event, &test.config, &key).await?;
    }
    Ok(())
}

/// Refuses an id that no webhook has.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn check_exists(tenant: &Tenant, id: &str) -> Result<()> {
    find(&mut tenant.read().await?, id).await.map(drop)
}

/// Reads which webhooks want which events.
///
/// # Errors
/// When the database does not answer or holds something unreadable.
pub(crate) async fn load(conn: &mut Conn<'_>) -> Result<Listeners> {
    let all = store::list(conn, Page::ALL).await?;
    Ok(Listeners::new(all.rows.into_iter().map(|stored| {
        let events = if stored.events.is_empty() {
            stored.event.into_iter().collect()
        } else {
            stored.events
        };
        (stored.id, stored.enabled, events)
    })))
}

async fn find(conn: &mut Conn<'_>, id: &str) -> Result<Stored> {
    store::find(conn, id).await?.ok_or_else(|| unknown(id))
}

/// The webhook, which nobody else changes until the transaction ends.
async fn taken(tx: &mut Tx<'_>, bumped: &Bumped, id: &str) -> Result<Stored> {
    if !store::take(tx, bumped, id).await? {
        return Err(unknown(id));
    }
    find(tx, id).await
}

async fn shown(tenant: &Tenant, stored: Stored, with_stats: bool) -> Result<Hook> {
    let mut hook = opened(tenant, stored)?;
    if with_stats {
        let since = tenant.now_ms() - rules::RECENT_MS;
        let (requests, successes) = audit::deliveries_of_hook(tenant, &hook.id, since).await?;
        let stats = ExecutionStats { success_count: successes, request_count: requests };
        hook.execution_stats = Some(stats);
    }
    Ok(hook)
}

async fn record_reading(tenant: &Tenant, ids: &[&str]) -> Result<()> {
    let entry = Entry::new(tenant, "Hook.SigningKey.Revealed", Outcome::Success)
        .fact("hookIds", ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
    audit::record(tenant, entry).await
}

fn changed(tenant: &Tenant, key: &'static str, id: &str) -> Entry {
    Entry::new(tenant, key, Outcome::Success).fact("hookId", id)
}

fn new_key(tenant: &Tenant) -> Secret {
    Secret::new(Alphabet::Secret.random(tenant.randomness(), KEY_LENGTH))
}

fn sealed(tenant: &Tenant, hook: &Hook) -> Result<Stored> {
    Ok(Stored {
        id: hook.id.clone(),
        name: hook.name.clone(),
        event: hook.event,
        events: hook.events.clone(),
        config: seal_config(tenant, &hook.id, &hook.config)?,
        signing_key: seal_key(tenant, &hook.id, &hook.signing_key),
        enabled: hook.enabled,
        created_at: hook.created_at,
    })
}

fn opened(tenant: &Tenant, stored: Stored) -> Result<Hook> {
    Ok(Hook {
        config: open_config(tenant, &stored)?,
        signing_key: open_key(tenant, &stored)?,
        tenant_id: tenant.id().to_owned(),
        id: stored.id,
        name: stored.name,
        event: stored.event,
        events: stored.events,
        enabled: stored.enabled,
        created_at: stored.created_at,
        execution_stats: None,
    })
}

fn seal_config(tenant: &Tenant, id: &str, config: &Config) -> Result<String> {
    let place = [tenant.id(), "hooks", id, "config"];
    Ok(tenant.sealer().seal(tenant.randomness(), &place, &serde_json::to_vec(config)?))
}

fn open_config(tenant: &Tenant, stored: &Stored) -> Result<Config> {
    let place = [tenant.id(), "hooks", &stored.id, "config"];
    let sealer: &Sealer = tenant.sealer();
    Ok(serde_json::from_slice(&sealer.open(&place, &stored.config)?)?)
}

fn seal_key(tenant: &Tenant, id: &str, key: &Secret) -> String {
    let place = [tenant.id(), "hooks", id, "signing_key"];
    tenant.sealer().seal(tenant.randomness(), &place, key.reveal().as_bytes())
}

fn open_key(tenant: &Tenant, stored: &Stored) -> Result<Secret> {
    let place = [tenant.id(), "hooks", &stored.id, "signing_key"];
    tenant.sealer().open_text(&place, &stored.signing_key)
}

fn unknown(id: &str) -> Error {
    Error::not_found("hooks", id)
}
