//! The commands that change an installation: one enum and one function, whether a command runs in its own process or in the server's.

mod app;
mod declared;
mod execute;
mod init;
mod key;
mod output;
mod refusal;
mod user;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trinco_core::Installation;

pub(crate) use app::{AppType, NewApp};
pub(crate) use declared::{ApplyFile, ExportTenant, Part};
pub(crate) use execute::execute;
pub(crate) use key::{KeyKind, RotateKeys};
pub(crate) use output::Output;
pub(crate) use user::NewPerson;

/// What is to be done. It has no `Debug`: it may hold a password.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Command {
    /// Create the first credentials.
    Init,
    /// Create an application.
    CreateApp(NewApp),
    /// Create a user.
    CreateUser(NewPerson),
    /// List keys.
    ListKeys(KeyKind),
    /// Rotate keys.
    RotateKeys(RotateKeys),
    /// Write a tenant down.
    Export(ExportTenant),
    /// Make a tenant what a file says.
    Apply(ApplyFile),
}

impl Command {
    /// How long it may take.
    pub(crate) const fn patience(&self) -> Duration {
        match self {
            // They are about whole tenants.
            Self::Export(_) | Self::Apply(_) => Duration::from_secs(600),
            _ => Duration::from_secs(10),
        }
    }
}

/// Does it. An error is one sentence for the person at the terminal.
pub(crate) async fn run(command: Command, installation: &Installation) -> Result<Output, String> {
    let tenant = installation.default_tenant();
    let named = |id: &str| {
        let found = installation.tenant(id);
        found.ok_or_else(|| format!("there is no tenant {id}; there are default and admin"))
    };
    let done = match command {
        Command::Export(wanted) => declared::export(named(&wanted.tenant)?, &wanted).await,
        Command::Apply(wanted) => return declared::apply(named(&wanted.tenant)?, &wanted).await,
        Command::Init => init::run(tenant).await,
        Command::CreateApp(new) => app::create(tenant, new).await,
        Command::CreateUser(new) => user::create(tenant, new).await,
        Command::ListKeys(kind) => key::list(tenant, kind),
        Command::RotateKeys(wanted) => key::rotate(tenant, wanted).await,
    };
    done.map_err(|error| refusal::sentence(&error))
}
