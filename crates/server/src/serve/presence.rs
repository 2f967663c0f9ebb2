//! A node among others: announces itself in the database, shows that it lives, and stops when the schema has moved on without it.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use trinco_core::{Alphabet, Clock as _, Installation, MIGRATIONS, SystemRandomness};
use trinco_db::Error;

use super::told_to_stop;
use crate::clock::SystemClock;
use crate::config::Settings;

/// Several of these fit into the time after which a silent node counts as gone.
const BEAT_EVERY: Duration = Duration::from_secs(4);

/// The node's place in the database.
pub(super) struct Presence {
    /// None on SQLite, where one process owns the data.
    beating: Option<(trinco_db::Presence, JoinHandle<Result<(), String>>)>,
}

impl Presence {
    /// Announces the node. What is given back becomes true when the server is to stop: because it was told to, or because its program
    /// cannot work with the database any more.
    pub(super) async fn begin(
        settings: &Settings,
        installation: &Installation,
        address: SocketAddr,
        told: watch::Receiver<bool>,
    ) -> Result<(Self, watch::Receiver<bool>), String> {
        if settings.is_sqlite() {
            return Ok((Self { beating: None }, told));
        }
        let id = Alphabet::Id.random(&SystemRandomness, 21);
        let machine = rustix::system::uname();
        let label = format!(
            "{}:{} (process {})",
            machine.nodename().to_string_lossy(),
            address.port(),
            std::process::id()
        );
        let now = SystemClock.now_ms();
        let announced =
            trinco_db::Presence::announce(installation.db(), MIGRATIONS, id, label, now).await;
        let presence = announced
            .map_err(|error| format!("the database {} cannot be used: {error}", settings.db_url))?;
        let (stop, stopping) = watch::channel(false);
        let beating = tokio::spawn(beat(presence.clone(), told, stop));
        Ok((Self { beating: Some((presence, beating)) }, stopping))
    }

    /// Takes leave, once no request is in progress, as far as the database takes note of it before the deadline. An error is why the
    /// server has stopped.
    pub(super) async fn end(self, deadline: Instant) -> Result<(), String> {
        let Some((presence, beating)) = self.beating else { return Ok(()) };
        // After the last sign of life, which would put the row back.
        let outcome = timeout_at(deadline, beating).await;
        let left = match timeout_at(deadline, presence.leave()).await {
            Ok(left) => left.map_err(|error| error.to_string()),
            Err(_) => Err("the database did not answer".to_owned()),
        };
        if let Err(error) = left {
            // Its row delays others for as long as they watch it.
            tracing::warn!(error, "the node could not take leave");
        }
        match outcome {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => Err(format!("the node's signs of life have failed: {error}")),
            Err(_) => Ok(()),
        }
    }
}

async fn beat(
    presence: trinco_db::Presence,
    mut told: watch::Receiver<bool>,
    stop: watch::Sender<bool>,
) -> Result<(), String> {
    let mut disturbed = false;
    let outcome = loop {
        tokio::select! {
            () = tokio::time::sleep(BEAT_EVERY) => {}
            () = told_to_stop(&mut told) => break Ok(()),
        }
        match presence.beat(SystemClock.now_ms()).await {
            Ok(()) => disturbed = false,
            Err(error @ Error::Migration(_)) => {
                tracing::error!(%error, "the schema has moved on; stopping");
                break Err(format!("this program has stopped, because {error}"));
            }
            Err(error) if !disturbed => {
                tracing::warn!(%error, "the node cannot show that it lives; trying again");
                disturbed = true;
            }
            Err(_) => {}
        }
    };
    stop.send_replace(true);
    outcome
}
