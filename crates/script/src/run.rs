//! One run: a fresh runtime, the prelude, the script, its function, and its promises until there is an answer.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, Sender};

use rquickjs::context::{EvalOptions, intrinsic};
use rquickjs::promise::PromiseState;
use rquickjs::{
    Context, Ctx, Exception, FromJs, Function, Object, Promise, Runtime, Type, Value as JsValue,
};
use serde_json::{Map, Value, json};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::control::{Control, Event};
use crate::engine::{Job, Outcome, Run};
use crate::error::ScriptError;
use crate::fetch::{FetchResponse, Fetching};
use crate::limits;
use crate::words::Secrets;

const PRELUDE: &str = include_str!("prelude.js");
/// What the script is called in stack traces, and what everything else is.
const SCRIPT: &str = "script.js";
const OURS: &str = "engine.js";
/// What is thrown before the first line of a script that is only compiled.
const COMPILED: i32 = 7_238_129;

/// The language. Left out: `Proxy` and `WeakRef`, which let a script watch the engine, and `performance`, a finer clock than it needs.
type Language = (
    intrinsic::Date,
    intrinsic::Eval,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::MapSet,
    intrinsic::TypedArrays,
    intrinsic::Promise,
);

/// The requests of a run. Those still under way end with it.
pub(crate) struct Requests {
    fetching: Fetching,
    runtime: Handle,
    answers: Sender<Event>,
    sent: Vec<AbortHandle>,
    open: usize,
}

impl Requests {
    pub(crate) fn new(fetching: Fetching, runtime: Handle, answers: Sender<Event>) -> Self {
        Self { fetching, runtime, answers, sent: Vec::new(), open: 0 }
    }

    fn send(
        &mut self,
        url: &str,
        method: &str,
        headers: &str,
        body: String,
    ) -> Result<u32, String> {
        if self.fetching.origins.is_empty() {
            let setting = self.fetching.setting;
            return Err(format!("fetch is switched off: no origin is listed in {setting}"));
        }
        let request = self.fetching.request(url, method, headers, body)?;
        if self.sent.len() >= limits::FETCHES {
            return Err(format!("a script may fetch {} times at most", limits::FETCHES));
        }
        let id = self.sent.len() as u32;
        let (via, answers) = (Arc::clone(&self.fetching.via), self.answers.clone());
        let task = self.runtime.spawn(async move {
            let answer = via.fetch(request).await;
            // The run may have ended.
            let _ = answers.send(Event::Answered { id, answer });
        });
        self.sent.push(task.abort_handle());
        self.open += 1;
        Ok(id)
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        self.sent.iter().for_each(AbortHandle::abort);
    }
}

/// What the script does besides answering.
struct Effects {
    secrets: Secrets,
    requests: RefCell<Requests>,
    denied: RefCell<Option<String>>,
    console: RefCell<Vec<String>>,
}

/// What a job is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    /// What its function answers.
    Answer,
    /// Whether the script can be compiled at all.
    Compile,
}

/// Runs a job to its end on this thread.
pub(crate) fn run(
    job: &Job,
    aim: Aim,
    requests: Requests,
    events: &Receiver<Event>,
    told: Arc<AtomicBool>,
) -> Run {
    let effects = Rc::new(Effects {
        secrets: job.secrets.clone(),
        requests: RefCell::new(requests),
        denied: RefCell::default(),
        console: RefCell::default(),
    });
    let control = Control::start(told);
    let answered = in_fresh_runtime(job, aim, &effects, events, &control);
    let outcome = match effects.denied.take() {
        Some(message) => Ok(Outcome::Denied(message)),
        None => answered.map(Outcome::Returned),
    };
    Run { outcome, console: effects.console.take() }
}

