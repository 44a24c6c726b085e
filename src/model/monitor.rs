//! A monitor: which streams of which traffic are compared with which reference, how, and who hears of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{MonitorId, ProjectId, ReceiverId, ReferenceId};
use crate::model::interaction::Attributes;
use crate::model::stream::Stream;
use crate::model::verdict::DetectorKind;
use crate::stats::sequential::Trigger;

/// A stored monitor.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Monitor {
    /// Its id.
    pub id: MonitorId,
    /// The project whose interactions it watches.
    pub project_id: ProjectId,
    /// What the user set.
    #[serde(flatten)]
    pub spec: MonitorSpec,
    /// The current reference; `None` before the first was frozen.
    pub reference_id: Option<ReferenceId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a user sets of a monitor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MonitorSpec {
    /// Unique within the project.
    pub name: String,
    /// The streams that are compared.
    #[serde(default = "default_streams")]
    pub streams: Vec<Stream>,
    /// Only interactions that carry all of these labels; empty for all traffic.
    #[serde(default)]
    #[schema(value_type = std::collections::HashMap<String, String>)]
    pub segment: Attributes,
    /// The sliding windows, each evaluated at its stride.
    #[serde(default = "default_windows")]
    pub windows: Vec<WindowSpec>,
    /// The statistics computed on every window.
    #[serde(default = "default_detectors")]
    pub detectors: Vec<DetectorKind>,
    /// Where the thresholds come from.
    #[serde(default)]
    pub thresholds: ThresholdPolicy,
    /// When threshold crossings become an alert.
    #[serde(default)]
    pub alert: AlertPolicy,
    /// Who is told; empty for nobody.
    #[serde(default)]
    pub receivers: Vec<ReceiverId>,
    /// Events older than the newest one by more than this are counted as late and left out.
    #[serde(default = "default_lateness")]
    pub lateness_seconds: u64,
    /// A paused monitor keeps its place and evaluates nothing.
    #[serde(default)]
    pub paused: bool,
}

impl MonitorSpec {
    /// The defaults under `name`: all streams, all traffic, three windows, three detectors.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            streams: default_streams(),
            segment: Attributes::new(),
            windows: default_windows(),
            detectors: default_detectors(),
            thresholds: ThresholdPolicy::default(),
            alert: AlertPolicy::default(),
            receivers: Vec::new(),
            lateness_seconds: default_lateness(),
            paused: false,
        }
    }

    /// How long an event may be older than the newest one.
    pub const fn lateness(&self) -> Duration {
        Duration::from_secs(self.lateness_seconds)
    }

    /// Whether an interaction with these labels belongs to the monitored segment.
    pub fn covers(&self, attributes: &Attributes) -> bool {
        self.segment.iter().all(|(key, value)| attributes.get(key) == Some(value))
    }

    /// Whether a reference frozen for `before` must be calibrated anew to serve `self`.
    pub fn needs_recalibration(&self, before: &Self) -> bool {
        self.streams != before.streams
            || self.windows != before.windows
            || self.detectors != before.detectors
            || self.thresholds != before.thresholds
            || self.alert.for_evaluations != before.alert.for_evaluations
            || self.alert.keep_firing_evaluations != before.alert.keep_firing_evaluations
            || (self.alert.resolve_ratio - before.alert.resolve_ratio).abs() > 0.0
    }

    /// Every problem of the specification, as (JSON pointer, what is wrong and the remedy).
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut say = |pointer: &str, detail: String| problems.push((pointer.to_owned(), detail));
        if self.name.trim().is_empty() || self.name.len() > 200 {
            say("/name", "must hold 1 to 200 bytes".to_owned());
        }
        if self.streams.is_empty() {
            say("/streams", "name at least one of query, response, relevance".to_owned());
        }
        if self.detectors.is_empty() {
            say("/detectors", "name at least one of mmd, kl, centroid".to_owned());
        }
        if self.windows.is_empty() || self.windows.len() > 8 {
            say("/windows", "give one to eight windows".to_owned());
        }
        for (i, window) in self.windows.iter().enumerate() {
            if let Some(detail) = window.problem() {
                say(&format!("/windows/{i}"), detail);
            }
            if self.windows[..i].iter().any(|other| other.name == window.name) {
                say(&format!("/windows/{i}/name"), format!("{:?} is used twice", window.name));
            }
        }
        if let Some(detail) = self.thresholds.problem() {
            say("/thresholds", detail);
        }
        if !(self.alert.resolve_ratio > 0.0 && self.alert.resolve_ratio <= 1.0) {
            say("/alert/resolve_ratio", "must be above 0 and at most 1".to_owned());
        }
        problems
    }
}

/// A sliding window of a monitor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WindowSpec {
    /// Its name in reports, unique within the monitor.
    pub name: String,
    /// Its length and stride.
    #[serde(flatten)]
    pub length: WindowLength,
}

