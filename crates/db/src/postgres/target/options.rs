//! The options of a PostgreSQL URL: which there are, and how they are told to the driver.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;

use super::refuse;
use crate::Error;

/// What the driver is not told.
pub(super) const OUR_OPTIONS: [&str; 5] =
    ["sslmode", "sslrootcert", "sslcert", "sslkey", "pool_size"];
/// What the driver understands.
const DRIVERS_OPTIONS: [&str; 18] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "password",
    "port",
    "sslnegotiation",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];
/// What else libpq understands. Of names that are not here it is not known whether they are a part of a password.
const OTHERS_OF_LIBPQ: [&str; 29] = [
    "client_encoding",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "krbsrvname",
    "max_protocol_version",
    "min_protocol_version",
    "oauth_client_id",
    "oauth_client_secret",
    "oauth_issuer",
    "oauth_scope",
    "passfile",
    "replication",
    "require_auth",
    "requirepeer",
    "requiressl",
    "scram_client_key",
    "scram_server_key",
    "service",
    "servicefile",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslpassword",
    "sslsni",
];
/// Where a server is.
pub(super) const PLACE_OPTIONS: [&str; 3] = ["host", "hostaddr", "port"];

/// A URL taken apart where the driver takes it apart.
pub(super) struct Parts<'u> {
    /// Up to the hosts: the scheme, and what ends with the first `@`.
    head: &'u str,
    pub(super) hosts: &'u str,
    /// The database.
    pub(super) path: &'u str,
    /// The options: the decoded name of each, and how it is written for the driver.
    pub(super) options: Vec<(Cow<'u, str>, Cow<'u, str>)>,
}

impl<'u> Parts<'u> {
    pub(super) fn of(url: &'u str) -> Parts<'u> {
        let head = url.find('@').map(|at| at + 1).or(url.find("://").map(|at| at + 3));
        let (head, rest) = url.split_at(head.unwrap_or(0));
        let (place, mut options) = rest.split_once('?').unwrap_or((rest, ""));
        let (hosts, path) = place.split_at(place.find('/').unwrap_or(place.len()));
        let mut read = Vec::new();
        while !options.is_empty() {
            let name_end = options.find('=').unwrap_or(options.len());
            let end = options[name_end..].find('&').map_or(options.len(), |at| name_end + at);
            let name = percent_decode_str(&options[..name_end]).decode_utf8_lossy();
            read.push(for_driver(name, &options[..end]));
            options = options.get(end + 1..).unwrap_or_default();
        }
        Parts { head, hosts, path, options: read }
    }

    /// Refuses options that nobody here understands, and values that the driver does not.
    pub(super) fn require_known(&self) -> Result<(), Error> {
        for (name, written) in &self.options {
            let name = name.as_ref();
            if OUR_OPTIONS.contains(&name) {
                continue;
            }
            if OTHERS_OF_LIBPQ.contains(&name) {
                return refuse(&format!(
                    "the PostgreSQL URL has the option {name}, which is not supported; docs/databases.md lists those that are"
                ));
            }
            if !DRIVERS_OPTIONS.contains(&name) {
                return refuse(
                    "the PostgreSQL URL has an option that does not exist (it is not shown here, because it may be a part of a \
                     password in which ? or & is not percent-encoded); docs/databases.md lists those there are",
                );
            }
            if format!("postgres://localhost/?{written}").parse::<Config>().is_err() {
                return refuse(&format!("{name} of the PostgreSQL URL has no usable value"));
            }
        }
        Ok(())
    }

    /// The value of an option of ours.
    pub(super) fn option(&self, wanted: &str) -> Result<Option<Cow<'_, str>>, Error> {
        let mut found = self.options.iter().filter(|(name, _)| name == wanted);
        let (option, again) = (found.next(), found.next());
        if again.is_some() {
            return refuse(&format!("the PostgreSQL URL has more than one {wanted}"));
        }
        let Some((_, written)) = option else { return Ok(None) };
        let value = written.split_once('=').map_or("", |(_, value)| value);
        match percent_decode_str(value).decode_utf8() {
            Ok(value) if !value.is_empty() && !value.contains('\0') => Ok(Some(value)),
            _ => refuse(&format!("{wanted} of the PostgreSQL URL has no usable value")),
        }
    }

