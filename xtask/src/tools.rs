//! Programs of the system that tasks need: looked for, and installed where that is possible.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::Process;
use crate::{Result, workspace::Workspace};

/// The oldest Node.js that Next.js runs on.
const NODE: (u32, u32) = (20, 9);

pub(crate) fn require_node() -> Result<()> {
    let needed = format!("Node.js {}.{} or newer with npm", NODE.0, NODE.1);
    let version = Command::new("node").arg("--version").output();
    let Some(version) = version.ok().filter(|output| output.status.success()) else {
        return Err(format!("Node.js is missing; install {needed} (https://nodejs.org)."));
    };
    let text = String::from_utf8_lossy(&version.stdout);
    let text = text.trim();
    if node_version(text).is_none_or(|version| version < NODE) {
        return Err(format!("Node.js {text} is too old; install {needed} (https://nodejs.org)."));
    }
    if find("npm").is_none() {
        return Err(format!("npm is missing; install {needed} (https://nodejs.org)."));
    }
    Ok(())
}

/// Runs `npm ci` in `folder` when its lock file is newer than what is installed.
pub(crate) fn install_npm_packages(folder: &Path, log: &Path) -> Result<()> {
    let modified = |path: PathBuf| path.metadata().and_then(|data| data.modified()).ok();
    let installed = modified(folder.join("node_modules/.package-lock.json"));
    if installed.is_some() && installed >= modified(folder.join("package-lock.json")) {
        return Ok(());
    }
    let mut command = npm(folder);
    command.args(["ci", "--no-audit", "--no-fund"]);
    crate::process::run_logged("npm ci", command, log)
}

/// npm without its notices, without telemetry of Next.js and without Playwright's own browsers.
pub(crate) fn npm(folder: &Path) -> Command {
    let mut command = Command::new("npm");
    command
        .current_dir(folder)
        .env("NPM_CONFIG_UPDATE_NOTIFIER", "false")
        .env("NEXT_TELEMETRY_DISABLED", "1")
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    command
}

/// What the tests of the browser, of PostgreSQL and of faults need.
pub(crate) struct SystemTools {
    /// The folder with `initdb` and `postgres`.
    pub(crate) postgres: PathBuf,
    pub(crate) redis: PathBuf,
    pub(crate) chromium: PathBuf,
}

impl SystemTools {
    /// Finds them; what is missing is installed when this is Debian and we are root.
    pub(crate) fn prepare(workspace: &Workspace) -> Result<Self> {
        provide(workspace, Self::missing)?;
        require_node()?;
        let (Some(postgres), Some(redis), Some(chromium)) = (postgres(), redis(), chromium())
        else {
            return Err(how_to_install(&Self::missing()));
        };
        Ok(Self { postgres, redis, chromium })
    }

    /// Debian's names of the packages that are missing.
    fn missing() -> Vec<&'static str> {
        let mut missing = Vec::new();
        let mut need = |present: bool, package| {
            if !present {
                missing.push(package);
            }
        };
        need(find("node").is_some(), "nodejs");
        need(find("npm").is_some(), "npm");
        need(postgres().is_some(), "postgresql");
        need(pgbouncer().is_some(), "pgbouncer");
        need(redis().is_some(), "redis-server");
        need(chromium().is_some(), "chromium");
        need(find("strace").is_some(), "strace");
        missing
    }
}

/// Installs the Debian packages that `missing` names, when this is Debian and we are root.
pub(crate) fn provide(workspace: &Workspace, missing: fn() -> Vec<&'static str>) -> Result<()> {
    let packages = missing();
    if packages.is_empty() {
        return Ok(());
    }
    install(workspace, &packages)?;
    let still = missing();
    if still.is_empty() { Ok(()) } else { Err(how_to_install(&still)) }
}

fn install(workspace: &Workspace, packages: &[&str]) -> Result<()> {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root || !Path::new("/etc/debian_version").exists() || find("apt-get").is_none() {
        return Err(how_to_install(packages));
    }
    println!("Installing {}", packages.join(", "));
    for arguments in [
        vec!["update", "-qq"],
        [&["install", "-qq", "-y", "--no-install-recommends"], packages].concat(),
    ] {
        let mut command = Command::new("apt-get");
        command
            .args(&arguments)
            .current_dir(workspace.root())
            .env("DEBIAN_FRONTEND", "noninteractive")
            // The tests start their own servers: the packages' services stay down.
            .env("RUNLEVEL", "1");
        let status = Process::start("apt-get", command, None)?.wait()?;
        if !status.success() {
            return Err(how_to_install(packages));
        }
    }
    Ok(())
}

/// Debian's package of PostgreSQL, when it is missing.
pub(crate) fn missing_postgres() -> Vec<&'static str> {
    if postgres().is_some() { Vec::new() } else { vec!["postgresql"] }
}

fn how_to_install(packages: &[&str]) -> String {
    let packages = packages.join(" ");
    format!(
        "the tests need {packages}; on Debian run `apt-get install {packages}` as root, elsewhere \
         install the same programs and put them on the PATH."
    )
}

/// The folder with PostgreSQL's programs.
pub(crate) fn postgres() -> Option<PathBuf> {
    let on_path = || Some(find("initdb")?.parent()?.to_owned());
    newest_debian_postgres().or_else(on_path).filter(|folder| folder.join("postgres").exists())
}

/// Debian keeps each version's programs in a folder of its own, off the PATH.
fn newest_debian_postgres() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    versions
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .max()
        .map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")))
        .filter(|folder| folder.join("initdb").exists())
}

/// The tests that need it look in the same places. Debian's folder for it is not on everybody's PATH.
fn pgbouncer() -> Option<PathBuf> {
    find("pgbouncer")
        .or_else(|| Some("/usr/sbin/pgbouncer".into()).filter(|path: &PathBuf| path.exists()))
}

fn redis() -> Option<PathBuf> {
    find("redis-server")
}

fn chromium() -> Option<PathBuf> {
    let chosen = std::env::var_os("CHROMIUM").map(PathBuf::from).filter(|path| path.exists());
    chosen.or_else(|| find("chromium")).or_else(|| find("chromium-browser"))
}

pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Whether a cargo subcommand is installed.
pub(crate) fn has_cargo_command(name: &str) -> bool {
    let mut command = Command::new(format!("cargo-{name}"));
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn node_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix('v')?.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_versions_compare_as_numbers() {
        assert!(node_version("v20.9.0") >= Some(NODE));
        assert!(node_version("v20.20.2") >= Some(NODE));
        assert!(node_version("v22.0.0-nightly") >= Some(NODE));
        assert!(node_version("v18.99.0") < Some(NODE));
        assert!(node_version("v20.8.9") < Some(NODE));
        assert_eq!(node_version("twenty"), None);
    }
}
