//! The audit log: what happened, appended in the commit of what it records.

mod count;
mod list;
mod store;

use std::sync::Arc;

pub use count::Counts;
pub use list::{Filter, Log, Logs, MOST_COUNTED, Totals, deliveries_of_hook, get, list, of_hook};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use trinco_db::{TenantDb, Tx};
use trinco_oauth::registration::document;

use crate::{JsonObject, Result, Tenant};

/// The result of what was attempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was refused.
    Error,
}

/// One entry, made before the transaction it joins.
#[derive(Clone, Debug)]
pub struct Entry {
    id: String,
    key: &'static str,
    outcome: Outcome,
    counts: Arc<Counts>,
    user_id: Option<String>,
    application_id: Option<String>,
    hook_id: Option<String>,
    payload: Map<String, Value>,
    created_at: i64,
}

impl Entry {
    /// An entry that `key` happened with this `outcome`. Keys are the reference's, such as `ExchangeTokenBy.RefreshToken`.
    pub fn new(tenant: &Tenant, key: &'static str, outcome: Outcome) -> Self {
        let mut payload = Map::new();
        payload.insert("key".to_owned(), key.into());
        payload.insert("result".to_owned(), Value::String(format!("{outcome:?}")));
        let occasion = tenant.occasion();
        if let Some(ip) = &occasion.ip {
            payload.insert("ip".to_owned(), ip.as_str().into());
        }
        if let Some(user_agent) = &occasion.user_agent {
            payload.insert("userAgent".to_owned(), user_agent.as_str().into());
        }
        Self {
            id: tenant.new_id(),
            key,
            outcome,
            counts: Arc::clone(tenant.audit_counts()),
            user_id: None,
            application_id: None,
            hook_id: None,
            payload,
            created_at: tenant.now_ms(),
        }
    }

    /// The user it is about.
    #[must_use]
    pub fn user(mut self, id: &str) -> Self {
        self.payload.insert("userId".to_owned(), id.into());
        self.user_id = Some(id.to_owned());
        self
    }

    /// The client it came through.
    #[must_use]
    pub fn application(mut self, id: &str) -> Self {
        let name = if document::is_url(id) { "cimdClientId" } else { "applicationId" };
        self.payload.insert(name.to_owned(), id.into());
        self.application_id = Some(id.to_owned());
        self
    }

    /// The webhook it is a delivery of: it is kept with those of the webhook, apart from the others.
    #[must_use]
    pub(crate) fn hook(mut self, id: &str) -> Self {
        self.payload.insert("hookId".to_owned(), id.into());
        self.hook_id = Some(id.to_owned());
        self
    }

    /// A fact worth keeping. Never a secret, a token or a password.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.payload.insert(name.to_owned(), value.into());
        self
    }
}

/// Appends `entry` in the transaction of what it records. It is counted once that has been committed.
///
/// # Errors
/// When the database does not answer.
pub async fn append(tx: &mut Tx<'_>, entry: &Entry) -> Result<()> {
    store::insert(tx, entry).await?;
    let (counts, key, outcome) = (Arc::clone(&entry.counts), entry.key, entry.outcome);
    tx.after_commit(move || counts.count(key, outcome));
    Ok(())
}

/// Appends `entry` by itself, for what was refused and so has no transaction of its own.
///
/// # Errors
/// When the database does not answer.
pub async fn record(tenant: &Tenant, entry: Entry) -> Result<()> {
    tenant.write(entry, |tx, entry| Box::pin(append(tx, entry))).await
}

/// An entry as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Recorded {
    /// 21 characters.
    pub id: String,
    /// What happened.
    pub key: String,
    /// The facts of it, with the user and the client if there are any.
    pub payload: JsonObject,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// Up to `limit` entries of a tenant from the time `from` to the time before `until` (Unix milliseconds), the oldest first; those that
/// come after `last`, for all pages but the first.
///
/// # Errors
/// When the database does not answer, or holds something unreadable.
pub async fn page(
    db: &TenantDb,
    (from, until): (i64, i64),
    last: Option<&Recorded>,
    limit: u32,
) -> Result<Vec<Recorded>> {
    let mut conn = db.read().await?;
    store::page(&mut conn, (from, until), last, limit).await
}
