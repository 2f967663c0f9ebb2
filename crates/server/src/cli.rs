//! The command line.

mod files;
mod settings;

use std::fmt;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::command::{self, AppType, Command, KeyKind, NewApp, NewPerson, RotateKeys};
use crate::data_commands::{self, DataCommand, DbCommand, LogsCommand};
use crate::{password, serve};
use files::{ApplyFlags, ExportFlags, keep_to_owner};
use settings::{SettingsFlags, WITHOUT_FLAG};

/// Trinco is an identity server: people sign in to your apps with it.
///
/// Settings come from flags, the environment (TRINCO_PORT, TRINCO_DATA_DIR and so on; PORT, ENDPOINT, ADMIN_ENDPOINT and DB_URL
/// work too) and trinco.toml, in this order of precedence. Exit codes: 0 done, 1 failed, 2 the command line or a setting is wrong, or
/// apply --dry-run found something to change.
#[derive(Parser)]
#[command(name = "trinco", version)]
struct Cli {
    #[command(flatten)]
    settings: SettingsFlags,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Starts the server and runs until it is stopped.
    #[command(after_help = WITHOUT_FLAG)]
    Serve,
    /// Creates the first credentials for the Management API and prints them once.
    Init {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Works with applications.
    #[command(subcommand)]
    App(AppCommand),
    /// Works with users.
    #[command(subcommand)]
    User(UserCommand),
    /// Works with the keys that sign tokens and cookies.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Works with the database as a whole.
    #[command(subcommand)]
    Db(DbCommand),
    /// Works with the audit log.
    #[command(subcommand)]
    Logs(LogsCommand),
    /// Writes a backup to a file while the server runs. The master key is not in it: keep that elsewhere.
    Backup {
        /// The file; an earlier backup of that name is replaced once the new one is whole.
        file: PathBuf,
    },
    /// Puts a backup in the place of the database. Needs the master key of the backup, and no running server.
    Restore {
        /// A file written by `trinco backup`.
        file: PathBuf,
        /// Replace the database that is there; a SQLite file is moved aside.
        #[arg(long)]
        force: bool,
    },
    /// Writes a tenant's configuration as a file that can be applied.
    Export(ExportFlags),
    /// Makes a tenant what a file says. Prints what was changed: + created, ~ changed, - deleted.
    Apply(ApplyFlags),
    /// Prints the version.
    Version,
}

#[derive(Subcommand)]
enum AppCommand {
    /// Creates an application and prints the environment file it needs.
    Create(AppFlags),
}

#[derive(Subcommand)]
enum UserCommand {
    /// Creates a user who can sign in, and prints the user's id.
    Create(UserFlags),
}

#[derive(Subcommand)]
enum KeyCommand {
    /// Lists keys: a staged one, the current one, then the previous ones.
    List {
        /// Which keys.
        #[arg(long = "type", value_enum, default_value_t = KeyKind::PrivateKeys)]
        kind: KeyKind,
        /// Print one JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Makes a new key, which signs once its grace period is over, and prints all.
    Rotate(KeyFlags),
}

#[derive(Args)]
struct KeyFlags {
    /// Which keys.
    #[arg(long = "type", value_enum, default_value_t = KeyKind::PrivateKeys)]
    kind: KeyKind,
    /// The algorithm of a new private key, RS256, PS256, ES256, ES384, ES512 or EdDSA [default: ES384].
    #[arg(long)]
    algorithm: Option<String>,
    /// For how many seconds a new private key is published before it signs; 0 for at once [default: the setting, 4 hours].
    #[arg(long, value_name = "SECONDS")]
    grace_period: Option<i64>,
    /// Print one JSON array.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct AppFlags {
    /// The kind of application.
    #[arg(long = "type", value_enum)]
    app_type: AppType,
    /// The name shown to people.
    #[arg(long)]
    name: String,
    /// Where people return to after signing in; may be given several times.
    #[arg(long = "redirect-uri", required_if_eq_any([("app_type", "traditional"), ("app_type", "spa"), ("app_type", "native")]))]
    redirect_uris: Vec<String>,
    /// Where people may return to after signing out; may be given several times. Without it: the home page of the first redirect URI.
    #[arg(long = "post-logout-redirect-uri")]
    post_logout_redirect_uris: Vec<String>,
    /// Let a machine-to-machine application use the whole Management API.
    #[arg(long)]
    management_api: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct UserFlags {
    /// The name to sign in with.
    #[arg(long)]
    username: String,
    /// The password. Other processes can see it on the command line: better leave it out and type it, or pipe it in.
    #[arg(long)]
    password: Option<String>,
    /// The full name.
    #[arg(long)]
    name: Option<String>,
    /// The e-mail address.
    #[arg(long)]
    email: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the command line of this process.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "trinco: {failure}");
            failure.exit_code()
        }
    }
}

/// Why the process ends without having done what was asked.
enum Failure {
    /// The command line or a setting is wrong.
    Usage(String),
    /// Anything else.
    Failed(String),
}

