//! What is noted of a span while it lasts.

use std::fmt;

use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Span, Subscriber};
use tracing_subscriber::layer::{self, Layer};
use tracing_subscriber::registry::{LookupSpan, Registry};
use trinco_connectors::outbound::OUTBOUND_SPANS;
use trinco_core::{Randomness as _, SystemRandomness};
use trinco_db::TRANSACTION_SPANS;
use trinco_http::REQUEST_SPANS;

use super::Counts;
use super::context::Context;
use crate::clock::{Stopwatch, SystemClock};
use crate::config::traces::Sampler;

/// What OpenTelemetry calls the fields of our spans. One that is not here is not sent.
const ATTRIBUTES: [(&str, &str, &str); 10] = [
    (REQUEST_SPANS, "method", "http.request.method"),
    (REQUEST_SPANS, "route", "http.route"),
    (REQUEST_SPANS, "request_id", "trinco.request_id"),
    (REQUEST_SPANS, "tenant", "trinco.tenant"),
    (TRANSACTION_SPANS, "engine", "db.system.name"),
    (TRANSACTION_SPANS, "kind", "db.operation.name"),
    (OUTBOUND_SPANS, "method", "http.request.method"),
    (OUTBOUND_SPANS, "host", "server.address"),
    (OUTBOUND_SPANS, "status", "http.response.status_code"),
    (OUTBOUND_SPANS, "error", "error.type"),
];

/// A span's place in a call (OTLP `SpanKind`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Server = 2,
    Client = 3,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Int(i64),
}

/// A span in progress.
pub(super) struct Recorded {
    context: Context,
    parent: Option<u64>,
    target: &'static str,
    kind: Kind,
    /// Nanoseconds since 1970.
    begun: u64,
    lasting: Stopwatch,
    pub(super) name: String,
    pub(super) attributes: Vec<(&'static str, Value)>,
    pub(super) failed: bool,
}

/// A span that is over.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) context: Context,
    pub(super) parent: Option<u64>,
    pub(super) kind: Kind,
    pub(super) name: String,
    /// Nanoseconds since 1970.
    pub(super) begun: u64,
    pub(super) ended: u64,
    pub(super) attributes: Vec<(&'static str, Value)>,
    pub(super) failed: bool,
}

impl Recorded {
    pub(super) fn context(&self) -> Context {
        self.context
    }

    /// Makes it part of somebody else's trace.
    pub(super) fn follow(&mut self, parent: Context, sampler: Sampler) {
        self.context.trace_id = parent.trace_id;
        self.parent = Some(parent.span_id);
        if sampler.parent_based {
            self.context.sampled = parent.sampled;
        }
    }

    fn finish(self) -> Finished {
        let Self { context, parent, kind, name, begun, lasting, attributes, failed, .. } = self;
        let ended = begun.saturating_add(lasting.elapsed_ns());
        Finished { context, parent, kind, name, begun, ended, attributes, failed }
    }

    fn note(&mut self, field: &Field, value: Value) {
        let known = |(target, name, _): &&(&str, &str, &str)| {
            *target == self.target && *name == field.name()
        };
        if let Some((_, _, attribute)) = ATTRIBUTES.iter().find(known) {
            self.failed |= *attribute == "error.type";
            self.attributes.push((attribute, value));
        }
    }
}

impl Visit for Recorded {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.note(field, Value::Text(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.note(field, Value::Text(value.to_owned()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.note(field, Value::Int(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.note(field, Value::Int(value));
    }
}

/// Notes spans as they pass.
pub(crate) struct Recorder {
    queue: mpsc::Sender<Finished>,
    sampler: Sampler,
    counts: Counts,
}

impl Recorder {
    pub(super) fn new(queue: mpsc::Sender<Finished>, sampler: Sampler, counts: Counts) -> Self {
        Self { queue, sampler, counts }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, layers: layer::Context<'_, S>) {
        let Some(span) = layers.span(id) else { return };
        let target = attributes.metadata().target();
        let context_of = |parent: &Recorded| parent.context;
        let parent =
            span.parent().and_then(|parent| parent.extensions().get::<Recorded>().map(context_of));
        if parent.is_none() && target == TRANSACTION_SPANS {
            // Of a job or of the start: nobody's request took that long.
            return;
        }
        let span_id = random() as u64 | 1;
        let context = match parent {
            Some(parent) => Context { span_id, ..parent },
            // Our own dice, not the trace's id: whoever names that could choose one that is always taken.
            None => Context { trace_id: random() | 1, span_id, sampled: self.sampler.takes() },
        };
        let mut recorded = Recorded {
            context,
            parent: parent.map(|parent| parent.span_id),
            target,
            kind: if target == REQUEST_SPANS { Kind::Server } else { Kind::Client },
            begun: SystemClock::now_ns(),
            lasting: Stopwatch::start(),
            name: attributes.metadata().name().to_owned(),
            attributes: Vec::new(),
            failed: false,
        };
        attributes.record(&mut recorded);
        span.extensions_mut().insert(recorded);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, layers: layer::Context<'_, S>) {
        let Some(span) = layers.span(id) else { return };
        if let Some(recorded) = span.extensions_mut().get_mut::<Recorded>() {
            values.record(recorded);
        }
    }

    fn on_close(&self, id: Id, layers: layer::Context<'_, S>) {
        let Some(span) = layers.span(&id) else { return };
        let Some(recorded) = span.extensions_mut().remove::<Recorded>() else { return };
        if recorded.context.sampled && self.queue.try_send(recorded.finish()).is_err() {
            self.counts.dropped(1);
        }
    }
}

impl Sampler {
    /// Throws the dice.
    fn takes(self) -> bool {
        const SIDES: u64 = 1 << 53;
        ((random() as u64 % SIDES) as f64) < self.ratio * SIDES as f64
    }
}

/// Does something with what is noted of `span`, if anything is.
pub(super) fn with<T>(span: &Span, act: impl FnOnce(&mut Recorded) -> T) -> Option<T> {
    span.with_subscriber(|(id, dispatch)| {
        let span = dispatch.downcast_ref::<Registry>()?.span(id)?;
        let mut extensions = span.extensions_mut();
        extensions.get_mut::<Recorded>().map(act)
    })
    .flatten()
}

fn random() -> u128 {
    let mut bytes = [0; 16];
    SystemRandomness.fill(&mut bytes);
    u128::from_ne_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sampler_takes_its_part() {
        let taken = |ratio| {
            let sampler = Sampler { ratio, parent_based: false };
            (0..4000).filter(|_| sampler.takes()).count()
        };
        assert_eq!((taken(0.0), taken(1.0)), (0, 4000));
        // Eight standard deviations.
        assert!((780..1220).contains(&taken(0.25)));
    }
}
