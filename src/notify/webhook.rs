//! The body of a generic webhook: an event in the shape of the Standard Webhooks, below 20 kB.

use serde_json::{Value, json};

use crate::alert::EventKind;
use crate::clock::Timestamp;
use crate::model::verdict::Verdict;
use crate::notify::message::{AlertMessage, ExampleText};
use crate::notify::text::cut;

/// Characters of an example's text.
const TEXT_LIMIT: usize = 500;
/// Verdicts in `reasons`; the report has them all.
const REASONS_LIMIT: usize = 16;

pub(super) fn body(message: &AlertMessage<'_>) -> String {
    let alert = message.alert;
    let report = message.report;
    let reasons: Vec<_> = alert.reasons.iter().take(REASONS_LIMIT).map(reason).collect();
    let examples: Vec<_> = message.shown_examples().map(example).collect();
    json!({
        "type": message.event.as_str(),
        "timestamp": report.evaluated_at,
        "data": {
            "title": message.title(),
            "summary": message.summary(),
            "alert": {
                "id": alert.id,
                "kind": alert.kind,
                "state": alert.state,
                "severity": alert.severity,
                "stream": alert.stream,
                "segment": alert.segment,
                "started_at": alert.started_at,
                "fired_at": alert.fired_at,
                "resolved_at": alert.resolved_at,
            },
            "project_id": alert.project_id,
            "monitor": { "id": alert.monitor_id, "name": cut(message.monitor_name, 200) },
            "report": {
                "id": report.id,
                "sequence": report.sequence,
                "reference_id": report.reference_id,
                "evaluated_at": report.evaluated_at,
            },
            "reasons": reasons,
            "reasons_left_out": alert.reasons.len().saturating_sub(REASONS_LIMIT),
            "false_alarms_per_30d": message.false_alarms_per_30d,
            "examples": examples,
            "links": {
                "report": cut(&message.links.report_url, 500),
                "monitor": cut(&message.links.monitor_url, 500),
            },
        },
    })
    .to_string()
}

pub(super) fn test_body(receiver_name: &str, now: Timestamp) -> String {
    json!({
        "type": EventKind::Test.as_str(),
        "timestamp": now,
        "data": { "receiver": receiver_name, "message": "This is a test message from Seamark." },
    })
    .to_string()
}

fn reason(verdict: &Verdict) -> Value {
    json!({
        "window": cut(&verdict.window, 60),
        "detector": verdict.detector,
        "statistic": verdict.statistic,
        "threshold": verdict.threshold,
        "p_value": verdict.p_value,
        "effect_size": verdict.effect_size,
        "n_ref": verdict.n_ref,
        "n_window": verdict.n_window,
    })
}

fn example(example: &ExampleText) -> Value {
    json!({
        "text": cut(&example.text, TEXT_LIMIT),
        "score": example.score,
        "occurred_at": example.occurred_at,
    })
}
