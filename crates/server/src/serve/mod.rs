//! `trinco serve`: one process, one port.

mod connections;
mod jobs;
mod listener;
mod presence;
mod signals;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use trinco_connectors::outbound::Outbound;
use trinco_core::Installation;
use trinco_core::assets::{Disk, LARGEST_FILE, S3, Storage};
use trinco_core::domains::Lookout;
use trinco_http::{App, Begun, Ended, Observer, Surroundings};

use crate::clock::Stopwatch;
use crate::config::{Settings, StorageSettings};
use crate::data_dir::{self, Lock};
use crate::metrics::{self, Metrics};
use crate::traces::{self, Traces};
use crate::{control, logging, open};
use presence::Presence;

/// A command that works on the data directly holds the lock for a moment: worth waiting for.
const LOCK_PATIENCE: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(100);
/// What PostgreSQL gets to take note of the end.
const DATABASE_PATIENCE: Duration = Duration::from_secs(2);

/// Serves until it is told to stop.
pub(crate) fn run(settings: &Settings) -> Result<(), String> {
    let stopwatch = Stopwatch::start();
    let (recorder, traces) = settings.traces.as_ref().map(traces::prepare).unzip();
    logging::start(settings, recorder);
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the threads of the server cannot be started: {error}"))?
        .block_on(serve(settings, stopwatch, traces))
}

async fn serve(
    settings: &Settings,
    stopwatch: Stopwatch,
    traces: Option<traces::Prepared>,
) -> Result<(), String> {
    let ending = signals::listen(settings.shutdown_delay)?;
    // A server that cannot listen leaves no folder behind; where there is one, its lock tells more than a busy port does.
    let bind = || listener::bind(settings.listen, settings.port);
    let bound = if settings.data_dir.exists() { None } else { Some(bind()?) };
    open::prepare_data_dir(settings)?;
    let outbound =
        Outbound::new(settings.outbound_allow.clone())?.with_traceparent(traces::traceparent);
    let _lock = lock(settings).await?;
    let listener = bound.map_or_else(bind, Ok)?;
    let address = listener
        .local_addr()
        .map_err(|error| format!("the address of the server is unknown: {error}"))?;
    let installation = Arc::new(open::installation(settings, address.port()).await?);
    let (presence, stop) = Presence::begin(settings, &installation, address, ending.begun).await?;
    installation.set_script_fetch(settings.scripts_fetch_allow.clone(), outbound.clone());
    installation.set_outbound(outbound.clone());
    let documents_allow = settings.documents_allow.clone();
    installation.set_document_outbound(outbound.clone().with_allow(documents_allow));
    installation.set_lookout(Lookout::new(outbound.clone()));
    match &settings.storage {
        StorageSettings::Nowhere => {}
        StorageSettings::Disk(path) => {
            installation.set_storage(Storage::Disk(Disk::new(path)));
        }
        StorageSettings::S3(bucket) => {
            let bucket = S3::new(bucket.clone(), outbound.clone(), LARGEST_FILE);
            installation.set_storage(Storage::S3(Box::new(bucket)));
        }
    }
    let (traces, exporting) = traces.map(traces::Prepared::start).transpose()?.unzip();
    let metrics = Metrics::new(&installation);
    let metrics_served = serve_metrics(settings, &metrics, &installation, &traces, &stop)?;
    let control = control::serve(settings, Arc::clone(&installation), stop.clone());
    let jobs = jobs::start(&installation, &settings.retention, &outbound, &metrics, &stop);
    let watching = Watching { metrics: metrics_served.is_some().then_some(metrics), traces };
    let surroundings = Surroundings {
        stopping: Some(ending.announced),
        proxies: settings.proxies,
        observer: watching.watches().then(|| Arc::new(watching) as Arc<dyn Observer>),
    };
    let router = trinco_http::router(&App::within(Arc::clone(&installation), surroundings));
    tracing::info!(
        %address,
        database = %settings.db_url,
        "ready in {} ms at {}",
        stopwatch.elapsed_ms(),
        installation.default_tenant().origin().base(),
    );
    // Side by side: whatever hangs, all of them have ended when one of them may take no longer.
    tokio::join!(
        connections::serve(listener, router, stop.clone()),
        control.finish(stop.clone()),
        jobs::end(jobs, stop),
    );
    if let Some(served) = metrics_served {
        served.abort();
    }
    let export = async {
        if let Some(exporting) = exporting {
            exporting.finish().await;
        }
    };
    let ((), outdated) = tokio::join!(export, leave(presence, settings, &installation));
    tracing::info!("stopped");
    outdated
}

/// Takes leave of the database. An error is why the server has stopped.
async fn leave(
    presence: Presence,
    settings: &Settings,
    installation: &Installation,
) -> Result<(), String> {
    let deadline = Instant::now() + DATABASE_PATIENCE;
    let outdated = presence.end(deadline).await;
    let closed = installation.db().close();
    if settings.is_sqlite() {
        closed.await;
    } else if tokio::time::timeout_at(deadline, closed).await.is_err() {
        // Nobody waits for what is still in flight; PostgreSQL finishes it, or takes it back.
        tracing::warn!("the database did not answer; its connections were cut off");
    }
    outdated
}

/// Serves metrics on a listener of their own, if the settings name one, until the requests of others are finished.
fn serve_metrics(
    settings: &Settings,
    metrics: &Metrics,
    installation: &Arc<Installation>,
    traces: &Option<Traces>,
    stop: &watch::Receiver<bool>,
) -> Result<Option<JoinHandle<()>>, String> {
    let Some(address) = settings.metrics_listen else { return Ok(None) };
    let listener = listener::bind_metrics(address)?;
    if let Ok(address) = listener.local_addr() {
        tracing::info!("metrics at http://{address}/metrics");
    }
    let router = metrics::serve(metrics.clone(), Arc::clone(installation), traces.clone());
    Ok(Some(tokio::spawn(connections::serve(listener, router, stop.clone()))))
}

/// Those who watch requests.
struct Watching {
    metrics: Option<Metrics>,
    traces: Option<Traces>,
}

impl Watching {
    fn watches(&self) -> bool {
        self.metrics.is_some() || self.traces.is_some()
    }
}

impl Observer for Watching {
    fn begun(&self, begun: &Begun<'_>) {
        if let Some(metrics) = &self.metrics {
            metrics.requests().begun();
        }
        if let Some(traces) = &self.traces {
            traces.begun(begun);
        }
    }

    fn ended(&self, ended: &Ended<'_>) {
        if let Some(metrics) = &self.metrics {
            metrics.requests().ended(ended.method, ended.route, ended.status, ended.duration);
        }
        if let Some(traces) = &self.traces {
            traces.ended(ended);
        }
    }
}

/// With SQLite one process owns the data; on PostgreSQL there may be many.
async fn lock(settings: &Settings) -> Result<Option<Lock>, String> {
    if !settings.is_sqlite() {
        return Ok(None);
    }
    let mut patience = LOCK_PATIENCE;
    loop {
        match data_dir::try_lock(settings)? {
            Ok(lock) => return Ok(Some(lock)),
            Err(held) if patience == 0 => {
                return Err(format!(
                    "{}; another server uses this data, so stop it first or choose another data \
                     directory with --data",
                    held.describe()
                ));
            }
            Err(_) => patience -= 1,
        }
        tokio::time::sleep(LOCK_PAUSE).await;
    }
}

/// Waits until the server is told to stop.
async fn told_to_stop(stop: &mut watch::Receiver<bool>) {
    // An error means that nobody can tell it any more, so that it ends too.
    let _ = stop.wait_for(|stop| *stop).await;
}
