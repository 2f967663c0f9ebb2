//! `cargo xtask scale`: what the endpoints take and the rows weigh with many users, on both engines.
//!
//! The server is the release build, and PostgreSQL is told to keep what it acknowledges, as in production. The figures of
//! `docs/scaling.md` come from here.

use std::process::ExitCode;

use crate::postgres::Postgres;
use crate::process::{Process, TemporaryFolder};
use crate::tools;
use crate::workspace::Workspace;
use crate::{Result, arguments};

/// What a small dedicated PostgreSQL server is given; the rest is as Debian ships it.
const SETTINGS: &[&str] = &["shared_buffers=1GB", "max_wal_size=4GB", "max_connections=100"];

pub(crate) fn run(options: &arguments::Scale) -> Result<ExitCode> {
    let workspace = Workspace::locate()?;
    tools::provide(&workspace, tools::missing_postgres)?;
    let programs = tools::postgres().ok_or("PostgreSQL is not there.")?;
    let packages = ["--package", "trinco-server", "--package", "trinco-bench"];
    let build = workspace.cargo(&[&["build", "--release", "--locked"][..], &packages].concat());
    if !Process::start("cargo build", build, None)?.wait()?.success() {
        return Err("the server did not compile; cargo says why above.".to_owned());
    }
    let folder = TemporaryFolder::create("scale")?;
    let postgres = Postgres::start_with(&programs, folder.path(), SETTINGS)?;
    let release = workspace.target().join("release");
    let mut command = std::process::Command::new(release.join("trinco-bench"));
    command.arg("scale").arg("--server").arg(release.join("trinco"));
    command.arg("--folder").arg(folder.path());
    command.env("BENCH_POSTGRES_URL", &postgres.url);
    for (flag, value) in [("--users", options.users), ("--seconds", options.seconds)] {
        command.args([flag, &value.to_string()]);
    }
    if options.users_only {
        command.arg("--users-only");
    }
    let ended = Process::start("trinco-bench", command, None)?.wait()?;
    Ok(if ended.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
