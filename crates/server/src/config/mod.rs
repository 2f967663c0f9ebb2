//! Settings: flag > environment > `trinco.toml` > default. Whatever is not understood is refused, never passed over.

mod setting;
mod sources;
pub(crate) mod storage;
pub(crate) mod traces;
mod values;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use trinco_connectors::outbound::Allow;
use trinco_core::token_customizers::AllowedOrigin;
use trinco_core::{MasterKey, Origin, keys, retention};
use trinco_db::DbUrl;

pub(crate) use setting::Setting;
pub(crate) use sources::{SettingsFile, Sources};
pub(crate) use storage::StorageSettings;
pub(crate) use traces::TracesSettings;

use sources::Given;

const DEFAULT_PORT: u16 = 3001;

/// The PostgreSQL driver repeats the server's notices; what matters of them arrives as errors.
const DEFAULT_LOG: &str = "info,tokio_postgres=warn";

/// How the server and its commands are set up.
#[derive(Debug)]
pub(crate) struct Settings {
    endpoint: Option<String>,
    admin_endpoint: Option<String>,
    /// 0 for any free port.
    pub(crate) port: u16,
    /// `None` for every address, IPv6 and IPv4: a container needs that, and `localhost` may be either.
    pub(crate) listen: Option<IpAddr>,
    /// Relative paths start at the working directory.
    pub(crate) data_dir: PathBuf,
    pub(crate) db_url: DbUrl,
    pub(crate) db_migrate: DbMigrate,
    pub(crate) master_key: MasterKeySource,
    /// A valid filter of log lines.
    pub(crate) log: String,
    pub(crate) log_format: LogFormat,
    /// How many proxies of the operator's stand before the server, each of which adds an address to `X-Forwarded-For`.
    pub(crate) proxies: usize,
    /// What outbound requests may reach besides public addresses.
    pub(crate) outbound_allow: Vec<Allow>,
    /// What requests for the documents of clients may reach besides public addresses.
    pub(crate) documents_allow: Vec<Allow>,
    /// Where scripts of tenants may fetch from.
    pub(crate) scripts_fetch_allow: Vec<AllowedOrigin>,
    /// Where uploaded files are kept.
    pub(crate) storage: StorageSettings,
    /// How keys are rotated.
    pub(crate) key_policy: keys::Policy,
    /// How long what has ended is kept.
    pub(crate) retention: retention::Policy,
    /// Where metrics are served, if they are.
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// How long the server goes on accepting connections once it is told to stop.
    pub(crate) shutdown_delay: Duration,
    /// Where traces are sent, if they are.
    pub(crate) traces: Option<TracesSettings>,
}

/// Where the master key is.
#[derive(Debug)]
pub(crate) enum MasterKeySource {
    /// Given in the environment.
    Value(MasterKey),
    /// In a file that must exist.
    File(PathBuf),
    /// In the data directory, created there on first start.
    DataDir,
}

/// Who brings the schema of the database up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DbMigrate {
    /// Whoever opens it.
    Auto,
    /// Only `trinco db migrate`.
    Never,
}

/// What log lines look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

