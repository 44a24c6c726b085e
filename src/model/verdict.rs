//! What a detector says of one window.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::interaction::Attributes;
use crate::model::stream::{Stream, Values};

/// A statistic that compares a window with the reference.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DetectorKind {
    /// Squared maximum mean discrepancy, unbiased, RBF kernel.
    Mmd,
    /// KL(window ‖ reference) over the reference's codebook, bias-corrected, in nats.
    Kl,
    /// Squared distance of the centroids, unbiased.
    Centroid,
    /// Squared distance of the centroids in coordinates in which the reference varies equally.
    Whitened,
    /// How much farther from the reference's texts than its own are, in standard deviations of one.
    Novelty,
    /// Share of interactions that repeat a text more often than the reference does.
    Repeats,
    /// How much worse outcomes are, in standard deviations of the difference.
    Drop,
}

impl DetectorKind {
    /// Every detector, in the order of reports.
    pub const ALL: [Self; 7] = [
        Self::Mmd,
        Self::Kl,
        Self::Centroid,
        Self::Whitened,
        Self::Novelty,
        Self::Repeats,
        Self::Drop,
    ];

    /// Those that compare the values of a stream, in the order of `stats::statistics`.
    pub const OF_VALUES: [Self; 5] =
        [Self::Mmd, Self::Kl, Self::Centroid, Self::Whitened, Self::Novelty];

    /// Those of a permutation test, whose features come from both samples together.
    pub const OF_TWO_SAMPLES: [Self; 3] = [Self::Mmd, Self::Kl, Self::Centroid];

    /// Whether it can say anything of such values. Rates are compared by their means: how they
    /// stand together in one text, or which texts are near, means little.
    pub const fn judges(self, values: Values) -> bool {
        match values {
            Values::Embedding => !matches!(self, Self::Repeats | Self::Drop),
            Values::Scalar => matches!(self, Self::Mmd | Self::Kl | Self::Centroid),
            Values::Rates | Values::Rises => matches!(self, Self::Centroid | Self::Whitened),
            // Shares that the reference hardly has would have a variance of next to nothing, and one
            // text in a new language would be an alarm.
            Values::Shares => matches!(self, Self::Centroid),
            Values::Counted => matches!(self, Self::Repeats | Self::Drop),
        }
    }

    /// The detector's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mmd => "mmd",
            Self::Kl => "kl",
            Self::Centroid => "centroid",
            Self::Whitened => "whitened",
            Self::Novelty => "novelty",
            Self::Repeats => "repeats",
            Self::Drop => "drop",
        }
    }
}

impl fmt::Display for DetectorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a verdict comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerdictStatus {
    /// Compared, and below the threshold.
    Stable,
    /// Compared, and above the threshold.
    Drift,
    /// The window holds too few events to be judged.
    InsufficientData,
    /// Compared, but without a threshold: the reference is too small for this window, or none was set.
    Uncalibrated,
}

/// One detector's answer for one window of one stream.
///
/// The record follows alibi-detect's `is_drift / distance / p_val / threshold`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Verdict {
    /// The stream.
    pub stream: Stream,
    /// The segment as labels; empty for all of the monitor's traffic.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    #[schema(value_type = std::collections::HashMap<String, String>)]
    pub segment: Attributes,
    /// The window's name.
    pub window: String,
    /// The detector.
    pub detector: DetectorKind,
    /// What it comes to.
    pub status: VerdictStatus,
    /// Whether the statistic exceeds its threshold.
    pub is_drift: bool,
    /// The statistic; absent with insufficient data.
    pub statistic: Option<f64>,
    /// The level above which the window counts as drifted.
    pub threshold: Option<f64>,
    /// Rank of the statistic in the simulated null, in (0, 1]; absent without a calibration.
    pub p_value: Option<f64>,
    /// The statistic on a scale that users can read: see docs/STATISTICS.md.
    pub effect_size: Option<f64>,
    /// 1 − cos of the two centroids, beside the squared distance of `centroid`; not corrected for
    /// sample size. Absent for the other detectors and for scalar streams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cosine_distance: Option<f64>,
    /// Events in the reference.
    pub n_ref: u64,
    /// Events in the window.
    pub n_window: u64,
    /// Which outcome of whom, and its figures; of `drop` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<OutcomeFigures>,
}

/// An outcome in a window beside the reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OutcomeFigures {
    /// The outcome's name.
    pub name: String,
    /// The segment that it is of; empty for all of the traffic.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    #[schema(value_type = std::collections::HashMap<String, String>)]
    pub segment: Attributes,
    /// The topic of queries that it is of: a cell of the reference, as in explanations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<u32>,
    /// The reference's mean; of a binary outcome its rate.
    pub then: f64,
    /// The window's.
    pub now: f64,
    /// Lower end of the difference's interval, which holds it in 95 of 100 cases.
    pub low: f64,
    /// Upper end of that interval.
    pub high: f64,
}

impl Verdict {
    /// The answer of a detector that has not judged: too little data, no numbers.
    pub fn unjudged(stream: Stream, window: &str, detector: DetectorKind) -> Self {
        Self {
            stream,
            segment: Attributes::new(),
            window: window.to_owned(),
            detector,
            status: VerdictStatus::InsufficientData,
            is_drift: false,
            statistic: None,
            threshold: None,
            p_value: None,
            effect_size: None,
            cosine_distance: None,
            n_ref: 0,
            n_window: 0,
            outcome: None,
        }
    }

    /// statistic ÷ threshold: above 1 is drift. `None` when either is missing.
    pub fn ratio(&self) -> Option<f64> {
        Some(self.statistic? / self.threshold?)
    }
}
