//! Tables in Markdown.

use std::time::Duration;

use crate::load::Measured;
use crate::sizes::Sizes;

/// What an endpoint took on one connection and on many.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) one: Measured,
    pub(crate) many: Measured,
}

/// The heading of the endpoints' table.
pub(crate) fn heading(connections: usize) -> String {
    format!(
        "| Endpoint | p50, p99 on 1 connection (ms) | p50, p99 on {connections} (ms) | per second on {connections} \
         | server CPU each (ms) | requests |\n|---|---|---|---|---|---|"
    )
}

/// A line of it.
pub(crate) fn line(Row { name, one, many }: &Row) -> String {
    let latencies = |measured: &Measured| {
        let milliseconds = |share| milliseconds(measured.percentile(share));
        format!("{}, {}", milliseconds(0.5), milliseconds(0.99))
    };
    format!(
        "| {name} | {} | {} | {:.0} | {} | {} |",
        latencies(one),
        latencies(many),
        many.rate(),
        milliseconds(many.processor_time()),
        one.requests() + many.requests(),
    )
}

/// The line of an endpoint that gave a wrong answer.
pub(crate) fn failed(name: &str, sentence: &str) -> String {
    format!("| {name} | failed: {} | | | | |", sentence.replace('|', "\\|"))
}

/// The sizes' table.
pub(crate) fn sizes(sizes: &Sizes) -> String {
    let mut text =
        "| Row | rows | MB | bytes each, indexes included |\n|---|---|---|---|\n".to_owned();
    for size in &sizes.tables {
        let each = size.bytes / size.rows;
        text.push_str(&format!(
            "| {} | {} | {} | {each} |\n",
            size.row,
            size.rows,
            megabytes(size.bytes)
        ));
    }
    text.push_str(&format!("| the whole database | | {} | |", megabytes(sizes.bytes)));
    text
}

/// In units of 10⁶ bytes.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}

pub(crate) fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1e3;
    if milliseconds < 10.0 { format!("{milliseconds:.2}") } else { format!("{milliseconds:.0}") }
}
