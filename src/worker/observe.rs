//! What evaluations leave in the metrics and in the log.

use crate::model::alert::AlertState;
use crate::model::calibration::SelfCheck;
use crate::model::monitor::Monitor;
use crate::model::stream::Stream;
use crate::model::verdict::{Verdict, VerdictStatus};
use crate::telemetry::{AlertLabels, DetectorLabels, MonitorLabels, ResultLabels, StateLabels};
use crate::worker::assess::Assessment;
use crate::worker::context::Context;

/// Publishes committed `assessments` of `monitor`.
pub(super) fn publish(context: &Context, monitor: &Monitor, assessments: &[Assessment]) {
    let metrics = &context.metrics;
    let id = monitor.id.to_string();
    for Assessment { report, changes } in assessments {
        for verdict in &report.verdicts {
            let of_whole = verdict.segment.is_empty();
            let result = status(verdict.status);
            metrics.window_evaluations.get_or_create(&ResultLabels { result }).inc();
            if of_whole {
                figures(context, &id, verdict);
            }
        }
        for change in changes {
            let firing = change.alert.state == AlertState::Firing;
            let stream = change.alert.stream.map_or("", Stream::as_str);
            let labels = AlertLabels { monitor: id.clone(), stream };
            if change.alert.segment.is_empty() {
                metrics.alert_active.get_or_create(&labels).set(i64::from(firing));
            }
            let Some(transition) = &change.transition else { continue };
            let state = transition.to.as_str();
            metrics.alert_transitions.get_or_create(&StateLabels { state }).inc();
            tracing::info!(
                monitor = %monitor.spec.name,
                alert = %transition.alert_id,
                stream,
                segment = ?change.alert.segment,
                state,
                at = %transition.at,
                "alert"
            );
        }
    }
    let now = context.now().as_seconds() as f64;
    metrics.last_evaluation_timestamp.get_or_create(&MonitorLabels { monitor: id }).set(now);
}

/// Publishes whether the promise to `monitor` is kept so far.
pub(super) fn publish_check(context: &Context, monitor: &Monitor, check: &SelfCheck) {
    let labels = MonitorLabels { monitor: monitor.id.to_string() };
    let metrics = &context.metrics;
    metrics.reference_alarms.get_or_create(&labels).set(check.alarms as i64);
    metrics.reference_alarms_expected.get_or_create(&labels).set(check.expected);
    metrics.reference_alarms_p_value.get_or_create(&labels).set(check.p_value);
}

fn figures(context: &Context, monitor: &str, verdict: &Verdict) {
    let labels = DetectorLabels {
        monitor: monitor.to_owned(),
        stream: verdict.stream.as_str(),
        window: verdict.window.clone(),
        detector: verdict.detector.as_str(),
    };
    if let Some(statistic) = verdict.statistic {
        context.metrics.drift_statistic.get_or_create(&labels).set(statistic);
    }
    if let Some(threshold) = verdict.threshold {
        context.metrics.drift_threshold.get_or_create(&labels).set(threshold);
    }
}

const fn status(status: VerdictStatus) -> &'static str {
    match status {
        VerdictStatus::Stable => "stable",
        VerdictStatus::Drift => "drift",
        VerdictStatus::InsufficientData => "insufficient_data",
        VerdictStatus::Uncalibrated => "uncalibrated",
    }
}
