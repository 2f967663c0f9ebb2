//! `trinco serve`: one process, one port.

mod connections;
mod jobs;
mod listener;
mod signals;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use trinco_connectors::outbound::Outbound;
use trinco_http::App;

use crate::clock::Stopwatch;
use crate::config::Settings;
use crate::data_dir::{self, Lock};
use crate::{control, logging, open};

/// A command that works on the data directly holds the lock for a moment: worth waiting for.
const LOCK_PATIENCE: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// Serves until it is told to stop.
pub(crate) fn run(settings: &Settings) -> Result<(), String> {
    let stopwatch = Stopwatch::start();
    logging::start(settings);
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the threads of the server cannot be started: {error}"))?
        .block_on(serve(settings, stopwatch))
}

async fn serve(settings: &Settings, stopwatch: Stopwatch) -> Result<(), String> {
    let stop = signals::listen()?;
    open::prepare_data_dir(settings)?;
    let outbound = Outbound::new(settings.outbound_allow.clone())?;
    let _lock = lock(settings).await?;
    let listener = listener::bind(settings.listen, settings.port)?;
    let address = listener
        .local_addr()
        .map_err(|error| format!("the address of the server is unknown: {error}"))?;
    let installation = Arc::new(open::installation(settings, address.port()).await?);
    installation.set_script_fetch(settings.scripts_fetch_allow.clone(), outbound.clone());
    let documents_allow = settings.documents_allow.clone();
    installation.set_document_outbound(outbound.clone().with_allow(documents_allow));
    let control = control::serve(settings, Arc::clone(&installation), stop.clone());
    let jobs = jobs::start(&installation, &outbound, &stop);
    let router = trinco_http::router(&App::new(Arc::clone(&installation)));
    tracing::info!(
        %address,
        database = %settings.db_url,
        "ready in {} ms at {}",
        stopwatch.elapsed_ms(),
        installation.default_tenant().origin().base(),
    );
    connections::serve(listener, router, stop).await;
    jobs.join_all().await;
    control.finish().await;
    installation.db().close().await;
    tracing::info!("stopped");
    Ok(())
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
