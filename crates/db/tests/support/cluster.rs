//! A PostgreSQL server of a test's own, to do to it what no other test would survive.

use std::path::PathBuf;

use super::programs::{Folder, Running, find};

pub(crate) struct Cluster {
    postgres: PathBuf,
    pub(crate) folder: Folder,
    settings: Vec<String>,
    port: u16,
    running: Option<Running>,
}

/// Of the superuser, whom only tests know.
const PASSWORD: &str = "a-password-of-tests";

impl Cluster {
    /// Starts one with these settings and these files (name, text) beside its data. `None` when PostgreSQL is not installed.
    pub(crate) fn create(settings: &[&str], files: &[(&str, &str)]) -> Option<Cluster> {
        let initdb = find("initdb")?;
        let folder = Folder::create();
        let password = folder.write("password", PASSWORD);
        let mut command = folder.command(&initdb);
        command.args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8"]);
        command.args(["--locale=C", "--no-sync", "--pgdata=data", "--pwfile"]).arg(password);
        assert!(command.status().unwrap().success(), "initdb");
        for (name, text) in files {
            folder.write(name, text);
        }
        Some(Cluster::in_folder(folder, settings))
    }

    /// A standby of it, which follows what it writes.
    pub(crate) fn standby(&self) -> Cluster {
        let folder = Folder::create();
        let mut command = folder.command(&self.postgres.with_file_name("pg_basebackup"));
        command.args(["-D", "data", "-R", "-c", "fast", "-U", "postgres", "-h"]);
        command.arg(self.folder.path()).env("PGPASSWORD", PASSWORD);
        assert!(command.status().unwrap().success(), "pg_basebackup");
        Cluster::in_folder(folder, &[])
    }

    fn in_folder(folder: Folder, settings: &[&str]) -> Cluster {
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let postgres = find("postgres").unwrap();
        // Ports are taken by others between being found and being used, though rarely.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut cluster = Cluster { postgres, folder, settings, port: free, running: None };
        cluster.start();
        cluster
    }

    pub(crate) fn start(&mut self) {
        let (folder, port) = (self.folder.path().to_str().unwrap(), self.port.to_string());
        // Sockets in its folder all have one number; TCP has one of its own where it is listened to.
        let tcp = self.settings.iter().any(|setting| setting.starts_with("listen_addresses"));
        let port = if tcp { port.as_str() } else { "5432" };
        let mut arguments = vec!["-D", "data", "-k", folder, "-p", port];
        for setting in ["listen_addresses=", "fsync=off", "max_connections=30"] {
            arguments.extend(["-c", setting]);
        }
        for setting in &self.settings {
            arguments.extend(["-c", setting]);
        }
        let ready = || {
            let mut probe = self.folder.command(&self.postgres.with_file_name("pg_isready"));
            probe.args(["-q", "-h", folder, "-p", port]).status().unwrap().success()
        };
        self.running = Some(Running::start(&self.folder, "INT", &self.postgres, &arguments, ready));
    }

    /// Stops it as an operator does; clients are cut off.
    pub(crate) fn stop(&mut self) {
        self.running.take().unwrap().stop();
    }

    /// Kills all its processes at once: none of them gets to do anything more.
    pub(crate) fn kill(&mut self) {
        let note = std::fs::read_to_string(self.folder.path().join("data/postmaster.pid")).unwrap();
        let postmaster = note.lines().next().unwrap().trim().to_owned();
        let mut all = vec![postmaster.clone()];
        all.extend(processes().into_iter().filter(|p| p.parent == postmaster).map(|p| p.id));
        let mut kill = self.folder.command(std::path::Path::new("/bin/kill"));
        // One of them may have ended by itself.
        let _ = kill.arg("-9").args(&all).status().unwrap();
        // What the shell waits for has ended.
        self.running.take().unwrap().stop();
        let lives = || processes().into_iter().any(|p| all.contains(&p.id) && p.state != "Z");
        while lives() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// Restarts it without one of its settings.
    pub(crate) fn restarted_without(mut self, setting: &str) -> Cluster {
        self.stop();
        self.settings.retain(|kept| kept != setting);
        self.start();
        self
    }

    /// Makes a standby the primary.
    pub(crate) fn promote(&self) {
        let mut command = self.folder.command(&self.postgres.with_file_name("pg_ctl"));
        assert!(command.args(["promote", "-D", "data"]).status().unwrap().success());
    }

    /// Its port on 127.0.0.1, when `listen_addresses` is set.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The folder of its socket, as a host of a URL.
    pub(crate) fn host(&self) -> String {
        let tcp = self.settings.iter().any(|setting| setting.starts_with("listen_addresses"));
        format!("{}:{}", self.folder.as_host(), if tcp { self.port } else { 5432 })
    }

    /// As the superuser, through its socket.
    pub(crate) fn url(&self) -> String {
        self.url_of(&self.host())
    }

    /// As the superuser, at these hosts.
    pub(crate) fn url_of(&self, hosts: &str) -> String {
        format!("postgres://postgres:{PASSWORD}@{hosts}/postgres")
    }
}

struct Process {
    id: String,
    state: String,
    parent: String,
}

fn processes() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let stats = entries
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok())
        .filter_map(|stat| {
            // Its name, in parentheses, may hold anything.
            let (id, rest) = stat.split_once(' ')?;
            let mut after = rest.rsplit_once(") ")?.1.split(' ').map(str::to_owned);
            Some(Process { id: id.to_owned(), state: after.next()?, parent: after.next()? })
        });
    stats.collect()
}
