//! `cargo xtask demo`: from a fresh clone to an app one can sign in to.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::{Process, random_text};
use crate::provision::{Machine, Password, provision};
use crate::workspace::Workspace;
use crate::{Result, arguments, env_file, example, loopback, provision, tools};

pub(crate) fn run(options: &arguments::Demo) -> Result<ExitCode> {
    tools::require_node()?;
    let workspace = Workspace::locate()?;
    let port = loopback::choose_port(options.port, "--port")?;
    let app_port = loopback::choose_port(options.app_port, "--app-port")?;
    let (endpoint, app_url) =
        (format!("http://localhost:{port}"), format!("http://localhost:{app_port}"));
    let home = home(&workspace, options)?;

    build(&workspace, &home)?;

    println!("Starting the server");
    let mut server = start_server(&workspace, &home, port, &endpoint)?;
    server.wait_until(Duration::from_secs(30), || {
        loopback::status(port, "/api/status") == Some(204)
    })?;

    println!("Preparing the application, the API resource, roles, an organization and a user");
    let mut credentials = Credentials::load(&home)?;
    let machine = initialise(&workspace, &home, port, &endpoint, &mut credentials)?;
    let fresh = credentials.ensure("demoPassword", password)?;
    let cookie_secret_is_new = credentials.ensure("cookieSecret", || random_text(43))?;
    let demo_password = credentials.get("demoPassword")?;
    let password = Password { text: &demo_password, fresh };
    let provisioned = provision(port, &machine, &app_url, &password)
        .map_err(|sentence| server.with_log(&sentence))?;
    if fresh || cookie_secret_is_new {
        credentials.save()?;
    }

    let values = [
        ("LOGTO_ENDPOINT", endpoint.clone()),
        ("LOGTO_APP_ID", provisioned.app_id),
        ("LOGTO_APP_SECRET", provisioned.app_secret),
        ("LOGTO_COOKIE_SECRET", credentials.get("cookieSecret")?),
        ("BASE_URL", app_url.clone()),
        ("API_RESOURCE", provision::API_RESOURCE.to_owned()),
    ];
    let settings = workspace.example().join(".env.local");
    let written = env_file::write(&settings, &home.join("example.env"), &values)?;

    println!("Starting the example");
    let mut app = example::start(&workspace.example(), app_port, &values, &home)?;
    app.wait_until(Duration::from_secs(60), || loopback::status(app_port, "/") == Some(200))?;

    if written != settings {
        println!(
            "{} was not written by this task and is left alone; the example runs with {}.",
            settings.display(),
            written.display()
        );
    }
    let lines = [
        ("Open", app_url),
        ("Sign in as", provision::USERNAME.to_owned()),
        ("Password", demo_password),
        ("Server", endpoint),
        ("Logs", home.display().to_string()),
    ];
    print_box("Trinco is running. Ctrl-C stops it.", &lines);

    // The signal handler stops both; a child that stops by itself ends the demo.
    loop {
        server.must_be_running()?;
        app.must_be_running()?;
        thread::sleep(Duration::from_millis(200));
    }
}

/// The folder of everything the demo keeps: the server's data, credentials, logs.
fn home(workspace: &Workspace, options: &arguments::Demo) -> Result<PathBuf> {
    let home = options.data.clone().unwrap_or_else(|| workspace.target().join("demo"));
    fs::create_dir_all(&home)
        .and_then(|()| home.canonicalize())
        .map_err(|error| format!("{} cannot be created: {error}.", home.display()))
}

/// Builds the server, and the example beside it: compiling one leaves time to download the other.
fn build(workspace: &Workspace, home: &Path) -> Result<()> {
    println!("Building the server and the example");
    let folder = workspace.example();
    thread::scope(|scope| {
        let example = scope.spawn(|| example::build(&folder, home));
        let cargo = workspace.cargo(&["build", "--workspace", "--bin", "trinco"]);
        let status = Process::start("cargo build", cargo, None)?.wait()?;
        let example = example.join().map_err(|_| "building the example panicked.".to_owned())?;
        if !status.success() {
            return Err("the server did not compile; cargo says why above.".to_owned());
        }
        example
    })
}

