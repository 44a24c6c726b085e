//! Discord: an embed for a webhook.
//!
//! *Limits:* a title of 256 characters, a description of 4,096, 25 fields with values of 1,024, 6,000 in
//! all; 429 says in its body how long to wait.

use std::time::Duration;

use serde_json::{Value, json};

use crate::alert::EventKind;
use crate::egress::Response;
use crate::model::monitor::Severity;
use crate::model::receiver::ReceiverSettings;
use crate::notify::channel::{Answer, Channel, Note, Problem, SecretUse, by_strict_status};
use crate::notify::message::{AlertMessage, verdict_line};
use crate::notify::text::cut;

const TITLE_LIMIT: usize = 256;
const DESCRIPTION_LIMIT: usize = 2000;
const FIELD_LIMIT: usize = 1000;
const REASONS_LIMIT: usize = 6;
const TEXT_LIMIT: usize = 200;

pub(super) struct Discord;

impl Channel for Discord {
    fn body(&self, _: &ReceiverSettings, message: &AlertMessage<'_>) -> String {
        let mut lines = vec![escape(&message.summary())];
        lines.extend(message.changes().iter().map(|line| format!("• {}", escape(line))));
        let reasons = message.alert.reasons.iter().take(REASONS_LIMIT);
        lines.extend(reasons.map(|verdict| format!("• {}", escape(&verdict_line(verdict)))));
        lines.extend(message.shown_others().iter().map(|title| format!("• {}", escape(title))));
        let examples: Vec<String> = message
            .shown_examples()
            .map(|example| format!("“{}”", escape(&cut(&example.text, TEXT_LIMIT))))
            .collect();
        let mut fields: Vec<Value> = message
            .facts()
            .into_iter()
            .map(|(name, value)| json!({ "name": name, "value": escape(&value), "inline": true }))
            .collect();
        if !examples.is_empty() {
            let value = cut(&examples.join(" · "), FIELD_LIMIT);
            fields.push(json!({ "name": "Examples", "value": value, "inline": false }));
        }
        if let Some(url) = &message.links.runbook_url {
            fields.push(
                json!({ "name": "Runbook", "value": cut(url, FIELD_LIMIT), "inline": false }),
            );
        }
        // A cut makes blanks of line feeds, so lines are parted by another sign until it is done.
        let mut embed = json!({
            "title": cut(&escape(&message.title()), TITLE_LIMIT),
            "description": cut(&lines.join("\u{2028}"), DESCRIPTION_LIMIT).replace('\u{2028}', "\n"),
            "color": colour(message),
            "timestamp": message.at(),
            "fields": fields,
            "footer": { "text": message.promise() },
        });
        if let Some((_, url)) = message.links.named().first() {
            embed["url"] = json!(cut(url, 1000));
        }
        envelope(&json!({ "embeds": [embed] }))
    }

    fn note_body(&self, _: &ReceiverSettings, note: &Note<'_>) -> String {
        envelope(&json!({ "content": escape(note.text) }))
    }

    fn answer(&self, response: &Response) -> Answer {
        if response.status == 429
            && let Ok(body) = serde_json::from_str::<Value>(&response.body)
            && let Some(seconds) = body["retry_after"].as_f64()
        {
            let seconds = seconds.clamp(0.0, 86_400.0);
            return Answer::Later(Duration::from_secs_f64(seconds));
        }
        by_strict_status(response)
    }

    fn groups(&self) -> bool {
        true
    }

    fn secret(&self) -> SecretUse {
        SecretUse::None
    }

    fn problems(&self, _: &ReceiverSettings, _: Option<&str>) -> Vec<Problem> {
        Vec::new()
    }
}

/// No text of a user pings anyone.
fn envelope(content: &Value) -> String {
    let mut body = content.clone();
    body["username"] = json!("Seamark");
    body["allowed_mentions"] = json!({ "parse": [] });
    body.to_string()
}

fn colour(message: &AlertMessage<'_>) -> u32 {
    match (message.event, message.alert.severity) {
        (EventKind::Resolved, _) => 0x002e_8540,
        (_, Severity::Critical) => 0x00d0_2f2f,
        (_, Severity::Warning) => 0x00e6_9f00,
    }
}

/// Markdown's signs literally; mentions are off besides.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '*' | '_' | '~' | '`' | '|' | '>' | '<' | '[' | ']' | '(' | ')' | '#')
        {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
