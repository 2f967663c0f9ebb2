//! A throw-away PostgreSQL cluster: private folder, free port on the loopback, random password.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::process::{Process, TemporaryFolder, random_text, run_logged};
use crate::{Result, loopback};

/// A running cluster; dropping it stops the server and removes its files, in this order.
pub(crate) struct Postgres {
    _process: Process,
    _folder: TemporaryFolder,
    /// With the superuser's name and password.
    pub(crate) url: String,
}

impl Postgres {
    /// For tests: the cluster lives as long as one run, and what it has written need not outlive a crash.
    pub(crate) fn start(programs: &Path, logs: &Path) -> Result<Self> {
        let settings = ["fsync=off", "full_page_writes=off", "max_connections=300"];
        Self::start_with(programs, logs, &settings)
    }

    /// `programs` is the folder with `initdb` and `postgres`; logs are written to `logs`.
    pub(crate) fn start_with(programs: &Path, logs: &Path, settings: &[&str]) -> Result<Self> {
        let folder = TemporaryFolder::create("postgres")?;
        let (data, password_file) = (folder.path().join("data"), folder.path().join("password"));
        let password = random_text(24)?;
        write_private(&password_file, &password)?;
        let user = unprivileged_user()?;
        if let Some(user) = user {
            for path in [folder.path(), &password_file] {
                chown(path, Some(user.uid), Some(user.gid))
                    .map_err(|error| format!("{}: {error}.", path.display()))?;
            }
        }
        let command = |program: &str| {
            let mut command = Command::new(programs.join(program));
            command.current_dir(folder.path()).env("LC_ALL", "C");
            if let Some(user) = user {
                command.uid(user.uid).gid(user.gid);
            }
            command
        };

        let mut initdb = command("initdb");
        initdb
            .args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"])
            .args(["--no-sync", "--no-instructions"])
            .arg("--pwfile")
            .arg(&password_file)
            .arg("--pgdata")
            .arg(&data);
        run_logged("initdb", initdb, &logs.join("initdb.log"))?;

        let port = loopback::free_port()?;
        let mut server = command("postgres");
        server.arg("-D").arg(&data).arg("-k").arg(folder.path());
        server.args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        for setting in settings {
            server.args(["-c", setting]);
        }
        // SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for clients to leave.
        let mut process = Process::start("PostgreSQL", server, Some(&logs.join("postgres.log")))?
            .stopping_with(Signal::INT);
        process.wait_until(Duration::from_secs(30), || {
            let mut probe = Command::new(programs.join("pg_isready"));
            probe.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
            probe.status().is_ok_and(|status| status.success())
        })?;
        let url = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
        Ok(Self { _process: process, _folder: folder, url })
    }
}

#[derive(Clone, Copy)]
struct User {
    uid: u32,
    gid: u32,
}

/// PostgreSQL refuses to run as root: root lends it another user's name.
fn unprivileged_user() -> Result<Option<User>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")
        .map_err(|error| format!("/etc/passwd cannot be read: {error}."))?;
    let user = ["postgres", "nobody"].iter().find_map(|name| find_user(&users, name));
    user.map(Some).ok_or("PostgreSQL needs the user `postgres` or `nobody` to run as.".to_owned())
}

fn find_user(users: &str, name: &str) -> Option<User> {
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2).map(|field| field.parse().ok());
    Some(User { uid: fields.next()??, gid: fields.next()?? })
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    // The folder is closed to others already; the file's own mode keeps it so if that changes.
    fs::write(path, text)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o600)))
        .map_err(|error| format!("{} cannot be written: {error}.", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users = "postgres-old:x:1:1::/:/bin/sh\npostgres:x:101:104:PostgreSQL,,,:/:/bin/sh\n";
        let user = find_user(users, "postgres").expect("the user");
        assert_eq!((user.uid, user.gid), (101, 104));
        assert!(find_user(users, "nobody").is_none());
    }
}
