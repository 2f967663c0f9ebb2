//! SIGINT and SIGTERM: the first asks the server to finish, the second does not wait.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// How far the end of the server has come.
#[derive(Clone)]
pub(super) struct Ending {
    /// Becomes true with the first signal: nobody should send requests any more.
    pub(super) announced: watch::Receiver<bool>,
    /// Becomes true after the delay: no connection is accepted any more, and everything ends.
    pub(super) begun: watch::Receiver<bool>,
}

/// Listens for signals. Connections are accepted for `delay` after the first, for load balancers that have not noticed yet.
pub(super) fn listen(delay: Duration) -> Result<Ending, String> {
    let cannot = |error| format!("signals cannot be listened to: {error}");
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    let (announce, announced) = watch::channel(false);
    let (begin, begun) = watch::channel(false);
    tokio::spawn(async move {
        either(&mut interrupt, &mut terminate).await;
        tracing::info!("stopping: requests in progress may finish");
        announce.send_replace(true);
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = either(&mut interrupt, &mut terminate) => end_at_once(),
        }
        begin.send_replace(true);
        either(&mut interrupt, &mut terminate).await;
        end_at_once();
    });
    Ok(Ending { announced, begun })
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

fn end_at_once() {
    tracing::warn!("stopped at once; requests in progress were cut off");
    std::process::exit(1);
}
