//! From settings to an open installation.

use std::sync::Arc;

use trinco_core::{Installation, MIGRATIONS, SystemRandomness};
use trinco_db::{Db, Options, Standing};

use crate::clock::SystemClock;
use crate::config::{DbMigrate, MasterKeySource, Settings};
use crate::{data_dir, master_key};

/// Opens the installation as a server on `port` shows it. With SQLite the caller holds the lock of the data.
pub(crate) async fn installation(settings: &Settings, port: u16) -> Result<Installation, String> {
    let key = master_key::obtain(settings)?;
    let cannot = |error: &dyn std::fmt::Display| {
        format!("the database {} cannot be opened: {error}", settings.db_url)
    };
    let db =
        Db::open(&settings.db_url, Options::default()).await.map_err(|error| cannot(&error))?;
    if let Err(sentence) = require_schema(settings, &db).await {
        db.close().await;
        return Err(sentence);
    }
    let opened = Installation::open(
        db.clone(),
        &key,
        Arc::new(SystemClock),
        Arc::new(SystemRandomness),
        &settings.origin(port),
        &settings.admin_origin(port),
    )
    .await;
    match opened {
        Ok(installation) => {
            installation.set_key_policy(settings.key_policy);
            Ok(installation)
        }
        Err(error) => {
            db.close().await;
            Err(cannot(&error))
        }
    }
}

/// Where migrations are a step of their own, nobody makes them by starting.
async fn require_schema(settings: &Settings, db: &Db) -> Result<(), String> {
    if settings.db_migrate == DbMigrate::Auto {
        return Ok(());
    }
    let url = &settings.db_url;
    match db.standing(MIGRATIONS).await {
        Ok(standing) if standing.is_up_to_date() => Ok(()),
        Ok(Standing { database, program, .. }) => Err(format!(
            "the database {url} has schema {database} and this program needs schema {program}; run `trinco db migrate` \
             (db.migrate is \"never\", so it is not done here)"
        )),
        Err(error) => Err(format!("the database {url} cannot be opened: {error}")),
    }
}

/// Creates the data directory when something is kept in it. A node on PostgreSQL that is given its master key keeps nothing.
pub(crate) fn prepare_data_dir(settings: &Settings) -> Result<(), String> {
    let keeps_data =
        settings.is_sqlite() || matches!(settings.master_key, MasterKeySource::DataDir);
    if keeps_data { data_dir::create(settings) } else { Ok(()) }
}