fn in_fresh_runtime(
    job: &Job,
    aim: Aim,
    effects: &Rc<Effects>,
    events: &Receiver<Event>,
    control: &Control,
) -> Result<Map<String, Value>, ScriptError> {
    let no_engine = |error: rquickjs::Error| ScriptError::Engine(error.to_string());
    let runtime = Runtime::new().map_err(no_engine)?;
    runtime.set_memory_limit(limits::MEMORY);
    runtime.set_max_stack_size(limits::STACK);
    let asked = control.clone();
    runtime.set_interrupt_handler(Some(Box::new(move || asked.must_end())));
    let context = Context::custom::<Language>(&runtime).map_err(no_engine)?;
    context.with(|ctx| {
        let failed = |_| failure(&ctx, control, &effects.secrets);
        if aim == Aim::Compile {
            return compile(&ctx, &job.source).map_err(failed);
        }
        let prelude: Function<'_> = evaluate(&ctx, OURS, PRELUDE).map_err(failed)?;
        let host = host(&ctx, &prelude, effects).map_err(failed)?;
        let payload = payload(&ctx, &host, &job.payload).map_err(failed)?;
        let _: JsValue<'_> = evaluate(&ctx, SCRIPT, &*job.source).map_err(failed)?;
        let name = job.function;
        let lookup = format!("typeof {name} === 'function' ? {name} : undefined");
        let function: Option<Function<'_>> = evaluate(&ctx, OURS, lookup).map_err(failed)?;
        let function = function.ok_or(ScriptError::NoFunction(name))?;
        let call: Function<'_> = host.get("call").map_err(failed)?;
        let promise: Promise<'_> = call.call((function, payload)).map_err(failed)?;
        let settle: Function<'_> = host.get("settle").map_err(failed)?;
        wait(&ctx, &promise, &settle, effects, events, control)?;
        let answer = promise.result::<JsValue<'_>>().ok_or(ScriptError::NeverSettled)?;
        read(&ctx, answer.map_err(failed)?, &effects.secrets, control)
    })
}

/// Compiles a script without running any of it: what stands before it throws, once all of it was read. (A directive such as
/// `"use strict"` does not count then.)
fn compile<'js>(ctx: &Ctx<'js>, source: &str) -> rquickjs::Result<Map<String, Value>> {
    let compiled: rquickjs::Result<JsValue<'js>> =
        evaluate(ctx, SCRIPT, format!("throw {COMPILED};{source}"));
    match compiled {
        Err(rquickjs::Error::Exception) => {
            let thrown = ctx.catch();
            if thrown.as_int() == Some(COMPILED) {
                return Ok(Map::new());
            }
            Err(ctx.throw(thrown))
        }
        other => other.map(|_| Map::new()),
    }
}

/// Sloppy, as a browser reads a `<script>` and as scripts written elsewhere expect.
fn evaluate<'js, T: FromJs<'js>>(
    ctx: &Ctx<'js>,
    file: &str,
    source: impl Into<Vec<u8>>,
) -> rquickjs::Result<T> {
    let mut options = EvalOptions::default();
    options.strict = false;
    options.filename = Some(file.to_owned());
    ctx.eval_with_options(source, options)
}

/// The functions the prelude stands on.
fn host<'js>(
    ctx: &Ctx<'js>,
    prelude: &Function<'js>,
    effects: &Rc<Effects>,
) -> rquickjs::Result<Object<'js>> {
    let all = Rc::clone(effects);
    let send = move |ctx: Ctx<'js>, url: String, method: String, headers: String, body: String| {
        all.requests
            .borrow_mut()
            .send(&url, &method, &headers, body)
            .map_err(|refusal| Exception::throw_type(&ctx, &refusal))
    };
    let all = Rc::clone(effects);
    let deny = move |message: String| {
        // The first word counts.
        all.denied.borrow_mut().get_or_insert_with(|| all.secrets.told(&message));
    };
    let all = Rc::clone(effects);
    let log = move |line: String| {
        let mut console = all.console.borrow_mut();
        if console.len() < limits::CONSOLE.0 {
            console.push(all.secrets.told(&line));
        }
    };
    prelude.call((
        Function::new(ctx.clone(), send)?,
        Function::new(ctx.clone(), deny)?,
        Function::new(ctx.clone(), log)?,
    ))
}

fn payload<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    payload: &Map<String, Value>,
) -> rquickjs::Result<Object<'js>> {
    let text = serde_json::to_vec(payload).unwrap_or_default();
    let parsed: Object<'js> = ctx.json_parse(text)?.get()?;
    parsed.set("api", host.get::<_, Object<'js>>("api")?)?;
    Ok(parsed)
}

