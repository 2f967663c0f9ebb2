//! The commands that change an installation: one enum and one function, whether a command runs in its own process or in the server's.

mod app;
mod declared;
mod execute;
mod init;
pub(crate) mod interrupt;
mod key;
mod output;
mod refusal;
mod user;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
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
    /// How long it may take. `None` for what has no end of its own: it goes on until it is done or told to stop.
    pub(crate) const fn patience(&self) -> Option<Duration> {
        match self {
            // Cut off, it would not say how far it came.
            Self::Apply(_) => None,
            // It is about a whole tenant.
            Self::Export(_) => Some(Duration::from_secs(600)),
            _ => Some(Duration::from_secs(10)),
        }
    }

    /// Whether it ends in good order when whoever asked for it has gone.
    pub(crate) const fn can_stop(&self) -> bool {
        matches!(self, Self::Apply(_))
    }
}

/// Does it. An error is one sentence for the person at the terminal. What [can stop](Command::can_stop) does so once `stop` is true.
pub(crate) async fn run(
    command: Command,
    installation: &Installation,
    stop: &watch::Receiver<bool>,
) -> Result<Output, String> {
    let tenant = installation.default_tenant();
    let named = |id: &str| {
        let found = installation.tenant(id);
        found.ok_or_else(|| format!("there is no tenant {id}; there are default and admin"))
    };
    let done = match command {
        Command::Export(wanted) => declared::export(named(&wanted.tenant)?, &wanted).await,
        Command::Apply(wanted) => {
            return declared::apply(named(&wanted.tenant)?, &wanted, stop).await;
        }
        Command::Init => init::run(tenant).await,
        Command::CreateApp(new) => app::create(tenant, new).await,
        Command::CreateUser(new) => user::create(tenant, new).await,
        Command::ListKeys(kind) => key::list(tenant, kind),
        Command::RotateKeys(wanted) => key::rotate(tenant, wanted).await,
    };
    done.map_err(|error| refusal::sentence(&error))
}
