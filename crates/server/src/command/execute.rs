//! Where a command runs: here when this process can own the data, else in the server that owns it.

use std::io::{self, Write as _};
use std::time::Duration;

use tokio::sync::watch;
use trinco_db::DbUrl;

use super::{Command, Output, interrupt, run};
use crate::config::Settings;
use crate::control::{self, Reached};
use crate::{data_dir, open};

/// A server that is starting or stopping holds the lock without answering yet; another command holds it for a moment.
const ATTEMPTS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);

/// Carries out a command. An error is one sentence.
pub(crate) async fn execute(settings: &Settings, mut command: Command) -> Result<Output, String> {
    let is_new = matches!(&settings.db_url, DbUrl::Sqlite(path) if !path.exists());
    if is_new && !matches!(command, Command::Init) {
        // In the wrong directory a new installation would look like success.
        return Err(format!(
            "there is no database at {}; run this in the folder where the server runs, or name its data directory with --data",
            settings.db_url
        ));
    }
    open::prepare_data_dir(settings)?;
    let DbUrl::Sqlite(path) = &settings.db_url else { return directly(settings, command).await };
    for attempt in 1.. {
        let held = match data_dir::try_lock(settings)? {
            Ok(_lock) => {
                let output = directly(settings, command).await?;
                if is_new {
                    let place = path.display();
                    let _ = writeln!(
                        io::stderr(),
                        "There was no database at {place}: a new one was created there."
                    );
                }
                return Ok(output);
            }
            Err(held) => held,
        };
        command = match control::send(settings, command).await? {
            Reached::Server(output) => return Ok(output),
            Reached::Nobody(command) => command,
        };
        if attempt == ATTEMPTS {
            return Err(format!(
                "{} and does not answer at {}; stop it and try again",
                held.describe(),
                control::path(settings).display()
            ));
        }
        tokio::time::sleep(PAUSE).await;
    }
    unreachable!("the last attempt returns")
}

async fn directly(settings: &Settings, command: Command) -> Result<Output, String> {
    let installation = open::installation(settings, settings.nominal_port()).await?;
    let (_never, mut stop) = watch::channel(false);
    if command.can_stop() {
        stop = interrupt::listen()?;
    }
    let done = run(command, &installation, &stop).await;
    installation.db().close().await;
    done
}
