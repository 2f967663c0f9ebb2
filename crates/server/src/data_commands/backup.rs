//! `trinco backup`.

use std::path::Path;

use trinco_core::{Clock as _, MIGRATIONS, tenants};
use trinco_db::BackupNote;

use super::{Said, look_at, require_file};
use crate::clock::SystemClock;
use crate::command::interrupt;
use crate::config::Settings;
use crate::master_key;

pub(super) async fn run(settings: &Settings, file: &Path) -> Result<Said, String> {
    let url = &settings.db_url;
    require_file(url)?;
    let note = BackupNote {
        made_at: SystemClock.now_ms(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        source: url.to_string(),
    };
    let shown = file.display();
    let mut stop = interrupt::listen()?;
    let stopped = async { drop(stop.wait_for(|stop| *stop).await) };
    let made = trinco_db::backup(url, file, MIGRATIONS, note, stopped).await;
    made.map_err(|error| format!("there is no backup of {url}: {error}"))?;
    // Read from the backup itself: what is said here is what it holds.
    let backup = look_at(&trinco_db::DbUrl::Sqlite(file.to_owned())).await?;
    let sealed_under = tenants::sealed_under(&backup).await;
    backup.close().await;
    let key = match sealed_under {
        Ok(Some(fingerprint)) => format!(
            "The master key is not in it, and without that key the secrets in it are lost. It is {}, its fingerprint is \
             {fingerprint}: keep a copy of it, but not beside the backup.\n",
            master_key::place(settings)
        ),
        _ => "It holds nothing that is sealed.\n".to_owned(),
    };
    Ok(Said::done(
        format!("{shown}\n"),
        format!("{url} is backed up to {shown}, checked and on disk. {key}"),
    ))
}
