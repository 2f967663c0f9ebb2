use crate::limits;

/// Why a script gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// It is longer than [`limits::SCRIPT`].
    #[error("it is longer than {} KiB", limits::SCRIPT / 1024)]
    TooLong,
    /// It is no JavaScript.
    #[error("it cannot be compiled: {message}{}", at(.line))]
    Syntax {
        /// What the compiler says.
        message: String,
        /// Where.
        line: Option<u32>,
    },
    /// It has no function of the name that was asked for.
    #[error("it defines no function {0}")]
    NoFunction(&'static str),
    /// It threw something.
    #[error("it threw {message}{}", at(.line))]
    Thrown {
        /// The script's own words, which may hold what is secret.
        message: String,
        /// Where.
        line: Option<u32>,
    },
    /// [`limits::CPU`] was over.
    #[error("it computed for more than {} ms", limits::CPU.as_millis())]
    Cpu,
    /// [`limits::CLOCK`] was over.
    #[error("it took longer than {} seconds", limits::CLOCK.as_secs())]
    Clock,
    /// [`limits::MEMORY`] was not enough.
    #[error("it needs more than {} MiB of memory", limits::MEMORY / 1024 / 1024)]
    Memory,
    /// [`limits::STACK`] was not enough.
    #[error("its calls are nested too deeply")]
    Stack,
    /// It waits for a promise that nothing will settle.
    #[error("it waits for a promise that is never settled")]
    NeverSettled,
    /// The answer is neither an object nor nothing.
    #[error("it must return an object")]
    NoObject,
    /// The answer cannot be written as JSON.
    #[error("what it returns cannot be written as JSON: {0}")]
    NoJson(String),
    /// The answer is longer than [`limits::ANSWER`].
    #[error("what it returns is longer than {} KiB as JSON", limits::ANSWER / 1024)]
    AnswerTooLong,
    /// The answer is nested deeper than [`limits::ANSWER_DEPTH`].
    #[error("what it returns is nested more than {} deep", limits::ANSWER_DEPTH)]
    AnswerTooDeep,
    /// [`limits::RUNS`] others were running for longer than [`limits::TURN`].
    #[error("too many scripts are running")]
    Busy,
    /// An earlier run could not be stopped and has not ended yet.
    #[error("an earlier run of it could not be stopped and has not ended; change the script")]
    Overdue,
    /// The engine itself failed.
    #[error("the script engine failed: {0}")]
    Engine(String),
}

impl ScriptError {
    /// The sentence without the script's own words, for readers who may not know its secrets.
    pub fn in_our_words(&self) -> String {
        match self {
            Self::Syntax { line, .. } => format!("it cannot be compiled{}", at(line)),
            Self::Thrown { line, .. } => format!("it threw an error{}", at(line)),
            Self::NoJson(_) => "what it returns cannot be written as JSON".to_owned(),
            Self::Engine(_) => "the script engine failed".to_owned(),
            other => other.to_string(),
        }
    }
}

fn at(line: &Option<u32>) -> String {
    line.map_or_else(String::new, |line| format!(" (line {line})"))
}
