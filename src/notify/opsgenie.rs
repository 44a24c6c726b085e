//! Opsgenie: an alert of the Alert API, whose alias is Seamark's alert id; its end closes it.
//!
//! *Limits:* a message of 130 characters, a description of 15,000, details of 8,000 in all.

use serde_json::{Value, json};

use crate::egress::Response;
use crate::model::monitor::Severity;
use crate::model::receiver::ReceiverSettings;
use crate::notify::Failure;
use crate::notify::channel::{
    Answer, Channel, Note, Outgoing, Posting, Problem, SecretUse, by_strict_status, secret_given,
};
use crate::notify::message::{AlertMessage, verdict_line};
use crate::notify::text::cut;

const MESSAGE_LIMIT: usize = 130;
const TEXT_LIMIT: usize = 300;

pub(super) struct Opsgenie;

impl Channel for Opsgenie {
    fn body(&self, _: &ReceiverSettings, message: &AlertMessage<'_>) -> String {
        let alert = message.alert;
        let mut lines = vec![message.summary()];
        lines.extend(message.changes());
        lines.extend(alert.reasons.iter().take(8).map(verdict_line));
        let examples = message.shown_examples();
        lines.extend(examples.map(|example| format!("“{}”", cut(&example.text, TEXT_LIMIT))));
        lines.push(message.promise());
        let mut details: serde_json::Map<String, Value> = message
            .facts()
            .into_iter()
            .map(|(name, value)| (name.to_lowercase(), json!(value)))
            .collect();
        for (name, url) in message.links.named() {
            details.insert(name.to_owned(), json!(cut(url, 1000)));
        }
        json!({
            "message": cut(&message.title(), MESSAGE_LIMIT),
            "alias": alert.id,
            "description": lines.join("\n"),
            "source": "Seamark",
            "entity": cut(message.source(), 200),
            "priority": match alert.severity {
                Severity::Critical => "P1",
                Severity::Warning => "P3",
            },
            "tags": ["seamark", alert.kind],
            "details": details,
        })
        .to_string()
    }

    fn note_body(&self, _: &ReceiverSettings, note: &Note<'_>) -> String {
        json!({
            "message": cut(note.text, MESSAGE_LIMIT),
            "description": note.text,
            "alias": cut(&format!("{} {}", note.event.as_str(), note.receiver), 500),
            "priority": "P5",
            "source": "Seamark",
        })
        .to_string()
    }

    fn request(&self, posting: &Posting<'_>) -> Result<Outgoing, Failure> {
        let mut outgoing = posting.plain();
        outgoing.headers.push(("authorization", format!("GenieKey {}", posting.secret())));
        if let (true, Some(alert)) = (posting.is_resolved(), posting.delivery.alert_id) {
            let base = posting.receiver.url.trim_end_matches('/');
            outgoing.url = format!("{base}/{alert}/close?identifierType=alias");
            outgoing.body =
                json!({ "source": "Seamark", "note": "Seamark sees no more drift." }).to_string();
        }
        Ok(Outgoing::Post(outgoing))
    }

    fn answer(&self, response: &Response) -> Answer {
        by_strict_status(response)
    }

    fn default_url(&self) -> Option<&'static str> {
        Some("https://api.opsgenie.com/v2/alerts")
    }

    fn secret(&self) -> SecretUse {
        SecretUse::Given
    }

    fn problems(&self, _: &ReceiverSettings, secret: Option<&str>) -> Vec<Problem> {
        secret_given(secret, "the integration's API key")
    }
}
