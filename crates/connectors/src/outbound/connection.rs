//! A connection to an address that has been checked, for protocols that are not HTTP.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{OutboundError, client};

/// A connection, which can be secured once.
pub struct Connection {
    stream: Stream,
    tls: Arc<ClientConfig>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection {
    pub(super) async fn open(
        addresses: &[SocketAddr],
        tls: Arc<ClientConfig>,
    ) -> Result<Self, OutboundError> {
        let stream = client::connect(addresses).await.map_err(|_| OutboundError::Connection)?;
        Ok(Self { stream: Stream::Plain(stream), tls })
    }

    /// Whether TLS is spoken.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    /// Speaks TLS from here on; the certificate must be for `name`.
    ///
    /// # Errors
    /// [`OutboundError::Tls`].
    pub async fn secured(self, name: &str) -> Result<Self, OutboundError> {
        let Stream::Plain(stream) = self.stream else { return Ok(self) };
        let name = ServerName::try_from(name.to_owned()).map_err(|_| OutboundError::Tls)?;
        let stream = TlsConnector::from(Arc::clone(&self.tls))
            .connect(name, stream)
            .await
            .map_err(|_| OutboundError::Tls)?;
        Ok(Self { stream: Stream::Tls(Box::new(stream)), tls: self.tls })
    }

    /// Sends all of `bytes`.
    ///
    /// # Errors
    /// [`OutboundError::Exchange`].
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), OutboundError> {
        let written = match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(bytes).await,
            Stream::Tls(stream) => match stream.write_all(bytes).await {
                Ok(()) => stream.flush().await,
                Err(error) => Err(error),
            },
        };
        written.map_err(|_| OutboundError::Exchange)
    }

    /// Appends what has arrived to `buffer`, at least a byte.
    ///
    /// # Errors
    /// [`OutboundError::Exchange`], also when the other side has ended the connection.
    pub async fn read(&mut self, buffer: &mut Vec<u8>) -> Result<(), OutboundError> {
        let mut chunk = [0; 1024];
        let length = match &mut self.stream {
            Stream::Plain(stream) => stream.read(&mut chunk).await,
            Stream::Tls(stream) => stream.read(&mut chunk).await,
        }
        .map_err(|_| OutboundError::Exchange)?;
        if length == 0 {
            return Err(OutboundError::Exchange);
        }
        buffer.extend_from_slice(&chunk[..length]);
        Ok(())
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Connection")
            .field("is_secure", &self.is_secure())
            .finish_non_exhaustive()
    }
}
