//! The values of the settings. What is wrong with one is told as the rest of a sentence that begins with where it stands; values that
//! may hold a password are never quoted.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use tracing_subscriber::EnvFilter;
use trinco_connectors::outbound::Allow;
use trinco_core::token_customizers::AllowedOrigin;
use trinco_db::DbUrl;
use url::Url;

use super::{DbMigrate, LogFormat};

/// An http(s) origin, normalised: no trailing slash, no default port.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let url =
        Url::parse(text).map_err(|_| "is not a URL such as https://id.example.com".to_owned())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must begin with http:// or https://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user name or password".to_owned());
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err("must end after host and port, as in https://id.example.com".to_owned());
    }
    Ok(url.origin().ascii_serialization())
}

/// 0 stands for any free port.
pub(super) fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| format!("{text:?} is not a port; give a number from 0 to 65535"))
}

pub(super) fn listen(text: &str) -> Result<IpAddr, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not an IP address such as 127.0.0.1, 0.0.0.0 or ::"))
}

pub(super) fn socket(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not an address with a port such as 127.0.0.1:9464"))
}

/// Logto's variable of the same meaning says `true`.
pub(super) fn proxies(text: &str) -> Result<usize, String> {
    let text = match text {
        "true" => "1",
        "false" => "0",
        other => other,
    };
    let count = bounded(text, 10, "a number of proxies from 0 to 10")?;
    Ok(usize::try_from(count).unwrap_or_default())
}

/// Seconds.
pub(super) fn shutdown_delay(text: &str) -> Result<Duration, String> {
    let seconds = bounded(text, 300, "a number of seconds from 0 to 300")?;
    Ok(Duration::from_secs(seconds.unsigned_abs()))
}

pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() { Err("must not be empty".to_owned()) } else { Ok(PathBuf::from(text)) }
}

pub(super) fn db_url(text: &str) -> Result<DbUrl, String> {
    text.parse().map_err(|error: trinco_db::Error| format!("is not usable: {error}"))
}

pub(super) fn db_migrate(text: &str) -> Result<DbMigrate, String> {
    match text {
        "auto" => Ok(DbMigrate::Auto),
        "never" => Ok(DbMigrate::Never),
        _ => Err(format!("{text:?} is not auto or never")),
    }
}

pub(super) fn log(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|_| {
        format!("{text:?} is not a filter such as warn, info or info,trinco_http=debug")
    })
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("{text:?} is not a format; choose text or json")),
    }
}

/// Addresses, blocks and host names, separated by commas.
pub(super) fn addresses(text: &str) -> Result<Vec<Allow>, String> {
    text.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| entry.parse().map_err(|wrong| format!("{entry:?} {wrong}")))
        .collect()
}

/// Origins, separated by commas.
pub(super) fn scripts_fetch_allow(text: &str) -> Result<Vec<AllowedOrigin>, String> {
    text.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| entry.parse().map_err(|wrong| format!("{entry:?} {wrong}")))
        .collect()
}

/// Seconds, as milliseconds.
pub(super) fn grace_period(text: &str) -> Result<i64, String> {
    bounded(text, 90 * 86_400, "a number of seconds from 0 to 7776000").map(|value| value * 1000)
}

/// Days, as milliseconds; 0 for never.
pub(super) fn rotate_every(text: &str) -> Result<Option<i64>, String> {
    let days = bounded(text, 3650, "a number of days from 0 (never) to 3650")?;
    Ok((days > 0).then_some(days * 86_400_000))
}

/// Days, as milliseconds.
pub(super) fn retention(text: &str) -> Result<i64, String> {
    bounded(text, 3650, "a number of days from 0 to 3650").map(|days| days * 86_400_000)
}

fn bounded(text: &str, most: i64, what: &str) -> Result<i64, String> {
    let value = text.parse().ok().filter(|value| (0..=most).contains(value));
    value.ok_or_else(|| format!("{text:?} is not {what}"))
}
