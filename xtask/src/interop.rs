//! The folder `interop/`: clients nobody here wrote, in JavaScript and Python, and Apache.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Result;
use crate::process::{TemporaryFolder, run_logged};
use crate::steps::run as run_command;
use crate::tally::{self, Tally};
use crate::tools::{self, SystemTools};
use crate::workspace::Workspace;

/// The steps, as they are named on the screen.
pub(crate) const JAVASCRIPT: &str = "interop: JavaScript and Apache";
pub(crate) const PYTHON: &str = "interop: Python";

/// Where Debian keeps Apache's modules.
const APACHE_MODULES: &str = "/usr/lib/apache2/modules";

/// What these tests need beyond what every run needs.
pub(crate) struct Clients {
    apache: PathBuf,
}

impl Clients {
    /// Finds it; what is missing is installed when this is Debian and we are root.
    pub(crate) fn prepare(workspace: &Workspace) -> Result<Self> {
        tools::provide(workspace, missing)?;
        let apache = apache().ok_or("Apache is missing.")?;
        Ok(Self { apache })
    }

    /// Every `tests/*.test.ts`: Node.js clients, those in Chromium, Next.js and Apache.
    pub(crate) fn javascript(
        &self,
        workspace: &Workspace,
        system: &SystemTools,
        logs: &Path,
        tally: &mut Tally,
    ) -> Result<()> {
        let folder = workspace.interop();
        tools::install_npm_packages(&folder, &logs.join("interop-npm.log"))?;
        let mut types = tools::npm(&folder);
        types.args(["run", "--silent", "typecheck"]);
        run_command("typecheck", types, tally::nothing, tally)?;
        let temporary = temporary_folder()?;
        let mut command = tools::npm(&folder);
        command
            .args(["test", "--silent"])
            .env("TMPDIR", temporary.path())
            .env("TRINCO_BIN", workspace.server_binary())
            .env("CHROMIUM", &system.chromium)
            .env("APACHE", &self.apache)
            .env("APACHE_MODULES", APACHE_MODULES)
            .env("NO_COLOR", "1");
        run_command("node --test", command, tally::node_test, tally)
    }

    /// Every `python/test_*.py`, in an environment of its own below the target folder.
    pub(crate) fn python(
        &self,
        workspace: &Workspace,
        logs: &Path,
        tally: &mut Tally,
    ) -> Result<()> {
        let folder = workspace.interop().join("python");
        let environment = workspace.target().join("interop-python");
        install_python_packages(&folder, &environment, &logs.join("interop-pip.log"))?;
        let temporary = temporary_folder()?;
        let mut command = Command::new(environment.join("bin/pytest"));
        command
            .args(["-q", "-p", "no:cacheprovider", "--color=no", "."])
            .current_dir(&folder)
            .env("TMPDIR", temporary.path())
            .env("TRINCO_BIN", workspace.server_binary())
            .env("PYTHONDONTWRITEBYTECODE", "1");
        run_command("pytest", command, tally::pytest, tally)
    }
}

/// Debian's names of the packages that are missing.
fn missing() -> Vec<&'static str> {
    let mut missing = Vec::new();
    if apache().is_none() {
        missing.push("apache2");
    }
    if !Path::new(APACHE_MODULES).join("mod_auth_openidc.so").exists() {
        missing.push("libapache2-mod-auth-openidc");
    }
    if tools::find("python3").is_none() {
        missing.push("python3");
    }
    if !python_makes_environments() {
        missing.push("python3-venv");
    }
    missing
}

/// Debian keeps it off the PATH of people who are not root.
fn apache() -> Option<PathBuf> {
    tools::find("apache2")
        .or_else(|| Some("/usr/sbin/apache2".into()).filter(|path: &PathBuf| path.exists()))
}

/// Debian splits the module that puts pip into an environment from the rest of Python.
fn python_makes_environments() -> bool {
    let mut command = Command::new("python3");
    command.args(["-c", "import ensurepip, venv"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Makes the environment anew when the list of packages is not the one it was made from.
fn install_python_packages(folder: &Path, environment: &Path, log: &Path) -> Result<()> {
    let list = folder.join("requirements.txt");
    let wanted = fs::read(&list).map_err(|error| format!("{}: {error}.", list.display()))?;
    let stamp = environment.join("requirements.txt");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let mut create = Command::new("python3");
    create.args(["-m", "venv", "--clear"]).arg(environment);
    run_logged("python3 -m venv", create, log)?;
    let mut install = Command::new(environment.join("bin/pip"));
    install.args(["install", "--require-hashes", "--disable-pip-version-check", "-r"]).arg(&list);
    run_logged("pip install", install, log)?;
    fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}.", stamp.display()))
}

/// Where the data of servers goes. Others may pass through it: Apache does not run as root and has a folder of its own in there.
fn temporary_folder() -> Result<TemporaryFolder> {
    let folder = TemporaryFolder::create("interop")?;
    fs::set_permissions(folder.path(), Permissions::from_mode(0o711))
        .map_err(|error| format!("{}: {error}.", folder.path().display()))?;
    Ok(folder)
}
