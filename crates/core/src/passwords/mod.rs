//! Passwords: Argon2id, and what others made until it is replaced, hashed away from the async threads and never more at once than there are cores.

mod digest;
mod foreign;
mod legacy;
#[cfg(test)]
mod vectors;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use argon2::Block;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use digest::{PasswordAlgorithm, PasswordDigest};

use crate::{Error, Randomness, Result, Secret};

/// Places for each core: while one password is hashed, what comes before and after the hash of the other one is done.
const PLACES_OF_A_CORE: usize = 2;
/// Whoever has waited for so long is told to try again later.
const PATIENCE: Duration = Duration::from_secs(30);

/// A place among the few whose passwords are looked at now, until dropped.
#[derive(Debug)]
pub struct Place(#[expect(dead_code, reason = "held")] OwnedSemaphorePermit);

/// Hashes and verifies passwords. At most as many hashes run at once as there are cores, each in one of as many buffers of
/// 19 MiB, which are kept for the next.
#[derive(Clone, Debug)]
pub struct Passwords {
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    buffers: Arc<Mutex<Vec<Vec<Block>>>>,
}

impl Default for Passwords {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            places: Arc::new(Semaphore::new(cores * PLACES_OF_A_CORE)),
            turns: Arc::new(Semaphore::new(cores)),
            waiting: Arc::default(),
            buffers: Arc::default(),
        }
    }
}

impl Passwords {
    /// Hashes a new password with a random salt.
    ///
    /// # Errors
    /// [`Error::Internal`] when the hash cannot be computed.
    pub async fn hash(
        &self,
        randomness: &dyn Randomness,
        password: &Secret,
    ) -> Result<PasswordDigest> {
        let mut salt = [0; digest::SALT_LENGTH];
        randomness.fill(&mut salt);
        let password = password.clone();
        self.in_turn(move |buffer| PasswordDigest::compute(&password, &salt, buffer)).await?
    }

    /// Whether `password` is the one behind `digest`. Without a digest the answer is no, and takes the same time, so that the time
    /// does not tell whether a user exists; nor does it with a digest from elsewhere that is quickly compared with.
    ///
    /// # Errors
    /// [`Error::Internal`] when the stored digest is unreadable.
    pub async fn verify(&self, password: &Secret, digest: Option<&PasswordDigest>) -> Result<bool> {
        let known = digest.is_some();
        let digest = digest.cloned().unwrap_or_else(PasswordDigest::of_nobody);
        let password = password.clone();
        let compare = move |buffer: &mut Vec<Block>| {
            let matches = digest.matches(&password, buffer)?;
            if !matches && digest.is_quick() {
                PasswordDigest::of_nobody().matches(&password, buffer)?;
            }
            Ok::<_, Error>(matches)
        };
        let matches = self.in_turn(compare).await??;
        Ok(matches && known)
    }

    /// Our digest of a password in place of one from elsewhere, which it has been found to be behind; `None` when that is ours.
    ///
    /// # Errors
    /// [`Error::Internal`] when the hash cannot be computed.
    pub async fn renewed(
        &self,
        randomness: &dyn Randomness,
        password: &Secret,
        digest: &PasswordDigest,
    ) -> Result<Option<PasswordDigest>> {
        if digest.is_foreign() { self.hash(randomness, password).await.map(Some) } else { Ok(None) }
    }

    /// Waits for a place. Whoever has one may go on without the client that asked, because there are no more of them than places.
    ///
    /// # Errors
    /// [`trinco_db::Error::Busy`] when there has been none for half a minute.
    pub async fn place(&self) -> Result<Place> {
        let _waits = Waiting::begin(&self.waiting);
        let place = Arc::clone(&self.places).acquire_owned();
        match tokio::time::timeout(PATIENCE, place).await {
            Ok(Ok(place)) => Ok(Place(place)),
            Ok(Err(_)) => Err(closed()),
            Err(_) => Err(trinco_db::Error::Busy.into()),
        }
    }

    /// How many wait for a place, or for their turn to hash.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T> {
        let turn = {
            let _waits = Waiting::begin(&self.waiting);
            Arc::clone(&self.turns).acquire_owned().await.map_err(|_| closed())?
        };
        let buffers = Arc::clone(&self.buffers);
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let mut buffer = lock(&buffers).pop().unwrap_or_default();
            let result = work(&mut buffer);
            lock(&buffers).push(buffer);
            result
        })
        .await
        .map_err(|_| Error::Internal("hashing a password was interrupted".to_owned()))
    }
}

fn closed() -> Error {
    Error::Internal("the password semaphore is closed".to_owned())
}

/// Somebody who waits, until dropped: whoever gives up stops waiting too.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock(buffers: &Mutex<Vec<Vec<Block>>>) -> std::sync::MutexGuard<'_, Vec<Vec<Block>>> {
    buffers.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemRandomness;

    #[tokio::test]
    async fn only_the_right_password_verifies() {
        let passwords = Passwords::default();
        let right = Secret::new("correct horse".to_owned());
        let digest = passwords.hash(&SystemRandomness, &right).await.unwrap();
        assert!(digest.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(passwords.verify(&right, Some(&digest)).await.unwrap());
        assert!(!passwords.verify(&Secret::new("wrong".to_owned()), Some(&digest)).await.unwrap());
        assert!(!passwords.verify(&right, None).await.unwrap());
    }
}
