//! The life of an alert: inactive → pending → firing → resolved.

use std::collections::BTreeMap;

use rand::RngCore;

use crate::clock::Timestamp;
use crate::id::AlertId;
use crate::model::alert::{Alert, AlertState, Transition, TransitionReason};
use crate::model::monitor::AlertPolicy;
use crate::model::report::Report;
use crate::model::stream::Stream;
use crate::model::verdict::Verdict;
use crate::stats::sequential::TriggerState;

/// What one evaluation changes about a stream's alert; to be stored as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The alert as it is now: insert or replace by id.
    pub alert: Alert,
    /// The change of state, if it was one; a longer streak alone is none.
    pub transition: Option<Transition>,
}

/// Judges one stream of `report`; `None` when nothing needs storing.
///
/// `ratio` is the stream's largest statistic ÷ threshold over the latest verdict of every window: one that
/// was not due still counts. `None` while none could be judged, or where windows of the other kind lie
/// higher. `open` is the stream's pending or firing alert. One id lasts from the first crossing until the
/// alert resolves; the next crossing begins a new alert, whose id is made of `now` and `rng`.
pub fn step(
    policy: &AlertPolicy,
    open: Option<&Alert>,
    ratio: Option<f64>,
    report: &Report,
    stream: Stream,
    now: Timestamp,
    rng: &mut impl RngCore,
) -> Option<Change> {
    let open = open.filter(|alert| trigger_state(alert) != TriggerState::Inactive);
    let before = open.map_or(TriggerState::Inactive, trigger_state);
    let after = policy.trigger().step(before, ratio);
    if after == before {
        return None;
    }
    let alert =
        open.cloned().unwrap_or_else(|| begin(policy, report, stream, AlertId::new(now, rng)));
    Some(advance(alert, before, after, report))
}

const fn trigger_state(alert: &Alert) -> TriggerState {
    match alert.state {
        AlertState::Pending => TriggerState::Pending { streak: alert.streak },
        AlertState::Firing => TriggerState::Firing { quiet: alert.streak },
        AlertState::Inactive | AlertState::Resolved => TriggerState::Inactive,
    }
}

fn begin(policy: &AlertPolicy, report: &Report, stream: Stream, id: AlertId) -> Alert {
    Alert {
        id,
        project_id: report.project_id,
        monitor_id: Some(report.monitor_id),
        rule_id: None,
        stream: Some(stream),
        segment: report.segment.clone(),
        kind: stream.alert_kind().to_owned(),
        severity: policy.severity,
        state: AlertState::Inactive,
        streak: 0,
        started_at: report.evaluated_at,
        fired_at: None,
        resolved_at: None,
        report_id: Some(report.id),
        reasons: Vec::new(),
        findings: Vec::new(),
        annotations: BTreeMap::new(),
        acknowledged_at: None,
        acknowledged_by: None,
    }
}

fn advance(mut alert: Alert, before: TriggerState, after: TriggerState, report: &Report) -> Change {
    let from = alert.state;
    let (to, streak) = match after {
        TriggerState::Inactive => (AlertState::Resolved, 0),
        TriggerState::Pending { streak } => (AlertState::Pending, streak),
        TriggerState::Firing { quiet } => (AlertState::Firing, quiet),
    };
    alert.state = to;
    alert.streak = streak;
    if from == to {
        return Change { alert, transition: None };
    }
    record(&mut alert, report);
    let transition = Transition {
        alert_id: alert.id,
        at: report.evaluated_at,
        from,
        to,
        reason: reason(before, to),
        report_id: Some(report.id),
    };
    Change { alert, transition: Some(transition) }
}

/// Notes the transition in the alert. A resolved alert keeps the reasons it had: what is over.
fn record(alert: &mut Alert, report: &Report) {
    alert.report_id = Some(report.id);
    match alert.state {
        AlertState::Firing => alert.fired_at = Some(report.evaluated_at),
        AlertState::Resolved => alert.resolved_at = Some(report.evaluated_at),
        AlertState::Inactive | AlertState::Pending => {}
    }
    if alert.state != AlertState::Resolved {
        let drifted = |verdict: &&Verdict| Some(verdict.stream) == alert.stream && verdict.is_drift;
        alert.reasons = report.verdicts.iter().filter(drifted).cloned().collect();
    }
}

const fn reason(before: TriggerState, to: AlertState) -> TransitionReason {
    match (before, to) {
        (TriggerState::Inactive, _) => TransitionReason::ThresholdCrossed,
        (TriggerState::Pending { .. }, AlertState::Firing) => TransitionReason::HeldForLongEnough,
        (TriggerState::Pending { .. }, _) => TransitionReason::FellBack,
        (TriggerState::Firing { .. }, _) => TransitionReason::QuietForLongEnough,
    }
}

#[cfg(test)]
mod tests;
