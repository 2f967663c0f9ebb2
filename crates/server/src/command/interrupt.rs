//! Ctrl-C while something long is done: the first asks it to end, the second does not wait.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Listens for SIGINT and SIGTERM. What is answered becomes true with the first.
pub(crate) fn listen() -> Result<watch::Receiver<bool>, String> {
    let cannot = |error| format!("signals cannot be listened to: {error}");
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    let (tell, told) = watch::channel(false);
    tokio::spawn(async move {
        either(&mut interrupt, &mut terminate).await;
        tell.send_replace(true);
        either(&mut interrupt, &mut terminate).await;
        std::process::exit(1);
    });
    Ok(told)
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
