//! Child processes that never outlive xtask.
//!
//! Each child leads a process group of its own. A signal to xtask (Ctrl-C, SIGTERM, SIGHUP) stops
//! every group, removes the temporary folders and only then ends xtask; so does dropping the handle,
//! however the task ends.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fs, thread};

use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, waitpid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::Result;

/// How long a group may take to stop by itself before it is killed.
const PATIENCE: Duration = Duration::from_secs(8);
const POLL: Duration = Duration::from_millis(25);

static STOPPING: AtomicBool = AtomicBool::new(false);
static GROUPS: Mutex<Vec<Group>> = Mutex::new(Vec::new());
static FOLDERS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

#[derive(Clone, Copy)]
struct Group {
    leader: Pid,
    stop_signal: Signal,
}

/// A running child and its process group; dropping it stops the group.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    group: Group,
    log: Option<PathBuf>,
}

impl Process {
    /// Starts `command`. Its output goes to the file `log`, or to xtask's own when there is none.
    pub(crate) fn start(
        name: &'static str,
        mut command: Command,
        log: Option<&Path>,
    ) -> Result<Self> {
        if let Some(path) = log {
            let file = File::create(path)
                .map_err(|error| format!("{} cannot be written: {error}.", path.display()))?;
            let other = file.try_clone().map_err(|error| format!("no log for {name}: {error}."))?;
            command.stdout(file).stderr(other);
        }
        command.stdin(Stdio::null()).process_group(0);
        // Held while starting: a signal either finds the child in the list or prevents it.
        let mut groups = lock(&GROUPS);
        leave_to_the_signal_handler_if_stopping();
        let child = command.spawn().map_err(|error| {
            format!("{} did not start: {error}.", command.get_program().display())
        })?;
        let leader = Pid::from_child(&child);
        let group = Group { leader, stop_signal: Signal::TERM };
        groups.push(group);
        Ok(Self { name, child, group, log: log.map(Path::to_owned) })
    }

    /// Stops with `signal` in place of SIGTERM.
    pub(crate) fn stopping_with(mut self, signal: Signal) -> Self {
        self.group.stop_signal = signal;
        for group in lock(&GROUPS).iter_mut().filter(|group| group.leader == self.group.leader) {
            group.stop_signal = signal;
        }
        self
    }

    pub(crate) fn take_stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// Waits for the child to end by itself.
    pub(crate) fn wait(&mut self) -> Result<ExitStatus> {
        let status = self.child.wait();
        leave_to_the_signal_handler_if_stopping();
        status.map_err(|error| format!("{} was lost: {error}.", self.name))
    }

    /// An error, with the end of its log, when the child has ended.
    pub(crate) fn must_be_running(&mut self) -> Result<()> {
        let ended = self.child.try_wait();
        leave_to_the_signal_handler_if_stopping();
        match ended {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.with_log(&format!("{} stopped ({status}).", self.name))),
            Err(error) => Err(format!("{} was lost: {error}.", self.name)),
        }
    }

    /// Waits until `ready` says so; an error when the child ends or `limit` passes first.
    pub(crate) fn wait_until(&mut self, limit: Duration, ready: impl Fn() -> bool) -> Result<()> {
        let mut waited = Duration::ZERO;
        while !ready() {
            self.must_be_running()?;
            if waited >= limit {
                let seconds = limit.as_secs();
                return Err(self.with_log(&format!("{} gave no answer in {seconds} s.", self.name)));
            }
            thread::sleep(POLL * 2);
            waited += POLL * 2;
        }
        Ok(())
    }

    /// `sentence`, followed by the end of the child's log.
    pub(crate) fn with_log(&self, sentence: &str) -> String {
        match &self.log {
            Some(log) => format!("{sentence}\n{}", last_lines(log)),
            None => sentence.to_owned(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        leave_to_the_signal_handler_if_stopping();
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            signal_group(self.group.leader, self.group.stop_signal);
            let mut waited = Duration::ZERO;
            while waited < PATIENCE && matches!(self.child.try_wait(), Ok(None)) {
                thread::sleep(POLL);
                waited += POLL;
            }
        }
        signal_group(self.group.leader, Signal::KILL);
        drop(self.child.wait());
        lock(&GROUPS).retain(|group| group.leader != self.group.leader);
    }
}

/// Runs `command` to its end with its output in `log`; an error with the log's end when it fails.
pub(crate) fn run_logged(name: &'static str, command: Command, log: &Path) -> Result<()> {
    let mut process = Process::start(name, command, Some(log))?;
    let status = process.wait()?;
    if status.success() {
        return Ok(());
    }
    Err(process.with_log(&format!("{name} failed ({status}).")))
}

