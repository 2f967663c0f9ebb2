//! How long what has ended is kept: not at all unless the operator says so, but for authorization and device codes, whose replay must
//! still be noticed. The audit log is kept for ever unless the operator says how long.

mod store;

use std::collections::BTreeMap;

use crate::{Error, Result, Tenant, clients, registrations};

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
    /// Grants, which are kept for as long as their codes and tokens are.
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
            // They take along what hangs on them, which ends with them at the latest.
            Kind::Grants => {
                let of_them = [self.kept_ms(Kind::Codes), self.kept_ms(Kind::Tokens)];
                of_them.into_iter().flatten().chain(set).max()
            }
            _ => Some(set.unwrap_or_default()),
        }
    }
}

/// What a sweep came to.
#[derive(Debug, Default)]
pub struct Swept {
    /// Rows that were deleted.
    pub deleted: u64,
    /// Why something could not be deleted. The first reason, when there are several.
    pub failure: Option<Error>,
}

/// Deletes everything whose time is over, at most `batch` rows of a table in one transaction, and in no more than `batches` turns.
/// What cannot be deleted keeps nothing else from it, and is left for the next sweep. `goes_on` is asked before each turn. Several nodes
/// may do it at once.
pub async fn sweep_all(
    tenant: &Tenant,
    policy: &Policy,
    batch: u32,
    batches: u32,
    goes_on: impl Fn() -> bool,
) -> Swept {
    let mut swept = Swept::default();
    let mut left = Part::all(policy);
    for _ in 0..batches {
        if left.is_empty() || !goes_on() {
            break;
        }
        let mut more = Vec::new();
        for part in left {
            match part.delete(tenant, policy, batch).await {
                Ok(0) => {}
                Ok(deleted) => {
                    swept.deleted += deleted;
                    more.push(part);
                }
                Err(error) => swept.failure = swept.failure.or(Some(error)),
            }
        }
        left = more;
    }
    swept
}

/// One turn of [`sweep_all`], and how many rows it deleted. To be called until there are none.
///
/// # Errors
/// When something could not be deleted. What could be stays so.
pub async fn sweep(tenant: &Tenant, policy: &Policy, batch: u32) -> Result<u64> {
    let Swept { deleted, failure } = sweep_all(tenant, policy, batch, 1, || true).await;
    failure.map_or(Ok(deleted), Err)
}

/// What is swept by itself.
#[derive(Clone, Copy)]
enum Part {
    Expired(store::Expired),
    UnusedClients,
    Registrations,
}

impl Part {
    fn all(policy: &Policy) -> Vec<Self> {
        let expired = store::Expired::ALL.into_iter();
        let expired = expired.filter(|expired| policy.kept_ms(expired.kind()).is_some());
        expired.map(Self::Expired).chain([Self::UnusedClients, Self::Registrations]).collect()
    }

    async fn delete(self, tenant: &Tenant, policy: &Policy, batch: u32) -> Result<u64> {
        match self {
            Self::Expired(expired) => {
                let kept = policy.kept_ms(expired.kind()).unwrap_or(i64::MAX);
                delete_expired(tenant, expired, tenant.now_ms().saturating_sub(kept), batch).await
            }
            Self::UnusedClients => clients::forget_unused(tenant, batch).await,
            Self::Registrations => registrations::sweep(tenant, batch).await,
        }
    }
}

/// What hangs on grants goes before them: thousands of tokens may hang on one.
async fn delete_expired(
    tenant: &Tenant,
    expired: store::Expired,
    before: i64,
    batch: u32,
) -> Result<u64> {
    let mut deleted = 0;
    if expired == store::Expired::Grants {
        for what in store::OfGrants::ALL {
            deleted += tenant
                .write((what, before, batch), |tx, (what, before, batch)| {
                    Box::pin(store::delete_of_grants(tx, *what, *before, *batch))
                })
                .await?;
        }
    }
    deleted += tenant
        .write((expired, before, batch), |tx, (expired, before, batch)| {
            Box::pin(store::delete(tx, *expired, *before, *batch))
        })
        .await?;
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
                Kind::Codes | Kind::Grants => Some(CODE_GRACE_MS),
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
            let is_or_holds_codes = matches!(kind, Kind::Codes | Kind::Grants);
            let expected = if is_or_holds_codes { CODE_GRACE_MS } else { 1 };
            assert_eq!(policy.kept_ms(kind), Some(expected), "{kind:?}");
        }
        assert_eq!(policy.keeping(Kind::Logs, 0).kept_ms(Kind::Logs), None);
    }

    #[test]
    fn a_grant_is_kept_for_as_long_as_what_hangs_on_it() {
        let kept = |kind: Kind, milliseconds: i64| {
            let policy = Policy::default().keeping(Kind::Grants, 2 * CODE_GRACE_MS);
            policy.keeping(kind, milliseconds).kept_ms(Kind::Grants)
        };
        assert_eq!(kept(Kind::Tokens, 3 * CODE_GRACE_MS), Some(3 * CODE_GRACE_MS));
        assert_eq!(kept(Kind::Codes, 3 * CODE_GRACE_MS), Some(3 * CODE_GRACE_MS));
        assert_eq!(kept(Kind::Sessions, 3 * CODE_GRACE_MS), Some(2 * CODE_GRACE_MS));
    }
}
