//! Whether a retraining may start: its guard, as a function of what is known.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::model::alert::{Alert, AlertState};
use crate::model::retrain::{RetrainGuard, RetrainStatus};
use crate::model::verdict::Verdict;

/// What the guard looks at.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The alert that asks.
    pub alert: &'a Alert,
    /// Whether another alert fires that matches `only_while`.
    pub companion_fires: bool,
    /// When the receiver last started a workflow.
    pub last_start: Option<Timestamp>,
    /// Whether one of its workflows is under way.
    pub is_busy: bool,
    /// Whether someone approved this one.
    pub is_approved: bool,
    /// The present moment.
    pub now: Timestamp,
}

/// The status that follows, and why. [`RetrainStatus::Requested`] means: start it now.
pub fn decide_retrain(guard: &RetrainGuard, evidence: &Evidence<'_>) -> (RetrainStatus, String) {
    let Evidence { alert, now, .. } = *evidence;
    if alert.state != AlertState::Firing {
        return (RetrainStatus::Cancelled, "the alert ended before it was started".to_owned());
    }
    if let Some(detail) = held_back(guard, evidence, now) {
        return (RetrainStatus::Waiting, detail);
    }
    if guard.dry_run {
        return (RetrainStatus::DryRun, "a dry run: it would be started now".to_owned());
    }
    if guard.approval && !evidence.is_approved {
        return (RetrainStatus::AwaitingApproval, "someone has to approve it".to_owned());
    }
    (RetrainStatus::Requested, "the workflow is asked to start".to_owned())
}

/// What the guard misses.
fn held_back(guard: &RetrainGuard, evidence: &Evidence<'_>, now: Timestamp) -> Option<String> {
    let alert = evidence.alert;
    if evidence.is_busy {
        return Some("another workflow of this receiver is under way".to_owned());
    }
    let cooldown = Duration::from_secs(guard.cooldown_seconds.into());
    let until = evidence.last_start.map(|last| last.plus(cooldown)).filter(|until| *until > now);
    if let Some(until) = until {
        return Some(format!("the last one started lately; this one waits until {until}"));
    }
    let fired = alert.fired_at.unwrap_or(alert.started_at);
    let wanted = Duration::from_secs(guard.firing_seconds.into());
    if now.since(fired) < wanted {
        return Some(format!("the alert has to fire for {} s first", guard.firing_seconds));
    }
    // A rule's alert has figures instead of verdicts: its own condition is the evidence.
    if alert.rule_id.is_none() {
        let events = alert.reasons.iter().map(|reason| reason.n_window).max().unwrap_or(0);
        if events < u64::from(guard.min_events) {
            return Some(format!(
                "the drift shows in {events} events, {} are asked for",
                guard.min_events
            ));
        }
        let ratio = alert.reasons.iter().filter_map(Verdict::ratio).fold(0.0, f64::max);
        if 100.0 * ratio < f64::from(guard.min_ratio_percent) {
            return Some(format!(
                "the drift is {ratio:.2} times its threshold, {:.2} are asked for",
                f64::from(guard.min_ratio_percent) / 100.0
            ));
        }
    }
    (!guard.only_while.is_empty() && !evidence.companion_fires).then(|| {
        let all: Vec<String> = guard.only_while.iter().map(ToString::to_string).collect();
        format!("no alert fires that matches {}", all.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::id::{AlertId, MonitorId, ProjectId, ReportId};
    use crate::model::monitor::Severity;
    use crate::model::stream::Stream;
    use crate::model::verdict::DetectorKind;

    const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn alert(ratio: f64) -> Alert {
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let mut reason = Verdict::unjudged(Stream::Query, "short", DetectorKind::Mmd);
        reason.n_window = 200;
        (reason.statistic, reason.threshold) = (Some(ratio), Some(1.0));
        Alert {
            id: AlertId::new(START, rng),
            project_id: ProjectId::new(START, rng),
            monitor_id: Some(MonitorId::new(START, rng)),
            rule_id: None,
            stream: Some(Stream::Query),
            segment: std::collections::BTreeMap::new(),
            kind: "query_drift".to_owned(),
            severity: Severity::Warning,
            state: AlertState::Firing,
            streak: 0,
            started_at: START,
            fired_at: Some(START),
            resolved_at: None,
            report_id: Some(ReportId::new(START, rng)),
            reasons: vec![reason],
            findings: Vec::new(),
            annotations: std::collections::BTreeMap::new(),
            acknowledged_at: None,
            acknowledged_by: None,
        }
    }

    fn evidence(alert: &Alert) -> Evidence<'_> {
        Evidence {
            alert,
            companion_fires: false,
            last_start: None,
            is_busy: false,
            is_approved: false,
            now: START,
        }
    }

    #[test]
    fn each_condition_holds_back_by_itself() {
        let good = alert(2.0);
        let open = RetrainGuard { approval: false, ..RetrainGuard::default() };
        let status =
            |guard: &RetrainGuard, evidence: &Evidence<'_>| decide_retrain(guard, evidence).0;
        assert_eq!(status(&open, &evidence(&good)), RetrainStatus::Requested);
        let waiting = [
            (open.clone(), Evidence { is_busy: true, ..evidence(&good) }),
            (
                open.clone(),
                Evidence {
                    last_start: Some(START.minus(Duration::from_hours(23))),
                    ..evidence(&good)
                },
            ),
            (RetrainGuard { firing_seconds: 1, ..open.clone() }, evidence(&good)),
            (RetrainGuard { min_events: 201, ..open.clone() }, evidence(&good)),
            (RetrainGuard { min_ratio_percent: 201, ..open.clone() }, evidence(&good)),
            (
                RetrainGuard {
                    only_while: vec!["kind=outcome_drop".parse().unwrap()],
                    ..open.clone()
                },
                evidence(&good),
            ),
        ];
        for (guard, evidence) in &waiting {
            assert_eq!(status(guard, evidence), RetrainStatus::Waiting, "{guard:?}");
        }
        let later =
            Evidence { last_start: Some(START.minus(Duration::from_hours(24))), ..evidence(&good) };
        assert_eq!(status(&open, &later), RetrainStatus::Requested);
        let guard =
            RetrainGuard { only_while: vec!["kind=outcome_drop".parse().unwrap()], ..open.clone() };
        let both = Evidence { companion_fires: true, ..evidence(&good) };
        assert_eq!(status(&guard, &both), RetrainStatus::Requested);
    }

    #[test]
    fn approval_and_dry_run_come_after_the_evidence() {
        let (good, weak) = (alert(2.0), alert(0.9));
        let guard = RetrainGuard::default();
        assert_eq!(decide_retrain(&guard, &evidence(&weak)).0, RetrainStatus::Waiting);
        assert_eq!(decide_retrain(&guard, &evidence(&good)).0, RetrainStatus::AwaitingApproval);
        let approved = Evidence { is_approved: true, ..evidence(&good) };
        assert_eq!(decide_retrain(&guard, &approved).0, RetrainStatus::Requested);
        let dry = RetrainGuard { dry_run: true, ..guard.clone() };
        assert_eq!(decide_retrain(&dry, &approved).0, RetrainStatus::DryRun);
        let mut over = alert(2.0);
        over.state = AlertState::Resolved;
        assert_eq!(decide_retrain(&guard, &evidence(&over)).0, RetrainStatus::Cancelled);
    }
}