impl Settings {
    /// Understands what the sources hold. The error is one sentence that names the setting and where it stands.
    pub(crate) fn resolve(sources: Sources) -> Result<Self, String> {
        let given = sources.gather()?;
        let data_dir =
            read(&given, Setting::DataDir, values::path)?.unwrap_or_else(|| PathBuf::from("data"));
        let db_url = read(&given, Setting::DbUrl, values::db_url)?
            .unwrap_or_else(|| DbUrl::Sqlite(data_dir.join("trinco.db")));
        let owns_data = matches!(db_url, DbUrl::Sqlite(_));
        let settings = Self {
            endpoint: read(&given, Setting::Endpoint, values::origin)?,
            admin_endpoint: read(&given, Setting::AdminEndpoint, values::origin)?,
            port: read(&given, Setting::Port, values::port)?.unwrap_or(DEFAULT_PORT),
            listen: read(&given, Setting::Listen, values::listen)?,
            storage: storage::read(&given, &data_dir, owns_data)?,
            db_url,
            db_migrate: read(&given, Setting::DbMigrate, values::db_migrate)?
                .unwrap_or(DbMigrate::Auto),
            master_key: master_key(&given)?,
            log: read(&given, Setting::Log, values::log)?.unwrap_or_else(|| DEFAULT_LOG.to_owned()),
            log_format: read(&given, Setting::LogFormat, values::log_format)?
                .unwrap_or(LogFormat::Text),
            proxies: read(&given, Setting::Proxies, values::proxies)?.unwrap_or_default(),
            outbound_allow: read(&given, Setting::OutboundAllow, values::addresses)?
                .unwrap_or_default(),
            documents_allow: read(&given, Setting::DocumentsAllow, values::addresses)?
                .unwrap_or_default(),
            scripts_fetch_allow: read(
                &given,
                Setting::ScriptsFetchAllow,
                values::scripts_fetch_allow,
            )?
            .unwrap_or_default(),
            key_policy: keys::Policy {
                grace_ms: read(&given, Setting::KeysGrace, values::grace_period)?
                    .unwrap_or(keys::Policy::default().grace_ms),
                rotate_every_ms: read(&given, Setting::KeysRotateEvery, values::rotate_every)?
                    .flatten(),
            },
            retention: retention_policy(&given)?,
            metrics_listen: read(&given, Setting::MetricsListen, values::socket)?,
            shutdown_delay: read(&given, Setting::ShutdownDelay, values::shutdown_delay)?
                .unwrap_or_default(),
            traces: traces::read(&given)?,
            data_dir,
        };
        // Requests are told apart by their host: one host for both tenants would hide one of them.
        if settings.admin_endpoint.as_deref() == Some(settings.origin(settings.port).base()) {
            let place = &given[&Setting::AdminEndpoint].place;
            return Err(format!("{place} must have another host or port than the endpoint"));
        }
        Ok(settings)
    }

    /// Where the tenant `default` is reached, when the server listens on `port`.
    pub(crate) fn origin(&self, port: u16) -> Origin {
        let default = || format!("http://localhost:{port}");
        Origin::new(self.endpoint.clone().unwrap_or_else(default))
    }

    /// Where the tenant `admin` is reached, when the server listens on `port`.
    pub(crate) fn admin_origin(&self, port: u16) -> Origin {
        let default = || format!("{}/admin", self.origin(port).base());
        Origin::new(self.admin_endpoint.clone().unwrap_or_else(default))
    }

    /// Whether one process owns the data.
    pub(crate) const fn is_sqlite(&self) -> bool {
        matches!(self.db_url, DbUrl::Sqlite(_))
    }

    /// The port to name while no server listens: with 0 nobody can know.
    pub(crate) fn nominal_port(&self) -> u16 {
        if self.port == 0 { DEFAULT_PORT } else { self.port }
    }
}

fn retention_policy(given: &BTreeMap<Setting, Given>) -> Result<retention::Policy, String> {
    let mut policy = retention::Policy::default();
    for kind in retention::Kind::ALL {
        if let Some(kept) = read(given, Setting::Retention(kind), values::retention)? {
            policy = policy.keeping(kind, kept);
        }
    }
    Ok(policy)
}

fn master_key(given: &BTreeMap<Setting, Given>) -> Result<MasterKeySource, String> {
    if let (Some(value), Some(file)) =
        (given.get(&Setting::MasterKey), given.get(&Setting::MasterKeyFile))
    {
        return Err(format!(
            "{} and {} both give the master key; keep one of them",
            value.place, file.place
        ));
    }
    if let Some(key) = read(given, Setting::MasterKey, MasterKey::from_text)? {
        return Ok(MasterKeySource::Value(key));
    }
    let file = read(given, Setting::MasterKeyFile, values::path)?;
    Ok(file.map_or(MasterKeySource::DataDir, MasterKeySource::File))
}

fn read<T>(
    given: &BTreeMap<Setting, Given>,
    key: Setting,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, String> {
    given
        .get(&key)
        .map(|given| parse(&given.value).map_err(|wrong| format!("{}: {wrong}", given.place)))
        .transpose()
}
