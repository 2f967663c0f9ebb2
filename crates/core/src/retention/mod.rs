//! How long what has expired is kept: not at all, but for authorization and device codes, whose replay must still be noticed.

mod store;

use crate::{Result, Tenant, clients, registrations};

/// Milliseconds that an expired authorization or device code is kept: presented again, it reveals a theft (RFC 9700 §4.14).
const CODE_GRACE_MS: i64 = 3_600_000;

/// Deletes up to `batch` expired rows of each kind, each kind in a transaction of its own, and returns how many they were. To be
/// called until there are none; several nodes may do it at once.
///
/// # Errors
/// When the database does not answer. What was deleted until then stays so.
pub async fn sweep(tenant: &Tenant, batch: u32) -> Result<u64> {
    let now = tenant.now_ms();
    let mut deleted = 0;
    for expired in store::Expired::ALL {
        let before = match expired {
            store::Expired::AuthorizationCodes | store::Expired::DeviceCodes => now - CODE_GRACE_MS,
            _ => now,
        };
        deleted += tenant
            .write((expired, before, batch), |tx, (expired, before, batch)| {
                Box::pin(store::delete(tx, *expired, *before, *batch))
            })
            .await?;
    }
    deleted += clients::forget_unused(tenant, batch).await?;
    deleted += registrations::sweep(tenant, batch).await?;
    Ok(deleted)
}
