//! When a run must end.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::error::ScriptError;
use crate::fetch::FetchResponse;
use crate::limits;

/// What a waiting run is woken by.
pub(crate) enum Event {
    /// A request has its answer.
    Answered { id: u32, answer: Result<FetchResponse, String> },
    /// Nobody waits for the run any more.
    Stop,
}

/// Ends a run from outside when it is dropped.
pub(crate) struct StopOnDrop {
    pub(crate) told: Arc<AtomicBool>,
    pub(crate) wake: Sender<Event>,
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.told.store(true, Ordering::Relaxed);
        // A run that has ended does not listen.
        let _ = self.wake.send(Event::Stop);
    }
}

/// The limits on time, as the run itself sees them.
#[derive(Clone)]
pub(crate) struct Control {
    told: Arc<AtomicBool>,
    until: Duration,
    over: Rc<Cell<Option<Over>>>,
}

/// Which of them has ended the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Cpu,
    Clock,
}

impl From<Over> for ScriptError {
    fn from(over: Over) -> Self {
        match over {
            Over::Cpu => Self::Cpu,
            Over::Clock => Self::Clock,
        }
    }
}

impl Control {
    /// From now on, on this thread.
    pub(crate) fn start(told: Arc<AtomicBool>) -> Self {
        Self { told, until: thread_time() + limits::CPU, over: Rc::default() }
    }

    /// Whether the run must end; asked by the engine every few thousand steps.
    pub(crate) fn must_end(&self) -> bool {
        if self.over.get().is_none() {
            if thread_time() > self.until {
                self.over.set(Some(Over::Cpu));
            } else if self.told.load(Ordering::Relaxed) {
                self.over.set(Some(Over::Clock));
            }
        }
        self.over.get().is_some()
    }

    /// What has ended the run, if anything has.
    pub(crate) fn over(&self) -> Option<Over> {
        self.over.get()
    }

    /// The run was told to stop while it waited.
    pub(crate) fn stop(&self) -> Over {
        self.over.set(Some(Over::Clock));
        Over::Clock
    }
}

/// Processor time of this thread: not the time of day, and not moved by other threads' work.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}
