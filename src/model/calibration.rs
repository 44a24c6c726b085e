//! How a reference's thresholds came about, for people: the division of the budget, every threshold,
//! and how often each detector alone would alarm.

use serde::{Deserialize, Serialize};

use crate::model::interaction::Attributes;
use crate::model::stream::Stream;
use crate::model::verdict::DetectorKind;

/// The calibration of a reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CalibrationReport {
    /// Expected false alarms of the monitor in 30 days that are in force.
    pub expected_per_30d: f64,
    /// Those that the levels were solved for; thresholds in force are scaled from them.
    pub calibrated_per_30d: f64,
    /// Seed of everything random in it: the same rows and seed give the same thresholds.
    pub seed: u64,
    /// Version of the profile's meaning.
    pub version: u32,
    /// All of the traffic, then its segments.
    pub parts: Vec<PartCalibration>,
    /// What to know of the reference.
    pub warnings: Vec<String>,
}

/// All of the traffic, or one segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PartCalibration {
    /// The segment as labels; empty for all of the monitor's traffic.
    #[schema(value_type = std::collections::HashMap<String, String>)]
    pub segment: Attributes,
    /// Its events in the reference.
    pub n: u64,
    /// The same per day.
    pub events_per_day: f64,
    /// Expected false alarms in 30 days.
    pub expected_per_30d: f64,
    /// Its streams.
    pub streams: Vec<StreamCalibration>,
}

/// One stream of a part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StreamCalibration {
    /// The stream.
    pub stream: Stream,
    /// Expected false alarms in 30 days.
    pub expected_per_30d: f64,
    /// The daily and weekly course that windows are compared along: `none`, `daily`, `weekly` or
    /// `daily and weekly`.
    pub rhythm: String,
    /// Variance of the mean of 50 neighbouring events over that of independent ones.
    pub design_effect: f64,
    /// Mean number of events that were drawn together in the simulation.
    pub unit_events: f64,
    /// Every window and detector.
    pub thresholds: Vec<ThresholdCalibration>,
    /// What the thresholds do on the reference itself; absent for segments.
    pub trial: Option<Trial>,
}

/// What the thresholds do on the reference itself.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Trial {
    /// Alarms without drift; absent where no window fits into a slice.
    pub held_out: Option<HeldOutTrial>,
    /// How small a drift alarms; absent where no topic could be taken out.
    pub power: Option<PowerTrial>,
}

/// Alarms on fifths of the reference, in the order they came, each against the other four: far more
/// than expected means that the reference itself moves, or that its events depend on each other in a
/// way that the simulation does not follow.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HeldOutTrial {
    /// Evaluations in them.
    pub evaluations: u64,
    /// Alarms expected, at thresholds for one alarm in 40 evaluations.
    pub expected: f64,
    /// Alarms.
    pub episodes: u64,
    /// The expected number that so many alarms leave open with probability 0.95: from …
    pub low: f64,
    /// … to.
    pub high: f64,
    /// Alarms at the calibrated thresholds, where hardly any is expected: an incident in the reference
    /// is one long alarm.
    pub alarms: u64,
}

/// The smallest share of traffic from a topic unknown to the reference that alarms in four of five
/// simulated streams, at the calibrated thresholds. The topics are the reference's own, taken out of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PowerTrial {
    /// Share found within 1,000 events; absent where not even such events alone are.
    pub within_1000: Option<f64>,
    /// Share found within 5,000 events.
    pub within_5000: Option<f64>,
    /// Topics that were taken out, one after the other.
    pub topics: u64,
}

/// One detector in one window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ThresholdCalibration {
    /// The window's name.
    pub window: String,
    /// Events in it.
    pub n: u64,
    /// The detector.
    pub detector: DetectorKind,
    /// Probability of exceeding the threshold in one evaluation without drift.
    pub alpha: f64,
    /// The threshold for a full window, on the scale of the verdicts' statistic; absent where the
    /// detector may not alarm.
    pub threshold: Option<f64>,
    /// Days between false alarms of this detector in this window alone; absent where the simulation
    /// showed none.
    pub days_between_false_alarms: Option<f64>,
    /// The law of the null's tail beyond the simulated values: `generalised_pareto`, or the safe
    /// `exponential`; for rates `exponential_of_root`.
    pub tail: String,
    /// Whether the promise lies beyond the simulated length, so that the tail decides.
    pub extrapolated: bool,
}

/// Whether the promise is kept: alarms seen against alarms expected. Every alarm counts as if it were
/// false, so true drift makes it worse than it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SelfCheck {
    /// Days of event time between the first report against the reference and the last.
    pub days: f64,
    /// Alarms of the monitor in them.
    pub alarms: u64,
    /// False alarms expected in them.
    pub expected: f64,
    /// The expected number that so many alarms leave open with probability 0.95: from …
    pub low: f64,
    /// … to.
    pub high: f64,
    /// Probability of at least so many alarms if all were false and came as rarely as promised: a
    /// small one means drift, or a broken promise.
    pub p_value: f64,
}
