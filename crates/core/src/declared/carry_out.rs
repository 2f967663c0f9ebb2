//! Carrying a plan out, one change after the other.

use super::{Action, Failure, Plan, kinds, plan};
use crate::audit::{self, Outcome};
use crate::{Result, Tenant};

/// Applies a file: makes a [`plan`] and carries it out.
///
/// # Errors
/// As [`plan`] and [`carry_out`].
pub async fn apply(tenant: &Tenant, text: &str, prune: bool) -> Result<Plan, Failure> {
    let plan = plan(tenant, text, prune).await?;
    carry_out(tenant, &plan, &|| false).await?;
    Ok(plan)
}

/// Carries a plan out. It ends between two changes when `is_to_stop` answers so. The audit log gets an entry before the first change,
/// which stays when this process does not live to see the last, and one at the end.
///
/// # Errors
/// [`Failure::Before`] when nothing was changed; [`Failure::Half`] when something could not be done after all; [`Failure::Stopped`];
/// [`Failure::Unrecorded`].
pub async fn carry_out(
    tenant: &Tenant,
    plan: &Plan,
    is_to_stop: &(dyn Fn() -> bool + Sync),
) -> Result<(), Failure> {
    let of = plan.changes.len();
    if is_to_stop() {
        return Err(Failure::Stopped { done: 0, of });
    }
    if of > 0 {
        record(tenant, plan, BEGIN, 0, Outcome::Success).await?;
    }
    for (done, change) in plan.changes.iter().enumerate() {
        let made = match change.action {
            _ if is_to_stop() => Err(None),
            Action::Create | Action::Change => kinds::put(tenant, change).await.map_err(Some),
            Action::Delete => kinds::delete(tenant, change.kind, &change.key).await.map_err(Some),
        };
        let Err(error) = made else { continue };
        // What went wrong first is what is told.
        if let Err(error) = record(tenant, plan, END, done, Outcome::Error).await {
            tracing::warn!(%error, "the audit log does not tell how far a file was applied");
        }
        return Err(match error {
            Some(error) => Failure::Half { change: Box::new(change.clone()), error, done, of },
            None => Failure::Stopped { done, of },
        });
    }
    record(tenant, plan, END, of, Outcome::Success).await.map_err(Failure::Unrecorded)
}

/// The keys of the entries.
const BEGIN: &str = "Configuration.Apply.Begin";
const END: &str = "Configuration.Apply";

/// One entry for a file; the changes themselves are told by their counts, since a file can hold secrets.
async fn record(
    tenant: &Tenant,
    plan: &Plan,
    key: &'static str,
    done: usize,
    outcome: Outcome,
) -> Result<()> {
    let (created, changed, deleted) = plan.counts();
    let entry = audit::Entry::new(tenant, key, outcome)
        .fact("created", created)
        .fact("changed", changed)
        .fact("deleted", deleted)
        .fact("unchanged", plan.unchanged)
        .fact("done", done);
    audit::record(tenant, entry).await
}
