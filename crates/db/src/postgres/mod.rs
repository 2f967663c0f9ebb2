//! The server engine: a pool of connections, unnamed statements only.

mod connect;
mod failure;
mod link;
mod target;
mod tls;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{self, PoolError, TimeoutType};
use futures_util::FutureExt;
use tokio::sync::Semaphore;
use tracing::Instrument as _;

pub(crate) use link::Link;
pub(crate) use target::Target;

use crate::conn::{self, Scope, Tx, Work};
use crate::{Error, Options, dialect};
use connect::Servers;
use failure::{Commit, commit_failure, failure, is_gone};

type Pool = managed::Pool<Servers>;
type Object = managed::Object<Servers>;

#[derive(Clone)]
pub(crate) struct Postgres {
    pool: Pool,
    /// One permit for each transaction in flight; closing takes all.
    in_flight: Arc<Semaphore>,
    commits: Arc<AtomicU64>,
    reading: Arc<Mode>,
    writing: Arc<Mode>,
    scanning: Arc<Mode>,
}

/// How a kind of transaction begins and how long its statements may take.
struct Mode {
    begin: String,
    commit: &'static str,
    limit: Duration,
    commits: bool,
}

const MOST_IN_FLIGHT: u32 = 1 << 20;

/// How often a transaction is tried when it conflicts with others.
const ATTEMPTS: u32 = 8;

/// The server ends a statement at its limit; this much later we conclude that it is out of reach.
const GRACE: Duration = Duration::from_secs(5);

