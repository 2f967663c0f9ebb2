//! The Next.js example: installed, built and started.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::process::{Process, run_logged};
use crate::{Result, tools};

/// Installs its packages and builds it, each only when something has changed since the last time.
pub(crate) fn build(example: &Path, logs: &Path) -> Result<()> {
    tools::install_npm_packages(example, &logs.join("npm.log"))?;
    let built = example.join(".next/BUILD_ID").metadata().and_then(|data| data.modified());
    if built.is_ok_and(|built| newest_source(example).is_some_and(|source| source < built)) {
        return Ok(());
    }
    // A production build: no page is compiled while somebody waits for it.
    run_logged("next build", next(example, &["build"]), &logs.join("next-build.log"))
}

/// Starts what `build` has built. `values` win over those in its `.env.local`.
pub(crate) fn start(
    example: &Path,
    port: u16,
    values: &[(&str, String)],
    logs: &Path,
) -> Result<Process> {
    // Otherwise it listens at every address of the machine.
    let arguments = ["start", "--hostname", "localhost", "--port", &port.to_string()];
    let mut command = next(example, &arguments);
    for (name, value) in values {
        command.env(name, value);
    }
    Process::start("The example", command, Some(&logs.join("example.log")))
}

/// Next.js without npm or a shell in between, which would swallow the signal that stops it.
fn next(example: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("node");
    command
        .arg("node_modules/next/dist/bin/next")
        .args(arguments)
        .current_dir(example)
        .env("NEXT_TELEMETRY_DISABLED", "1");
    command
}

/// When a file that goes into the build was last changed.
fn newest_source(folder: &Path) -> Option<SystemTime> {
    let mut newest = None;
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).ok()?.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let generated = name.starts_with('.')
                || matches!(&*name, "node_modules" | "next-env.d.ts")
                || name.ends_with(".tsbuildinfo");
            if generated {
                continue;
            }
            let Ok(data) = entry.metadata() else { continue };
            if data.is_dir() {
                folders.push(entry.path());
            } else {
                newest = newest.max(data.modified().ok());
            }
        }
    }
    newest
}
