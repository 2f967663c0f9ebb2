//! How long what has ended is kept: not at all unless the operator says so, but for authorization and device codes, whose replay must
//! still be noticed. The audit log is kept for ever unless the operator says how long.

mod store;

use std::collections::BTreeMap;

use crate::{Result, Tenant, clients, registrations};

/// Milliseconds that an expired authorization or device code is kept at least: presented again, it reveals a theft (RFC 9700 §4.14).
const CODE_GRACE_MS: i64 = 3_600_000;

/// What is kept for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Sign-ins that were not finished, and authorization requests that were not come back for.
    Interactions,
    /// Authorization and device codes.
    Codes,
    /// Access, refresh and subject tokens.
    Tokens,
    /// Sessions of browsers.
    Sessions,
    /// Grants, with the tokens that are left of them.
    Grants,
    /// Entries of the audit log. They do not end: their age counts.
    Logs,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Interactions, Self::Codes, Self::Tokens, Self::Sessions, Self::Grants, Self::Logs];
}

/// For how long each kind is kept after its end, as the operator has set it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    kept_ms: BTreeMap<Kind, i64>,
}

impl Policy {
    /// Keeps this kind for so many milliseconds after its end; zero is what it is without a setting.
    #[must_use]
    pub fn keeping(mut self, kind: Kind, milliseconds: i64) -> Self {
        self.kept_ms.insert(kind, milliseconds.max(0));
        self
    }

    /// Milliseconds after its end that this kind is kept; `None` for ever.
    pub fn kept_ms(&self, kind: Kind) -> Option<i64> {
        let set = self.kept_ms.get(&kind).copied().filter(|kept| *kept > 0);
        match kind {
            Kind::Logs => set,
            Kind::Codes => Some(set.unwrap_or_default().max(CODE_GRACE_MS)),
            _ => Some(set.unwrap_or_default()),
        }
    }
}

/// Deletes up to `batch` rows of each kind whose time is over, each kind in a transaction of its own, and returns how many they were. To
/// be called until there are none; several nodes may do it at once.
///
/// # Errors
/// When the database does not answer. What was deleted until then stays so.
pub async fn sweep(tenant: &Tenant, policy: &Policy, batch: u32) -> Result<u64> {
    let now = tenant.now_ms();
    let mut deleted = 0;
    for expired in store::Expired::ALL {
        let Some(kept) = policy.kept_ms(expired.kind()) else { continue };
        deleted += tenant
            .write((expired, now - kept, batch), |tx, (expired, before, batch)| {
                Box::pin(store::delete(tx, *expired, *before, *batch))
            })
            .await?;
    }
    deleted += clients::forget_unused(tenant, batch).await?;
    deleted += registrations::sweep(tenant, batch).await?;
    Ok(deleted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_but_codes_for_an_hour_and_the_log_for_ever() {
        let policy = Policy::default();
        for kind in Kind::ALL {
            let expected = match kind {
                Kind::Logs => None,
                Kind::Codes => Some(CODE_GRACE_MS),
                _ => Some(0),
            };
            assert_eq!(policy.kept_ms(kind), expected, "{kind:?}");
        }
    }

    #[test]
    fn what_is_set_counts_and_codes_are_never_kept_for_less_than_their_replay_needs() {
        let policy =
            Kind::ALL.into_iter().fold(Policy::default(), |policy, kind| policy.keeping(kind, 1));
        for kind in Kind::ALL {
            let expected = if kind == Kind::Codes { CODE_GRACE_MS } else { 1 };
            assert_eq!(policy.kept_ms(kind), Some(expected), "{kind:?}");
        }
        assert_eq!(policy.keeping(Kind::Logs, 0).kept_ms(Kind::Logs), None);
    }
}
