//! The settings as flags, and what is said of those that are none.

use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::config::{Setting, Settings, SettingsFile, Sources};

/// The settings that are no flags.
pub(super) const WITHOUT_FLAG: &str = "\
Settings for trinco.toml or the environment (retention.logs is TRINCO_RETENTION_LOGS there):
  master_key              The master key itself, instead of a file: better in the environment
  proxies                 Proxies of yours before the server, which tell in X-Forwarded-For who asks [default: 0]
  keys.grace_period       Seconds that a new signing key is published before it signs [default: 14400]
  keys.rotate_every       Days after which keys are rotated by themselves, 0 for never [default: 0]
  storage.kind            Where uploaded files are kept: disk, s3 or none [default: disk with SQLite, else none]
  storage.directory       The folder of files with disk [default: DIR/files]
  storage.s3_url          The URL of the bucket with s3, such as https://minio.example.com/bucket
  storage.s3_region       The region of the bucket [default: us-east-1]
  storage.s3_access_key_id  The name of the key of the bucket
  storage.s3_secret_access_key  The key itself: better in the environment
  retention.interactions  Days that sign-ins that were not finished are kept [default: 0]
  retention.codes         Days that codes are kept once they have ended [default: 0, which is an hour]
  retention.tokens        Days that tokens are kept once they have ended [default: 0]
  retention.sessions      Days that sessions are kept once they have ended [default: 0]
  retention.grants        Days that grants are kept once their last token has ended [default: 0]
  retention.logs          Days that entries of the audit log are kept [default: 0, which is for ever]";

// No documentation: clap would take it for what the whole program is about.
#[derive(Args)]
#[command(next_help_heading = "Settings")]
pub(super) struct SettingsFlags {
    /// The settings file. Without it: trinco.toml in the working directory, if there is one.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The directory for everything the server keeps [default: data].
    #[arg(long, visible_alias = "data-dir", global = true, value_name = "DIR")]
    data: Option<String>,
    /// The port to listen on, 0 for any free one [default: 3001].
    #[arg(long, global = true)]
    port: Option<String>,
    /// The IP address to listen at [default: every address].
    #[arg(long, global = true, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The URL under which people and apps reach the server [default: http://localhost:PORT].
    #[arg(long, global = true, value_name = "URL")]
    endpoint: Option<String>,
    /// The URL under which operators reach it [default: ENDPOINT/admin].
    #[arg(long, global = true, value_name = "URL")]
    admin_endpoint: Option<String>,
    /// The database, sqlite:FILE or postgres://…; with a password better in DB_URL [default: sqlite:DIR/trinco.db].
    #[arg(long, global = true, value_name = "URL")]
    db_url: Option<String>,
    /// Who brings the schema of the database up to date: auto, whoever opens it, or never, only `trinco db migrate` [default: auto].
    #[arg(long, global = true, value_name = "WHEN")]
    db_migrate: Option<String>,
    /// The file with the master key; the key itself may be given in TRINCO_MASTER_KEY [default: DIR/master.key].
    #[arg(long, global = true, value_name = "FILE")]
    master_key_file: Option<String>,
    /// Which log lines to write, such as warn or info,trinco_http=debug [default: info].
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    /// How to write them, text or json [default: text].
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Addresses, blocks such as 10.0.0.0/8 and host names that are not public and may be reached, separated by commas [default: none].
    /// Not for the documents of clients: strangers choose where those are.
    #[arg(long, global = true, value_name = "LIST")]
    outbound_allow: Option<String>,
    /// The same for metadata documents of clients: for development, since any stranger can have them fetched [default: none].
    #[arg(long, global = true, value_name = "LIST")]
    documents_allow: Option<String>,

    /// Origins such as https://api.example.com that scripts of tenants may fetch from, separated by commas [default: none].
    #[arg(long, global = true, value_name = "LIST")]
    scripts_fetch_allow: Option<String>,

