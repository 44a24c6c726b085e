//! The life of a rule: its figures are judged, and what holds for long enough becomes an alert.

use rand::RngCore;

use crate::alert::Change;
use crate::alert::annotations::rendered;
use crate::clock::Timestamp;
use crate::id::{AlertId, MonitorId, ReportId};
use crate::model::alert::{Alert, AlertState, Finding, Transition, TransitionReason};
use crate::model::annotation::Annotations;
use crate::model::condition::{Bound, Condition};
use crate::model::interaction::Attributes;
use crate::model::rule::{Absence, Health, Rule, RuleEvent, RuleState};

/// The kind of alerts that rules raise.
pub const RULE_KIND: &str = "rule";

/// What was found of one comparison's figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The figure in words: `ratio of support, stream query`.
    pub figure: String,
    /// Its value, or why there is none.
    pub value: Result<f64, Trouble>,
    /// The monitor that it was read from, and its report.
    pub source: Option<(MonitorId, Option<ReportId>)>,
}

/// Why a figure has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// `no_data`, `error` or `paused`.
    pub health: Health,
    /// In words.
    pub detail: String,
}

impl Trouble {
    /// A figure without a value yet.
    pub fn no_data(detail: impl Into<String>) -> Self {
        Self { health: Health::NoData, detail: detail.into() }
    }

    /// A figure that cannot be computed.
    pub fn error(detail: impl Into<String>) -> Self {
        Self { health: Health::Error, detail: detail.into() }
    }

    /// A figure that nobody computes for now.
    pub fn paused(detail: impl Into<String>) -> Self {
        Self { health: Health::Paused, detail: detail.into() }
    }
}

/// What a condition comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Whether it holds, or why that cannot be said.
    pub outcome: Result<bool, Trouble>,
    /// Every comparison.
    pub findings: Vec<Finding>,
    /// The monitor that all figures of monitors come from, if it is one, and its report.
    pub source: Option<(MonitorId, Option<ReportId>)>,
}

/// Judges `condition` by one reading for each of its comparisons, in their order. What is known decides
/// as far as it can: *any* holds once one part holds, *all* does not once one part does not.
pub fn judge(condition: &Condition, readings: &[Reading], firing: bool) -> Judgement {
    let mut left = readings.iter();
    let mut findings = Vec::new();
    let outcome = part(condition, &mut left, firing, &mut findings);
    let sources: Vec<_> = readings.iter().filter_map(|reading| reading.source).collect();
    let first = sources.first().copied();
    let source = first.filter(|(id, _)| sources.iter().all(|(other, _)| other == id));
    Judgement { outcome, findings, source }
}

fn part<'r>(
    condition: &Condition,
    readings: &mut impl Iterator<Item = &'r Reading>,
    firing: bool,
    findings: &mut Vec<Finding>,
) -> Result<bool, Trouble> {
    if condition.figure.is_some() {
        let Some(reading) = readings.next() else {
            return Err(Trouble::error("a figure was not read"));
        };
        let holds = reading.value.as_ref().is_ok_and(|value| condition.holds(*value, firing));
        findings.push(Finding {
            figure: reading.figure.clone(),
            value: reading.value.as_ref().ok().copied(),
            bound: words(condition.bound()),
            holds,
        });
        return reading.value.clone().map(|_| holds);
    }
    // Every part is judged, also after the decision: each takes its readings and leaves its findings.
    let mut judged = |parts: &[Condition]| -> Vec<Result<bool, Trouble>> {
        parts.iter().map(|one| part(one, readings, firing, findings)).collect()
    };
    let (all, any) = (judged(&condition.all), judged(&condition.any));
    let is_any = !any.is_empty();
    let parts = if is_any { any } else { all };
    if parts.contains(&Ok(is_any)) {
        return Ok(is_any);
    }
    let rank = |trouble: &Trouble| match trouble.health {
        Health::Error => 2,
        Health::Paused => 1,
        Health::NoData | Health::Ok => 0,
    };
    match parts.into_iter().filter_map(Result::err).max_by_key(rank) {
        Some(trouble) => Err(trouble),
        None => Ok(!is_any),
    }
}

fn words(bound: Option<Bound>) -> String {
    match bound {
        Some(Bound::Above(bound)) => format!("above {bound}"),
        Some(Bound::Below(bound)) => format!("below {bound}"),
        None => String::new(),
    }
}

/// What one look at a rule changes; to be stored as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleChange {
    /// The rule's state as it is now.
    pub state: RuleState,
    /// The entry of its history, if phase or health changed.
    pub event: Option<RuleEvent>,
    /// What became of its alert.
    pub alert: Option<Change>,
}

/// Looks at `rule` once; `None` when nothing needs storing. `open` is its pending or firing alert. A
/// clock that is set back only makes the rule wait longer.
pub fn step_rule(
    rule: &Rule,
    state: &RuleState,
    open: Option<&Alert>,
    judgement: &Judgement,
    now: Timestamp,
    rng: &mut impl RngCore,
) -> Option<RuleChange> {
    let mut next = next_state(rule, state, judgement, now);
    let moved = (next.phase, next.health) != (state.phase, state.health);
    if moved {
        next.since = now;
    }
    if next == *state {
        return None;
    }
    let alert = (next.phase != state.phase)
        .then(|| follow(rule, state.phase, next.phase, open, judgement, now, rng));
    if let Some(change) = &alert {
        next.alert_id = (next.phase != AlertState::Inactive).then_some(change.alert.id);
    }
    let event = moved.then(|| RuleEvent {
        at: now,
        phase: next.phase,
        health: next.health,
        reason: alert.as_ref().and_then(|change| Some(change.transition.as_ref()?.reason)),
        detail: next.detail.clone().unwrap_or_else(|| in_words(&judgement.findings)),
        alert_id: alert.as_ref().map(|change| change.alert.id).or(state.alert_id),
    });
    Some(RuleChange { state: next, event, alert })
}