impl Postgres {
    pub(crate) async fn open(url: &str, options: &Options) -> Result<Postgres, Error> {
        let target = Target::read(url)?;
        let size = target.pool_size.unwrap_or(options.postgres_connections.max(1));
        let pool = Pool::builder(Servers::new(target, options.connect_timeout)?)
            .max_size(size)
            .wait_timeout(Some(options.connect_timeout))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| Error::Unavailable { why: None, source: Some(Arc::new(error)) })?;
        let mode = |mode, limit, commits| {
            let begin = dialect::postgres_begin(mode, limit);
            let commit = if commits { dialect::POSTGRES_COMMIT } else { "COMMIT" };
            Arc::new(Mode { begin, commit, limit, commits })
        };
        let (short, long) = (options.statement_timeout, options.scan_timeout);
        let engine = Postgres {
            pool,
            in_flight: Arc::new(Semaphore::new(MOST_IN_FLIGHT as usize)),
            commits: Arc::new(AtomicU64::new(0)),
            reading: mode("READ COMMITTED READ ONLY", short, false),
            // Whether it may write is for the server to say: an operator who has set it to read-only means it.
            writing: mode("READ COMMITTED", short, true),
            scanning: mode("REPEATABLE READ READ ONLY", long, false),
        };
        drop(engine.connection().await?);
        Ok(engine)
    }

    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// The pool's connections: those there are, those in use, and the callers that wait for one.
    pub(crate) fn pool(&self) -> (u64, u64, u64) {
        let status = self.pool.status();
        let in_use = status.size.saturating_sub(status.available);
        (status.size as u64, in_use as u64, status.waiting as u64)
    }

    pub(crate) async fn read(&self) -> Result<Link<'static>, Error> {
        Ok(Link::single(self.connection().await?, Arc::clone(&self.reading)))
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
        self.spawn(Arc::clone(&self.writing), scope, input, work).await
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
        self.spawn(Arc::clone(&self.scanning), scope, input, work).await
    }

    /// Lets what is in flight finish, then closes the connections.
    pub(crate) async fn close(&self) {
        // An error means that it is closed already.
        let all = self.in_flight.acquire_many(MOST_IN_FLIGHT).await;
        self.in_flight.close();
        drop(all);
        self.pool.close();
    }

    /// In a task of its own, so that a caller who goes away leaves neither half a transaction nor a
    /// connection in the middle of one.
    async fn spawn<I, T, E>(
        &self,
        mode: Arc<Mode>,
        scope: Scope,
        input: I,
        work: Work<I, T, E>,
    ) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let permit = Arc::clone(&self.in_flight).acquire_owned().await;
        let permit = permit.map_err(|_| Error::Closed)?;
        let engine = self.clone();
        let run = async move {
            let result = engine.attempts(&mode, &scope, &input, &work).await;
            drop(permit);
            result
        };
        // What is logged in there belongs to the request that asked for it.
        let task = tokio::spawn(run.in_current_span());
        match task.await {
            Ok(result) => result,
            Err(error) if error.is_panic() => Err(Error::Panicked.into()),
            Err(_) => Err(Error::Closed.into()),
        }
    }

    async fn attempts<I, T, E>(
        &self,
        mode: &Mode,
        scope: &Scope,
        input: &I,
        work: &Work<I, T, E>,
    ) -> Result<T, E>
    where
        I: Sync,
        T: Send,
        E: From<Error> + Send,
    {
        let mut attempt = 1;
        loop {
            match self.attempt(mode, scope, input, work).await {
                Attempt::Done(result) => return result,
                Attempt::Conflict(error) if attempt == ATTEMPTS => return Err(error),
                Attempt::Conflict(_) => tokio::time::sleep(self.backoff(attempt)).await,
            }
            attempt += 1;
        }
    }

    async fn attempt<I, T, E>(
        &self,
        mode: &Mode,
        scope: &Scope,
        input: &I,
        work: &Work<I, T, E>,
    ) -> Attempt<T, E>
    where
        E: From<Error>,
    {
        let connection = match self.connection().await {
            Ok(connection) => connection,
            Err(error) => return Attempt::Done(Err(error.into())),
        };
        let mut gone = false;
        let begin = noting(&mut gone, is_gone, connection.batch_execute(&mode.begin));
        if let Err(error) = within(mode.limit, begin).await {
            drop(Object::take(connection));
            return match gone {
                // Nothing has happened yet, so another connection may do.
                true => {
                    forget_idle(&self.pool);
                    Attempt::Conflict(error.into())
                }
                false => Attempt::Done(Err(error.into())),
            };
        }
        let mut tx =
            Tx::new(scope, conn::Link::Postgres(Link::in_transaction(&connection, mode.limit)));
        let run = async { work(&mut tx, input).await };
        let outcome = AssertUnwindSafe(run).catch_unwind().await;
        let failed = tx.failed();
        let after_commit = tx.take_after_commit();
        let conn::Link::Postgres(link) = tx.into_link() else {
            unreachable!("the link was made above")
        };
        let (conflict, broken) = (link.conflict(), link.broken());
        let outcome = match outcome {
            Ok(Ok(value)) if !failed => {
                let attempt = self.commit(mode, connection, value).await;
                if let Attempt::Done(Ok(_)) = attempt {
                    after_commit.into_iter().for_each(|then| then());
                }
                return attempt;
            }
            Ok(Ok(_)) => Err(Error::Aborted.into()),
            Ok(Err(error)) => Err(error),
            Err(_) => {
                // A statement may still be running.
                drop(Object::take(connection));
                return Attempt::Done(Err(Error::Panicked.into()));
            }
        };
        if broken || within(mode.limit, connection.batch_execute("ROLLBACK")).await.is_err() {
            drop(Object::take(connection));
        }
        match outcome {
            Err(error) if conflict => Attempt::Conflict(error),
            outcome => Attempt::Done(outcome),
        }
    }

    async fn commit<T, E: From<Error>>(
        &self,
        mode: &Mode,
        connection: Object,
        value: T,
    ) -> Attempt<T, E> {
        let committed =
            tokio::time::timeout(mode.limit + GRACE, connection.batch_execute(mode.commit)).await;
        let failure = match committed {
            Ok(Ok(())) => {
                if mode.commits {
                    self.commits.fetch_add(1, Ordering::Relaxed);
                }
                return Attempt::Done(Ok(value));
            }
            Ok(Err(error)) => commit_failure(error),
            Err(_) => Commit::Failed(Error::CommitUnknown { source: None }),
        };
        drop(Object::take(connection));
        match failure {
            Commit::Conflict => Attempt::Conflict(Error::Busy.into()),
            Commit::Failed(error) => Attempt::Done(Err(error.into())),
        }
    }

    async fn connection(&self) -> Result<Object, Error> {
        connection(&self.pool).await
    }

    /// Longer each time, and different for transactions that collided.
    fn backoff(&self, attempt: u32) -> Duration {
        let spread = self.commits() + u64::from(attempt) * 7;
        Duration::from_millis((2 << attempt.min(6)) + spread % 11)
    }
}

async fn connection(pool: &Pool) -> Result<Object, Error> {
    pool.get().await.map_err(|error| match error {
        PoolError::Closed => Error::Closed,
        PoolError::Timeout(TimeoutType::Wait) => Error::Busy,
        PoolError::Backend(error) => error,
        error => Error::Unavailable { why: None, source: Some(Arc::new(error)) },
    })
}

/// Closes the connections that nobody uses: what has ended one of them has, as a rule, ended the others too.
fn forget_idle(pool: &Pool) {
    drop(pool.retain(|_, _| false));
}

/// Notes whether an answer is an error of this kind.
async fn noting<T>(
    noted: &mut bool,
    kind: fn(&tokio_postgres::Error) -> bool,
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, tokio_postgres::Error> {
    let answer = answer.await;
    *noted |= answer.as_ref().is_err_and(kind);
    answer
}

enum Attempt<T, E> {
    Done(Result<T, E>),
    /// Rolled back; worth another try.
    Conflict(E),
}

/// Waits for the server, but not for ever.
async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Error> {
    match tokio::time::timeout(limit + GRACE, answer).await {
        Ok(answer) => answer.map_err(failure),
        Err(_) => {
            let why = Some("PostgreSQL gives no answer".into());
            Err(Error::Unavailable { why, source: None })
        }
    }
}
