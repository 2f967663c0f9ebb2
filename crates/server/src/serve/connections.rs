//! HTTP/1.1 over the listener, with limits on what a client may keep the server waiting for.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::told_to_stop;

/// From the first byte of a connection, or the end of the answer before, to the end of a request's headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of a request's line and headers; more is answered with 431.
const HEADER_LIMIT: usize = 32 * 1024;
/// What requests in progress get to finish once the server is told to stop.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(10);
/// When connections cannot be accepted at all: too many open files, no memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until told to stop, then lets requests in progress finish.
pub(super) async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_LIMIT)
        .keep_alive(true);
    let open = GracefulShutdown::new();
    loop {
        let (stream, peer) = tokio::select! {
            accepted = accept(&listener) => accepted,
            () = told_to_stop(&mut stop) => break,
        };
        // An answer is written whole: waiting for more to fill a packet only delays it.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            service.call(request)
        });
        let connection = open.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(SHUTDOWN_PATIENCE, open.shutdown()).await.is_err() {
        tracing::warn!("requests that took longer than 10 s were cut off");
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    let mut is_told = false;
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if !is_told {
                    tracing::error!(%error, "connections cannot be accepted; trying again");
                    is_told = true;
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The client gave up while it was waiting: nothing is wrong with the next one.
fn is_of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::{self, Instant};

    use super::*;

    /// Sends the beginning of a request and no more; returns how long it took until the connection was closed, by a clock that
    /// leaps to whatever is waited for.
    async fn closed_after(beginning: &[u8]) -> Duration {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_running, stop) = watch::channel(false);
        let router = Router::new().fallback(|| async { "answered" });
        let server = tokio::spawn(serve(listener, router, stop));
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(beginning).await.unwrap();
        // Until the server has the connection and waits for the rest.
        time::sleep(Duration::from_millis(200)).await;
        time::pause();
        let begun = Instant::now();
        let mut answer = Vec::new();
        // An hour is for ever: without a limit this is what it takes.
        let read = time::timeout(Duration::from_secs(3600), slow.read_to_end(&mut answer)).await;
        let waited = begun.elapsed();
        time::resume();
        assert!(read.is_ok(), "the connection is still open");
        assert!(!String::from_utf8_lossy(&answer).contains("answered"));
        server.abort();
        waited
    }

    #[tokio::test]
    async fn slow_requests_whose_headers_do_not_end_are_cut_off() {
        for beginning in ["", "GET /", "GET / HTTP/1.1\r\nhost: a\r\nx: y"] {
            let waited = closed_after(beginning.as_bytes()).await;
            let limit = HEADER_TIMEOUT.as_secs();
            assert!((limit - 5..=limit).contains(&waited.as_secs()), "{beginning:?} {waited:?}");
        }
    }
}
