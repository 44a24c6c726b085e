//! An alert rule: a condition on figures that Seamark computes, and what becomes of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{AlertId, ProjectId, ReceiverId, RuleId};
use crate::model::alert::{AlertState, TransitionReason};
use crate::model::annotation::{self, Annotations};
use crate::model::condition::Condition;
use crate::model::matcher::{Labels, label_problem};
use crate::model::monitor::{Severity, link_problem};

/// A rule waits no longer than this.
const LONGEST: u32 = 30 * 24 * 3600;

/// A stored rule.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Rule {
    /// Its id.
    pub id: RuleId,
    /// The project whose figures it looks at.
    pub project_id: ProjectId,
    /// What the user set.
    #[serde(flatten)]
    pub spec: RuleSpec,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a user sets of a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// Unique within the project; the title of its messages.
    pub name: String,
    /// What has to hold.
    pub when: Condition,
    /// How long it has to hold before the alert fires, in seconds; 0 fires at once.
    #[serde(default)]
    pub for_seconds: u32,
    /// How long it must not hold before a firing alert resolves, in seconds; 0 resolves at once.
    #[serde(default)]
    pub keep_firing_for_seconds: u32,
    /// How much it hurries.
    #[serde(default = "warning")]
    pub severity: Severity,
    /// Labels of its alerts, for routes and silences: `team = search`.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    #[schema(value_type = std::collections::HashMap<String, String>)]
    pub labels: Labels,
    /// Templates of what its alerts say beside the figures; `summary` is the message's first sentence.
    #[serde(default, skip_serializing_if = "Annotations::is_empty")]
    #[schema(value_type = std::collections::HashMap<String, String>)]
    pub annotations: Annotations,
    /// Where the people who are told find what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook_url: Option<String>,
    /// What a figure without a value counts as.
    #[serde(default = "keep")]
    pub no_data: Absence,
    /// What a figure that cannot be computed counts as.
    #[serde(default = "alert")]
    pub error: Absence,
    /// Who is told beside those of the project's routes.
    #[serde(default)]
    pub receivers: Vec<ReceiverId>,
    /// A paused rule keeps its state and judges nothing.
    #[serde(default)]
    pub paused: bool,
}

/// What the absence of an answer counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// Nothing: the rule stays in the state that it is in.
    Keep,
    /// The condition does not hold.
    Ok,
    /// The condition holds.
    Alert,
}

impl RuleSpec {
    /// How long the condition has to hold before the alert fires.
    pub const fn waits(&self) -> Duration {
        Duration::from_secs(self.for_seconds as u64)
    }

    /// How long it must not hold before a firing alert resolves.
    pub const fn lingers(&self) -> Duration {
        Duration::from_secs(self.keep_firing_for_seconds as u64)
    }

    /// Every problem of the specification, as (JSON pointer, what is wrong and the remedy).
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = self.when.problems();
        let mut say = |pointer: &str, detail: String| problems.push((pointer.to_owned(), detail));
        if self.name.trim().is_empty()
            || self.name.len() > 200
            || self.name.chars().any(char::is_control)
        {
            say("/name", "must hold 1 to 200 bytes without control characters".to_owned());
        }
        for (pointer, seconds) in [
            ("/for_seconds", self.for_seconds),
            ("/keep_firing_for_seconds", self.keep_firing_for_seconds),
        ] {
            if seconds > LONGEST {
                say(pointer, format!("must be at most {LONGEST}, which is 30 days"));
            }
        }
        if let Some(detail) = label_problem(&self.labels) {
            say("/labels", detail);
        }
        if let Some(detail) = self.runbook_url.as_deref().and_then(link_problem) {
            say("/runbook_url", detail);
        }
        problems.extend(annotation::problems(&self.annotations));
        problems
    }
}

/// Where a rule stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RuleState {
    /// inactive, pending or firing.
    pub phase: AlertState,
    /// Whether its figures could be judged at the last look.
    pub health: Health,
    /// Why not; absent while they could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Since when phase and health are what they are.
    pub since: Timestamp,
    /// Since when the condition holds without a break; absent while it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds_since: Option<Timestamp>,
    /// Since when it does not hold while the alert fires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_since: Option<Timestamp>,
    /// The pending or firing alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_id: Option<AlertId>,
}

impl RuleState {
    /// A rule that nobody has looked at yet.
    pub const fn new(now: Timestamp) -> Self {
        Self {
            phase: AlertState::Inactive,
            health: Health::Ok,
            detail: None,
            since: now,
            holds_since: None,
            quiet_since: None,
            alert_id: None,
        }
    }
}

/// Whether a rule's figures can be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// They can.
    Ok,
    /// One of them has no value yet.
    NoData,
    /// One of them cannot be computed.
    Error,
    /// The rule or its monitor is paused, or the monitor's reference is being calibrated.
    Paused,
}

impl Health {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NoData => "no_data",
            Self::Error => "error",
            Self::Paused => "paused",
        }
    }
}

/// A change of a rule's phase or health.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct RuleEvent {
    /// When.
    pub at: Timestamp,
    /// The phase after it.
    pub phase: AlertState,
    /// The health after it.
    pub health: Health,
    /// Why the phase changed; absent where only the health did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<TransitionReason>,
    /// What the figures were, or why there were none.
    pub detail: String,
    /// The alert that it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert_id: Option<AlertId>,
}

const fn warning() -> Severity {
    Severity::Warning
}

const fn keep() -> Absence {
    Absence::Keep
}

const fn alert() -> Absence {
    Absence::Alert
}
