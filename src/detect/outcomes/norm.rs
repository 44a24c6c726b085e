//! What the reference leads one to expect of outcomes, and the thresholds.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::detect::outcomes::sums::{Moments, Sums};
use crate::detect::profile::DetectorCalibration;
use crate::detect::segments::Segment;
use crate::model::interaction::{Attributes, EventOutcome};
use crate::stats::proportion::{Interval, newcombe};

/// How surely an interval holds its difference.
const CONFIDENCE: f64 = 0.95;

/// Quantile of the standard normal distribution for it.
const Z: f64 = 1.959_963_984_540_054;

/// Frozen outcomes of a reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutcomeProfile {
    /// By name.
    pub norms: Vec<Norm>,
    /// The reference's sums.
    pub sums: Sums,
    /// Segments, in the order of the sums'.
    pub segments: Vec<Segment>,
    /// The distance from its centroid within which each topic holds its own queries; what lies farther
    /// is of the topic behind the last: none that the reference has.
    pub radius_limits: Vec<f64>,
    /// The windows: name and length in interactions, shortest first.
    pub windows: Vec<(String, u64)>,
    /// Interactions between two evaluations.
    pub stride: u64,
    /// Matured interactions a day in the reference.
    pub events_per_day: f64,
    /// Expected false alarms in 30 days that the levels were solved for.
    pub per_30d: f64,
    /// Level and null of each statistic, in the order of `score::columns`.
    pub columns: Vec<Option<DetectorCalibration>>,
}

/// What is expected of the outcomes of one name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Norm {
    /// The name.
    pub name: String,
    /// Whether more is better.
    pub is_good_up: bool,
    /// Whether values are 0 and 1 only.
    pub is_binary: bool,
    /// Seconds after which most outcomes have come; later ones do not count.
    pub matures_after_seconds: f64,
    /// The range that values are taken to lie in: the reference's without its outermost hundredths,
    /// so that one outcome cannot decide a window.
    pub low: f64,
    /// Upper end of the range.
    pub high: f64,
    /// Variance of a value in the reference.
    pub variance: f64,
}

impl Norm {
    /// The time after which an interaction's outcomes are looked at.
    pub fn matures_after(&self) -> Duration {
        Duration::try_from_secs_f64(self.matures_after_seconds).unwrap_or(Duration::MAX)
    }

    /// The value as it counts.
    pub fn counted(&self, value: f64) -> Option<f64> {
        value.is_finite().then(|| value.clamp(self.low, self.high))
    }

    /// The mean of `now` less that of `then`, with the interval that holds the difference in 95 of 100
    /// cases: Newcombe's for binary outcomes, else the normal one with the reference's variance.
    pub fn difference(&self, now: Moments, then: Moments) -> Option<Interval> {
        if self.is_binary {
            let counts = |m: Moments| (m.sum.round() as u64, m.n as u64);
            return newcombe(counts(now), counts(then), CONFIDENCE);
        }
        let estimate = now.mean() - then.mean();
        let half = Z * (self.variance * (1.0 / now.n + 1.0 / then.n)).sqrt();
        Some(Interval { estimate, low: estimate - half, high: estimate + half })
    }

    /// Whether a value is at the bad end of what the reference has.
    pub fn is_bad(&self, value: f64) -> bool {
        let share = (value - self.low) / (self.high - self.low);
        if self.is_good_up { share < 0.25 } else { share > 0.75 }
    }
}

impl OutcomeProfile {
    /// The longest time that an interaction waits for its outcomes.
    pub fn matures_after(&self) -> Duration {
        self.norms.iter().map(Norm::matures_after).max().unwrap_or_default()
    }

    /// Numbers of the segments that an interaction with these labels belongs to.
    pub fn segments_of(&self, attributes: &Attributes) -> Vec<usize> {
        let holds = |segment: &Segment| segment.holds(attributes);
        (0..self.segments.len()).filter(|&i| holds(&self.segments[i])).collect()
    }

    /// The values that count, by name: those that came in time.
    pub fn values(&self, outcomes: &[EventOutcome]) -> Vec<Option<f64>> {
        let of = |norm: &Norm| {
            let own = outcomes.iter().find(|outcome| outcome.name == norm.name)?;
            let in_time = own.after_seconds <= norm.matures_after_seconds;
            in_time.then(|| norm.counted(own.value)).flatten()
        };
        self.norms.iter().map(of).collect()
    }
}
