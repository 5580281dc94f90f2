//! What was done, in the text that Prometheus reads (OpenMetrics).

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

/// Upper ends of the buckets of answer times, seconds.
const SECONDS: [f64; 11] = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0];

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    route: String,
    status: u16,
}

/// Which route.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

fn histogram() -> Histogram {
    Histogram::new(SECONDS)
}

/// Counters of one server.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Ended, Counter>,
    seconds: Family<Route, Histogram>,
    /// Bytes of clips that came in.
    pub(crate) uploaded: Counter,
    /// Frames that were looked at.
    pub(crate) frames: Counter,
    /// Requests that wait for their turn.
    pub(crate) waiting: Gauge,
    /// Clips that are worked on.
    pub(crate) at_work: Gauge,
    /// Open connections.
    pub(crate) connections: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("hico");
        let requests = Family::default();
        let seconds = Family::new_with_constructor(histogram as fn() -> Histogram);
        let (uploaded, frames) = (Counter::default(), Counter::default());
        let (waiting, at_work, connections) = (Gauge::default(), Gauge::default(), Gauge::default());
        registry.register("requests", "Requests by route and status", Family::clone(&requests));
        registry.register_with_unit("request", "Time to answer, by route", Unit::Seconds, Family::clone(&seconds));
        registry.register_with_unit("uploaded", "What came in", Unit::Bytes, Counter::clone(&uploaded));
        registry.register("frames", "Frames that were read", Counter::clone(&frames));
        registry.register("waiting", "Requests that wait for their turn", Gauge::clone(&waiting));
        registry.register("at_work", "Clips that are worked on", Gauge::clone(&at_work));
        registry.register("connections", "Open connections", Gauge::clone(&connections));
        Self { registry, requests, seconds, uploaded, frames, waiting, at_work, connections }
    }

    /// Counts a request that was answered.
    pub(crate) fn ended(&self, route: &str, status: u16, took: Duration) {
        let route = route.to_owned();
        self.seconds.get_or_create(&Route { route: route.clone() }).observe(took.as_secs_f64());
        self.requests.get_or_create(&Ended { route, status }).inc();
    }

    /// All of it as text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to memory does not fail.
        encode(&mut text, &self.registry).ok();
        text
    }
}

/// Adds one to a gauge while it lives.
pub(crate) struct GaugeGuard(Gauge);

impl GaugeGuard {
    pub(crate) fn of(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_stand_in_the_text_with_their_names() {
        let metrics = Metrics::new();
        metrics.ended("/predict", 200, Duration::from_millis(30));
        metrics.ended("/predict", 429, Duration::from_millis(1));
        metrics.frames.inc_by(12);
        let one = GaugeGuard::of(&metrics.at_work);
        let text = metrics.text();
        for line in [
            r#"hico_requests_total{route="/predict",status="200"} 1"#,
            r#"hico_request_seconds_bucket{le="0.05",route="/predict"} 2"#,
            "hico_frames_total 12",
            "hico_at_work 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
        drop(one);
        assert!(metrics.text().contains("hico_at_work 0"));
    }
}
