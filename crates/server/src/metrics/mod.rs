//! Metrics in the text format of OpenMetrics, which Prometheus reads. What each one means is in `docs/operating.md`, and a test holds
//! that table against what is served.
//!
//! Labels take few values: routes as templates, methods and events the program names itself, tenants of the configuration. Nothing a
//! client sends becomes one.

mod endpoint;
mod process;
mod requests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use trinco_core::audit::Outcome;
use trinco_core::deliveries::{self, Kind};
use trinco_core::{Clock as _, Installation};

pub(crate) use endpoint::serve;
use process::Process;
use requests::Requests;

use crate::clock::SystemClock;

/// The events of the audit log that issue tokens, and the grant types they stand for.
const GRANTS: [(&str, &str); 5] = [
    ("ExchangeTokenBy.AuthorizationCode", "authorization_code"),
    ("ExchangeTokenBy.ClientCredentials", "client_credentials"),
    ("ExchangeTokenBy.DeviceCode", "device_code"),
    ("ExchangeTokenBy.RefreshToken", "refresh_token"),
    ("ExchangeTokenBy.TokenExchange", "token_exchange"),
];
/// The events that end an attempt to sign in.
const SIGN_INS: [&str; 2] = ["Interaction.SignIn.Submit", "Interaction.SignIn.Identifier.Submit"];

/// A job of the background.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Job {
    RefreshConfiguration,
    DeleteExpired,
    AdvanceKeys,
    Deliver,
}

impl Job {
    const ALL: [Self; 4] =
        [Self::RefreshConfiguration, Self::DeleteExpired, Self::AdvanceKeys, Self::Deliver];

