//! A monitor: which streams of which traffic are compared with which reference, how, and who hears of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{MonitorId, ProjectId, ReceiverId, ReferenceId};
use crate::model::annotation::{self, Annotations};
use crate::model::interaction::Attributes;
use crate::model::matcher::{Labels, label_problem};
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
    /// Which labels divide the traffic into parts that are watched beside the whole.
    #[serde(default)]
    pub segments: Segmentation,
    /// The sliding windows, each evaluated at its stride.
    #[serde(default = "default_windows")]
    pub windows: Vec<WindowSpec>,
    /// The statistics computed on every window.
    #[serde(default = "default_detectors")]
    pub detectors: Vec<DetectorKind>,
    /// Where the thresholds come from.
    #[serde(default)]
    pub thresholds: ThresholdPolicy,
    /// How the false-alarm budget is divided.
    #[serde(default)]
    pub weights: BudgetWeights,
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
    /// The defaults under `name`: all streams, all traffic, three windows, five detectors.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            streams: default_streams(),
            segment: Attributes::new(),
            segments: Segmentation::default(),
            windows: default_windows(),
            detectors: default_detectors(),
            thresholds: ThresholdPolicy::default(),
            weights: BudgetWeights::default(),
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
            || self.segments != before.segments
            || self.thresholds.needs_recalibration(&before.thresholds)
            || self.weights.within_monitor() != before.weights.within_monitor()
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
        if !self.streams.iter().any(|stream| stream.has_values()) {
            say("/streams", "name at least one of query, response, relevance".to_owned());
        }
        if self.detectors.is_empty() {
            say(
                "/detectors",
                "name at least one of mmd, kl, centroid, whitened, novelty".to_owned(),
            );
        }
        if self.detectors.contains(&DetectorKind::Repeats) {
            say("/detectors", "repeats belongs to the stream duplicates: name that one".to_owned());
        }
        if let Some(detail) = self.weights.problem() {
            say("/weights", detail);
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
        for (pointer, detail) in self.alert.problems() {
            say(&format!("/alert{pointer}"), detail);
        }
        if !(self.alert.resolve_ratio > 0.0 && self.alert.resolve_ratio <= 1.0) {
            say("/alert/resolve_ratio", "must be above 0 and at most 1".to_owned());
        }
        problems
    }
}

/// Which labels divide a monitor's traffic into segments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Segmentation {
    /// Every attribute with 2 to 20 values in the reference.
    #[default]
    Auto,
    /// None: the traffic is watched as a whole only.
    Off,
    /// These attributes, as far as they have 2 to 20 values in the reference.
    By(Vec<String>),
}

/// Weights in the division of the false-alarm budget; what is not named weighs 1, but the streams
/// `query` and `response` 2, those of rates (quality, language, privacy, policy) 0.5, and the detector
/// `kl` 0.25. Zero keeps something from alarming.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BudgetWeights {
    /// The monitor's own among those of the project.
    pub monitor: f64,
    /// Of streams.
    #[schema(value_type = std::collections::HashMap<String, f64>)]
    pub streams: BTreeMap<Stream, f64>,
    /// Of windows, by name.
    #[schema(value_type = std::collections::HashMap<String, f64>)]
    pub windows: BTreeMap<String, f64>,
    /// Of detectors.
    #[schema(value_type = std::collections::HashMap<String, f64>)]
    pub detectors: BTreeMap<DetectorKind, f64>,
    /// The share of the monitor's rate that its segments have together, where it has any: 0 to 1.
    pub segments_share: f64,
    /// Of segments among each other, by label: `channel=web`, `channel=other`.
    #[schema(value_type = std::collections::HashMap<String, f64>)]
    pub segments: BTreeMap<String, f64>,
}

impl Default for BudgetWeights {
    fn default() -> Self {
        Self {
            monitor: 1.0,
            streams: BTreeMap::new(),
            windows: BTreeMap::new(),
            detectors: BTreeMap::new(),
            segments_share: 0.3,
            segments: BTreeMap::new(),
        }
    }
}

impl BudgetWeights {
    /// What the thresholds of one monitor depend on.
    fn within_monitor(&self) -> Self {
        Self { monitor: 1.0, ..self.clone() }
    }

