//! Everything frozen about a reference: what windows are compared with, and the thresholds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::stream::Stream;
use crate::model::verdict::DetectorKind;
use crate::stats::codebook::Codebook;
use crate::stats::features::FourierFeatures;
use crate::stats::null::NullTable;
use crate::stats::sketch::Sketch;

/// Version of the profile's meaning; a profile of another version is refused.
pub const PROFILE_VERSION: u32 = 1;

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
    /// Events per day in the reference, which turns "per 30 days" into "per evaluations".
    pub events_per_day: f64,
    /// The streams that have a profile; a stream without enough rows has none.
    pub streams: BTreeMap<Stream, StreamProfile>,
    /// What a user should know: windows too long for this reference, streams without rows.
    pub warnings: Vec<String>,
}

/// One stream's part of a reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamProfile {
    /// Kernel bandwidth γ: 1 / median squared distance of the reference.
    pub gamma: f64,
    /// Number of random frequencies; the sketch holds twice as many features.
    pub frequencies: usize,
    /// Seed of the frequencies.
    pub feature_seed: u64,
    /// Sums over all rows; the cells count only the half that the codebook was not fitted on.
    pub sketch: Sketch,
    /// The cells of the KL divergence.
    pub codebook: Codebook,
    /// Squared distance of the reference's two most different halves, by kernel and by centroid:
    /// the yardstick of the effect size.
    pub spread: Spread,
    /// Design effect of sessions: 1 for independent events.
    pub design_effect: f64,
    /// Calibrated windows by name; a window that the reference is too small for is absent.
    pub windows: BTreeMap<String, WindowCalibration>,
}

impl StreamProfile {
    /// Coordinates of the stream's values.
    pub fn dim(&self) -> usize {
        self.sketch.sum_x.len()
    }

    /// The feature map, drawn again from its seed.
    pub fn features(&self) -> FourierFeatures {
        FourierFeatures::new(self.dim(), self.frequencies, self.gamma, self.feature_seed)
    }

    /// A sketch of no events, of this stream's shape.
    pub fn empty_sketch(&self) -> Sketch {
        Sketch::empty(self.dim(), 2 * self.frequencies, self.codebook.len())
    }
}

/// Squared distances between the two halves of a reference that a 2-means split makes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// In the kernel's feature space.
    pub kernel: f64,
    /// Between centroids.
    pub linear: f64,
}

/// The null of one window, simulated at `n` events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowCalibration {
    /// Events in the simulated window.
    pub n: u64,
    /// Per detector: level and null.
    pub detectors: BTreeMap<DetectorKind, DetectorCalibration>,
}

/// Level and null of one detector in one window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectorCalibration {
    /// The level α that all detectors of the stream share, for the reference's own traffic: each
    /// exceeds its threshold with this probability when nothing has changed.
    pub alpha: f64,
    /// The simulated null.
    pub null: NullTable,
    /// Promised evaluations between false alarms of the whole stream.
    pub expected_run_evaluations: f64,
    /// Whether the promise lies beyond the simulated length.
    pub extrapolated: bool,
}

impl DetectorCalibration {
    /// The threshold when traffic is `intensity` times as dense as in the reference.
    ///
    /// A promise in days means rarer alarms per evaluation when there are more evaluations a day;
    /// for rare alarms the level falls in proportion to their rate.
    pub fn threshold(&self, intensity: f64) -> f64 {
        self.null.upper_quantile(self.alpha / intensity).max(f64::MIN_POSITIVE)
    }
}
