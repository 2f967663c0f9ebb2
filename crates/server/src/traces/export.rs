//! Sends finished spans to the collector.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;
use trinco_connectors::outbound::{Outbound, Request};

use super::record::Finished;
use super::{Counts, encode};
use crate::config::TracesSettings;

/// Spans of one request.
const BATCH: usize = 512;
/// How long the first span of a batch waits for others.
const BATCH_WINDOW: Duration = Duration::from_secs(1);

pub(super) struct Exporter {
    settings: TracesSettings,
    queue: mpsc::Receiver<Finished>,
    counts: Counts,
    outbound: Outbound,
    disturbed: bool,
}

impl Exporter {
    /// The collector is the operator's own choice, so it may be anywhere.
    pub(super) fn new(
        settings: TracesSettings,
        queue: mpsc::Receiver<Finished>,
        counts: Counts,
    ) -> Result<Self, String> {
        let anywhere = ["0.0.0.0/0", "::/0"].map(|block| block.parse().expect("these are blocks"));
        let outbound = Outbound::new(anywhere)?;
        Ok(Self { settings, queue, counts, outbound, disturbed: false })
    }

    /// Until told to stop; then what is in the queue is sent, and no more.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut batch = Vec::new();
        loop {
            let stopped = tokio::select! {
                () = gather(&mut self.queue, &mut batch) => false,
                // An error means that nobody can tell it any more.
                _ = stop.wait_for(|stop| *stop) => true,
            };
            if !stopped {
                self.send(&mut batch).await;
                continue;
            }
            self.queue.close();
            loop {
                let room = BATCH - batch.len();
                if room > 0 {
                    self.queue.recv_many(&mut batch, room).await;
                }
                if batch.is_empty() {
                    return;
                }
                self.send(&mut batch).await;
            }
        }
    }

    /// A batch that is not taken is dropped: whoever keeps it for a collector that is away keeps ever more.
    async fn send(&mut self, batch: &mut Vec<Finished>) {
        if batch.is_empty() {
            return;
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let request = Request {
            method: Method::POST,
            url: self.settings.endpoint.clone(),
            headers,
            body: encode::request(&self.settings.service_name, batch).into(),
        };
        // Or every batch would be a span of the next.
        let unseen = self.outbound.send(request).with_subscriber(NoSubscriber::default());
        let spans = batch.len();
        let (rejected, problem) = match unseen.await {
            Ok(answer) if answer.status.is_success() => match rejected(&answer.body).min(spans) {
                0 => (0, None),
                rejected => (rejected, Some(format!("it rejected {rejected} of {spans}"))),
            },
            Ok(answer) => (spans, Some(format!("it answered {}", answer.status.as_u16()))),
            Err(error) => (spans, Some(error.to_string())),
        };
        batch.clear();
        self.counts.exported(spans - rejected);
        self.counts.dropped(rejected);
        match problem {
            None => {
                if self.disturbed {
                    tracing::info!("the collector of traces takes spans again");
                }
                self.disturbed = false;
            }
            Some(problem) => {
                if !self.disturbed {
                    tracing::warn!(
                        problem,
                        "the collector of traces does not take spans; they are dropped"
                    );
                }
                self.disturbed = true;
            }
        }
    }
}

/// How many spans a collector that has taken the request has not taken (OTLP, "Partial Success"). In JSON a number of 64 bits is text;
/// not every collector knows.
fn rejected(answer: &[u8]) -> usize {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let count = &answer["partialSuccess"]["rejectedSpans"];
    let count = count.as_u64().or_else(|| count.as_str()?.parse().ok());
    count.and_then(|count| usize::try_from(count).ok()).unwrap_or_default()
}

/// Fills a batch: full, or as old as one may be. Whoever stops waiting finds what there is in `batch`.
async fn gather(queue: &mut mpsc::Receiver<Finished>, batch: &mut Vec<Finished>) {
    if batch.is_empty() && queue.recv_many(batch, BATCH).await == 0 {
        // Nobody can record any more.
        return std::future::pending().await;
    }
    let fill = async {
        while batch.len() < BATCH {
            let room = BATCH - batch.len();
            if queue.recv_many(batch, room).await == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(BATCH_WINDOW, fill).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_collector_rejects_is_in_its_answer() {
        for (answer, expected) in [
            ("", 0),
            ("{}", 0),
            (r#"{"partialSuccess":{}}"#, 0),
            (r#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}"#, 3),
            (r#"{"partialSuccess":{"rejectedSpans":3}}"#, 3),
            (r#"{"partialSuccess":{"rejectedSpans":"-1"}}"#, 0),
            ("not JSON", 0),
        ] {
            assert_eq!(rejected(answer.as_bytes()), expected, "{answer}");
        }
    }
}
