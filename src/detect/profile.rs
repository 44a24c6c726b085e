//! Everything frozen about a reference: what windows are compared with, and the thresholds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::detect::lens::Lens;
use crate::detect::notes::Notes;
use crate::detect::outcomes::OutcomeProfile;
use crate::detect::repeats::Allowance;
use crate::detect::segments::Segment;
use crate::detect::writings::Writings;
use crate::model::calibration::Trial;
use crate::model::monitor::WindowSpec;
use crate::model::stream::Stream;
use crate::model::verdict::DetectorKind;
use crate::policy::PolicySet;
use crate::stats::expectation::Expectation;
use crate::stats::null::NullTable;

/// Version of the profile's meaning; a profile of an earlier one is calibrated anew, of a later one refused.
pub const PROFILE_VERSION: u32 = 6;

/// A frozen reference, ready to be compared with. Immutable and self-contained: with the seed and
/// the reference's rows it can be computed again, bit for bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReferenceProfile {
    /// [`PROFILE_VERSION`] when it was made.
    pub version: u32,
    /// Digest of the embedding model; windows made with another are refused.
    pub model_digest: String,
    /// Seed of features, codebook and simulation.
    pub seed: u64,
    /// Events in the reference.
    pub n: u64,
    /// Expected false alarms in 30 days that the levels were solved for.
    pub per_30d: f64,
    /// How each stream's values become features; a stream without enough rows has none.
    pub lenses: BTreeMap<Stream, Lens>,
    /// All of the traffic.
    pub whole: Part,
    /// Parts of it by label, each with a share of the budget.
    pub segments: Vec<Part>,
    /// How often a text may come again.
    pub allowance: Allowance,
    /// Its outcomes; `None` where there were too few.
    #[serde(default)]
    pub outcomes: Option<OutcomeProfile>,
    /// How its texts are written; empty where they were not at hand.
    #[serde(default)]
    pub writings: Writings,
    /// The policies that were switched on when it was made.
    #[serde(default)]
    pub policies: PolicySet,
    /// What explanations are made of; empty until [`crate::detect::notes::take`] has seen the texts.
    #[serde(default)]
    pub notes: Notes,
    /// What a user should know: windows too long for this reference, streams without rows.
    pub warnings: Vec<String>,
}

/// The traffic as a whole, or one segment of it: what is expected of it and its thresholds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The segment; `None` for all of the traffic.
    pub segment: Option<Segment>,
    /// Its events in the reference.
    pub n: u64,
    /// Events per day in the reference, which turns "per 30 days" into "per evaluations".
    pub events_per_day: f64,
    /// Its windows.
    pub windows: Vec<WindowSpec>,
    /// Its streams.
    pub streams: BTreeMap<Stream, StreamPart>,
}

/// One stream of a part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamPart {
    /// What the reference leads one to expect.
    pub expectation: Expectation,
    /// Expected false alarms in 30 days that its levels were solved for.
    pub per_30d: f64,
    /// The yardstick of the effect size.
    pub spread: Spread,
    /// Variance of the mean of 50 neighbouring events over that of independent ones.
    pub design_effect: f64,
    /// Mean number of events that were drawn together in the simulation.
    pub unit_events: f64,
    /// Calibrated windows by name; a window that the reference is too small for is absent.
    pub windows: BTreeMap<String, WindowCalibration>,
    /// What the thresholds did when they were tried; segments' are not.
    #[serde(default)]
    pub trial: Option<Trial>,
}

/// Squared distances between the two halves of a reference that a 2-means split makes, and how
/// novel its most novel hundredth is.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Spread {
    /// In the kernel's feature space.
    pub kernel: f64,
    /// Between centroids.
    pub linear: f64,
    /// Between whitened centroids.
    pub whitened: f64,
    /// The 99 % quantile of the novelty score above its mean, in standard deviations.
    pub novelty: f64,
}

/// The null of one window, simulated at `n` events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowCalibration {
    /// Events in the simulated window.
    pub n: u64,
    /// Evaluations of its grid in a day of the reference.
    pub evaluations_per_day: f64,
    /// Per detector: level and null.
    pub detectors: BTreeMap<DetectorKind, DetectorCalibration>,
}

/// Level and null of one detector in one window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectorCalibration {
    /// The level α for the reference's own traffic: the statistic exceeds its threshold with this
    /// probability when nothing has changed.
    pub alpha: f64,
    /// The simulated null of the standardised statistic.
    pub null: NullTable,
    /// Evaluations between false alarms of this detector in this window alone; `None` where it never
    /// alarmed in the simulation.
    pub own_run_evaluations: Option<f64>,
    /// Whether the promise lies beyond the simulated length.
    pub extrapolated: bool,
}

impl DetectorCalibration {
    /// The standardised threshold when false alarms may come `factor` times as often per evaluation
    /// as they were calibrated for.
    ///
    /// For rare alarms the level and their rate go in proportion: with twice the traffic there are
    /// twice the evaluations a day, and each may alarm half as often.
    pub fn threshold(&self, factor: f64) -> f64 {
        self.null.upper_quantile(self.alpha * factor).max(f64::MIN_POSITIVE)
    }
}
