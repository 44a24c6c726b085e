//! An evaluation becomes a report and what it changes about alerts: the same for daemon and replay.

use std::collections::BTreeMap;

use rand::RngCore;

use crate::alert::{self, Change};
use crate::clock::Timestamp;
use crate::detect::engine::Evaluation;
use crate::id::{ReferenceId, ReportId};
use crate::model::alert::{Alert, AlertState};
use crate::model::interaction::Attributes;
use crate::model::monitor::Monitor;
use crate::model::report::Report;
use crate::model::stream::Stream;

/// A report and the alert changes that go with it, to be committed together.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    /// The report.
    pub report: Report,
    /// Alerts that begin, go on counting, or end.
    pub changes: Vec<Change>,
}

/// Assesses evaluations of one monitor against one reference, in order.
#[derive(Debug, Clone)]
pub struct Assessor {
    /// The monitor.
    pub monitor: Monitor,
    /// The reference.
    pub reference_id: ReferenceId,
    /// Sequence of the last report.
    pub sequence: i64,
    /// Pending and firing alerts, by stream and segment.
    pub open: BTreeMap<(Stream, Attributes), Alert>,
}

impl Assessor {
    /// The next report; `now` and `rng` make its ids.
    pub fn assess(
        &mut self,
        evaluation: Evaluation,
        now: Timestamp,
        rng: &mut impl RngCore,
    ) -> Assessment {
        self.sequence += 1;
        let report = Report {
            id: ReportId::new(now, rng),
            project_id: self.monitor.project_id,
            monitor_id: self.monitor.id,
            reference_id: self.reference_id,
            sequence: self.sequence,
            evaluated_at: evaluation.at,
            position: evaluation.position,
            segment: evaluation.segment,
            is_drift: evaluation.verdicts.iter().any(|verdict| verdict.is_drift),
            verdicts: evaluation.verdicts,
            examples: evaluation.examples,
            explanation: None,
            late_events: evaluation.late_events,
        };
        let mut changes = Vec::new();
        for (&stream, &ratio) in &evaluation.ratios {
            let place = (stream, report.segment.clone());
            let open = self.open.get(&place);
            let policy = &self.monitor.spec.alert;
            let Some(change) = alert::step(policy, open, ratio, &report, stream, now, rng) else {
                continue;
            };
            match change.alert.state {
                AlertState::Pending | AlertState::Firing => {
                    self.open.insert(place, change.alert.clone());
                }
                AlertState::Inactive | AlertState::Resolved => {
                    self.open.remove(&place);
                }
            }
            changes.push(change);
        }
        Assessment { report, changes }
    }
}
