//! What the server does in the background.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use trinco_connectors::outbound::Outbound;
use trinco_core::deliveries::Deliveries;
use trinco_core::{Installation, Tenant, keys, retention};

use super::told_to_stop;
use crate::metrics::{Job, Metrics};

/// How soon a change made through another node is served here: within a second, the reading of it included.
const REFRESH_EVERY: Duration = Duration::from_millis(500);
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// Rows of one statement, so that no transaction keeps others waiting for long.
const SWEEP_BATCH: u32 = 500;
/// Turns of one sweep; what is left waits for the next.
const SWEEP_BATCHES: u32 = 200;

/// How soon a staged key signs after its grace period, and an old one goes.
const ADVANCE_KEYS_EVERY: Duration = Duration::from_secs(10);
/// How soon an application is told that a session has ended, and a webhook that something has happened.
const DELIVER_EVERY: Duration = Duration::from_secs(1);
/// What jobs get to finish once the server is told to stop, those that write to a database that does not answer included.
const PATIENCE_AT_END: Duration = Duration::from_secs(10);

/// Starts the jobs of every tenant. They end when told to stop.
pub(super) fn start(
    installation: &Installation,
    policy: &retention::Policy,
    outbound: &Outbound,
    metrics: &Metrics,
    stop: &watch::Receiver<bool>,
) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    for tenant in installation.tenants() {
        jobs.spawn(follow(tenant.clone(), metrics.clone(), stop.clone()));
        jobs.spawn(sweep(tenant.clone(), policy.clone(), metrics.clone(), stop.clone()));
        jobs.spawn(advance_keys(tenant.clone(), metrics.clone(), stop.clone()));
        jobs.spawn(deliver(tenant.clone(), outbound.clone(), metrics.clone(), stop.clone()));
    }
    jobs
}

/// Waits until the jobs have ended, as long as requests in progress have: what hangs in the database then is given up.
pub(super) async fn end(jobs: JoinSet<()>, mut stop: watch::Receiver<bool>) {
    told_to_stop(&mut stop).await;
    if tokio::time::timeout(PATIENCE_AT_END, jobs.join_all()).await.is_err() {
        tracing::warn!("background jobs that took longer than 10 s were cut off");
    }
}

/// Follows configuration that other nodes change. A disturbance is logged when it begins and when it ends.
async fn follow(tenant: Tenant, metrics: Metrics, mut stop: watch::Receiver<bool>) {
    let mut disturbed = false;
    while tick(REFRESH_EVERY, &mut stop).await {
        let refreshed = tenant.refresh().await;
        metrics.job_ended(Job::RefreshConfiguration, tenant.id(), refreshed.is_ok());
        match refreshed {
            Ok(_) if disturbed => {
                tracing::info!(tenant = tenant.id(), "the configuration is up to date again");
                disturbed = false;
            }
            Err(error) if !disturbed => {
                let tenant = tenant.id();
                tracing::warn!(tenant, %error, "the configuration cannot be refreshed; trying again");
                disturbed = true;
            }
            Ok(_) | Err(_) => {}
        }
    }
}

/// Deletes what has ended and is not to be kept any longer.
async fn sweep(
    tenant: Tenant,
    policy: retention::Policy,
    metrics: Metrics,
    mut stop: watch::Receiver<bool>,
) {
    let mut disturbed = false;
    while tick(SWEEP_EVERY, &mut stop).await {
        let goes_on = || !*stop.borrow();
        let swept =
            retention::sweep_all(&tenant, &policy, SWEEP_BATCH, SWEEP_BATCHES, goes_on).await;
        let (tenant_id, deleted, succeeded) = (tenant.id(), swept.deleted, swept.failure.is_none());
        if deleted > 0 {
            tracing::debug!(tenant = tenant_id, deleted, "expired rows deleted");
        }
        if let Some(error) = swept.failure.filter(|_| !disturbed) {
            tracing::warn!(tenant = tenant_id, %error, "expired rows cannot be deleted; trying again");
        }
        disturbed = !succeeded;
        metrics.job_ended(Job::DeleteExpired, tenant.id(), succeeded);
    }
}

/// Moves keys on when their time has come.
async fn advance_keys(tenant: Tenant, metrics: Metrics, mut stop: watch::Receiver<bool>) {
    let mut disturbed = false;
    while tick(ADVANCE_KEYS_EVERY, &mut stop).await {
        let advanced = keys::advance(&tenant).await;
        metrics.job_ended(Job::AdvanceKeys, tenant.id(), advanced.is_ok());
        match advanced {
            Ok(_) => disturbed = false,
            Err(error) if !disturbed => {
                let tenant = tenant.id();
                tracing::warn!(tenant, %error, "keys cannot be moved on; trying again");
                disturbed = true;
            }
            Err(_) => {}
        }
    }
}

/// Tells applications that sessions have ended, and webhooks what has happened. What is new is looked for every second, however long
/// others take to answer. When the server is to stop, no delivery begins any more and those under way finish: one that is cut off is
/// made again later, and its receiver told twice.
async fn deliver(
    tenant: Tenant,
    outbound: Outbound,
    metrics: Metrics,
    mut stop: watch::Receiver<bool>,
) {
    let mut deliveries = Deliveries::new(tenant.clone(), outbound);
    let mut disturbed = false;
    loop {
        // With nothing under way there is nothing to be settled, and the pause alone goes on.
        let settled = tokio::select! {
            biased;
            () = told_to_stop(&mut stop) => break,
            Some(settled) = deliveries.settled() => settled,
            () = tokio::time::sleep(DELIVER_EVERY) => Ok(()),
        };
        let result = match settled {
            Ok(()) => deliveries.begin_due().await.map(|_| ()),
            Err(error) => Err(error),
        };
        metrics.job_ended(Job::Deliver, tenant.id(), result.is_ok());
        match result {
            Ok(()) => disturbed = false,
            Err(error) if !disturbed => {
                let tenant = tenant.id();
                tracing::warn!(tenant, %error, "applications and webhooks cannot be told; trying again");
                disturbed = true;
            }
            Err(_) => {}
        }
    }
    // Those that take longer than jobs may are cut off, and made again.
    while deliveries.settled().await.is_some() {}
}

/// Waits; false when told to stop meanwhile.
async fn tick(pause: Duration, stop: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        () = tokio::time::sleep(pause) => true,
        () = told_to_stop(stop) => false,
    }
}
