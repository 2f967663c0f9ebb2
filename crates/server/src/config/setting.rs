//! The names of the settings.

use trinco_core::retention::Kind;
use trinco_core::token_customizers::FETCH_SETTING;

/// A setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Setting {
    Endpoint,
    AdminEndpoint,
    Port,
    Listen,
    DataDir,
    DbUrl,
    DbMigrate,
    MasterKey,
    MasterKeyFile,
    Log,
    LogFormat,
    Proxies,
    OutboundAllow,
    DocumentsAllow,
    ScriptsFetchAllow,
    StorageKind,
    StorageDirectory,
    StorageS3Url,
    StorageS3Region,
    StorageS3AccessKeyId,
    StorageS3SecretAccessKey,
    KeysGrace,
    KeysRotateEvery,
    MetricsListen,
    ShutdownDelay,
    OtlpEndpoint,
    OtlpTracesEndpoint,
    ServiceName,
    TracesSampler,
    TracesSamplerArg,
    /// How long something is kept after its end.
    Retention(Kind),
}

impl Setting {
    pub(crate) const ALL: [Self; 36] = [
        Self::Endpoint,
        Self::AdminEndpoint,
        Self::Port,
        Self::Listen,
        Self::DataDir,
        Self::DbUrl,
        Self::DbMigrate,
        Self::MasterKey,
        Self::MasterKeyFile,
        Self::Log,
        Self::LogFormat,
        Self::Proxies,
        Self::OutboundAllow,
        Self::DocumentsAllow,
        Self::ScriptsFetchAllow,
        Self::StorageKind,
        Self::StorageDirectory,
        Self::StorageS3Url,
        Self::StorageS3Region,
        Self::StorageS3AccessKeyId,
        Self::StorageS3SecretAccessKey,
        Self::KeysGrace,
        Self::KeysRotateEvery,
        Self::MetricsListen,
        Self::ShutdownDelay,
        Self::OtlpEndpoint,
        Self::OtlpTracesEndpoint,
        Self::ServiceName,
        Self::TracesSampler,
        Self::TracesSamplerArg,
        Self::Retention(Kind::Interactions),
        Self::Retention(Kind::Codes),
        Self::Retention(Kind::Tokens),
        Self::Retention(Kind::Sessions),
        Self::Retention(Kind::Grants),
        Self::Retention(Kind::Logs),
    ];

