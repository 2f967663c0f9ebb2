//! SIGINT and SIGTERM: the first asks the server to finish, the second does not wait.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Becomes true when the server is to stop.
pub(super) fn listen() -> Result<watch::Receiver<bool>, String> {
    let cannot = |error| format!("signals cannot be listened to: {error}");
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    let (tell, told) = watch::channel(false);
    tokio::spawn(async move {
        for is_first in [true, false] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if is_first {
                tracing::info!("stopping: requests in progress may finish");
                tell.send_replace(true);
            } else {
                tracing::warn!("stopped at once; requests in progress were cut off");
                std::process::exit(1);
            }
        }
    });
    Ok(told)
}
