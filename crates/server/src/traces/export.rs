//! Sends finished spans to the collector.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
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
        let problem = match unseen.await {
            Ok(answer) if answer.status.is_success() => None,
            Ok(answer) => Some(format!("it answered {}", answer.status.as_u16())),
            Err(error) => Some(error.to_string()),
        };
        let spans = batch.len();
        batch.clear();
        match problem {
            None => {
                self.counts.exported(spans);
                if self.disturbed {
                    tracing::info!("the collector of traces takes spans again");
                }
                self.disturbed = false;
            }
            Some(problem) => {
                self.counts.dropped(spans);
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
