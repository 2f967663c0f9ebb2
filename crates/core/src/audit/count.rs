use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Outcome;

/// How often each event has been recorded since this process began. Events are named by the program alone, so there are few of them.
#[derive(Debug, Default)]
pub struct Counts(Mutex<BTreeMap<(&'static str, Outcome), u64>>);

impl Counts {
    /// Counts an event whose record has been committed.
    pub(super) fn count(&self, key: &'static str, outcome: Outcome) {
        *self.lock().entry((key, outcome)).or_default() += 1;
    }

    /// Every event that has happened, its outcome, and how often.
    pub fn all(&self) -> Vec<(&'static str, Outcome, u64)> {
        self.lock().iter().map(|((key, outcome), count)| (*key, *outcome, *count)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(&'static str, Outcome), u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