/// The length and stride of a window, in events or in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum WindowLength {
    /// The last `events` events, evaluated each `stride` events.
    Count {
        /// Length in events; a multiple of `stride`.
        events: u32,
        /// Events between two evaluations.
        stride: u32,
    },
    /// The events of the last `minutes` of event time, evaluated each `stride_minutes`.
    Time {
        /// Length in minutes; a multiple of `stride_minutes`.
        minutes: u32,
        /// Minutes between two evaluations.
        stride_minutes: u32,
        /// With fewer events than this the verdict is `insufficient_data`.
        min_events: u32,
    },
}

impl WindowSpec {
    /// A window over the last `events` events.
    pub fn count(name: &str, events: u32, stride: u32) -> Self {
        Self { name: name.to_owned(), length: WindowLength::Count { events, stride } }
    }

    fn problem(&self) -> Option<String> {
        if self.name.is_empty() {
            return Some("name must not be empty".to_owned());
        }
        let (length, stride, unit) = match self.length {
            WindowLength::Count { events, stride } => (events, stride, "events"),
            WindowLength::Time { minutes, stride_minutes, min_events } => {
                if min_events < 2 {
                    return Some("min_events must be at least 2".to_owned());
                }
                (minutes, stride_minutes, "minutes")
            }
        };
        if stride == 0 || length == 0 || length % stride != 0 {
            return Some(format!(
                "a length of {length} {unit} is not a multiple of a stride of {stride} {unit}"
            ));
        }
        if length / stride > 1000 {
            return Some("a window may hold at most 1000 strides; lengthen the stride".to_owned());
        }
        (unit == "events" && length < 20)
            .then(|| "a window needs at least 20 events to be judged".to_owned())
    }
}

/// Where thresholds come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ThresholdPolicy {
    /// Calibrated on the reference so that this many false alarms are expected in 30 days.
    #[serde(rename = "false_alarms_per_30d")]
    FalseAlarmsPer30d(f64),
    /// Set by the user, per detector: the same statistic's value for every stream and window.
    Fixed(FixedThresholds),
}

impl Default for ThresholdPolicy {
    fn default() -> Self {
        Self::FalseAlarmsPer30d(1.0)
    }
}

impl ThresholdPolicy {
    fn problem(&self) -> Option<String> {
        match self {
            Self::FalseAlarmsPer30d(rate) if !(*rate > 0.0 && *rate <= 1000.0) => {
                Some("false_alarms_per_30d must be above 0 and at most 1000".to_owned())
            }
            Self::Fixed(fixed)
                if [fixed.mmd, fixed.kl, fixed.centroid]
                    .into_iter()
                    .flatten()
                    .any(|value| !(value.is_finite() && value > 0.0)) =>
            {
                Some("a fixed threshold must be a positive number".to_owned())
            }
            _ => None,
        }
    }
}

/// Thresholds set by the user; a detector without one is computed and never alarms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FixedThresholds {
    /// For the squared MMD.
    pub mmd: Option<f64>,
    /// For the bias-corrected KL divergence, in nats.
    pub kl: Option<f64>,
    /// For the squared centroid distance.
    pub centroid: Option<f64>,
}

impl FixedThresholds {
    /// The threshold of `detector`.
    pub const fn of(&self, detector: DetectorKind) -> Option<f64> {
        match detector {
            DetectorKind::Mmd => self.mmd,
            DetectorKind::Kl => self.kl,
            DetectorKind::Centroid => self.centroid,
        }
    }
}

/// When threshold crossings become an alert, and when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AlertPolicy {
    /// Crossings in a row before the alert fires; 1 fires at once.
    pub for_evaluations: u32,
    /// Quiet evaluations in a row before a firing alert resolves.
    pub keep_firing_evaluations: u32,
    /// Quiet means: every statistic below this share of its threshold (hysteresis).
    pub resolve_ratio: f64,
    /// Carried in the message.
    pub severity: Severity,
}

impl Default for AlertPolicy {
    fn default() -> Self {
        Self {
            for_evaluations: 1,
            keep_firing_evaluations: 4,
            resolve_ratio: 0.8,
            severity: Severity::Warning,
        }
    }
}

impl AlertPolicy {
    /// The rule as the state machine runs it: one for the live alert and for the simulated null,
    /// or the promised rate would be another's.
    pub const fn trigger(&self) -> Trigger {
        Trigger {
            for_evaluations: self.for_evaluations,
            keep_firing_evaluations: self.keep_firing_evaluations,
            resolve_ratio: self.resolve_ratio,
        }
    }
}

/// How much an alert hurries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Look at it today.
    Warning,
    /// Look at it now.
    Critical,
}

fn default_streams() -> Vec<Stream> {
    Stream::ALL.to_vec()
}

fn default_windows() -> Vec<WindowSpec> {
    vec![
        WindowSpec::count("short", 200, 50),
        WindowSpec::count("middle", 500, 50),
        WindowSpec::count("long", 1000, 50),
    ]
}

fn default_detectors() -> Vec<DetectorKind> {
    vec![DetectorKind::Mmd, DetectorKind::Kl, DetectorKind::Centroid]
}

const fn default_lateness() -> u64 {
    15 * 60
}
