//! The embedded engine: pools of read connections, and one thread that writes.

mod connection;
mod failure;
pub(crate) mod file;
mod pool;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

pub(crate) use connection::Connection;
pub(crate) use pool::Pooled;

use crate::conn::{AfterCommit, Link, Scope, Tx, Work};
use crate::{Error, Options};
use connection::Access;
use pool::Pool;
use writer::Writer;

pub(crate) struct Sqlite {
    reads: Arc<Pool>,
    scans: Arc<Pool>,
    /// None when the file was opened to be read only.
    writer: Option<Writer>,
    commits: Arc<AtomicU64>,
}

impl Sqlite {
    pub(crate) async fn open(path: PathBuf, options: Options) -> Result<Sqlite, Error> {
        let opened = tokio::task::spawn_blocking(move || Sqlite::open_blocking(&path, &options));
        opened.await.unwrap_or(Err(Error::Panicked))
    }

    /// Opens a file that exists, and changes nothing about it.
    pub(crate) async fn open_read_only(path: PathBuf, options: Options) -> Result<Sqlite, Error> {
        let open = move || {
            let pool = |budget| {
                let connection = Connection::open(&path, Access::Look, budget)?;
                Ok::<_, Error>(Pool::new(vec![connection], options.connect_timeout))
            };
            let (reads, scans) = (pool(options.statement_timeout)?, pool(options.scan_timeout)?);
            Ok(Sqlite { reads, scans, writer: None, commits: Arc::new(AtomicU64::new(0)) })
        };
        tokio::task::spawn_blocking(open).await.unwrap_or(Err(Error::Panicked))
    }

    fn open_blocking(path: &std::path::Path, options: &Options) -> Result<Sqlite, Error> {
        // First, because it creates the file and switches it to write-ahead logging.
        let write = Connection::open(path, Access::Write, options.statement_timeout)?;
        let pool = |size: usize, budget| {
            let open = |_| Connection::open(path, Access::Read, budget);
            let connections = (0..size.max(1)).map(open).collect::<Result<Vec<_>, Error>>()?;
            Ok::<_, Error>(Pool::new(connections, options.connect_timeout))
        };
        let reads = pool(options.read_connections, options.statement_timeout)?;
        let scans = pool(options.scan_connections, options.scan_timeout)?;
        let commits = Arc::new(AtomicU64::new(0));
        let writer = Writer::start(write, Arc::clone(&commits), options)?;
        Ok(Sqlite { reads, scans, writer: Some(writer), commits })
    }

    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Transactions that wait for the writer.
    pub(crate) fn waiting_writes(&self) -> u64 {
        self.writer.as_ref().map_or(0, Writer::waiting)
    }

    pub(crate) async fn read(&self) -> Result<Pooled, Error> {
        self.reads.take().await
    }

    pub(crate) async fn write<I, T, E>(
        &self,
        scope: Scope,
        input: I,
        work: Work<I, T, E>,
    ) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let writer = self.writer.as_ref().ok_or(Error::ReadOnly)?;
        writer.write(scope, input, work).await
    }

    pub(crate) async fn scan<I, T, E>(
        &self,
        scope: Scope,
        input: I,
        work: Work<I, T, E>,
    ) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let mut connection = self.scans.take().await?;
        let run = move || {
            connection.control("BEGIN")?;
            // The pool ends the transaction when it gets the connection back.
            poll_once(&scope, &input, &work, Link::SqliteRead(connection)).0
        };
        tokio::task::spawn_blocking(run).await.unwrap_or_else(|_| Err(Error::Panicked.into()))
    }

    pub(crate) async fn close(&self) {
        self.reads.close().await;
        self.scans.close().await;
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
    }
}

/// Runs a closure to its end. Everything it may await is ready at once, so being `Pending` means that
/// it awaits something that has no place in a transaction.
fn poll_once<I, T, E: From<Error>>(
    scope: &Scope,
    input: &I,
    work: &Work<I, T, E>,
    link: Link<'_>,
) -> (Result<T, E>, AfterCommit) {
    let mut tx = Tx::new(scope, link);
    let polled = {
        let mut future = work(&mut tx, input);
        future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    };
    let result = match polled {
        Poll::Ready(Ok(_)) if tx.failed() => Err(Error::Aborted.into()),
        Poll::Ready(result) => result,
        Poll::Pending => Err(Error::Pending.into()),
    };
    (result, tx.take_after_commit())
}
