//! An evaluation becomes a report and what it changes about alerts: the same for daemon and replay.

use std::collections::BTreeMap;

use rand::RngCore;

use crate::alert::{self, Change};
use crate::clock::Timestamp;
use crate::detect::engine::Evaluation;
use crate::id::{ReferenceId, ReportId};
use crate::model::alert::{Alert, AlertState};
use crate::model::explanation::{Explanation, Reading};
use crate::model::interaction::Attributes;
use crate::model::monitor::{Monitor, Severity};
use crate::model::report::Report;
use crate::model::stream::{Stream, Values};

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
            let step = alert::step(policy, open, ratio, &report, stream, now, rng);
            let Some(mut change) = step else { continue };
            annotate(&self.monitor, &mut change);
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

    /// Puts the explanation into its report. A drift whose part of the traffic has worse outcomes is
    /// critical, whatever the monitor's alerts are else: customers feel it.
    pub fn explained(&mut self, assessment: &mut Assessment, explanation: Option<Explanation>) {
        let is_harmful = explanation.iter().flat_map(|found| &found.outcomes);
        let is_harmful = is_harmful.into_iter().any(|link| link.reading == Reading::Harmful);
        let segment = &assessment.report.segment;
        for change in assessment.changes.iter_mut().filter(|_| is_harmful) {
            let Some(stream) = change.alert.stream else { continue };
            if stream.values() == Values::Embedding {
                change.alert.severity = Severity::Critical;
                annotate(&self.monitor, change);
                if let Some(open) = self.open.get_mut(&(stream, segment.clone())) {
                    open.severity = Severity::Critical;
                    open.annotations.clone_from(&change.alert.annotations);
                }
            }
        }
        assessment.report.explanation = explanation;
    }
}

/// Says anew what the monitor says of an alert, where a transition is told.
fn annotate(monitor: &Monitor, change: &mut Change) {
    let is_open = matches!(change.alert.state, AlertState::Pending | AlertState::Firing);
    if change.transition.is_some() && is_open {
        change.alert.annotations = alert::monitor_annotations(&monitor.spec, &change.alert);
    }
}