/// Runs promise jobs, and waits for requests, until `promise` is settled or access is denied.
fn wait<'js>(
    ctx: &Ctx<'js>,
    promise: &Promise<'js>,
    settle: &Function<'js>,
    effects: &Effects,
    events: &Receiver<Event>,
    control: &Control,
) -> Result<(), ScriptError> {
    loop {
        while control.over().is_none() && effects.denied.borrow().is_none() {
            if !ctx.execute_pending_job() {
                break;
            }
        }
        if let Some(over) = control.over() {
            return Err(over.into());
        }
        let is_open = promise.state() == PromiseState::Pending;
        if !is_open || effects.denied.borrow().is_some() {
            return Ok(());
        }
        if effects.requests.borrow().open == 0 {
            return Err(ScriptError::NeverSettled);
        }
        match events.recv() {
            Ok(Event::Answered { id, answer }) => {
                effects.requests.borrow_mut().open -= 1;
                tell(ctx, settle, id, answer)
                    .map_err(|_| failure(ctx, control, &effects.secrets))?;
            }
            Ok(Event::Stop) | Err(_) => return Err(control.stop().into()),
        }
    }
}

fn tell<'js>(
    ctx: &Ctx<'js>,
    settle: &Function<'js>,
    id: u32,
    answer: Result<FetchResponse, String>,
) -> rquickjs::Result<()> {
    match answer {
        Ok(FetchResponse { status, headers, body }) => {
            let headers: Map<String, Value> =
                headers.into_iter().map(|(name, value)| (name, value.into())).collect();
            let answer = json!({ "status": status, "headers": headers, "body": body });
            settle.call((id, rquickjs::Null, ctx.json_parse(answer.to_string())?))
        }
        Err(sentence) => settle.call((id, sentence)),
    }
}

/// The answer, by way of JSON: nothing of the engine leaves it.
fn read<'js>(
    ctx: &Ctx<'js>,
    answer: JsValue<'js>,
    secrets: &Secrets,
    control: &Control,
) -> Result<Map<String, Value>, ScriptError> {
    if answer.is_undefined() || answer.is_null() {
        return Ok(Map::new());
    }
    let text = ctx.json_stringify(answer).map_err(|_| match failure(ctx, control, secrets) {
        ScriptError::Thrown { message, .. } => ScriptError::NoJson(message),
        other => other,
    })?;
    let text = text.ok_or(ScriptError::NoObject)?;
    let text = text.to_string().map_err(|error| ScriptError::NoJson(error.to_string()))?;
    if text.len() > limits::ANSWER {
        return Err(ScriptError::AnswerTooLong);
    }
    if depth(&text) > limits::ANSWER_DEPTH {
        return Err(ScriptError::AnswerTooDeep);
    }
    match serde_json::from_str(&text) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(ScriptError::NoObject),
        Err(error) => Err(ScriptError::NoJson(error.to_string())),
    }
}

/// How deep objects and arrays of a JSON text are within each other.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// What the pending exception means.
fn failure<'js>(ctx: &Ctx<'js>, control: &Control, secrets: &Secrets) -> ScriptError {
    let thrown = ctx.catch();
    if let Some(over) = control.over() {
        return over.into();
    }
    // Without memory for an error object the engine throws nothing, or `null`.
    if matches!(thrown.type_of(), Type::Null | Type::Uninitialized) {
        return ScriptError::Memory;
    }
    let error = thrown.as_object().filter(|_| thrown.is_error());
    let (name, message, line) = match error {
        Some(error) => {
            let member = |name| error.get::<_, Option<String>>(name).ok().flatten();
            let [name, message, stack] = ["name", "message", "stack"].map(member);
            let line = stack.as_deref().and_then(line_of);
            (name.unwrap_or_default(), message.unwrap_or_default(), line)
        }
        None => (String::new(), in_words(ctx, &thrown), None),
    };
    // A getter may have run until the time was over.
    if let Some(over) = control.over() {
        return over.into();
    }
    match (name.as_str(), message.as_str()) {
        ("InternalError", "out of memory") => ScriptError::Memory,
        ("RangeError" | "InternalError", text) if text.contains("stack") => ScriptError::Stack,
        ("SyntaxError", _) => ScriptError::Syntax { message: secrets.told(&message), line },
        ("", _) => ScriptError::Thrown { message: secrets.told(&message), line },
        _ => ScriptError::Thrown { message: secrets.told(&format!("{name}: {message}")), line },
    }
}

fn in_words<'js>(ctx: &Ctx<'js>, thrown: &JsValue<'js>) -> String {
    let json = ctx.json_stringify(thrown.clone()).ok().flatten();
    json.and_then(|json| json.to_string().ok()).unwrap_or_else(|| "a value".to_owned())
}

/// The first line of the script that a stack trace names.
fn line_of(stack: &str) -> Option<u32> {
    let (_, rest) = stack.split_once(&format!("{SCRIPT}:"))?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
