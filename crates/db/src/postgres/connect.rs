//! Connecting to one of the servers that the URL names.

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio_postgres::config::{LoadBalanceHosts, SslMode as DriverMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config};

use super::failure::{connect_failure, tls_failure};
use super::target::Target;
use super::tls::Connector;
use crate::Error;

/// Makes the connections of the pool.
///
/// Servers are tried one after the other, each with a time limit for all of it as in libpq, where the driver's own limit is for TCP
/// alone: a server that has stopped still accepts connections, and must not keep the next one from being asked.
pub(super) struct Servers {
    each: Vec<Config>,
    tls: Connector,
    limit: Duration,
    /// Where to begin next, when the servers are to share the load.
    turn: Option<AtomicUsize>,
}

/// A connection, and the task that moves its bytes.
pub(super) struct Session {
    client: Client,
    task: JoinHandle<()>,
}

impl Servers {
    pub(super) fn new(target: Target, connect_timeout: Duration) -> Result<Servers, Error> {
        let tls = Connector::new(&target.tls, target.config.get_ssl_negotiation())?;
        let shared = target.config.get_load_balance_hosts() == LoadBalanceHosts::Random;
        let limit = target.config.get_connect_timeout().copied().unwrap_or(connect_timeout);
        let mut each = target.servers;
        for server in &mut each {
            if server.get_application_name().is_none() {
                server.application_name("trinco");
            }
        }
        Ok(Servers { each, tls, limit, turn: shared.then(AtomicUsize::default) })
    }

    /// A connection to the first server that gives one.
    async fn connect(&self) -> Result<Session, Error> {
        let turn = self.turn.as_ref().map_or(0, |turn| turn.fetch_add(1, Ordering::Relaxed));
        let mut last = Error::Unavailable { why: None, source: None };
        for at in 0..self.each.len() {
            let server = &self.each[turn.wrapping_add(at) % self.each.len()];
            last = match tokio::time::timeout(self.limit, self.connect_to(server)).await {
                Ok(Ok(session)) => return Ok(session),
                Ok(Err(error)) => connect_failure(error),
                Err(_) => {
                    let why =
                        format!("PostgreSQL gave no answer in {} s", self.limit.as_secs_f32());
                    Error::Unavailable { why: Some(why.into()), source: None }
                }
            };
        }
        Err(last)
    }

    async fn connect_to(&self, server: &Config) -> Result<Session, tokio_postgres::Error> {
        let answer = self.once(server).await;
        // libpq's `prefer`: a server that speaks TLS but not with us, or not with this user, is asked again without.
        let without = answer.as_ref().is_err_and(|error| {
            error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION)
                || tls_failure(error).is_some()
        });
        if without && server.get_ssl_mode() == DriverMode::Prefer {
            return self.once(server.clone().ssl_mode(DriverMode::Disable)).await;
        }
        answer
    }

    async fn once(&self, server: &Config) -> Result<Session, tokio_postgres::Error> {
        let (client, connection) = server.connect(self.tls.clone()).await?;
        let task = tokio::spawn(async move {
            if let Err(error) = connection.await {
                let code = error.code().map_or("closed", |code| code.code());
                tracing::warn!(code, "a connection to PostgreSQL was lost");
            }
        });
        Ok(Session { client, task })
    }
}

impl Manager for Servers {
    type Type = Session;
    type Error = Error;

    async fn create(&self) -> Result<Session, Error> {
        // Boxed, because everything that reads would otherwise hold all of this in its own future.
        let connecting: BoxFuture<'_, _> = Box::pin(self.connect());
        connecting.await
    }

    /// A connection that is known to be lost is not handed out; that any other stands shows when it is used.
    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<Error> {
        match session.is_closed() {
            true => Err(RecycleError::message("closed")),
            false => Ok(()),
        }
    }
}

impl Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.task.abort();
    }
}