fn next_state(rule: &Rule, state: &RuleState, judgement: &Judgement, now: Timestamp) -> RuleState {
    let mut next = state.clone();
    let trouble = judgement.outcome.as_ref().err();
    next.health = trouble.map_or(Health::Ok, |trouble| trouble.health);
    next.detail = trouble.map(|trouble| trouble.detail.clone());
    let Some(holds) = counts_as(rule, judgement) else { return next };
    match (state.phase, holds) {
        (AlertState::Firing, true) => next.quiet_since = None,
        (AlertState::Firing, false) => {
            let quiet = *next.quiet_since.get_or_insert(now);
            if now.since(quiet) >= rule.spec.lingers() {
                next.phase = AlertState::Inactive;
                (next.holds_since, next.quiet_since) = (None, None);
            }
        }
        (_, true) => {
            let held = *next.holds_since.get_or_insert(now);
            let long_enough = now.since(held) >= rule.spec.waits();
            next.phase = if long_enough { AlertState::Firing } else { AlertState::Pending };
        }
        (_, false) => {
            next.phase = AlertState::Inactive;
            next.holds_since = None;
        }
    }
    next
}

/// Whether the condition counts as holding; `None` where the rule stays as it is.
fn counts_as(rule: &Rule, judgement: &Judgement) -> Option<bool> {
    let absence = match &judgement.outcome {
        Ok(holds) => return Some(*holds),
        Err(trouble) => match trouble.health {
            Health::NoData => rule.spec.no_data,
            Health::Error => rule.spec.error,
            Health::Paused | Health::Ok => Absence::Keep,
        },
    };
    match absence {
        Absence::Keep => None,
        Absence::Ok => Some(false),
        Absence::Alert => Some(true),
    }
}

/// The alert that follows the rule from one phase to another.
fn follow(
    rule: &Rule,
    from: AlertState,
    to: AlertState,
    open: Option<&Alert>,
    judgement: &Judgement,
    now: Timestamp,
    rng: &mut impl RngCore,
) -> Change {
    let mut alert = open.cloned().unwrap_or_else(|| begin(rule, AlertId::new(now, rng), now));
    let to = if to == AlertState::Inactive { AlertState::Resolved } else { to };
    alert.state = to;
    if let Some((monitor, report)) = judgement.source {
        alert.monitor_id = Some(monitor);
        alert.report_id = report;
    }
    match to {
        AlertState::Firing => alert.fired_at = Some(now),
        AlertState::Resolved => alert.resolved_at = Some(now),
        AlertState::Inactive | AlertState::Pending => {}
    }
    if to != AlertState::Resolved {
        alert.findings.clone_from(&judgement.findings);
        alert.annotations = annotations(rule, &alert, judgement);
    }
    let transition = Transition {
        alert_id: alert.id,
        at: now,
        from,
        to,
        reason: reason(from, to, judgement),
        report_id: alert.report_id,
    };
    Change { alert, transition: Some(transition) }
}

fn begin(rule: &Rule, id: AlertId, now: Timestamp) -> Alert {
    Alert {
        id,
        project_id: rule.project_id,
        monitor_id: None,
        rule_id: Some(rule.id),
        stream: None,
        segment: Attributes::new(),
        kind: RULE_KIND.to_owned(),
        severity: rule.spec.severity,
        state: AlertState::Inactive,
        streak: 0,
        started_at: now,
        fired_at: None,
        resolved_at: None,
        report_id: None,
        reasons: Vec::new(),
        findings: Vec::new(),
        annotations: Annotations::new(),
        acknowledged_at: None,
        acknowledged_by: None,
    }
}

fn reason(from: AlertState, to: AlertState, judgement: &Judgement) -> TransitionReason {
    if let Err(trouble) = &judgement.outcome {
        return match trouble.health {
            Health::Error => TransitionReason::Error,
            _ => TransitionReason::NoData,
        };
    }
    match (from, to) {
        (AlertState::Pending, AlertState::Firing) => TransitionReason::HeldForLongEnough,
        (AlertState::Pending, _) => TransitionReason::FellBack,
        (AlertState::Firing, _) => TransitionReason::QuietForLongEnough,
        _ => TransitionReason::ThresholdCrossed,
    }
}

/// The rule's annotations for `alert`.
fn annotations(rule: &Rule, alert: &Alert, judgement: &Judgement) -> Annotations {
    let values = serde_json::json!({
        "rule": rule.spec.name,
        "severity": rule.spec.severity,
        "state": alert.state,
        "labels": rule.spec.labels,
        "since": alert.started_at,
        "value": judgement.findings.first().and_then(|finding| finding.value),
        "figures": judgement.findings,
        "trouble": judgement.outcome.as_ref().err().map(|trouble| &trouble.detail),
    });
    rendered(&rule.spec.annotations, &values)
}

/// Findings in a row, for people.
pub fn in_words(findings: &[Finding]) -> String {
    let words = |finding: &Finding| match finding.value {
        Some(value) => format!("{} is {} ({})", finding.figure, rounded(value), finding.bound),
        None => format!("{} has no value", finding.figure),
    };
    findings.iter().map(words).collect::<Vec<_>>().join("; ")
}

/// Four digits that count, or all of a whole number.
fn rounded(value: f64) -> String {
    if value.fract().abs() < f64::EPSILON || value.abs() >= 1000.0 {
        return format!("{value:.0}");
    }
    let digits = (3.0 - value.abs().log10().floor()).clamp(0.0, 12.0);
    format!("{value:.*}", digits as usize)
}

#[cfg(test)]
mod tests;