/// A folder only its owner may enter, removed when dropped.
pub(crate) struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    pub(crate) fn create(purpose: &str) -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let name = format!("trinco-{purpose}-{}", random_text(12)?);
        let path = std::env::temp_dir().join(name);
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|error| format!("{} cannot be created: {error}.", path.display()))?;
        lock(&FOLDERS).push(path.clone());
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
        lock(&FOLDERS).retain(|folder| *folder != self.0);
    }
}

/// Installs the handler that stops every child before xtask ends.
pub(crate) fn stop_children_on_signals() -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
        .map_err(|error| format!("signals cannot be handled: {error}."))?;
    thread::spawn(move || {
        let Some(signal) = signals.forever().next() else { return };
        STOPPING.store(true, Ordering::SeqCst);
        stop_everything();
        std::process::exit(128 + signal);
    });
    Ok(())
}

/// Once a signal has come the handler ends the process; nobody else may report or clean up.
pub(crate) fn leave_to_the_signal_handler_if_stopping() {
    while STOPPING.load(Ordering::SeqCst) {
        thread::park();
    }
}

/// `length` characters that cannot be guessed and cannot be misread.
pub(crate) fn random_text(length: usize) -> Result<String> {
    const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
    let mut bytes = vec![0; length];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(|error| format!("/dev/urandom cannot be read: {error}."))?;
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
}

/// The last 30 lines of a log, indented.
pub(crate) fn last_lines(log: &Path) -> String {
    const LINES: usize = 30;
    let mut text = Vec::new();
    let read = File::open(log).and_then(|mut file| {
        let start = file.metadata()?.len().saturating_sub(64 * 1024);
        file.seek(SeekFrom::Start(start))?;
        file.read_to_end(&mut text)
    });
    if let Err(error) = read {
        return format!("({} cannot be read: {error})", log.display());
    }
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let mut shown = format!("The end of {}:", log.display());
    for line in &lines[lines.len().saturating_sub(LINES)..] {
        shown.push_str("\n  ");
        shown.push_str(line);
    }
    shown
}

fn stop_everything() {
    let groups: Vec<Group> = lock(&GROUPS).iter().rev().copied().collect();
    for group in &groups {
        signal_group(group.leader, group.stop_signal);
    }
    let mut waited = Duration::ZERO;
    let mut alive = groups.clone();
    while !alive.is_empty() && waited < PATIENCE {
        // An error means that the main thread has reaped it already.
        alive.retain(|group| matches!(waitpid(Some(group.leader), WaitOptions::NOHANG), Ok(None)));
        thread::sleep(POLL);
        waited += POLL;
    }
    for group in &groups {
        signal_group(group.leader, Signal::KILL);
    }
    for folder in lock(&FOLDERS).iter() {
        drop(fs::remove_dir_all(folder));
    }
}

/// A group that no longer exists is what was wanted.
fn signal_group(leader: Pid, signal: Signal) {
    let _ = kill_process_group(leader, signal);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropping_a_process_stops_what_it_started_too() {
        let folder = TemporaryFolder::create("group").expect("a folder");
        let log = folder.path().join("log");
        // The inner shell ignores the polite signal.
        let mut command = Command::new("sh");
        command.args(["-c", "sh -c 'trap \"\" TERM; echo $$; sleep 60; sleep 60' & wait"]);
        let mut process = Process::start("sh", command, Some(&log)).expect("a process");
        process
            .wait_until(Duration::from_secs(10), || {
                fs::read_to_string(&log).is_ok_and(|text| text.ends_with('\n'))
            })
            .expect("the child's id");
        let text = fs::read_to_string(&log).expect("the log");
        let child: i32 = text.trim().parse().expect("a process id");
        drop(process);
        // The kernel may need a moment to carry out a kill.
        let runs = || {
            let state = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            !state.is_empty() && !state.contains(") Z ")
        };
        for _ in 0..200 {
            if !runs() {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("process {child} still runs");
    }

    #[test]
    fn a_process_that_ends_early_is_reported_with_the_end_of_its_log() {
        let folder = TemporaryFolder::create("early").expect("a folder");
        let mut command = Command::new("sh");
        command.args(["-c", "seq 1 100; echo the reason >&2; exit 3"]);
        let log = folder.path().join("log");
        let mut process = Process::start("The server", command, Some(&log)).expect("a process");
        let error = process.wait_until(Duration::from_secs(10), || false).expect_err("it ended");
        assert!(error.starts_with("The server stopped (exit status: 3)."), "{error}");
        assert!(error.ends_with("  100\n  the reason"), "{error}");
        assert_eq!(error.lines().count(), 2 + 30);
    }

    #[test]
    fn a_temporary_folder_is_private_and_leaves_nothing_behind() {
        use std::os::unix::fs::PermissionsExt;
        let folder = TemporaryFolder::create("private").expect("a folder");
        let path = folder.path().to_owned();
        fs::write(path.join("secret"), "s").expect("a file");
        let mode = fs::metadata(&path).expect("the folder").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        drop(folder);
        assert!(!path.exists());
    }
}
