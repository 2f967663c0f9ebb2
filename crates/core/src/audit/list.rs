//! Reading the audit log: newest first, filtered, in pages.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Recorded, store};
use crate::{Error, Page, Result, Tenant};

/// With [`Totals::Capped`], no more entries than these are counted.
pub const MOST_COUNTED: i64 = 10_000;

/// Which entries to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those about this user.
    pub user_id: Option<String>,
    /// Only those about this client.
    pub application_id: Option<String>,
    /// Only those with this key.
    pub key: Option<String>,
    /// Only those of this time or later: Unix milliseconds.
    pub from: Option<i64>,
    /// Only those of this time or earlier: Unix milliseconds.
    pub until: Option<i64>,
}

/// How far entries are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Totals {
    /// All of them.
    Exact,
    /// [`MOST_COUNTED`], and one more if there are more.
    Capped,
}

/// An entry, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Log {
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// The entry.
    #[serde(flatten)]
    pub entry: Recorded,
}

/// A page of entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logs {
    /// The entries, the newest first.
    pub rows: Vec<Recorded>,
    /// How many there are in all, or one more than [`MOST_COUNTED`].
    pub total: i64,
    /// Whether there are more than were counted.
    pub is_capped: bool,
}

/// Lists entries, without the deliveries of webhooks.
///
/// # Errors
/// `log.invalid_time_window` when the window ends before it begins.
pub async fn list(tenant: &Tenant, filter: Filter, totals: Totals, page: Page) -> Result<Logs> {
    read(tenant, None, filter, totals, page).await
}

/// Lists the deliveries of a webhook.
///
/// # Errors
/// As [`list`].
pub async fn of_hook(
    tenant: &Tenant,
    hook_id: &str,
    filter: Filter,
    totals: Totals,
    page: Page,
) -> Result<Logs> {
    read(tenant, Some(hook_id.to_owned()), filter, totals, page).await
}

/// The entry with this id.
///
/// # Errors
/// `entity.not_exists_with_id`.
pub async fn get(tenant: &Tenant, id: &str) -> Result<Log> {
    let entry = store::find(&mut tenant.read().await?, id)
        .await?
        .ok_or_else(|| Error::not_found("logs", id))?;
    Ok(Log { tenant_id: tenant.id().to_owned(), entry })
}

/// How many requests were made to a webhook since then (Unix milliseconds), and how many of them it took.
///
/// # Errors
/// When the database does not answer.
pub async fn deliveries_of_hook(tenant: &Tenant, hook_id: &str, since: i64) -> Result<(i64, i64)> {
    tenant
        .scan((hook_id.to_owned(), since), |conn, (hook_id, since)| {
            Box::pin(store::count_of_hook(conn, hook_id, *since))
        })
        .await
}

/// The deliveries of a webhook; without one, everything but those of any.
async fn read(
    tenant: &Tenant,
    hook_id: Option<String>,
    filter: Filter,
    totals: Totals,
    page: Page,
) -> Result<Logs> {
    if let (Some(from), Some(until)) = (filter.from, filter.until)
        && from > until
    {
        return Err(Error::refused("log.invalid_time_window"));
    }
    let most = match totals {
        Totals::Exact => None,
        Totals::Capped => Some(MOST_COUNTED + 1),
    };
    tenant
        .scan((hook_id, filter, most, page), |conn, (hook_id, filter, most, page)| {
            Box::pin(async move {
                let hook_id = hook_id.as_deref();
                let total = store::count(conn, hook_id, filter, *most).await?;
                let rows = store::list(conn, hook_id, filter, *page).await?;
                Ok(Logs { rows, total, is_capped: most.is_some_and(|most| total >= most) })
            })
        })
        .await
}