    /// Where Prometheus metrics are served, such as 127.0.0.1:9464; never on the server's own port [default: nowhere].
    #[arg(long, global = true, value_name = "ADDRESS:PORT")]
    metrics_listen: Option<String>,
    /// How long connections are still accepted after SIGTERM, while /readyz says no: for load balancers [default: 0].
    #[arg(long, global = true, value_name = "SECONDS")]
    shutdown_delay: Option<String>,
    /// The OpenTelemetry collector that traces are sent to, by OTLP over HTTP, below /v1/traces [default: none].
    #[arg(long, global = true, value_name = "URL")]
    otlp_endpoint: Option<String>,
    /// The same as the whole URL, when the collector takes traces elsewhere.
    #[arg(long, global = true, value_name = "URL")]
    otlp_traces_endpoint: Option<String>,
    /// What this server is called in traces [default: trinco].
    #[arg(long, global = true, value_name = "NAME")]
    service_name: Option<String>,
    /// Which requests are traced: always_on, always_off, traceidratio, or parentbased_ and one of these [default: always_on].
    #[arg(long, global = true, value_name = "SAMPLER")]
    traces_sampler: Option<String>,
    /// The part of the requests that traceidratio takes, from 0 to 1 [default: 1].
    #[arg(long, global = true, value_name = "RATIO")]
    traces_sampler_arg: Option<String>,
}

impl SettingsFlags {
    /// What holds, of the flags, the environment and the file together.
    pub(super) fn resolve(self) -> Result<Settings, Failure> {
        let flags = [
            (Setting::DataDir, self.data),
            (Setting::Port, self.port),
            (Setting::Listen, self.listen),
            (Setting::Endpoint, self.endpoint),
            (Setting::AdminEndpoint, self.admin_endpoint),
            (Setting::DbUrl, self.db_url),
            (Setting::DbMigrate, self.db_migrate),
            (Setting::MasterKeyFile, self.master_key_file),
            (Setting::Log, self.log),
            (Setting::LogFormat, self.log_format),
            (Setting::OutboundAllow, self.outbound_allow),
            (Setting::DocumentsAllow, self.documents_allow),
            (Setting::ScriptsFetchAllow, self.scripts_fetch_allow),
            (Setting::MetricsListen, self.metrics_listen),
            (Setting::ShutdownDelay, self.shutdown_delay),
            (Setting::OtlpEndpoint, self.otlp_endpoint),
            (Setting::OtlpTracesEndpoint, self.otlp_traces_endpoint),
            (Setting::ServiceName, self.service_name),
            (Setting::TracesSampler, self.traces_sampler),
            (Setting::TracesSamplerArg, self.traces_sampler_arg),
        ];
        let flags = flags.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
        SettingsFile::read(self.config.as_deref())
            .and_then(|file| {
                let variables = std::env::vars_os().collect();
                Settings::resolve(Sources { flags, variables, file })
            })
            .map_err(Failure::Usage)
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::super::Cli;
    use super::*;

    #[test]
    fn settings_without_a_flag_are_in_the_help_too() {
        for setting in Setting::ALL.into_iter().filter(|setting| setting.flag().is_none()) {
            let name = format!("\n  {} ", setting.name());
            assert!(WITHOUT_FLAG.contains(&name), "{name}");
        }
    }

    #[test]
    fn settings_may_stand_before_and_after_the_command() {
        for line in [["trinco", "--data", "d", "init"], ["trinco", "init", "--data", "d"]] {
            assert_eq!(Cli::parse_from(line).settings.data.as_deref(), Some("d"));
        }
    }

    #[test]
    fn every_setting_with_a_flag_is_on_the_command_line() {
        let command = Cli::command();
        let flags: Vec<String> = command
            .get_arguments()
            .filter_map(|argument| argument.get_long())
            .map(|long| format!("--{long}"))
            .collect();
        for flag in Setting::ALL.into_iter().filter_map(Setting::flag) {
            assert!(flags.iter().any(|known| known == flag), "{flag}");
        }
    }
}