    fn problem(&self) -> Option<String> {
        let all = [self.monitor]
            .into_iter()
            .chain(self.streams.values().copied())
            .chain(self.windows.values().copied())
            .chain(self.detectors.values().copied())
            .chain(self.segments.values().copied());
        let mut bad = all.filter(|weight| !(*weight >= 0.0 && *weight <= 1000.0));
        if bad.next().is_some() {
            return Some("a weight is a number from 0 to 1000".to_owned());
        }
        if !(self.segments_share >= 0.0 && self.segments_share <= 1.0) {
            return Some("segments_share is a number from 0 to 1".to_owned());
        }
        (self.monitor <= 0.0)
            .then(|| "monitor must be above 0; pause the monitor instead".to_owned())
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
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ThresholdPolicy {
    /// Calibrated on the reference for this monitor's share of the project's budget.
    #[default]
    Budget,
    /// Calibrated on the reference for at most this many false alarms in 30 days, beside the
    /// project's budget.
    #[serde(rename = "false_alarms_per_30d")]
    FalseAlarmsPer30d(f64),
    /// Set by the user, per detector: the same statistic's value for every stream and window.
    Fixed(FixedThresholds),
}

impl ThresholdPolicy {
    /// A calibrated level is scaled to any rate; only fixed thresholds are something else.
    fn needs_recalibration(&self, before: &Self) -> bool {
        match (self, before) {
            (Self::Fixed(now), Self::Fixed(before)) => now != before,
            (Self::Fixed(_), _) | (_, Self::Fixed(_)) => true,
            _ => false,
        }
    }

    fn problem(&self) -> Option<String> {
        match self {
            Self::FalseAlarmsPer30d(rate) if !(*rate > 0.0 && *rate <= 1000.0) => {
                Some("false_alarms_per_30d must be above 0 and at most 1000".to_owned())
            }
            Self::Fixed(fixed)
                if DetectorKind::ALL
                    .into_iter()
                    .filter_map(|kind| fixed.of(kind))
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
    /// For the squared centroid distance in whitened coordinates.
    #[serde(default)]
    pub whitened: Option<f64>,
    /// For the novelty, in standard deviations of one text.
    #[serde(default)]
    pub novelty: Option<f64>,
    /// For the share of repeats among the last 200 interactions.
    #[serde(default)]
    pub repeats: Option<f64>,
    /// For outcomes that became worse, in standard deviations of the difference.
    #[serde(default)]
    pub drop: Option<f64>,
}

impl FixedThresholds {
    /// The threshold of `detector`.
    pub const fn of(&self, detector: DetectorKind) -> Option<f64> {
        match detector {
            DetectorKind::Mmd => self.mmd,
            DetectorKind::Kl => self.kl,
            DetectorKind::Centroid => self.centroid,
            DetectorKind::Whitened => self.whitened,
            DetectorKind::Novelty => self.novelty,
            DetectorKind::Repeats => self.repeats,
            DetectorKind::Drop => self.drop,
        }
    }
}

/// When threshold crossings become an alert, when it ends, and what goes with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
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
    /// Labels of its alerts, for routes and silences: `team = search`.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    #[schema(value_type = std::collections::HashMap<String, String>)]
    pub labels: Labels,
    /// Templates of what its alerts say beside the figures; `summary` is the message's first sentence.
    #[serde(skip_serializing_if = "Annotations::is_empty")]
    #[schema(value_type = std::collections::HashMap<String, String>)]
    pub annotations: Annotations,
    /// Where the people who are told find what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runbook_url: Option<String>,
}

impl Default for AlertPolicy {
    fn default() -> Self {
        Self {
            for_evaluations: 1,
            keep_firing_evaluations: 4,
            resolve_ratio: 0.8,
            severity: Severity::Warning,
            labels: Labels::new(),
            annotations: Annotations::new(),
            runbook_url: None,
        }
    }
}

impl AlertPolicy {
    fn problems(&self) -> Vec<(String, String)> {
        let labels = label_problem(&self.labels).map(|detail| ("/labels".to_owned(), detail));
        let link = self.runbook_url.as_deref().and_then(link_problem);
        let link = link.map(|detail| ("/runbook_url".to_owned(), detail));
        labels.into_iter().chain(annotation::problems(&self.annotations)).chain(link).collect()
    }

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

/// What is wrong with a link that people are to follow.
pub(in crate::model) fn link_problem(url: &str) -> Option<String> {
    let is_link = (url.starts_with("https://") || url.starts_with("http://")) && url.len() <= 1000;
    (!is_link).then(|| "must be a link: https://…, at most 1000 bytes".to_owned())
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

impl Severity {
    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
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
    DetectorKind::OF_VALUES.to_vec()
}

const fn default_lateness() -> u64 {
    15 * 60
}
