//! The control socket: how a command reaches the server that owns the data. One line of JSON each way; only the owner of the data
//! directory can connect.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use trinco_core::Installation;

use crate::command::{self, Command, Output, interrupt};
use crate::config::Settings;

/// Raised when a request or an answer changes its shape.
const VERSION: u32 = 1;
/// Bytes of a line: the largest file that can be applied, with its quotes and ends of lines escaped, and what is said about it.
const LIMIT: u64 = 4 * trinco_core::declared::LARGEST_FILE as u64;
/// For a request to arrive, and for its answer to be taken. How long it may take is the command's own.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    version: u32,
    #[serde(flatten)]
    content: T,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Question {
    Command(Command),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Answer {
    Done(Output),
    Failed(String),
}

/// Whether a command found a server.
pub(crate) enum Reached {
    /// It has carried the command out.
    Server(Output),
    /// No server listens; the command is still to be done.
    Nobody(Command),
}

/// Where the socket is.
pub(crate) fn path(settings: &Settings) -> PathBuf {
    settings.data_dir.join("control.sock")
}

/// Sends a command to the server, if there is one.
pub(crate) async fn send(settings: &Settings, command: Command) -> Result<Reached, String> {
    let path = path(settings);
    let stream = match UnixStream::connect(&path).await {
        Ok(stream) => stream,
        // Not there yet, or left behind by a server that was killed.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(Reached::Nobody(command));
        }
        Err(error) => {
            return Err(format!("the server cannot be reached at {}: {error}", path.display()));
        }
    };
    let patience = command.patience().map(|patience| patience + PATIENCE);
    let (_never, mut stop) = watch::channel(false);
    if command.can_stop() {
        stop = interrupt::listen()?;
    }
    let question = Envelope { version: VERSION, content: Question::Command(command) };
    let Some(answered) = in_time(patience, ask(stream, &question, stop)).await else {
        return Err(
            "the server did not answer in time; it may still carry the command out".to_owned()
        );
    };
    let answer = answered.map_err(|error| format!("the server broke off: {error}"))?;
    let answer: Envelope<Answer> = serde_json::from_str(&answer).map_err(|_| {
        "the server's answer is not understood: is it of another version than this command?"
            .to_owned()
    })?;
    match answer.content {
        Answer::Done(output) => Ok(Reached::Server(output)),
        Answer::Failed(sentence) => Err(sentence),
    }
}

/// Once `stop` is true, hangs up as far as the server hears it, and still listens to what it says.
async fn ask(
    mut stream: UnixStream,
    question: &Envelope<Question>,
    mut stop: watch::Receiver<bool>,
) -> io::Result<String> {
    let (mut answers, mut questions) = stream.split();
    write_line(&mut questions, question).await?;
    let answer = read_line(&mut answers, LIMIT);
    tokio::pin!(answer);
    tokio::select! {
        answer = &mut answer => return answer,
        _ = stop.wait_for(|stop| *stop) => {}
    }
    let _ = questions.shutdown().await;
    answer.await
}

/// What comes of it, unless it takes longer than that.
async fn in_time<T>(patience: Option<Duration>, doing: impl Future<Output = T>) -> Option<T> {
    match patience {
        Some(patience) => tokio::time::timeout(patience, doing).await.ok(),
        None => Some(doing.await),
    }
}

/// The task that listens, if there is one.
pub(crate) struct Control {
    task: Option<JoinHandle<()>>,
    path: PathBuf,
}