fn start_server(workspace: &Workspace, home: &Path, port: u16, endpoint: &str) -> Result<Process> {
    let mut command = server_command(workspace, home, port, endpoint);
    // Whoever is nearby must not register here. Browsers and Node.js look for `localhost` at both loopback addresses.
    command.args(["serve", "--listen", "127.0.0.1", "--data"]).arg(home.join("data"));
    Process::start("The server", command, Some(&home.join("server.log")))
}

/// The server's binary with the demo's settings and none of the caller's.
fn server_command(workspace: &Workspace, home: &Path, port: u16, endpoint: &str) -> Command {
    let mut command = Command::new(workspace.server_binary());
    // A `trinco.toml` in the caller's folder is about another server.
    command.current_dir(home);
    for (name, _) in std::env::vars_os() {
        let foreign = name.to_str().is_some_and(|name| {
            name.starts_with("TRINCO_") || matches!(name, "DB_URL" | "ADMIN_ENDPOINT")
        });
        if foreign {
            command.env_remove(&name);
        }
    }
    command.env("PORT", port.to_string()).env("ENDPOINT", endpoint);
    command
}

/// `trinco init` prints the credentials once; they are kept for the next run.
fn initialise(
    workspace: &Workspace,
    home: &Path,
    port: u16,
    endpoint: &str,
    credentials: &mut Credentials,
) -> Result<Machine> {
    let mut command = server_command(workspace, home, port, endpoint);
    command.args(["init", "--json", "--data"]).arg(home.join("data"));
    let output =
        command.output().map_err(|error| format!("`trinco init` did not start: {error}."))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`trinco init` failed: {}", reason.trim()));
    }
    let printed: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("`trinco init --json` did not print JSON: {error}."))?;
    if printed["alreadyInitialized"] != true {
        for (from, to) in [("appId", "machineId"), ("appSecret", "machineSecret")] {
            let value = printed[from].as_str();
            let value = value.ok_or(format!("`trinco init --json` printed no `{from}`."))?;
            credentials.values[to] = value.into();
        }
        credentials.save()?;
    }
    Ok(Machine { id: credentials.get("machineId")?, secret: credentials.get("machineSecret")? })
}

/// What must survive from one run to the next, in a file only its owner can read.
struct Credentials {
    path: PathBuf,
    values: Value,
}

impl Credentials {
    fn load(home: &Path) -> Result<Self> {
        let path = home.join("credentials.json");
        let values = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|error| format!("{} cannot be read: {error}.", path.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => json!({}),
            Err(error) => return Err(format!("{} cannot be read: {error}.", path.display())),
        };
        Ok(Self { path, values })
    }

    fn get(&self, name: &str) -> Result<String> {
        let folder = self.path.parent().unwrap_or(&self.path).display();
        self.values[name].as_str().map(str::to_owned).ok_or_else(|| {
            format!(
                "{} lost its `{name}`, which is shown only once; remove {folder} to start afresh.",
                self.path.display()
            )
        })
    }

    /// Whether the value had to be made.
    fn ensure(&mut self, name: &str, make: impl FnOnce() -> Result<String>) -> Result<bool> {
        if self.values[name].is_string() {
            return Ok(false);
        }
        self.values[name] = make()?.into();
        Ok(true)
    }

    fn save(&self) -> Result<()> {
        let fresh = self.path.with_extension("new");
        drop(fs::remove_file(&fresh));
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&fresh)
            .and_then(|mut file| file.write_all(format!("{:#}\n", self.values).as_bytes()))
            .and_then(|()| fs::rename(&fresh, &self.path))
            .map_err(|error| format!("{} cannot be written: {error}.", self.path.display()))
    }
}

/// Three groups, for people who type it.
fn password() -> Result<String> {
    Ok(format!("{}-{}-{}", random_text(4)?, random_text(4)?, random_text(4)?))
}

fn print_box(title: &str, lines: &[(&str, String)]) {
    let lines: Vec<String> =
        lines.iter().map(|(name, value)| format!("{name:<12}{value}")).collect();
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0).max(title.len());
    println!("\n┌{}┐", "─".repeat(width + 4));
    println!("│  {title:<width$}  │");
    println!("│{}│", " ".repeat(width + 4));
    for line in lines {
        println!("│  {line:<width$}  │");
    }
    println!("└{}┘", "─".repeat(width + 4));
}
