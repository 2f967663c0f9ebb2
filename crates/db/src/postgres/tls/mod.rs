//! TLS to PostgreSQL: rustls below the driver.

mod binding;
mod verifier;

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::{fmt, io};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::config::SslNegotiation;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;

use super::target::{Identity, Roots, SslMode, Tls};
use crate::Error;
use verifier::{Authorities, Check, Verifier};

/// Makes TLS connections as the URL asks for them.
#[derive(Clone)]
pub(super) struct Connector(Arc<ClientConfig>);

impl Connector {
    /// Reads the files that `tls` names. Its errors are for the operator.
    pub(super) fn new(tls: &Tls, negotiation: SslNegotiation) -> Result<Connector, Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let check = match (&tls.roots, tls.mode) {
            (None, _) | (_, SslMode::Disable) => Check::Nothing,
            (Some(roots), SslMode::VerifyFull) => {
                Check::IssuerAndName(Arc::new(authorities(roots)?))
            }
            (Some(roots), _) => Check::Issuer(Arc::new(authorities(roots)?)),
        };
        let config = with_check(check, provider)?;
        let mut config = match &tls.identity {
            None => config.with_no_client_auth(),
            Some(identity) => {
                let (certificates, key) = read(identity)?;
                config.with_client_auth_cert(certificates, key).map_err(|_| {
                    refused("sslcert and sslkey of the PostgreSQL URL do not belong together")
                })?
            }
        };
        if negotiation == SslNegotiation::Direct {
            // The server insists on it, since nothing else says which protocol this is.
            config.alpn_protocols = vec![b"postgresql".to_vec()];
        }
        Ok(Connector(Arc::new(config)))
    }
}

type WantsIdentity = rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>;

fn with_check(check: Check, provider: Arc<CryptoProvider>) -> Result<WantsIdentity, Error> {
    let algorithms = provider.signature_verification_algorithms;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(&format!("TLS cannot be set up: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier { check, algorithms })))
}

fn authorities(roots: &Roots) -> Result<Authorities, Error> {
    let mut authorities = Authorities { roots: RootCertStore::empty(), listed: Vec::new() };
    match roots {
        Roots::System => {
            let system = rustls_native_certs::load_native_certs().certs;
            // One unreadable certificate among the system's must not take the others away.
            authorities.roots.add_parsable_certificates(system);
            if authorities.roots.is_empty() {
                return Err(refused(
                    "this system has no certificate authorities to check PostgreSQL's certificate \
                     with: name a file with sslrootcert",
                ));
            }
        }
        Roots::File(path) => {
            authorities.listed = certificates("sslrootcert", path)?;
            for certificate in &authorities.listed {
                authorities
                    .roots
                    .add(certificate.clone())
                    .map_err(|_| unusable("sslrootcert", path, "a certificate cannot be read"))?;
            }
        }
    }
    Ok(authorities)
}

fn read(
    identity: &Identity,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Error> {
    let key = PrivateKeyDer::from_pem_file(&identity.key).map_err(|error| {
        let why = why(error, "it holds no private key in PEM, or one with a passphrase");
        unusable("sslkey", &identity.key, &why)
    })?;
    Ok((certificates("sslcert", &identity.certificate)?, key))
}

fn certificates(option: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let none = "it holds no certificate in PEM";
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<_, _>>);
    match read {
        Ok(certificates) if Vec::is_empty(&certificates) => Err(unusable(option, path, none)),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(unusable(option, path, &why(error, none))),
    }
}

fn why(error: pem::Error, otherwise: &str) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        _ => otherwise.to_owned(),
    }
}

fn unusable(option: &str, path: &Path, why: &str) -> Error {
    refused(&format!("{option} of the PostgreSQL URL, {}, cannot be used: {why}", path.display()))
}

fn refused(why: &str) -> Error {
    Error::Url(why.to_owned())
}

impl<S> MakeTlsConnect<S> for Connector
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Stream<S>;
    type TlsConnect = Handshake;
    type Error = Failure;

    fn make_tls_connect(&mut self, host: &str) -> Result<Handshake, Failure> {
        Ok(Handshake { config: Arc::clone(&self.0), host: host.to_owned() })
    }
}

/// A handshake with one server.
pub(super) struct Handshake {
    config: Arc<ClientConfig>,
    host: String,
}

impl<S> TlsConnect<S> for Handshake
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Stream<S>;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Stream<S>, Failure>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let name = ServerName::try_from(self.host).map_err(|_| {
                Failure("the host of the PostgreSQL URL is no name that a certificate has".into())
            })?;
            // A DNS name is told to the server before it chooses its certificate (SNI).
            match TlsConnector::from(self.config).connect(name, stream).await {
                Ok(stream) => Ok(Stream(stream)),
                Err(error) => Err(Failure::of_handshake(&error)),
            }
        })
    }
}

/// A TLS connection.
pub(super) struct Stream<S>(tokio_rustls::client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Stream<S> {
    fn channel_binding(&self) -> ChannelBinding {
        let certificates = self.0.get_ref().1.peer_certificates().unwrap_or_default();
        match certificates.first().and_then(|first| binding::tls_server_end_point(first)) {
            Some(hash) => ChannelBinding::tls_server_end_point(hash),
            None => ChannelBinding::none(),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Why there is no TLS connection: a sentence for the operator.
#[derive(Debug)]
pub(super) struct Failure(pub(super) String);

impl Failure {
    fn of_handshake(error: &io::Error) -> Failure {
        use CertificateError as Bad;
        let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
        Failure(match cause {
            Some(rustls::Error::InvalidCertificate(bad)) => match bad {
                Bad::UnknownIssuer | Bad::BadSignature => {
                    "PostgreSQL's certificate is not trusted: no authority of sslrootcert (without \
                     it, of this system) has issued it"
                        .to_owned()
                }
                Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
                    "PostgreSQL's certificate is for another name than the host of the URL"
                        .to_owned()
                }
                Bad::Expired | Bad::ExpiredContext { .. } => {
                    "PostgreSQL's certificate has expired".to_owned()
                }
                Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
                    "PostgreSQL's certificate is not valid yet".to_owned()
                }
                bad => format!("PostgreSQL's certificate cannot be used: {bad}"),
            },
            Some(error) => format!("PostgreSQL and Trinco do not agree on TLS: {error}"),
            None => format!("the connection to PostgreSQL ended while TLS began: {error}"),
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}
