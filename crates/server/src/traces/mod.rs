//! Traces for an OpenTelemetry collector: the spans around requests, transactions and outbound requests.
//!
//! The [`Recorder`] notes them as they pass and puts those that are finished into a bounded queue; the exporter sends them on in
//! batches (OTLP over HTTP, in JSON). Nothing ever waits for the collector: what does not fit is dropped and counted.
//! Why this is not the OpenTelemetry SDK: `docs/decisions/0010`.

mod context;
mod encode;
mod export;
mod record;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::HeaderValue;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tracing::{Metadata, Span};
use tracing_subscriber::filter::{FilterFn, LevelFilter, filter_fn};
use trinco_connectors::outbound::OUTBOUND_SPANS;
use trinco_db::TRANSACTION_SPANS;
use trinco_http::{Begun, Ended, REQUEST_SPANS};

use crate::config::TracesSettings;
use crate::config::traces::Sampler;
use crate::metrics::SpanCounts;
use context::Context;
pub(crate) use record::Recorder;
use record::{Finished, Value};

/// Finished spans that may wait for the exporter: about one megabyte.
const QUEUE: usize = 2048;
/// What the collector gets to take the last of them when the server stops.
const PATIENCE_AT_END: Duration = Duration::from_secs(2);

/// The spans that are recorded, and nothing else.
pub(crate) fn recorded() -> FilterFn<fn(&Metadata<'_>) -> bool> {
    let is_recorded: fn(&Metadata<'_>) -> bool = |metadata| {
        let target = metadata.target();
        metadata.is_span() && [REQUEST_SPANS, TRANSACTION_SPANS, OUTBOUND_SPANS].contains(&target)
    };
    filter_fn(is_recorded).with_max_level_hint(LevelFilter::DEBUG)
}

/// What has become of spans. Clones share it.
#[derive(Clone, Debug, Default)]
struct Counts(Arc<Counted>);

#[derive(Debug, Default)]
struct Counted {
    exported: AtomicU64,
    dropped: AtomicU64,
}

impl Counts {
    fn exported(&self, spans: usize) {
        self.0.exported.fetch_add(spans as u64, Ordering::Relaxed);
    }

    fn dropped(&self, spans: usize) {
        self.0.dropped.fetch_add(spans as u64, Ordering::Relaxed);
    }
}

/// Traces before the server runs: spans are recorded, and wait.
pub(crate) struct Prepared {
    settings: TracesSettings,
    queue: mpsc::Receiver<Finished>,
    counts: Counts,
}

/// Both ends of the queue.
pub(crate) fn prepare(settings: &TracesSettings) -> (Recorder, Prepared) {
    let (sender, queue) = mpsc::channel(QUEUE);
    let counts = Counts::default();
    let recorder = Recorder::new(sender, settings.sampler, counts.clone());
    (recorder, Prepared { settings: settings.clone(), queue, counts })
}

/// Traces that are being sent. Clones share it.
#[derive(Clone)]
pub(crate) struct Traces {
    sampler: Sampler,
    counts: Counts,
}

/// The task that sends them.
pub(crate) struct Exporting {
    task: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

impl Prepared {
    /// Begins to send.
    pub(crate) fn start(self) -> Result<(Traces, Exporting), String> {
        let Self { settings, queue, counts } = self;
        let traces = Traces { sampler: settings.sampler, counts: counts.clone() };
        let (stop, stopped) = watch::channel(false);
        let exporter = export::Exporter::new(settings, queue, counts)?;
        Ok((traces, Exporting { task: tokio::spawn(exporter.run(stopped)), stop }))
    }
}

impl Exporting {
    /// Sends what is left, unless the collector takes longer than two seconds.
    pub(crate) async fn finish(self) {
        self.stop.send_replace(true);
        let abort = self.task.abort_handle();
        if tokio::time::timeout(PATIENCE_AT_END, self.task).await.is_err() {
            abort.abort();
            tracing::warn!("the last spans were given up: the collector of traces is too slow");
        }
    }
}

impl Traces {
    pub(crate) fn counts(&self) -> SpanCounts {
        SpanCounts {
            exported: self.counts.0.exported.load(Ordering::Relaxed),
            dropped: self.counts.0.dropped.load(Ordering::Relaxed),
        }
    }

    /// A request has come. The trace of whoever sent it goes on, if it names one; whether it is recorded here is decided here, unless the
    /// operator's sampler asks the parent: anybody can send a `traceparent`, and would otherwise decide what this server spends, or
    /// hide from its operator.
    pub(crate) fn begun(&self, request: &Begun<'_>) {
        let parent = context::incoming(request.headers);
        record::with(request.span, |recorded| {
            recorded.name = format!("{} {}", request.method, request.route);
            if let Some(parent) = parent {
                recorded.follow(parent, self.sampler);
            }
        });
    }

    /// It has been answered.
    pub(crate) fn ended(&self, request: &Ended<'_>) {
        record::with(request.span, |recorded| {
            let Some(status) = request.status else { return };
            let number = i64::from(status.as_u16());
            recorded.attributes.push(("http.response.status_code", Value::Int(number)));
            recorded.failed |= status.is_server_error();
        });
    }
}

/// `traceparent` for a request that is sent within the current span (W3C Trace Context §3.2).
pub(crate) fn traceparent() -> Option<HeaderValue> {
    let context: Context = record::with(&Span::current(), |recorded| recorded.context())?;
    HeaderValue::from_str(&context.to_string()).ok()
}