impl Control {
    /// From when the server is told to stop, waits a while for the command in progress; then takes the socket away.
    pub(crate) async fn finish(self, mut stop: watch::Receiver<bool>) {
        // An error means that nobody can tell it any more.
        let _ = stop.wait_for(|stop| *stop).await;
        if let Some(mut task) = self.task {
            if tokio::time::timeout(PATIENCE, &mut task).await.is_err() {
                tracing::warn!("a command was cut off: it did not end in time");
                task.abort();
            }
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Listens for commands until told to stop. On PostgreSQL commands go to the database themselves. A server without the socket is
/// still a server: that it is missing is logged.
pub(crate) fn serve(
    settings: &Settings,
    installation: Arc<Installation>,
    stop: watch::Receiver<bool>,
) -> Control {
    let path = path(settings);
    if !settings.is_sqlite() {
        return Control { task: None, path };
    }
    let task = match bind(&path) {
        Ok(listener) => Some(tokio::spawn(listen(listener, installation, stop))),
        Err(error) => {
            tracing::warn!(
                path = %path.display(),
                %error,
                "no control socket: commands work only while the server is stopped"
            );
            None
        }
    };
    Control { task, path }
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    // The lock is held, so a socket that is there belongs to nobody.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// One command at a time: they are rare, and some are heavy.
async fn listen(
    listener: UnixListener,
    installation: Arc<Installation>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let handled = match accepted {
            Ok((stream, _)) => handle(stream, &installation, &mut stop).await,
            Err(error) => Err(error),
        };
        if let Err(error) = handled {
            tracing::warn!(%error, "a command was not answered");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn handle(
    mut stream: UnixStream,
    installation: &Installation,
    stop: &mut watch::Receiver<bool>,
) -> io::Result<()> {
    let line = tokio::select! {
        line = tokio::time::timeout(PATIENCE, read_line(&mut stream, LIMIT)) => line??,
        // Whoever connected and has not said anything yet does not hold up the end.
        _ = stop.wait_for(|stop| *stop) => return Ok(()),
    };
    let answer = match understand(&line) {
        Ok(command) => run(command, installation, &mut stream, stop).await,
        Err(sentence) => Answer::Failed(sentence),
    };
    let answer = Envelope { version: VERSION, content: answer };
    tokio::time::timeout(PATIENCE, write_line(&mut stream, &answer)).await?
}

/// Carries a command out. One that can stop is told to when the server stops, and when whoever asked for it has gone.
async fn run(
    command: Command,
    installation: &Installation,
    stream: &mut UnixStream,
    stop: &mut watch::Receiver<bool>,
) -> Answer {
    let (tell, told) = watch::channel(false);
    let running = in_time(command.patience(), command::run(command, installation, &told));
    tokio::pin!(running);
    let is_unwanted = async {
        tokio::select! {
            () = hung_up(stream) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    };
    let undisturbed = tokio::select! {
        done = &mut running => Some(done),
        () = is_unwanted => None,
    };
    let done = match undisturbed {
        Some(done) => done,
        None => {
            tell.send_replace(true);
            running.await
        }
    };
    match done {
        Some(Ok(output)) => Answer::Done(output),
        Some(Err(sentence)) => Answer::Failed(sentence),
        None => Answer::Failed("the server was too busy for the command".to_owned()),
    }
}

/// Waits until the other side says that it says no more. Anything else it says is passed over.
async fn hung_up(stream: &mut UnixStream) {
    let mut passed_over = [0; 64];
    while stream.read(&mut passed_over).await.is_ok_and(|read| read > 0) {}
}

/// The version is looked at before the rest: another version's command may have another shape.
fn understand(line: &str) -> Result<Command, String> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let other = || "the running server is of another version than this command".to_owned();
    let Version { version } = serde_json::from_str(line).map_err(|_| other())?;
    if version != VERSION {
        return Err(other());
    }
    let question: Envelope<Question> = serde_json::from_str(line).map_err(|_| other())?;
    let Question::Command(command) = question.content;
    Ok(command)
}

async fn read_line(stream: impl AsyncRead + Unpin, limit: u64) -> io::Result<String> {
    let mut line = String::new();
    BufReader::new(stream).take(limit).read_line(&mut line).await?;
    if line.ends_with('\n') {
        Ok(line)
    } else {
        let sentence = format!("the line is cut off or longer than {} KiB", limit / 1024);
        Err(io::Error::new(io::ErrorKind::InvalidData, sentence))
    }
}

async fn write_line<T: Serialize>(
    mut stream: impl AsyncWrite + Unpin,
    content: &T,
) -> io::Result<()> {
    let mut line = serde_json::to_vec(content)?;
    line.push(b'\n');
    stream.write_all(&line).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_of_another_version_or_shape_is_refused() {
        for line in [
            "",
            "{}",
            "[]",
            r#"{"version":2,"command":"init"}"#,
            r#"{"version":1,"command":"dropEverything"}"#,
            r#"{"version":1,"command":{"createUser":{"username":"a","password":"b","admin":true}}}"#,
        ] {
            assert!(understand(line).is_err(), "{line}");
        }
        assert!(matches!(understand(r#"{"version":1,"command":"init"}"#), Ok(Command::Init)));
    }

    #[test]
    fn a_file_is_never_cut_off_while_it_is_applied() {
        let line = r#"{"version":1,"command":{"apply":{"tenant":"default","text":"","dry_run":false,"prune":false,"json":false}}}"#;
        let Ok(command) = understand(&line.replace("dry_run", "dryRun")) else { panic!("{line}") };
        assert_eq!(command.patience(), None);
        assert!(command.can_stop() && !Command::Init.can_stop());
        assert!(Command::Init.patience().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_that_hangs_is_waited_for_from_when_the_server_is_told_to_stop() {
        let folder = tempfile::tempdir().unwrap();
        let (tell, stop) = watch::channel(false);
        let task = Some(tokio::spawn(std::future::pending()));
        let finishing = tokio::spawn(Control { task, path: folder.path().join("s") }.finish(stop));
        tokio::time::sleep(2 * PATIENCE).await;
        assert!(!finishing.is_finished());
        tell.send_replace(true);
        let told = tokio::time::Instant::now();
        finishing.await.unwrap();
        assert_eq!(told.elapsed().as_secs(), PATIENCE.as_secs());
    }

    #[tokio::test]
    async fn a_line_has_a_limit_and_an_end() {
        for (sent, is_read) in [
            ("x\n".to_owned(), true),
            ("x".to_owned(), false),
            (format!("{}\n", "x".repeat(64 * 1024 - 1)), true),
            (format!("{}\n", "x".repeat(64 * 1024)), false),
        ] {
            let (mut ours, mut theirs) = UnixStream::pair().unwrap();
            let writing = tokio::spawn(async move { ours.write_all(sent.as_bytes()).await });
            assert_eq!(read_line(&mut theirs, 64 * 1024).await.is_ok(), is_read);
            drop(theirs);
            let _ = writing.await;
        }
    }
}
