use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::{Connection, poll_once};
use crate::conn::{AfterCommit, Link, Scope, Work};
use crate::stopwatch::Stopwatch;
use crate::{Error, Options};

/// The way to the one thread that writes.
///
/// The thread takes all waiting transactions, runs each in a savepoint, commits once, and then answers
/// all of them. The slower the disk, the larger the groups.
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    patience: Duration,
}

enum Message {
    Transaction(Box<dyn Transaction>),
    Close(oneshot::Sender<()>),
}

/// A transaction whose types have been forgotten.
trait Transaction: Send {
    /// Runs it in a savepoint. Whether it wants to be kept.
    fn run(&mut self, connection: &mut Connection) -> bool;
    /// Tells the caller how it ended. With `Err` nothing of the group was kept.
    fn answer(self: Box<Self>, committed: Result<(), Error>);
}

struct Job<I, T, E> {
    scope: Scope,
    input: I,
    work: Work<I, T, E>,
    after_commit: AfterCommit,
    result: Option<Result<T, E>>,
    caller: oneshot::Sender<Result<T, E>>,
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        commits: Arc<AtomicU64>,
        options: &Options,
    ) -> Result<Writer, Error> {
        let (queue, waiting) = mpsc::channel(options.write_queue.max(1));
        let thread = Thread {
            connection,
            queue: waiting,
            taken: VecDeque::new(),
            closing: Vec::new(),
            commits,
            group_limit: options.group_limit.max(1),
            group_window: options.group_window,
        };
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || thread.run())
            .map_err(|error| Error::Unavailable { why: None, source: Some(Arc::new(error)) })?;
        Ok(Writer { queue, patience: options.statement_timeout })
    }

    pub(super) async fn write<I, T, E>(
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
        let (caller, answer) = oneshot::channel();
        let job = Job { scope, input, work, after_commit: Vec::new(), result: None, caller };
        self.send(Message::Transaction(Box::new(job))).await?;
        answer.await.unwrap_or_else(|_| Err(Error::Closed.into()))
    }

    async fn send(&self, message: Message) -> Result<(), Error> {
        match self.queue.try_send(message) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(Error::Closed),
            Err(TrySendError::Full(message)) => {
                let waited = tokio::time::timeout(self.patience, self.queue.send(message)).await;
                waited.map_err(|_| Error::Busy)?.map_err(|_| Error::Closed)
            }
        }
    }

    /// How many transactions are in the queue.
    pub(super) fn waiting(&self) -> u64 {
        (self.queue.max_capacity() - self.queue.capacity()) as u64
    }

    pub(super) async fn close(&self) {
        let (closed, done) = oneshot::channel();
        if self.queue.send(Message::Close(closed)).await.is_ok() {
            // An error means that the thread has ended, which is what is wanted.
            let _ = done.await;
        }
        self.queue.closed().await;
    }
}

struct Thread {
    connection: Connection,
    queue: mpsc::Receiver<Message>,
    /// Taken from the queue, to be run next.
    taken: VecDeque<Box<dyn Transaction>>,
    closing: Vec<oneshot::Sender<()>>,
    commits: Arc<AtomicU64>,
    group_limit: usize,
    group_window: Duration,
}

impl Thread {
    fn run(mut self) {
        while self.wait() {
            self.commit_group();
        }
        let Thread { mut connection, closing, .. } = self;
        if let Err(error) = connection.checkpoint() {
            // Nothing is lost: the next start reads the log.
            tracing::warn!(%error, "the SQLite log could not be folded into its file");
        }
        drop(connection);
        for caller in closing {
            // The one who asked may be gone.
            let _ = caller.send(());
        }
    }

    /// Blocks until there is a transaction to run. `false` when there will be none.
    fn wait(&mut self) -> bool {
        while self.taken.is_empty() {
            match self.queue.blocking_recv() {
                Some(message) => self.take(message),
                None => return false,
            }
        }
        true
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Transaction(transaction) => self.taken.push_back(transaction),
            Message::Close(caller) => {
                // What is in the queue still runs; nothing more gets in.
                self.queue.close();
                self.closing.push(caller);
            }
        }
    }

    fn next(&mut self) -> Option<Box<dyn Transaction>> {
        while self.taken.is_empty() {
            let message = self.queue.try_recv().ok()?;
            self.take(message);
        }
        self.taken.pop_front()
    }

    fn commit_group(&mut self) {
        let open = Stopwatch::start();
        if let Err(error) = self.connection.control("BEGIN IMMEDIATE") {
            for transaction in self.taken.drain(..) {
                transaction.answer(Err(error.clone()));
            }
            return;
        }
        let mut group = Vec::new();
        let mut keep = false;
        while group.len() < self.group_limit && open.elapsed() < self.group_window {
            let Some(mut transaction) = self.next() else { break };
            keep |= transaction.run(&mut self.connection);
            self.connection.reset_limit();
            if !self.connection.in_transaction() {
                // SQLite gave up the whole group because of this one. The others run again.
                transaction.answer(Ok(()));
                for innocent in group.into_iter().rev() {
                    self.taken.push_front(innocent);
                }
                return;
            }
            group.push(transaction);
        }
        let ended = if keep { self.commit() } else { self.connection.end_transaction() };
        for transaction in group {
            transaction.answer(ended.clone());
        }
    }

    fn commit(&mut self) -> Result<(), Error> {
        let committed = self.connection.control("COMMIT");
        match &committed {
            Ok(()) => {
                self.commits.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                tracing::error!(%error, "a group of transactions could not be committed");
                if let Err(error) = self.connection.end_transaction() {
                    tracing::error!(%error, "nor could it be rolled back");
                }
            }
        }
        committed
    }
}

impl<I, T, E> Transaction for Job<I, T, E>
where
    I: Send + Sync,
    T: Send,
    E: From<Error> + Send,
{
    fn run(&mut self, connection: &mut Connection) -> bool {
        let result = self.run_in_savepoint(connection);
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn answer(self: Box<Self>, committed: Result<(), Error>) {
        let result = match (committed, self.result) {
            (Err(error), _) => Err(error.into()),
            (Ok(()), Some(result)) => {
                if result.is_ok() {
                    self.after_commit.into_iter().for_each(|then| then());
                }
                result
            }
            (Ok(()), None) => Err(Error::Closed.into()),
        };
        // The caller may have gone away; the transaction stands all the same.
        let _ = self.caller.send(result);
    }
}

impl<I, T, E: From<Error>> Job<I, T, E> {
    fn run_in_savepoint(&mut self, connection: &mut Connection) -> Result<T, E> {
        connection.control("SAVEPOINT one")?;
        let run = || poll_once(&self.scope, &self.input, &self.work, Link::SqliteWrite(connection));
        // The closure's own state is gone after a panic, and the rows are rolled back below.
        let (mut result, after_commit) = catch_unwind(AssertUnwindSafe(run))
            .unwrap_or_else(|_| (Err(Error::Panicked.into()), Vec::new()));
        self.after_commit = after_commit;
        if !connection.in_transaction() {
            // Rolled back by SQLite already, and its neighbours with it.
            return result.and(Err(Error::Aborted.into()));
        }
        if result.is_err() {
            connection.control("ROLLBACK TO one")?;
        }
        if let Err(error) = connection.control("RELEASE one") {
            result = Err(error.into());
        }
        result
    }
}
