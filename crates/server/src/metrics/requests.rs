//! What is measured of requests.

use std::time::Duration;

use http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Seconds. Most answers take a few milliseconds, a password about fifty.
const BUCKETS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    method: &'static str,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRoute {
    route: String,
}

/// Requests, as they come and go.
pub(crate) struct Requests {
    answered: Family<Answered, Counter>,
    durations: Family<OfRoute, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
}

impl Requests {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let requests = Self {
            answered: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            in_flight: Gauge::default(),
        };
        let help = "Requests, by route, method and class of status";
        registry.register("trinco_http_requests", help, requests.answered.clone());
        let help = "How long requests took, in seconds";
        let durations = requests.durations.clone();
        registry.register("trinco_http_request_duration_seconds", help, durations);
        let in_flight = requests.in_flight.clone();
        registry.register("trinco_http_requests_in_flight", "Requests in progress", in_flight);
        requests
    }

    pub(crate) fn begun(&self) {
        self.in_flight.inc();
    }

    pub(crate) fn ended(
        &self,
        method: &'static str,
        route: &str,
        status: Option<StatusCode>,
        duration: Duration,
    ) {
        self.in_flight.dec();
        let route = route.to_owned();
        self.durations
            .get_or_create(&OfRoute { route: route.clone() })
            .observe(duration.as_secs_f64());
        self.answered.get_or_create(&Answered { route, method, status: class_of(status) }).inc();
    }
}

/// `none` for a request whose client went away before it was answered.
fn class_of(status: Option<StatusCode>) -> &'static str {
    match status.map_or(0, |status| status.as_u16() / 100) {
        0 => "none",
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}
