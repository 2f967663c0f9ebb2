//! Small stored values, and the versions that tell every node when the configuration has changed.

mod store;

use trinco_db::{Conn, Tx};

use crate::section::Versions;
use crate::{Result, Section};

/// The version of every section.
///
/// # Errors
/// When the database does not answer.
pub async fn versions(conn: &mut Conn<'_>) -> Result<Versions> {
    store::versions(conn).await
}

/// Moves the version of `sections`. The one helper for it: [`crate::Tenant::configure`] calls it, and nothing else does.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn bump(tx: &mut Tx<'_>, sections: &[Section]) -> Result<()> {
    for section in sections {
        store::bump(tx, section.name()).await?;
    }
    Ok(())
}

/// The value stored under `key`, as JSON text.
///
/// # Errors
/// When the database does not answer.
pub async fn get(conn: &mut Conn<'_>, key: &str) -> Result<Option<String>> {
    store::get(conn, key).await
}

/// Stores `value` under `key` unless something is stored there already; returns what is stored now.
///
/// # Errors
/// When the database does not answer.
pub async fn get_or_set(tx: &mut Tx<'_>, key: &str, value: &str) -> Result<String> {
    store::insert_if_absent(tx, key, value).await?;
    Ok(store::get(tx, key).await?.unwrap_or_else(|| value.to_owned()))
}

/// Stores `value` under `key`, in the place of what was there.
///
/// # Errors
/// When the database does not answer.
pub async fn set(tx: &mut Tx<'_>, key: &str, value: &str) -> Result<()> {
    store::put(tx, key, value).await
}

/// The value stored under `key`, for a change: others who want to change it wait for the transaction at hand.
///
/// # Errors
/// When the database does not answer.
pub async fn take(tx: &mut Tx<'_>, key: &str) -> Result<Option<String>> {
    store::take(tx, key).await
}
