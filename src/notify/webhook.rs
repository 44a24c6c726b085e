//! A generic webhook: a signed event in the shape of the Standard Webhooks, or a `CloudEvent`, below
//! 20 kB.

use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::model::receiver::{Envelope, ReceiverSettings};
use crate::model::verdict::Verdict;
use crate::notify::Failure;
use crate::notify::channel::{Channel, Note, Outgoing, Posting, Problem, SecretUse};
use crate::notify::message::{AlertMessage, ExampleText};
use crate::notify::signature::Secret;
use crate::notify::text::cut;

/// The media type of a structured CloudEvent.
const CLOUDEVENTS: &str = "application/cloudevents+json; charset=utf-8";
/// Stands for the delivery's id in a stored CloudEvent.
const ID_PLACE: &str = "00000000-0000-0000-0000-000000000000";

/// Characters of an example's text.
const TEXT_LIMIT: usize = 500;
/// Verdicts in `reasons`; the report has them all.
const REASONS_LIMIT: usize = 16;
/// Bytes of what is told of an alert, so that its envelope still fits.
const DATA_LIMIT: usize = 19_000;

pub(super) struct Webhook;

impl Channel for Webhook {
    fn body(&self, settings: &ReceiverSettings, message: &AlertMessage<'_>) -> String {
        let kind = message.event.as_str();
        let subject = format!("/v1/alerts/{}", message.alert.id);
        event(settings, kind, message.at(), Some(&subject), &data(message))
    }

    fn note_body(&self, settings: &ReceiverSettings, note: &Note<'_>) -> String {
        let data = json!({ "receiver": note.receiver, "message": note.text });
        event(settings, note.event.as_str(), note.now, None, &data)
    }

    /// Signed with the receiver's secret, and after a change of it with the one before too.
    fn request(&self, posting: &Posting<'_>) -> Result<Outgoing, Failure> {
        let mut outgoing = posting.plain();
        let id = posting.delivery.id.to_string();
        if posting.receiver.settings.envelope == Some(Envelope::Cloudevents) {
            outgoing.body = outgoing.body.replacen(ID_PLACE, &id, 1);
            outgoing.headers.push(("content-type", CLOUDEVENTS.to_owned()));
        }
        let signatures = posting
            .secret()
            .split(' ')
            .map(|secret| {
                let secret = Secret::parse(secret).map_err(|e| Failure::Secret(e.to_string()))?;
                Ok(secret.sign(&id, posting.now, &outgoing.body))
            })
            .collect::<Result<Vec<String>, Failure>>()?;
        outgoing.headers.extend([
            ("webhook-id", id),
            ("webhook-timestamp", posting.now.as_seconds().to_string()),
            ("webhook-signature", signatures.join(" ")),
        ]);
        Ok(Outgoing::Post(outgoing))
    }

    fn groups(&self) -> bool {
        true
    }

    fn secret(&self) -> SecretUse {
        SecretUse::Signing
    }

    fn problems(&self, _: &ReceiverSettings, secret: Option<&str>) -> Vec<Problem> {
        let checked =
            secret.map(|secret| secret.split(' ').try_for_each(|one| Secret::parse(one).map(drop)));
        match checked {
            Some(Err(error)) => vec![("/secret", error.to_string())],
            Some(Ok(())) | None => Vec::new(),
        }
    }
}

/// The event in the wanted envelope. A `CloudEvent` has the delivery's id in it, which is put in when
/// it is sent.
fn event(
    settings: &ReceiverSettings,
    kind: &str,
    at: Timestamp,
    subject: Option<&str>,
    data: &Value,
) -> String {
    match settings.envelope {
        None | Some(Envelope::Standard) => json!({ "type": kind, "timestamp": at, "data": data }),
        Some(Envelope::Cloudevents) => {
            let mut event = json!({
                "specversion": "1.0",
                "id": ID_PLACE,
                "source": "/seamark",
                "type": format!("io.seamark.{kind}.v1"),
                "time": at,
                "datacontenttype": "application/json",
                "data": data,
            });
            if let Some(subject) = subject {
                event["subject"] = json!(subject);
            }
            event
        }
    }
    .to_string()
}

/// What is told of an alert, as JSON.
pub(super) fn data(message: &AlertMessage<'_>) -> Value {
    let alert = message.alert;
    let report = message.report.map(|report| {
        json!({
            "id": report.id,
            "sequence": report.sequence,
            "reference_id": report.reference_id,
            "evaluated_at": report.evaluated_at,
        })
    });
    let monitor = message.monitor_name().zip(alert.monitor_id);
    let monitor = monitor.map(|(name, id)| json!({ "id": id, "name": cut(name, 200) }));
    let rule = alert.rule_id.map(|id| json!({ "id": id, "name": cut(message.source(), 200) }));
    let link = |url: &Option<String>, limit| url.as_deref().map(|url| cut(url, limit));
    let reasons: Vec<_> = alert.reasons.iter().take(REASONS_LIMIT).map(reason).collect();
    let examples: Vec<_> = message.shown_examples().map(example).collect();
    let mut data = json!({
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
        "monitor": monitor,
        "rule": rule,
        "figures": alert.findings,
        "annotations": {},
        "report": report,
        "reasons": reasons,
        "reasons_left_out": alert.reasons.len().saturating_sub(REASONS_LIMIT),
        "false_alarms_per_30d": message.false_alarms_per_30d,
        "examples": examples,
        "changes": message.found(),
        "others": message.shown_others(),
        "links": {
            "report": link(&message.links.report_url, 500),
            "monitor": link(&message.links.monitor_url, 500),
            "rule": link(&message.links.rule_url, 500),
            "runbook": link(&message.links.runbook_url, 1000),
        },
    });
    // What fits, with quotes escaped; the alert has them all.
    let left = DATA_LIMIT.saturating_sub(data.to_string().len());
    data["annotations"] = json!(message.shown_annotations(left / 2));
    data
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
