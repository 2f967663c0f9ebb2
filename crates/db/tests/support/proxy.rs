//! A network between this crate and PostgreSQL that can fail.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};

/// What happens to what passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Weather {
    Fair,
    /// Connections are accepted, and nothing is answered any more.
    Silence,
    /// A `COMMIT` reaches the server, and the connection is lost before its answer.
    LosesCommit,
}

pub(crate) struct Proxy {
    pub(crate) port: u16,
    /// Connections made before this many turns are forgotten.
    turns: Arc<AtomicU64>,
    weather: Arc<AtomicU8>,
    task: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// Passes on to the socket in this folder.
    pub(crate) async fn start(folder: &std::path::Path) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let weather = Arc::new(AtomicU8::new(Weather::Fair as u8));
        let turns = Arc::new(AtomicU64::new(0));
        let (socket, seen) = (folder.join(".s.PGSQL.5432"), Arc::clone(&weather));
        let now = Arc::clone(&turns);
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(pass(client, socket.clone(), Arc::clone(&seen), Arc::clone(&now)));
            }
        });
        Proxy { port, turns, weather, task }
    }

    /// Forgets every connection there is, as a NAT gateway does after a while: who uses one finds out.
    pub(crate) fn forget(&self) {
        self.turns.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn set(&self, weather: Weather) {
        self.weather.store(weather as u8, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(
    client: tokio::net::TcpStream,
    socket: PathBuf,
    weather: Arc<AtomicU8>,
    turns: Arc<AtomicU64>,
) {
    let begun = turns.load(Ordering::SeqCst);
    let Ok(server) = UnixStream::connect(socket).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let is = |weather: &AtomicU8, kind: Weather| weather.load(Ordering::SeqCst) == kind as u8;
    let seen = Arc::clone(&weather);
    let answers = tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
            while is(&seen, Weather::Silence) {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            if to_client.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
    });
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
        if turns.load(Ordering::SeqCst) != begun {
            break;
        }
        let loses = is(&weather, Weather::LosesCommit)
            // Not that of `READ COMMITTED`.
            && buffer[..read].windows(8).any(|words| words == b"; COMMIT");
        if loses {
            answers.abort();
        }
        if to_server.write_all(&buffer[..read]).await.is_err() {
            return;
        }
        if loses {
            // Long enough for the server to be done; the client hears nothing but the end.
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            return;
        }
    }
    answers.abort();
}
