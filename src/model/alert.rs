//! An alert: one episode of drift in one stream of one monitor, in all of its traffic or in one segment;
//! or of a rule whose condition holds.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{AlertId, MonitorId, ProjectId, ReportId, RuleId};
use crate::model::annotation::Annotations;
use crate::model::interaction::Attributes;
use crate::model::monitor::Severity;
use crate::model::stream::Stream;
use crate::model::verdict::Verdict;

/// The state of an alert, in Alertmanager's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Nothing is wrong; such an alert is never stored.
    Inactive,
    /// A threshold was crossed, not yet for long enough.
    Pending,
    /// Receivers have been told.
    Firing,
    /// It is over.
    Resolved,
}

impl AlertState {
    const ALL: [Self; 4] = [Self::Inactive, Self::Pending, Self::Firing, Self::Resolved];

    /// The state's name on the wire and in the stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }

    /// The state called `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// One episode, from the first crossing to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Alert {
    /// Its id, the same through all its states.
    pub id: AlertId,
    /// The project.
    pub project_id: ProjectId,
    /// The monitor; of a rule's alert the one that all its figures come from, if there is one.
    pub monitor_id: Option<MonitorId>,
    /// The rule whose condition holds; absent for a monitor's own alert.
    pub rule_id: Option<RuleId>,
    /// The stream that drifted; absent for a rule's alert.
    pub stream: Option<Stream>,
    /// The segment in which it did, as labels; empty for all of the monitor's traffic.
    #[schema(value_type = std::collections::HashMap<String, String>)]
    pub segment: Attributes,
    /// `query_drift`, `response_drift`, `relevance_drift`, `duplicates` or `rule`.
    pub kind: String,
    /// How much it hurries.
    pub severity: Severity,
    /// Where it stands.
    pub state: AlertState,
    /// Evaluations in a row that crossed (pending) or were quiet (firing): the trigger's memory. A
    /// rule counts seconds instead, and keeps them in its own state.
    pub streak: u32,
    /// Event time of the first crossing.
    pub started_at: Timestamp,
    /// Event time when it fired.
    pub fired_at: Option<Timestamp>,
    /// Event time when it resolved.
    pub resolved_at: Option<Timestamp>,
    /// The report of its last transition; absent for a rule that looks at no monitor.
    pub report_id: Option<ReportId>,
    /// The drifted verdicts of its last transition: why.
    pub reasons: Vec<Verdict>,
    /// The figures that a rule found at its last transition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// What its monitor or rule says of it, rendered at its last transition before the end.
    #[serde(default, skip_serializing_if = "Annotations::is_empty")]
    #[schema(value_type = std::collections::HashMap<String, String>)]
    pub annotations: Annotations,
    /// When someone took it on; reminders and escalation end then.
    #[serde(default)]
    pub acknowledged_at: Option<Timestamp>,
    /// Who: the name of the key.
    #[serde(default)]
    pub acknowledged_by: Option<String>,
}

/// A figure that a rule compared with its bound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Finding {
    /// What was compared: `ratio of support, stream query`.
    pub figure: String,
    /// Its value; absent where there was none.
    pub value: Option<f64>,
    /// `above 1` or `below 10`.
    pub bound: String,
    /// Whether the comparison held.
    pub holds: bool,
}

/// What someone wrote about an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Comment {
    /// When.
    pub at: Timestamp,
    /// Who: the name of the key.
    pub author: String,
    /// What.
    pub text: String,
}

/// A change of an alert's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Transition {
    /// The alert.
    pub alert_id: AlertId,
    /// Event time of the change.
    pub at: Timestamp,
    /// The state before.
    pub from: AlertState,
    /// The state after.
    pub to: AlertState,
    /// Why: a code of [`TransitionReason`].
    pub reason: TransitionReason,
    /// The report that caused it; absent for a rule that looks at no monitor.
    pub report_id: Option<ReportId>,
}

/// Why an alert changed its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransitionReason {
    /// A statistic crossed its threshold.
    ThresholdCrossed,
    /// It stayed crossed for `for_evaluations`.
    HeldForLongEnough,
    /// It fell back before it was long enough.
    FellBack,
    /// Quiet for `keep_firing_evaluations`.
    QuietForLongEnough,
    /// A rule's figure had no value, and that counts as an alarm or as none.
    NoData,
    /// A rule's figure could not be computed, and that counts as an alarm or as none.
    Error,
}
