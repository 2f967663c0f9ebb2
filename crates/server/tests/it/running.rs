//! Starting the binary and watching it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::http::Http;

/// Longer than any step takes on a busy machine; reached only when something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder that serves as working directory and holds the data.
pub(crate) struct Place {
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
}

/// A running server. Dropping it kills it.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    log: Option<JoinHandle<String>>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::with(Vec::new())
    }

    /// With these environment variables for everything that runs here.
    pub(crate) fn with(variables: Vec<(&'static str, String)>) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), variables }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The binary, in this folder and with nothing of the tests' own environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trinco"));
        self.inside(command.args(arguments));
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs the binary to its end with something on standard input.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Runs a command that must work, and returns its standard output.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail, and returns its exit code and what it says.
    pub(crate) fn refused(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        assert!(output.stdout.is_empty(), "{arguments:?}: {output:?}");
        let sentence = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), sentence)
    }

    /// Starts the server on a free port and waits until it is ready.
    pub(crate) fn serve(&self) -> Server {
        self.serve_with(&["--port", "0"])
    }

    /// Starts the server with these flags and waits until it is ready.
    pub(crate) fn serve_with(&self, flags: &[&str]) -> Server {
        self.start(self.command(&["serve"]).args(flags))
    }

    /// Starts the server by another program, which ends by becoming the server or by ending with it.
    pub(crate) fn serve_by(&self, program: &str, arguments: &[&str]) -> Server {
        let mut command = Command::new(program);
        command.args(arguments).arg(env!("CARGO_BIN_EXE_trinco")).args(["serve", "--port", "0"]);
        self.start(self.inside(&mut command))
    }

    fn inside<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.current_dir(self.path()).stdin(Stdio::null()).env_clear();
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.envs(self.variables.iter().map(|(name, value)| (*name, value)))
    }

    fn start(&self, command: &mut Command) -> Server {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (tell, told) = mpsc::channel();
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            for line in stderr.lines().map_while(Result::ok) {
                if let (true, Some(port)) = (line.contains("ready in "), port_in(&line)) {
                    let _ = tell.send(port);
                }
                log.push_str(&line);
                log.push('\n');
            }
            log
        });
        let Ok(port) = told.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the server did not become ready: {}", log.join().unwrap());
        };
        Server { child, port, log: Some(log) }
    }
}

impl Server {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn http(&self) -> Http {
        Http::connect(self.port).unwrap()
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.strike();
        self.child.wait().unwrap();
    }

    /// `kill -9`, without waiting for the end.
    pub(crate) fn strike(&self) {
        self.signal(rustix::process::Signal::KILL);
    }

    /// Asks the server to stop.
    pub(crate) fn terminate(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Whether the process has not ended yet.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until the server has ended; returns its status and everything it logged.
    pub(crate) fn ended(&mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        (status, self.log.take().unwrap().join().unwrap())
    }

    /// A token for the Management API.
    pub(crate) fn token(&self, credentials: &Value) -> String {
        let answer = self.token_answer(credentials);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text("/access_token")
    }

    pub(crate) fn token_answer(&self, credentials: &Value) -> crate::http::Answer {
        let field = |name: &str| credentials[name].as_str().unwrap().to_owned();
        let form = format!(
            "grant_type=client_credentials&resource=https%3A%2F%2Fdefault.logto.app%2Fapi&scope=all\
             &client_id={}&client_secret={}",
            field("appId"),
            field("appSecret")
        );
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.http().send("POST", "/oidc/token", &headers, &form).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The port in `address=[::]:12345`.
fn port_in(line: &str) -> Option<u16> {
    let address = line.split("address=").nth(1)?.split_whitespace().next()?;
    address.rsplit(':').next()?.parse().ok()
}

/// The JSON object a command printed.
pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| panic!("no JSON: {text}"))
}
