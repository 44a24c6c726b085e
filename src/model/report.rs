//! One evaluation of a monitor, with every number in it.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{MonitorId, ProjectId, ReferenceId, ReportId};
use crate::model::explanation::Explanation;
use crate::model::interaction::Attributes;
use crate::model::stream::Stream;
use crate::model::verdict::Verdict;

/// The stored result of one evaluation: immutable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Report {
    /// Its id.
    pub id: ReportId,
    /// The project.
    pub project_id: ProjectId,
    /// The monitor that was evaluated.
    pub monitor_id: MonitorId,
    /// The reference that the windows were compared with.
    pub reference_id: ReferenceId,
    /// 1, 2, 3 … per monitor, gap-free.
    pub sequence: i64,
    /// Event time of the evaluation.
    pub evaluated_at: Timestamp,
    /// Position of the last event that is in the windows.
    pub position: i64,
    /// The segment that was evaluated, as labels; empty for all of the monitor's traffic.
    #[serde(default)]
    #[schema(value_type = std::collections::HashMap<String, String>)]
    pub segment: Attributes,
    /// Whether any verdict is drift.
    pub is_drift: bool,
    /// Every stream × window × detector that was due.
    pub verdicts: Vec<Verdict>,
    /// The most drifted interactions per stream with drift.
    pub examples: Vec<Example>,
    /// What is behind the drift; absent without drift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
    /// Events left out so far because they came too late.
    pub late_events: i64,
}

/// An interaction that shows the drift.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Example {
    /// The stream in which it is unusual.
    pub stream: Stream,
    /// The interaction's id.
    pub interaction_id: String,
    /// Value of the witness function: how much more the window looks like this than the reference.
    pub score: f64,
}