    const fn name(self) -> &'static str {
        match self {
            Self::RefreshConfiguration => "refresh_configuration",
            Self::DeleteExpired => "delete_expired",
            Self::AdvanceKeys => "advance_keys",
            Self::Deliver => "deliver",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfDelivery {
    kind: &'static str,
    tenant: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfJob {
    job: &'static str,
    tenant: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRun {
    job: &'static str,
    tenant: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfEvent {
    event: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfGrant {
    grant_type: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfOutcome {
    outcome: &'static str,
}

/// Everything that is measured. Clones share it.
#[derive(Clone)]
pub(crate) struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    requests: Requests,
    job_runs: Family<OfRun, Counter>,
    job_successes: Family<OfJob, Gauge<f64, AtomicU64>>,
    read: Read,
}

/// What others count, copied when it is asked for.
#[derive(Default)]
struct Read {
    commits: Counter,
    waiting_writes: Gauge,
    pool_connections: Gauge,
    pool_in_use: Gauge,
    pool_waiting: Gauge,
    passwords_waiting: Gauge,
    deliveries: Family<OfDelivery, Gauge>,
    events: Family<OfEvent, Counter>,
    tokens: Family<OfGrant, Counter>,
    sign_ins: Family<OfOutcome, Counter>,
    spans_exported: Counter,
    spans_dropped: Counter,
    process: Process,
}

impl Metrics {
    /// Nothing measured yet. What the engine of `installation`'s database does not have is left out.
    pub(crate) fn new(installation: &Installation) -> Self {
        let mut registry = Registry::default();
        let version = vec![("version", env!("CARGO_PKG_VERSION"))];
        registry.register("trinco_build", "The running program", Info::new(version));
        let requests = Requests::register(&mut registry);
        let job_runs = Family::default();
        let job_successes: Family<OfJob, Gauge<f64, AtomicU64>> = Family::default();
        // A job that never succeeds is one to be alarmed about too: it has not since now.
        let begun = now();
        for tenant in installation.tenants() {
            for job in Job::ALL {
                let of = OfJob { job: job.name(), tenant: tenant.id().to_owned() };
                job_successes.get_or_create(&of).set(begun);
            }
        }
        registry.register("trinco_job_runs", "Runs of background jobs", job_runs.clone());
        registry.register(
            "trinco_job_last_success_timestamp_seconds",
            "When a background job last succeeded here; before it has, when the server started",
            job_successes.clone(),
        );
        let read = Read::register(&mut registry, installation);
        Self(Arc::new(Inner { registry, requests, job_runs, job_successes, read }))
    }

    pub(crate) fn requests(&self) -> &Requests {
        &self.0.requests
    }

    /// A job has run.
    pub(crate) fn job_ended(&self, job: Job, tenant: &str, succeeded: bool) {
        let (job, tenant) = (job.name(), tenant.to_owned());
        if succeeded {
            let of = OfJob { job, tenant: tenant.clone() };
            self.0.job_successes.get_or_create(&of).set(now());
        }
        let outcome = if succeeded { "success" } else { "error" };
        self.0.job_runs.get_or_create(&OfRun { job, tenant, outcome }).inc();
    }

    /// Everything, as text.
    pub(crate) async fn text(&self, installation: &Installation, spans: SpanCounts) -> String {
        self.0.read.refresh(installation, spans).await;
        let mut text = String::new();
        text::encode(&mut text, &self.0.registry).expect("text can be written to a string");
        text
    }
}

/// Seconds since the Unix epoch.
fn now() -> f64 {
    SystemClock.now_ms() as f64 / 1000.0
}

/// What has become of the spans of traces.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SpanCounts {
    pub(crate) exported: u64,
    pub(crate) dropped: u64,
}

impl Read {
    fn register(registry: &mut Registry, installation: &Installation) -> Self {
        let read = Self::default();
        registry.register("trinco_db_commits", "Commits of writes", read.commits.clone());
        let load = installation.db().load();
        if load.waiting_writes.is_some() {
            let help = "Transactions that wait for the one thread that writes";
            registry.register("trinco_db_waiting_writes", help, read.waiting_writes.clone());
        }
        if load.pool.is_some() {
            for (name, help, gauge) in [
                ("trinco_db_pool_connections", "Open connections", &read.pool_connections),
                ("trinco_db_pool_connections_in_use", "Connections in use", &read.pool_in_use),
                ("trinco_db_pool_waiting", "Callers that wait for one", &read.pool_waiting),
            ] {
                registry.register(name, help, gauge.clone());
            }
        }
        let help = "Passwords that wait for their turn to be hashed";
        registry.register("trinco_passwords_waiting", help, read.passwords_waiting.clone());
        let help = "Logouts and webhook events that wait to be delivered, by whichever node";
        registry.register("trinco_deliveries_waiting", help, read.deliveries.clone());
        let help = "What was recorded in the audit log, after its commit";
        registry.register("trinco_audit_events", help, read.events.clone());
        registry.register("trinco_tokens_issued", "Answers with tokens", read.tokens.clone());
        registry.register("trinco_sign_ins", "Attempts to sign in", read.sign_ins.clone());
        let help = "Spans that a collector has taken";
        registry.register("trinco_spans_exported", help, read.spans_exported.clone());
        let help = "Spans given up because a collector is slow, does not answer or rejects them";
        registry.register("trinco_spans_dropped", help, read.spans_dropped.clone());
        read.process.register(registry);
        read
    }

    async fn refresh(&self, installation: &Installation, spans: SpanCounts) {
        let db = installation.db();
        self.commits.inner().store(db.commits(), Ordering::Relaxed);
        let load = db.load();
        let set = |gauge: &Gauge, value: u64| {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        };
        if let Some(waiting) = load.waiting_writes {
            set(&self.waiting_writes, waiting);
        }
        if let Some(pool) = load.pool {
            set(&self.pool_connections, pool.size);
            set(&self.pool_in_use, pool.in_use);
            set(&self.pool_waiting, pool.waiting);
        }
        set(&self.passwords_waiting, installation.passwords().waiting() as u64);
        self.spans_exported.inner().store(spans.exported, Ordering::Relaxed);
        self.spans_dropped.inner().store(spans.dropped, Ordering::Relaxed);
        self.process.refresh();
        self.refresh_events(installation);
        let kinds = |tenant| Kind::ALL.map(|kind| (tenant, kind));
        for (tenant, kind) in installation.tenants().flat_map(kinds) {
            let label = OfDelivery { kind: kind.name(), tenant: tenant.id().to_owned() };
            let waiting = deliveries::waiting(tenant, kind);
            match tokio::time::timeout(endpoint::PATIENCE, waiting).await {
                Ok(Ok(waiting)) => set(&self.deliveries.get_or_create(&label), waiting),
                // Better no number than an old one.
                _ => drop(self.deliveries.remove(&label)),
            }
        }
    }

    fn refresh_events(&self, installation: &Installation) {
        let (mut tokens, mut sign_ins) = (GRANTS.map(|_| 0), [0, 0]);
        for (event, outcome, count) in installation.audit_counts().all() {
            let is_success = outcome == Outcome::Success;
            let label = if is_success { "success" } else { "error" };
            let counter = self.events.get_or_create(&OfEvent { event, outcome: label });
            counter.inner().store(count, Ordering::Relaxed);
            drop(counter);
            let grant = GRANTS.iter().position(|(key, _)| *key == event);
            if let Some(grant) = grant.filter(|_| is_success) {
                tokens[grant] += count;
            }
            if SIGN_INS.contains(&event) {
                sign_ins[usize::from(!is_success)] += count;
            }
        }
        for ((_, grant_type), count) in GRANTS.into_iter().zip(tokens) {
            let counter = self.tokens.get_or_create(&OfGrant { grant_type });
            counter.inner().store(count, Ordering::Relaxed);
        }
        for (outcome, count) in ["success", "error"].into_iter().zip(sign_ins) {
            let counter = self.sign_ins.get_or_create(&OfOutcome { outcome });
            counter.inner().store(count, Ordering::Relaxed);
        }
    }
}
