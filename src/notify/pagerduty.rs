//! `PagerDuty`: an event of the Events API v2. The alert's id is the `dedup_key`, so that its end
//! resolves the incident that its begin triggered.
//!
//! *Limits:* a summary of 1,024 characters, 512 kB in all; 202 is success, 400 is never tried again.

use serde_json::{Value, json};

use crate::alert::EventKind;
use crate::egress::Response;
use crate::model::monitor::Severity;
use crate::model::receiver::ReceiverSettings;
use crate::notify::Failure;
use crate::notify::channel::{
    Answer, Channel, Note, Outgoing, Posting, Problem, SecretUse, by_strict_status,
};
use crate::notify::message::{AlertMessage, verdict_line};
use crate::notify::text::cut;

const SUMMARY_LIMIT: usize = 1024;
const TEXT_LIMIT: usize = 500;
const ROUTING_KEY: usize = 32;

pub(super) struct Pagerduty;

impl Channel for Pagerduty {
    fn body(&self, _: &ReceiverSettings, message: &AlertMessage<'_>) -> String {
        let alert = message.alert;
        let action = if message.event == EventKind::Resolved { "resolve" } else { "trigger" };
        let examples: Vec<String> =
            message.shown_examples().map(|example| cut(&example.text, TEXT_LIMIT)).collect();
        let facts: serde_json::Map<String, Value> = message
            .facts()
            .into_iter()
            .map(|(name, value)| (name.to_lowercase(), json!(value)))
            .collect();
        let link = |(name, url): (&str, &str)| json!({ "href": cut(url, 1000), "text": name });
        let links: Vec<Value> = message.links.named().into_iter().map(link).collect();
        json!({
            "event_action": action,
            "dedup_key": alert.id,
            "client": "Seamark",
            "links": links,
            "payload": {
                "summary": cut(&message.title(), SUMMARY_LIMIT),
                "source": cut(message.source(), 200),
                "severity": match alert.severity {
                    Severity::Critical => "critical",
                    Severity::Warning => "warning",
                },
                "timestamp": message.at(),
                "component": alert.stream,
                "class": alert.kind,
                "custom_details": {
                    "summary": message.summary(),
                    "facts": facts,
                    "changes": message.changes(),
                    "reasons": alert.reasons.iter().take(8).map(verdict_line).collect::<Vec<_>>(),
                    "examples": examples,
                    "promise": message.promise(),
                },
            },
        })
        .to_string()
    }

    fn note_body(&self, _: &ReceiverSettings, note: &Note<'_>) -> String {
        // Info: it opens an incident only where the service asks for that.
        json!({
            "event_action": "trigger",
            "dedup_key": format!("{} {}", note.event.as_str(), note.receiver),
            "client": "Seamark",
            "payload": {
                "summary": cut(note.text, SUMMARY_LIMIT),
                "source": "seamark",
                "severity": "info",
                "timestamp": note.now,
            },
        })
        .to_string()
    }

    /// The routing key goes in at the last moment: a stored body holds no secret.
    fn request(&self, posting: &Posting<'_>) -> Result<Outgoing, Failure> {
        let mut outgoing = posting.plain();
        let mut event: Value = serde_json::from_str(&outgoing.body)
            .map_err(|error| Failure::Body(error.to_string()))?;
        event["routing_key"] = json!(posting.secret());
        outgoing.body = event.to_string();
        Ok(Outgoing::Post(outgoing))
    }

    fn answer(&self, response: &Response) -> Answer {
        by_strict_status(response)
    }

    fn default_url(&self) -> Option<&'static str> {
        Some("https://events.pagerduty.com/v2/enqueue")
    }

    fn secret(&self) -> SecretUse {
        SecretUse::Given
    }

    fn problems(&self, _: &ReceiverSettings, secret: Option<&str>) -> Vec<Problem> {
        let usable =
            |key: &str| key.len() == ROUTING_KEY && key.bytes().all(|b| b.is_ascii_alphanumeric());
        if secret.is_some_and(usable) {
            return Vec::new();
        }
        vec![(
            "/secret",
            "must hold the integration's routing key: 32 letters and digits".to_owned(),
        )]
    }
}