    /// The URL with other hosts, and without the options that are named.
    pub(super) fn without(&self, names: &[&str], hosts: &str) -> String {
        let kept: Vec<&str> = self
            .options
            .iter()
            .filter(|(name, _)| !names.contains(&name.as_ref()))
            .map(|(_, written)| written.as_ref())
            .collect();
        let mark = if kept.is_empty() { "" } else { "?" };
        format!("{}{hosts}{}{mark}{}", self.head, self.path, kept.join("&"))
    }
}

/// Writes an option as the driver knows it: a little is called otherwise in libpq.
fn for_driver<'u>(name: Cow<'u, str>, written: &'u str) -> (Cow<'u, str>, Cow<'u, str>) {
    let value = written.split_once('=').map_or("", |(_, value)| value);
    match (name.as_ref(), value) {
        // The primary takes writes, unless it was told not to: then it is of no use here.
        ("target_session_attrs", "primary") => (name, "target_session_attrs=read-write".into()),
        ("keepalives_count", _) => {
            ("keepalives_retries".into(), format!("keepalives_retries={value}").into())
        }
        _ => (name, written.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Target;
    use super::*;

    #[test]
    fn options_that_are_not_understood_are_named_without_their_values() {
        let refused = |options: &str| {
            let url = format!("postgres://ana:pw@db.example/trinco?{options}");
            Target::read(&url).map(drop).unwrap_err().to_string()
        };
        for name in OTHERS_OF_LIBPQ {
            let sentence = refused(&format!("sslmode=require&{name}=s3cret"));
            assert!(sentence.contains(&format!("the option {name},")), "{name}: {sentence}");
            assert!(!sentence.contains("s3cret"), "{sentence}");
        }
        for (option, part) in [
            ("target_session_attrs=standby", "target_session_attrs of"),
            ("connect_timeout=s3cret", "connect_timeout of"),
            ("port=s3cret", "port of"),
            ("ssl%6eegotiation=s3cret", "sslnegotiation of"),
            ("s3cret=1", "an option that does not exist"),
            ("foo=bar", "an option that does not exist"),
        ] {
            let sentence = refused(option);
            assert!(
                sentence.contains(part) && !sentence.contains("s3cret"),
                "{option}: {sentence}"
            );
            assert!(sentence.contains("PostgreSQL URL"), "{option}: {sentence}");
        }
    }

    #[test]
    fn every_option_that_is_listed_is_understood() {
        for option in [
            "application_name=a",
            "channel_binding=prefer",
            "connect_timeout=3",
            "dbname=d",
            "host=c",
            "hostaddr=127.0.0.1",
            "keepalives=1",
            "keepalives_idle=1",
            "keepalives_interval=1",
            "keepalives_retries=1",
            "load_balance_hosts=random",
            "options=-c%20a%3Db",
            "password=p",
            "port=1",
            "sslnegotiation=direct",
            "target_session_attrs=read-write",
            "tcp_user_timeout=1",
            "user=u",
        ] {
            let (name, _) = option.split_once('=').unwrap();
            assert!(DRIVERS_OPTIONS.contains(&name), "{name}");
            let at = match name {
                "host" => "/?",
                "port" => "/?host=b&",
                _ => "a/?",
            };
            let url = format!("postgres://{at}{option}&sslmode=require");
            Target::read(&url).unwrap_or_else(|error| panic!("{option}: {error}"));
        }
        let target = Target::read("postgres://a/d?target_session_attrs=primary&keepalives_count=3");
        let target = target.unwrap().config;
        let wanted = tokio_postgres::config::TargetSessionAttrs::ReadWrite;
        assert_eq!(target.get_target_session_attrs(), wanted);
        assert_eq!(target.get_keepalives_retries(), Some(3));
    }
}
