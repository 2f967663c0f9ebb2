//! A server that is started, watched from outside and stopped.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The unit of processor times in `/proc`, which is 100 a second on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// The program with the folder it works in.
pub(crate) struct Program {
    path: PathBuf,
    folder: PathBuf,
    port: u16,
    /// `postgres://…`; the SQLite file of the folder unless given.
    database: Option<String>,
}

/// A running server. Dropping it kills it.
pub(crate) struct Server {
    child: Child,
    /// `http://localhost:PORT`.
    pub(crate) base: String,
    /// From start to ready.
    pub(crate) started_in: Duration,
}

impl Program {
    pub(crate) fn new(path: &Path, folder: &Path) -> Result<Self> {
        let path = path
            .canonicalize()
            .map_err(|error| format!("the server {} is not there: {error}.", path.display()))?;
        let port = TcpListener::bind(("127.0.0.1", 0))
            .and_then(|listener| listener.local_addr())
            .map_err(|error| format!("this machine has no free port: {error}."))?
            .port();
        Ok(Self { path, folder: folder.to_owned(), port, database: None })
    }

    /// The same installation, which keeps its data elsewhere.
    pub(crate) fn on_postgres(self, url: &str) -> Self {
        Self { database: Some(url.to_owned()), ..self }
    }

    /// The SQLite file.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.join("data/trinco.db")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        command.args(arguments).current_dir(&self.folder).env_clear();
        command.env("PORT", self.port.to_string()).env("ENDPOINT", self.base());
        command.env("TRINCO_LOG", "warn").env("TRINCO_LISTEN", "127.0.0.1");
        if let Some(url) = &self.database {
            command.env("DB_URL", url);
        }
        command.stdin(Stdio::null());
        command
    }

    fn base(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Runs a command of the program to its end and gives what it prints.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = self
            .command(arguments)
            .output()
            .map_err(|error| format!("`trinco {}` did not start: {error}.", arguments.join(" ")))?;
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr);
            return Err(format!("`trinco {}` failed: {}", arguments.join(" "), reason.trim()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Starts the server and waits until it is ready.
    pub(crate) fn serve(&self) -> Result<Server> {
        let log = self.folder.join("server.log");
        let file = File::create(&log)
            .map_err(|error| format!("{} cannot be written: {error}.", log.display()))?;
        let begin = Instant::now();
        let child = self
            .command(&["serve"])
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .map_err(|error| format!("the server did not start: {error}."))?;
        let mut server = Server { child, base: self.base(), started_in: Duration::ZERO };
        while ureq::get(format!("{}/readyz", server.base)).call().is_err() {
            if begin.elapsed() > PATIENCE || server.child.try_wait().is_ok_and(|end| end.is_some())
            {
                let log = fs::read_to_string(&log).unwrap_or_default();
                return Err(format!("the server is not ready. It wrote:\n{log}"));
            }
            thread::sleep(Duration::from_millis(1));
        }
        server.started_in = begin.elapsed();
        Ok(server)
    }
}

impl Server {
    /// The processor time that it has used so far, in user and kernel.
    pub(crate) fn processor_time(&self) -> Duration {
        let text = self.proc("stat");
        // The name in parentheses may hold anything.
        let fields = text.rsplit(") ").next().unwrap_or_default();
        let ticks = |at: usize| fields.split(' ').nth(at).and_then(|field| field.parse().ok());
        TICK * (ticks(11).unwrap_or(0_u32) + ticks(12).unwrap_or(0))
    }

    /// The memory it has in use, in bytes: its own, and that of files it has mapped, which the kernel takes back when it needs it.
    pub(crate) fn memory(&self) -> (u64, u64) {
        let text = self.proc("status");
        let bytes = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let kilobytes =
                line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
            kilobytes.unwrap_or(0) * 1024
        };
        (bytes("RssAnon:"), bytes("RssFile:"))
    }

    fn proc(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap_or_default()
    }

    /// Lets it finish, as an operator would.
    pub(crate) fn stop(mut self) -> Result<()> {
        let stopped = Command::new("kill")
            .arg(self.child.id().to_string())
            .status()
            .and_then(|_| self.child.wait())
            .map_err(|error| format!("the server cannot be stopped: {error}."))?;
        if stopped.success() { Ok(()) } else { Err(format!("the server ended with {stopped}.")) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been stopped already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