impl Failure {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Failed(_) => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Usage(sentence) | Self::Failed(sentence)) = self;
        f.write_str(sentence)
    }
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let (command, json) = match cli.what {
        What::Version => return print(&format!("trinco {}\n", env!("CARGO_PKG_VERSION")), ""),
        What::Db(command) => return work(cli.settings, DataCommand::Db(command)),
        What::Logs(command) => {
            command.check().map_err(Failure::Usage)?;
            return work(cli.settings, DataCommand::Logs(command));
        }
        What::Backup { file } => return work(cli.settings, DataCommand::Backup { file }),
        What::Restore { file, force } => {
            return work(cli.settings, DataCommand::Restore { file, force });
        }
        What::Serve => {
            let settings = cli.settings.resolve()?;
            return match serve::run(&settings) {
                Ok(()) => Ok(ExitCode::SUCCESS),
                Err(sentence) => Err(Failure::Failed(sentence)),
            };
        }
        What::Export(flags) => (Command::Export(flags.understand()), false),
        What::Apply(flags) => (Command::Apply(flags.understand()?), false),
        What::Init { json } => (Command::Init, json),
        What::App(AppCommand::Create(flags)) => {
            (Command::CreateApp(flags.understand()?), flags.json)
        }
        What::User(UserCommand::Create(flags)) => {
            let json = flags.json;
            (Command::CreateUser(flags.understand()?), json)
        }
        What::Key(KeyCommand::List { kind, json }) => (Command::ListKeys(kind), json),
        What::Key(KeyCommand::Rotate(flags)) => {
            let json = flags.json;
            (Command::RotateKeys(flags.understand()?), json)
        }
    };
    let settings = cli.settings.resolve()?;
    let output = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the command cannot be started: {error}"))
        .and_then(|runtime| runtime.block_on(command::execute(&settings, command)))
        .map_err(Failure::Failed)?;
    if output.is_secret_file() {
        keep_to_owner().map_err(|error| {
            Failure::Failed(format!(
                "the file for the secrets cannot be made its owner's only: {error}"
            ))
        })?;
    }
    let shown = if json { output.as_json() } else { output.as_text() };
    print(&shown.stdout, &shown.stderr)?;
    // As diff does: a script sees without reading whether anything would change.
    Ok(if output.is_pending() { ExitCode::from(2) } else { ExitCode::SUCCESS })
}

fn work(settings: SettingsFlags, command: DataCommand) -> Result<ExitCode, Failure> {
    let said = data_commands::run(&settings.resolve()?, command).map_err(Failure::Failed)?;
    print(&said.stdout, &said.stderr)?;
    Ok(if said.is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What was asked for may be shown only once, so a failure to print it is one.
fn print(stdout: &str, stderr: &str) -> Result<ExitCode, Failure> {
    let mut out = io::stdout();
    out.write_all(stdout.as_bytes()).and_then(|()| out.flush()).map_err(|error| {
        Failure::Failed(format!("it is done, but the answer cannot be printed: {error}"))
    })?;
    let _ = io::stderr().write_all(stderr.as_bytes());
    Ok(ExitCode::SUCCESS)
}

impl AppFlags {
    fn understand(&self) -> Result<NewApp, Failure> {
        let usage = |sentence: &str| Err(Failure::Usage(sentence.to_owned()));
        if self.app_type.has_users() && self.management_api {
            return usage("--management-api is for machine-to-machine applications only");
        }
        let has_uris = !self.redirect_uris.is_empty() || !self.post_logout_redirect_uris.is_empty();
        if !self.app_type.has_users() && has_uris {
            return usage(
                "nobody signs in to a machine-to-machine application, so it has no redirect URIs",
            );
        }
        Ok(NewApp {
            app_type: self.app_type,
            name: self.name.clone(),
            redirect_uris: self.redirect_uris.clone(),
            post_logout_redirect_uris: self.post_logout_redirect_uris.clone(),
            management_api: self.management_api,
        })
    }
}

impl KeyFlags {
    fn understand(self) -> Result<RotateKeys, Failure> {
        let is_known = |name: &String| name.parse::<trinco_jose::Algorithm>().is_ok();
        if let Some(unknown) = self.algorithm.as_ref().filter(|name| !is_known(name)) {
            return Err(Failure::Usage(format!(
                "{unknown:?} is not an algorithm; choose RS256, PS256, ES256, ES384, ES512 or EdDSA"
            )));
        }
        if self.kind == KeyKind::CookieKeys
            && (self.algorithm.is_some() || self.grace_period.is_some())
        {
            return Err(Failure::Usage(
                "--algorithm and --grace-period are for private keys only".to_owned(),
            ));
        }
        Ok(RotateKeys {
            kind: self.kind,
            algorithm: self.algorithm,
            grace_period: self.grace_period,
        })
    }
}

impl UserFlags {
    fn understand(self) -> Result<NewPerson, Failure> {
        let password = match self.password {
            Some(password) => password,
            None => password::read().map_err(Failure::Usage)?,
        };
        Ok(NewPerson { username: self.username, password, name: self.name, email: self.email })
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
