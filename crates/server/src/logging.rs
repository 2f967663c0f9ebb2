//! Log lines go to standard error, for people or as JSON. Every line of a request has its id, method, route and tenant.

use std::fmt;
use std::io::{self, IsTerminal as _};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};
use trinco_db::WAITS;

use crate::config::{LogFormat, Settings};
use crate::traces::{self, Recorder};

/// Starts logging for the whole process, and recording spans if there is a recorder.
pub(crate) fn start(settings: &Settings, recorder: Option<Recorder>) {
    let filter = EnvFilter::try_new(&settings.log).expect("the settings have checked the filter");
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let lines = match settings.log_format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.event_format(Flat).fmt_fields(JsonFields::new()).boxed(),
    };
    let recorder = recorder.map(|recorder| recorder.with_filter(traces::recorded()));
    tracing_subscriber::registry().with(recorder).with(lines.with_filter(filter)).init();
}

/// For commands, whose standard error is for people: of the log only what is waited for, a sentence each.
pub(crate) fn start_for_command() {
    let sentences = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_target(false)
        .with_level(false)
        .without_time();
    let waits = filter_fn(|metadata| metadata.target() == WAITS);
    tracing_subscriber::registry().with(sentences.with_filter(waits)).init();
}

/// One JSON object without inner ones: `timestamp`, `level`, `target`, `message`, what the line says, and what is said of the spans it is
/// in. Where a name comes twice, the inner one counts.
struct Flat;

impl<S, N> FormatEvent<S, N> for Flat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Line(Map::new());
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            let extensions = span.extensions();
            let Some(fields) = extensions.get::<FormattedFields<N>>() else { continue };
            // The fields of a span are written once, as an object.
            if let Ok(fields) = serde_json::from_str::<Map<String, Value>>(&fields.fields) {
                line.0.extend(fields);
            }
        }
        event.record(&mut line);
        let metadata = event.metadata();
        line.0.insert("level".to_owned(), metadata.level().as_str().into());
        line.0.insert("target".to_owned(), metadata.target().into());
        let mut now = String::new();
        SystemTime.format_time(&mut Writer::new(&mut now))?;
        line.0.insert("timestamp".to_owned(), now.into());
        let text = serde_json::to_string(&line.0).map_err(|_| fmt::Error)?;
        writeln!(writer, "{text}")
    }
}

/// What a line says.
struct Line(Map<String, Value>);

impl Line {
    fn say(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().trim_start_matches("r#").to_owned(), value.into());
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.say(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.say(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.say(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.say(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.say(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.say(field, value);
    }
}
