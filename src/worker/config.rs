//! Settings of the workers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Settings of the workers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Longest time between two looks for work, in milliseconds; signals usually come first.
    pub poll_milliseconds: u64,
    /// After this long without a renewal another daemon may take over a worker's claim, in seconds.
    pub lease_seconds: u64,
    /// Interactions embedded in one batch.
    pub embedding_batch: u32,
    /// An interaction that failed in the embedder this often is set aside.
    pub quarantine_after: u32,
    /// Time between two looks at the alert rules, in seconds.
    pub rules_seconds: u64,
    /// Deliveries under way at the same time; a receiver with none under way gets one beyond these.
    pub delivery_concurrency: u32,
    /// Where links in messages point, such as `https://seamark.example.com`; empty for the bound address.
    pub public_url: String,
    /// How long things are kept.
    pub retention: Retention,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            poll_milliseconds: 200,
            lease_seconds: 60,
            embedding_batch: 128,
            quarantine_after: 3,
            rules_seconds: 15,
            delivery_concurrency: 16,
            public_url: String::new(),
            retention: Retention::default(),
        }
    }
}

impl Config {
    /// How long a claim lasts without renewal.
    pub const fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }

    /// Every problem of the settings, as (key, what is wrong and the remedy).
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let positive = [
            ("poll_milliseconds", self.poll_milliseconds),
            ("embedding_batch", self.embedding_batch.into()),
            ("quarantine_after", self.quarantine_after.into()),
            ("rules_seconds", self.rules_seconds),
            ("delivery_concurrency", self.delivery_concurrency.into()),
            ("retention.texts_days", self.retention.texts_days.into()),
            ("retention.embeddings_days", self.retention.embeddings_days.into()),
            ("retention.sketches_days", self.retention.sketches_days.into()),
            ("retention.reports_days", self.retention.reports_days.into()),
        ];
        for (key, value) in positive {
            if value == 0 {
                problems.push((key.to_owned(), "must be at least 1".to_owned()));
            }
        }
        if self.lease_seconds < 10 {
            let detail = "must be at least 10, or a slow disk loses every claim".to_owned();
            problems.push(("lease_seconds".to_owned(), detail));
        }
        problems
    }
}

/// How long things are kept, in days: texts and embeddings from when they were received, buckets,
/// reports and alerts by their event time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Texts of queries and responses.
    pub texts_days: u32,
    /// Embeddings; needed for references frozen from a time range, and for examples.
    pub embeddings_days: u32,
    /// Closed buckets of windows.
    pub sketches_days: u32,
    /// Reports, rules' histories, and what is over of alerts, deliveries and retrainings.
    pub reports_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { texts_days: 30, embeddings_days: 90, sketches_days: 400, reports_days: 400 }
    }
}
