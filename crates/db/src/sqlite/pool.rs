use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use super::Connection;
use crate::Error;

/// A fixed set of connections. The one used last goes out first, because its cache is warm.
pub(crate) struct Pool {
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    size: u32,
    patience: Duration,
}

/// A connection that returns to its pool when dropped.
pub(crate) struct Pooled {
    connection: Option<Connection>,
    pool: Arc<Pool>,
    /// Released after the connection is back.
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    pub(crate) fn new(connections: Vec<Connection>, patience: Duration) -> Arc<Pool> {
        let size = u32::try_from(connections.len()).unwrap_or(u32::MAX);
        let permits = Arc::new(Semaphore::new(connections.len()));
        Arc::new(Pool { idle: Mutex::new(connections), permits, size, patience })
    }

    pub(crate) async fn take(self: &Arc<Pool>) -> Result<Pooled, Error> {
        let permit = match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(TryAcquireError::Closed) => return Err(Error::Closed),
            Err(TryAcquireError::NoPermits) => {
                let waiting = Arc::clone(&self.permits).acquire_owned();
                let waited = tokio::time::timeout(self.patience, waiting).await;
                waited.map_err(|_| Error::Busy)?.map_err(|_| Error::Closed)?
            }
        };
        let connection = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if connection.is_none() {
            return Err(Error::Closed);
        }
        Ok(Pooled { connection, pool: Arc::clone(self), _permit: permit })
    }

    /// Waits for the connections that are out, within reason, and closes all.
    pub(crate) async fn close(&self) {
        let all_back = self.permits.acquire_many(self.size);
        let waited = tokio::time::timeout(self.patience, all_back).await;
        self.permits.close();
        drop(waited);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            // A connection that cannot leave its transaction would show old rows for ever.
            let usable = connection.end_transaction().is_ok();
            if usable && !self.pool.permits.is_closed() {
                self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            }
        }
    }
}

impl Deref for Pooled {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("the connection is only taken when dropped")
    }
}

impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("the connection is only taken when dropped")
    }
}
