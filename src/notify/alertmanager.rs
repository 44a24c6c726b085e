//! An Alertmanager: its API v2, `POST /api/v2/alerts`.
//!
//! An alert without an end would be taken as resolved after Alertmanager's `resolve_timeout`, so a
//! firing one carries an end well beyond the next reminder, and each reminder moves it on.

use std::time::Duration;

use serde_json::{Map, json};

use crate::alert::EventKind;
use crate::egress::Response;
use crate::model::receiver::ReceiverSettings;
use crate::notify::Failure;
use crate::notify::channel::{
    Answer, Channel, Note, Outgoing, Posting, Problem, SecretUse, by_strict_status,
};
use crate::notify::message::AlertMessage;
use crate::notify::text::cut;

/// How long a firing alert counts as such without a reminder.
const FIRES_FOR: Duration = Duration::from_hours(24);

pub(super) struct Alertmanager;

impl Channel for Alertmanager {
    fn body(&self, _: &ReceiverSettings, message: &AlertMessage<'_>) -> String {
        let alert = message.alert;
        // Few values each; what varies is in the annotations. The labels are the alert's identity.
        let mut labels = Map::new();
        labels.insert("alertname".to_owned(), json!(format!("Seamark_{}", alert.kind)));
        if let Some(name) = message.monitor_name() {
            labels.insert("monitor".to_owned(), json!(cut(name, 200)));
        }
        if alert.rule_id.is_some() {
            labels.insert("rule".to_owned(), json!(cut(message.source(), 200)));
        }
        if let Some(stream) = alert.stream {
            labels.insert("stream".to_owned(), json!(stream));
        }
        labels.insert("severity".to_owned(), json!(alert.severity));
        for (key, value) in &alert.segment {
            labels.insert(format!("segment_{}", label_name(key)), json!(cut(value, 200)));
        }
        let ends = match (message.event, alert.resolved_at) {
            (EventKind::Resolved, Some(at)) => at.max(alert.started_at),
            _ => message.now.plus(FIRES_FOR),
        };
        let mut entry = json!({
            "labels": labels,
            "annotations": {
                "summary": message.title(),
                "description": message.summary(),
                "changes": message.changes().join("; "),
                "alert_id": alert.id.to_string(),
                "promise": message.promise(),
            },
            "startsAt": alert.started_at,
            "endsAt": ends,
        });
        if let Some(url) = &message.links.runbook_url {
            entry["annotations"]["runbook_url"] = json!(cut(url, 1000));
        }
        if let Some((_, url)) = message.links.named().first() {
            entry["generatorURL"] = json!(cut(url, 1000));
        }
        json!([entry]).to_string()
    }

    fn note_body(&self, _: &ReceiverSettings, note: &Note<'_>) -> String {
        let name = note.event.as_str().replace('.', "_");
        json!([{
            "labels": { "alertname": name, "severity": "info", "receiver": note.receiver },
            "annotations": { "summary": note.text },
            "startsAt": note.now,
            "endsAt": note.now.plus(Duration::from_mins(1)),
        }])
        .to_string()
    }

    fn request(&self, posting: &Posting<'_>) -> Result<Outgoing, Failure> {
        let mut outgoing = posting.plain();
        let base = outgoing.url.trim_end_matches('/');
        if !base.ends_with("/api/v2/alerts") {
            outgoing.url = format!("{base}/api/v2/alerts");
        }
        Ok(Outgoing::Post(outgoing))
    }

    fn answer(&self, response: &Response) -> Answer {
        by_strict_status(response)
    }

    fn secret(&self) -> SecretUse {
        SecretUse::None
    }

    fn problems(&self, _: &ReceiverSettings, _: Option<&str>) -> Vec<Problem> {
        Vec::new()
    }
}

/// Prometheus labels are made of letters, digits and underscores.
fn label_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(100).collect()
}
