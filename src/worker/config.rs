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
        ];
        for (key, value) in positive {
            if value == 0 {
                problems.push((key.to_owned(), "must be at least 1".to_owned()));
            }
        }
        for (key, days) in self.retention.classes() {
            if days == 0 {
                problems.push((format!("retention.{key}"), "must be at least 1".to_owned()));
            }
        }
        if self.lease_seconds < 10 {
            let detail = "must be at least 10, or a slow disk loses every claim".to_owned();
            problems.push(("lease_seconds".to_owned(), detail));
        }
        problems
    }
}

/// How long things are kept, in days; interactions and what is of them from when they were received, buckets
/// and reports by their event time. The audit trail is kept for good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Texts of queries and responses.
    pub texts_days: u32,
    /// Texts as they came, beside the cleaned ones; not longer than those.
    pub originals_days: u32,
    /// Embeddings; needed for references frozen from a time range, and for examples.
    pub embeddings_days: u32,
    /// Interactions that could not be embedded, with their texts.
    pub quarantined_days: u32,
    /// Outcomes; not longer than their interactions.
    pub outcomes_days: u32,
    /// Outcomes that wait for their interaction.
    pub parked_outcomes_days: u32,
    /// Rows of uploaded files whose reference did not become ready.
    pub uploads_days: u32,
    /// Counts of quality, languages and personal data.
    pub quality_days: u32,
    /// Closed buckets of windows.
    pub sketches_days: u32,
    /// Reports.
    pub reports_days: u32,
    /// Alerts and retrainings that are over, and rules' histories.
    pub alerts_days: u32,
    /// Deliveries that arrived: their bodies quote texts.
    pub deliveries_days: u32,
    /// Deliveries that were given up.
    pub dead_letters_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            texts_days: 30,
            originals_days: 30,
            embeddings_days: 90,
            quarantined_days: 90,
            outcomes_days: 90,
            parked_outcomes_days: 90,
            uploads_days: 30,
            quality_days: 400,
            sketches_days: 400,
            reports_days: 400,
            alerts_days: 400,
            deliveries_days: 30,
            dead_letters_days: 30,
        }
    }
}

impl Retention {
    /// Every setting with its name.
    const fn classes(&self) -> [(&'static str, u32); 13] {
        [
            ("texts_days", self.texts_days),
            ("originals_days", self.originals_days),
            ("embeddings_days", self.embeddings_days),
            ("quarantined_days", self.quarantined_days),
            ("outcomes_days", self.outcomes_days),
            ("parked_outcomes_days", self.parked_outcomes_days),
            ("uploads_days", self.uploads_days),
            ("quality_days", self.quality_days),
            ("sketches_days", self.sketches_days),
            ("reports_days", self.reports_days),
            ("alerts_days", self.alerts_days),
            ("deliveries_days", self.deliveries_days),
            ("dead_letters_days", self.dead_letters_days),
        ]
    }
}