    /// The name in `trinco.toml`; before a dot stands the table.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Endpoint => "endpoint",
            Self::AdminEndpoint => "admin_endpoint",
            Self::Port => "port",
            Self::Listen => "listen",
            Self::DataDir => "data_dir",
            Self::DbUrl => "db_url",
            Self::DbMigrate => "db.migrate",
            Self::MasterKey => "master_key",
            Self::MasterKeyFile => "master_key_file",
            Self::Log => "log",
            Self::LogFormat => "log_format",
            Self::Proxies => "proxies",
            Self::OutboundAllow => "outbound.allow",
            Self::DocumentsAllow => "documents.allow",
            Self::ScriptsFetchAllow => FETCH_SETTING,
            Self::StorageKind => "storage.kind",
            Self::StorageDirectory => "storage.directory",
            Self::StorageS3Url => "storage.s3_url",
            Self::StorageS3Region => "storage.s3_region",
            Self::StorageS3AccessKeyId => "storage.s3_access_key_id",
            Self::StorageS3SecretAccessKey => "storage.s3_secret_access_key",
            Self::KeysGrace => "keys.grace_period",
            Self::KeysRotateEvery => "keys.rotate_every",
            Self::MetricsListen => "metrics.listen",
            Self::ShutdownDelay => "shutdown.delay",
            Self::OtlpEndpoint => "tracing.otlp_endpoint",
            Self::OtlpTracesEndpoint => "tracing.otlp_traces_endpoint",
            Self::ServiceName => "tracing.service_name",
            Self::TracesSampler => "tracing.sampler",
            Self::TracesSamplerArg => "tracing.sampler_arg",
            Self::Retention(Kind::Interactions) => "retention.interactions",
            Self::Retention(Kind::Codes) => "retention.codes",
            Self::Retention(Kind::Tokens) => "retention.tokens",
            Self::Retention(Kind::Sessions) => "retention.sessions",
            Self::Retention(Kind::Grants) => "retention.grants",
            Self::Retention(Kind::Logs) => "retention.logs",
        }
    }

    /// The environment variable.
    pub(crate) fn variable(self) -> String {
        format!("TRINCO_{}", self.name().to_uppercase().replace('.', "_"))
    }

    /// The variable by which Logto, or OpenTelemetry, calls the same setting.
    pub(crate) const fn alias(self) -> Option<&'static str> {
        match self {
            Self::Endpoint => Some("ENDPOINT"),
            Self::AdminEndpoint => Some("ADMIN_ENDPOINT"),
            Self::Port => Some("PORT"),
            Self::DbUrl => Some("DB_URL"),
            Self::Proxies => Some("TRUST_PROXY_HEADER"),
            Self::KeysGrace => Some("PRIVATE_KEY_ROTATION_GRACE_PERIOD"),
            Self::OtlpEndpoint => Some("OTEL_EXPORTER_OTLP_ENDPOINT"),
            Self::OtlpTracesEndpoint => Some("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
            Self::ServiceName => Some("OTEL_SERVICE_NAME"),
            Self::TracesSampler => Some("OTEL_TRACES_SAMPLER"),
            Self::TracesSamplerArg => Some("OTEL_TRACES_SAMPLER_ARG"),
            _ => None,
        }
    }

    /// The flag. The master key has none: command lines are visible to every process.
    pub(crate) const fn flag(self) -> Option<&'static str> {
        match self {
            Self::Endpoint => Some("--endpoint"),
            Self::AdminEndpoint => Some("--admin-endpoint"),
            Self::Port => Some("--port"),
            Self::Listen => Some("--listen"),
            Self::DataDir => Some("--data"),
            Self::DbUrl => Some("--db-url"),
            Self::DbMigrate => Some("--db-migrate"),
            Self::MasterKey => None,
            Self::MasterKeyFile => Some("--master-key-file"),
            Self::Log => Some("--log"),
            Self::LogFormat => Some("--log-format"),
            Self::OutboundAllow => Some("--outbound-allow"),
            Self::DocumentsAllow => Some("--documents-allow"),
            Self::ScriptsFetchAllow => Some("--scripts-fetch-allow"),
            Self::Proxies | Self::KeysGrace | Self::KeysRotateEvery | Self::Retention(_) => None,
            Self::StorageKind
            | Self::StorageDirectory
            | Self::StorageS3Url
            | Self::StorageS3Region
            | Self::StorageS3AccessKeyId
            | Self::StorageS3SecretAccessKey => None,
            Self::MetricsListen => Some("--metrics-listen"),
            Self::ShutdownDelay => Some("--shutdown-delay"),
            Self::OtlpEndpoint => Some("--otlp-endpoint"),
            Self::OtlpTracesEndpoint => Some("--otlp-traces-endpoint"),
            Self::ServiceName => Some("--service-name"),
            Self::TracesSampler => Some("--traces-sampler"),
            Self::TracesSamplerArg => Some("--traces-sampler-arg"),
        }
    }

    /// Whether several values may be given: an array in `trinco.toml`, separated by commas elsewhere.
    pub(super) const fn is_list(self) -> bool {
        matches!(self, Self::OutboundAllow | Self::DocumentsAllow | Self::ScriptsFetchAllow)
    }

    /// What its value looks like in `trinco.toml`.
    pub(super) const fn shape(self) -> &'static str {
        if self.is_list() { "a list of texts in quotes" } else { "text in quotes" }
    }

    /// Whether `trinco.toml` has a table of this name.
    pub(super) fn is_table(name: &str) -> bool {
        let of = |key: Self| key.name().split_once('.').is_some_and(|(table, _)| table == name);
        Self::ALL.into_iter().any(of)
    }

    /// Whether it may stand in `trinco.toml`. A key must not lie in a file that is copied around.
    pub(crate) const fn is_allowed_in_file(self) -> bool {
        !matches!(self, Self::MasterKey | Self::StorageS3SecretAccessKey)
    }
}

/// What to say about an unknown name: the known one nearest to it by the number of edits between them, or all of them when none is
/// near. `spell` writes a known name as the reader would.
pub(super) fn suggestion(unknown: &str, spell: impl Fn(Setting) -> String) -> String {
    let known = || Setting::ALL.into_iter().filter(|key| key.is_allowed_in_file());
    let nearest = known()
        .min_by_key(|key| distance(unknown, key.name()))
        .filter(|key| 2 * distance(unknown, key.name()) <= unknown.chars().count());
    match nearest {
        Some(key) => format!("did you mean {}?", spell(key)),
        None => format!("the settings are {}", known().map(spell).collect::<Vec<_>>().join(", ")),
    }
}

/// Levenshtein's distance. Long names are cut: no setting's name is near them anyway.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (one, other, edits) in
            [("port", "port", 0), ("prot", "port", 2), ("", "log", 3), ("db", "db_url", 4)]
        {
            assert_eq!(distance(one, other), edits, "{one} {other}");
            assert_eq!(distance(other, one), edits, "{other} {one}");
        }
    }

    #[test]
    fn the_nearest_name_is_suggested_and_no_far_one() {
        let suggested = |unknown| suggestion(unknown, |key| key.name().to_owned());
        assert_eq!(suggested("prot"), "did you mean port?");
        assert_eq!(suggested("end_point"), "did you mean endpoint?");
        assert_eq!(suggested("database_url"), "did you mean db_url?");
        assert!(suggested("telephone").starts_with("the settings are endpoint, admin_endpoint, "));
        assert!(!suggested("").contains("did you mean"));
    }
}
