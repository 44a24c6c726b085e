//! Every metric of the daemon, in one list.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::process::ProcessCollector;

type RealGauge = Gauge<f64, AtomicU64>;

/// How something ended; always from a fixed set of words.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ResultLabels {
    /// One of the words that the metric's help names.
    pub result: &'static str,
}

/// The state that an alert went to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StateLabels {
    /// `pending`, `firing` or `resolved`.
    pub state: &'static str,
}

/// A monitor.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct MonitorLabels {
    /// Its id.
    pub monitor: String,
}

/// A stream of a monitor.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AlertLabels {
    /// The monitor's id.
    pub monitor: String,
    /// The stream.
    pub stream: &'static str,
}

/// One detector on one window of one stream of a monitor.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct DetectorLabels {
    /// The monitor's id.
    pub monitor: String,
    /// The stream.
    pub stream: &'static str,
    /// The window's name.
    pub window: String,
    /// The detector.
    pub detector: &'static str,
}

/// An HTTP request that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The method.
    pub method: String,
    /// The route's pattern, never the path: `/v1/reports/{id}`.
    pub route: String,
    /// The status code.
    pub status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: String,
}

macro_rules! metrics {
    ($($(#[doc = $help:literal])+ $field:ident: $kind:ty = $make:expr, $name:literal;)*) => {
        /// Every metric. Cheap to update; shared behind an `Arc`.
        #[derive(Debug)]
        pub struct Metrics {
            registry: Registry,
            $($(#[doc = $help])+ pub $field: $kind,)*
        }

        impl Metrics {
            fn registered() -> Self {
                let mut registry = Registry::default();
                $(
                    let $field: $kind = $make;
                    registry.register($name, concat!($($help),+).trim().trim_end_matches('.'), $field.clone());
                )*
                Self { registry, $($field),* }
            }
        }
    };
}

metrics! {
    /// Interactions by result: accepted, duplicate, conflict, rejected or sampled out.
    ingest_interactions: Family<ResultLabels, Counter> = Family::default(),
        "seamark_ingest_interactions";
    /// Seconds from the first byte of an ingest request to its answer.
    ingest_request_duration: Histogram = Histogram::new(SECONDS), "seamark_ingest_request_duration_seconds";
    /// Seconds to embed one batch.
    embed_batch_duration: Histogram = Histogram::new(SECONDS), "seamark_embed_batch_duration_seconds";
    /// Texts embedded, or found in the cache.
    embed_texts: Counter = Counter::default(), "seamark_embed_texts";
    /// Texts found in the embedder's cache, or the same as another of their batch.
    embed_cache_hits: Counter = Counter::default(), "seamark_embed_cache_hits";
    /// Texts that the embedder computed because its cache had them not.
    embed_cache_misses: Counter = Counter::default(), "seamark_embed_cache_misses";
    /// Interactions that wait for their embeddings.
    embed_pending: Gauge = Gauge::default(), "seamark_embed_pending";
    /// Verdicts by result: stable, drift, insufficient data or uncalibrated.
    window_evaluations: Family<ResultLabels, Counter> = Family::default(), "seamark_window_evaluations";
    /// The last value of a detector's statistic.
    drift_statistic: Family<DetectorLabels, RealGauge> = Family::default(), "seamark_drift_statistic";
    /// The level above which the statistic counts as drift.
    drift_threshold: Family<DetectorLabels, RealGauge> = Family::default(), "seamark_drift_threshold";
    /// Wall-clock time of a monitor's last evaluation, in seconds since 1970.
    last_evaluation_timestamp: Family<MonitorLabels, RealGauge> = Family::default(),
        "seamark_last_evaluation_timestamp_seconds";
    /// Alarms against the monitor's reference so far, all counted as if they were false.
    reference_alarms: Family<MonitorLabels, Gauge> = Family::default(), "seamark_reference_alarms";
    /// False alarms that the promise expects in the same time.
    reference_alarms_expected: Family<MonitorLabels, RealGauge> = Family::default(),
        "seamark_reference_alarms_expected";
    /// Probability of so many alarms if all are false and the promise holds.
    reference_alarms_p_value: Family<MonitorLabels, RealGauge> = Family::default(),
        "seamark_reference_alarms_p_value";
    /// 1 while an alert fires, else 0.
    alert_active: Family<AlertLabels, Gauge> = Family::default(), "seamark_alert_active";
    /// Alert transitions by the state they led to: pending, firing or resolved.
    alert_transitions: Family<StateLabels, Counter> = Family::default(), "seamark_alert_transitions";
    /// Attempts to deliver by result: delivered, retry or exhausted.
    webhook_deliveries: Family<ResultLabels, Counter> = Family::default(), "seamark_webhook_deliveries";
    /// Seconds one attempt to deliver took.
    webhook_attempt_duration: Histogram = Histogram::new(SECONDS), "seamark_webhook_attempt_duration_seconds";
    /// Seconds to answer an HTTP request.
    http_request_duration: Family<RequestLabels, Histogram> =
        Family::new_with_constructor(|| Histogram::new(SECONDS)), "http_request_duration_seconds";
}

/// Upper bounds of all duration histograms, from a cached answer to the longest time-out.
const SECONDS: [f64; 12] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

impl Metrics {
    /// All metrics at 0, and those with a known set of labels present from the first scrape.
    pub fn new(version: &str) -> Self {
        let mut metrics = Self::registered();
        let labels = BuildLabels { version: version.to_owned() };
        metrics.registry.register("seamark_build", "What is running", Info::new(labels));
        metrics.registry.register_collector(Box::new(ProcessCollector));
        metrics.create_known_series();
        metrics
    }

    fn create_known_series(&self) {
        let all = |family: &Family<ResultLabels, Counter>, results: &[&'static str]| {
            for result in results {
                drop(family.get_or_create(&ResultLabels { result }));
            }
        };
        let ingest = ["accepted", "duplicate", "conflict", "rejected", "sampled_out"];
        all(&self.ingest_interactions, &ingest);
        let verdicts = ["stable", "drift", "insufficient_data", "uncalibrated"];
        all(&self.window_evaluations, &verdicts);
        all(&self.webhook_deliveries, &["delivered", "retry", "exhausted"]);
        for state in ["pending", "firing", "resolved"] {
            drop(self.alert_transitions.get_or_create(&StateLabels { state }));
        }
    }

    /// Counts `n` more interactions that ended with `result`.
    pub fn count_ingested(&self, result: &'static str, n: u64) {
        self.ingest_interactions.get_or_create(&ResultLabels { result }).inc_by(n);
    }

    /// Forgets every series of a monitor that was deleted.
    pub fn forget_monitor(&self, monitor: &str, series: &[DetectorLabels]) {
        for labels in series {
            self.drift_statistic.remove(labels);
            self.drift_threshold.remove(labels);
            let alert = AlertLabels { monitor: monitor.to_owned(), stream: labels.stream };
            self.alert_active.remove(&alert);
        }
        let labels = MonitorLabels { monitor: monitor.to_owned() };
        self.last_evaluation_timestamp.remove(&labels);
        self.reference_alarms.remove(&labels);
        self.reference_alarms_expected.remove(&labels);
        self.reference_alarms_p_value.remove(&labels);
    }

    /// The exposition for one scrape, in the `OpenMetrics` text format.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            // A string takes every write; a scrape without its end marker is refused by Prometheus.
            Err(std::fmt::Error) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_there_from_the_first_scrape() {
        let text = Metrics::new("1.2.3").encode();
        for line in [
            "seamark_ingest_interactions_total{result=\"sampled_out\"} 0",
            "seamark_webhook_deliveries_total{result=\"exhausted\"} 0",
            "seamark_alert_transitions_total{state=\"firing\"} 0",
            "seamark_embed_pending 0",
            "seamark_embed_texts_total 0",
            "seamark_embed_batch_duration_seconds_count 0",
            "seamark_ingest_request_duration_seconds_count 0",
            "seamark_webhook_attempt_duration_seconds_count 0",
            "seamark_window_evaluations_total{result=\"drift\"} 0",
            "seamark_build_info{version=\"1.2.3\"} 1",
        ] {
            assert!(text.lines().any(|there| there == line), "{line} is missing in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_is_measured() {
        let text = Metrics::new("1").encode();
        let value = |name: &str| -> f64 {
            let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
            line.rsplit(' ').next().unwrap().parse().unwrap()
        };
        assert!(value("process_resident_memory_bytes") > 1e6);
        assert!(value("process_open_fds") >= 3.0);
        assert!(value("process_start_time_seconds") > 1.6e9);
        assert!(value("process_cpu_seconds_total") >= 0.0);
    }

    #[test]
    fn a_deleted_monitor_leaves_no_series() {
        let metrics = Metrics::new("1");
        let labels = DetectorLabels {
            monitor: "m\"1".to_owned(),
            stream: "query",
            window: "short".to_owned(),
            detector: "mmd",
        };
        metrics.drift_statistic.get_or_create(&labels).set(0.25);
        let line = r#"seamark_drift_statistic{monitor="m\"1",stream="query",window="short",detector="mmd"} 0.25"#;
        assert!(metrics.encode().contains(line), "{}", metrics.encode());
        metrics.forget_monitor("m\"1", &[labels]);
        assert!(!metrics.encode().contains("m\\\"1"));
    }
}
