//! Turns, threads and the time on the clock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use crate::control::StopOnDrop;
use crate::error::ScriptError;
use crate::fetch::Fetching;
use crate::limits;
use crate::run::{self, Aim, Requests};
use crate::words::Secrets;

/// Bytes of a run's thread: [`limits::STACK`], and what the engine uses between two looks at it.
const THREAD_STACK: usize = 1024 * 1024;
/// How long a run that was told to stop may take to say what it has found.
const GRACE: Duration = Duration::from_millis(200);

/// Runs scripts, [`limits::RUNS`] at once. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Engine {
    turns: Arc<Semaphore>,
    overdue: Overdue,
}

/// Scripts with a run that did not end when it was told to. The engine looks at the time every few thousand steps; a script can be
/// made whose single steps take seconds, and a thread cannot be killed. Such a script keeps the thread it has and gets no other.
#[derive(Clone, Debug, Default)]
struct Overdue(Arc<Mutex<Vec<OverdueRun>>>);

#[derive(Debug)]
struct OverdueRun {
    source: Arc<str>,
    ended: Arc<AtomicBool>,
}

impl Overdue {
    fn has(&self, source: &str) -> bool {
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        runs.retain(|run| !run.ended.load(Ordering::Acquire));
        runs.iter().any(|run| &*run.source == source)
    }

    fn add(&self, run: OverdueRun) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(run);
    }
}

/// Says that a run has ended, however it did.
struct Ending(Arc<AtomicBool>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Job {
    /// The script: it defines `function`.
    pub source: Arc<str>,
    /// The function's name, an identifier.
    pub function: &'static str,
    /// Its argument, to which `api` is added.
    pub payload: Map<String, Value>,
    /// What its words are told without.
    pub secrets: Secrets,
    /// Where it may go.
    pub fetching: Fetching,
}

/// What a script decided.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The object it returned; empty when it returned nothing.
    Returned(Map<String, Value>),
    /// It called `api.denyAccess` with this message.
    Denied(String),
}

/// What became of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// What the script decided, or why it did not.
    pub outcome: Result<Outcome, ScriptError>,
    /// What it wrote to `console`.
    pub console: Vec<String>,
}

impl From<ScriptError> for Run {
    fn from(error: ScriptError) -> Self {
        Self { outcome: Err(error), console: Vec::new() }
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(limits::RUNS)), overdue: Overdue::default() }
    }
}

impl Engine {
    /// Whether a script can be compiled. Nothing of it is run.
    ///
    /// # Errors
    /// [`ScriptError::Syntax`], or that there was no finding out.
    pub async fn compile(&self, source: &Arc<str>) -> Result<(), ScriptError> {
        let job = Job {
            source: Arc::clone(source),
            function: "",
            payload: Map::new(),
            secrets: Secrets::default(),
            fetching: Fetching::nowhere(""),
        };
        self.start(job, Aim::Compile).await.outcome.map(|_| ())
    }

    /// Runs a script on a thread of its own. Dropping the future ends the run.
    pub async fn run(&self, job: Job) -> Run {
        self.start(job, Aim::Answer).await
    }

    async fn start(&self, job: Job, aim: Aim) -> Run {
        if job.source.len() > limits::SCRIPT {
            return ScriptError::TooLong.into();
        }
        if self.overdue.has(&job.source) {
            return ScriptError::Overdue.into();
        }
        let turn = timeout(limits::TURN, Arc::clone(&self.turns).acquire_owned());
        let Ok(Ok(turn)) = turn.await else { return ScriptError::Busy.into() };
        let (answer, mut answered) = oneshot::channel();
        let (wake, events) = mpsc::channel();
        let told = Arc::new(AtomicBool::new(false));
        let stop = StopOnDrop { told: Arc::clone(&told), wake: wake.clone() };
        let requests = Requests::new(job.fetching.clone(), Handle::current(), wake);
        let source = Arc::clone(&job.source);
        let ended = Arc::new(AtomicBool::new(false));
        let ending = Ending(Arc::clone(&ended));
        let body = move || {
            let run = run::run(&job, aim, requests, &events, told);
            drop((turn, ending));
            // Nobody may be waiting any more.
            let _ = answer.send(run);
        };
        // Not tokio's threads: it waits for its own before the process may end, and this one may be overdue.
        let thread = thread::Builder::new().name("script".to_owned()).stack_size(THREAD_STACK);
        if let Err(error) = thread.spawn(body) {
            return ScriptError::Engine(format!("a thread cannot be started: {error}")).into();
        }
        if let Ok(run) = timeout(limits::CLOCK, &mut answered).await {
            return ended_with(run);
        }
        drop(stop);
        if let Ok(run) = timeout(GRACE, answered).await {
            return ended_with(run);
        }
        self.overdue.add(OverdueRun { source, ended });
        ScriptError::Clock.into()
    }
}

fn ended_with(run: Result<Run, oneshot::error::RecvError>) -> Run {
    run.unwrap_or_else(|_| ScriptError::Engine("the run broke off".to_owned()).into())
}
