//! `trinco logs export`.

use std::io::{self, BufWriter, Write as _};
use std::time::Duration;

use clap::{Args, Subcommand};
use trinco_core::{Clock as _, audit, tenants};

use super::{Said, look_at};
use crate::clock::SystemClock;
use crate::config::Settings;

/// Entries that are read at once.
const PAGE: u32 = 500;

/// `trinco logs …`
#[derive(Subcommand)]
pub(crate) enum LogsCommand {
    /// Prints the entries of the audit log, one JSON object a line, the oldest first.
    Export(LogsExport),
}

impl LogsCommand {
    /// Refuses a period that ends before it begins: an empty file looks as if nothing had happened.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Self::Export(LogsExport { since, until, .. }) = self;
        match (since, until) {
            (Some(since), Some(until)) if since <= until => {
                Err("no entry is younger than --since and older than \
                --until; --until is the smaller of the two, such as --since 30d --until 1d"
                    .to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// What is exported.
#[derive(Args)]
pub(crate) struct LogsExport {
    /// Whose log.
    #[arg(long, default_value = tenants::DEFAULT, value_parser = [tenants::DEFAULT, tenants::ADMIN])]
    tenant: String,
    /// No entries older than this, such as 30d, 12h or 15m [default: all].
    #[arg(long, value_name = "AGE", value_parser = age)]
    since: Option<Duration>,
    /// No entries younger than this [default: all that were there when the export began].
    #[arg(long, value_name = "AGE", value_parser = age)]
    until: Option<Duration>,
}

/// Writes a line of JSON for each entry, the oldest first, as they are read: a log may be larger than the memory.
pub(super) async fn run(settings: &Settings, wanted: &LogsExport) -> Result<Said, String> {
    let now = SystemClock.now_ms();
    let ago = |age: Duration| now - i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
    let period = (wanted.since.map_or(0, ago), wanted.until.map_or(now, ago));
    let db = look_at(&settings.db_url).await?;
    let tenant = db.tenant(&wanted.tenant);
    let mut out = BufWriter::new(io::stdout().lock());
    let cannot_write = |error: io::Error| format!("the entries cannot be written: {error}");
    let mut count: u64 = 0;
    let mut last = None;
    loop {
        let page = audit::page(&tenant, period, last.as_ref(), PAGE).await;
        let page = page.map_err(|error| format!("the audit log cannot be read: {error}"))?;
        for entry in &page {
            let line = serde_json::to_string(entry).map_err(|error| error.to_string())?;
            writeln!(out, "{line}").map_err(cannot_write)?;
            count += 1;
        }
        let is_last = page.len() < PAGE as usize;
        last = page.into_iter().next_back();
        if is_last {
            break;
        }
    }
    out.flush().map_err(cannot_write)?;
    db.close().await;
    let entries = if count == 1 { "entry" } else { "entries" };
    let told = format!("{count} {entries} of the tenant {}.\n", wanted.tenant);
    Ok(Said::done(String::new(), told))
}

/// An age such as `30d`, `12h` or `15m`.
fn age(text: &str) -> Result<Duration, String> {
    let unit = |suffix: char, seconds: u64| {
        let number: u64 = text.strip_suffix(suffix)?.parse().ok()?;
        number.checked_mul(seconds)
    };
    let seconds = unit('d', 86_400).or_else(|| unit('h', 3600)).or_else(|| unit('m', 60));
    // Longer than there have been computers.
    let seconds = seconds.filter(|seconds| *seconds <= 100 * 366 * 86_400);
    seconds.map(Duration::from_secs).ok_or_else(|| "give an age such as 30d, 12h or 15m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_days_hours_and_minutes() {
        for (text, seconds) in [("30d", 2_592_000), ("12h", 43_200), ("15m", 900), ("0d", 0)] {
            assert_eq!(age(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in ["", "d", "30", "1.5d", "-1d", "30s", "99999999999d", "36601d"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }
}
