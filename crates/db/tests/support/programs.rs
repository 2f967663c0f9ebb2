//! Servers that a test starts, which never outlive it.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A program, wherever it is; `None` when it is not installed, which is an error where everything must run.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    // Debian keeps each version of PostgreSQL in a folder of its own; the newest is taken.
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<u32> =
        versions.filter_map(|version| version.file_name().to_str()?.parse().ok()).collect();
    versions.sort_unstable();
    let mut folders: Vec<PathBuf> =
        versions.iter().rev().map(|v| format!("/usr/lib/postgresql/{v}/bin").into()).collect();
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    folders.push("/usr/sbin".into());
    let found = folders.into_iter().map(|folder| folder.join(program)).find(|file| file.is_file());
    if found.is_none() {
        assert!(std::env::var("CI").is_err(), "CI must have {program}");
        println!("{program} is not installed: skipped");
    }
    found
}

/// A folder that a server may use, which refuses to run as root: it runs as another user then.
pub(crate) struct Folder {
    folder: TempDir,
    user: Option<(u32, u32)>,
}

impl Folder {
    pub(crate) fn create() -> Folder {
        let folder = tempfile::tempdir().unwrap();
        let is_root = fs::metadata(folder.path()).unwrap().uid() == 0;
        let user = is_root.then(unprivileged_user);
        let folder = Folder { folder, user };
        folder.hand_over(folder.path());
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// As the host of a database URL.
    pub(crate) fn as_host(&self) -> String {
        self.path().to_str().unwrap().replace('/', "%2F")
    }

    /// Writes a file that nobody else may read.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        self.hand_over(&path);
        path
    }

    fn hand_over(&self, path: &Path) {
        if let Some((user, group)) = self.user {
            chown(path, Some(user), Some(group)).unwrap();
        }
    }

    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path()).env("LC_ALL", "C").stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }
}

fn unprivileged_user() -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let user = ["postgres", "nobody"].iter().find_map(|name| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2).map(|id| id.parse().ok());
        Some((ids.next()??, ids.next()??))
    });
    user.expect("a user that PostgreSQL can run as")
}

/// A running server. It is told to stop when this is dropped, and by the end of the test's process, however that ends: a shell
/// waits for the end of its input, which the test holds open, and tidies up.
pub(crate) struct Running(Child);

const HOLD: &str = r#"
    folder=$1; signal=$2; shift 2
    "$@" & server=$!
    read -r keep || keep=
    kill -"$signal" $server; wait $server
    [ "$keep" ] || rm -rf "$folder""#;

impl Running {
    /// Starts `program`, which `signal` stops, and waits until it is `ready`.
    pub(crate) fn start(
        folder: &Folder,
        signal: &str,
        program: &Path,
        arguments: &[&str],
        ready: impl Fn() -> bool,
    ) -> Running {
        let log = fs::File::options().append(true).create(true).open(folder.path().join("log"));
        let log = log.unwrap();
        let mut shell = folder.command(Path::new("/bin/sh"));
        shell.args(["-c", HOLD, "sh"]).arg(folder.path()).arg(signal).arg(program);
        shell.args(arguments).stdin(Stdio::piped());
        shell.stdout(log.try_clone().unwrap()).stderr(log);
        let mut running = Running(shell.spawn().unwrap());
        let begun = Instant::now();
        while !ready() {
            let log = || fs::read_to_string(folder.path().join("log")).unwrap_or_default();
            assert!(running.0.try_wait().unwrap().is_none(), "{program:?} ended: {}", log());
            assert!(begun.elapsed() < Duration::from_secs(30), "no answer: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
        running
    }

    /// Stops it and keeps its files.
    pub(crate) fn stop(mut self) {
        let mut input = self.0.stdin.take().unwrap();
        input.write_all(b"keep\n").unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}
