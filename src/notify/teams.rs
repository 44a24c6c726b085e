//! Microsoft Teams: an Adaptive Card for a workflow's webhook.
//!
//! The workflow answers 202 before it has posted the card, so an error inside it does not show here.
//! *Source:* Adaptive Cards schema 1.4; a message holds at most 28 kB.

use serde_json::{Value, json};

use crate::alert::EventKind;
use crate::model::monitor::Severity;
use crate::model::receiver::ReceiverSettings;
use crate::notify::channel::{Channel, Note, Problem, SecretUse};
use crate::notify::message::{AlertMessage, verdict_line};
use crate::notify::text::cut;

const REASONS_LIMIT: usize = 8;
const TEXT_LIMIT: usize = 500;

pub(super) struct Teams;

impl Channel for Teams {
    fn body(&self, _: &ReceiverSettings, message: &AlertMessage<'_>) -> String {
        let mut blocks = vec![
            json!({
                "type": "TextBlock", "size": "Large", "weight": "Bolder", "wrap": true,
                "color": colour(message), "text": escape(&message.title()),
            }),
            text(&message.summary()),
            json!({ "type": "FactSet", "facts": facts(message) }),
        ];
        blocks.extend(message.changes().iter().map(|line| text(line)));
        blocks.extend(
            message.alert.reasons.iter().take(REASONS_LIMIT).map(|v| text(&verdict_line(v))),
        );
        for example in message.shown_examples() {
            blocks.push(text(&format!("“{}”", cut(&example.text, TEXT_LIMIT))));
        }
        blocks.extend(message.shown_others().iter().map(|title| text(&format!("• {title}"))));
        blocks.push(json!({
            "type": "TextBlock", "isSubtle": true, "size": "Small", "wrap": true,
            "text": escape(&message.promise()),
        }));
        card(&blocks, &actions(message))
    }

    fn note_body(&self, _: &ReceiverSettings, note: &Note<'_>) -> String {
        card(&[text(note.text)], &[])
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

fn card(blocks: &[Value], actions: &[Value]) -> String {
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": { "width": "full" },
                "body": blocks,
                "actions": actions,
            },
        }],
    })
    .to_string()
}

fn colour(message: &AlertMessage<'_>) -> &'static str {
    match (message.event, message.alert.severity) {
        (EventKind::Resolved, _) => "Good",
        (_, Severity::Critical) => "Attention",
        (_, Severity::Warning) => "Warning",
    }
}

fn facts(message: &AlertMessage<'_>) -> Vec<Value> {
    let fact = |(title, value): (&str, String)| json!({ "title": title, "value": escape(&value) });
    message.facts().into_iter().map(fact).collect()
}

fn actions(message: &AlertMessage<'_>) -> Vec<Value> {
    let action = |(name, url): (&str, &str)| {
        let title = format!("Open {name}");
        json!({ "type": "Action.OpenUrl", "title": title, "url": cut(url, 1000) })
    };
    message.links.named().into_iter().map(action).collect()
}

fn text(text: &str) -> Value {
    json!({ "type": "TextBlock", "wrap": true, "text": escape(text) })
}

/// A `TextBlock` reads a part of Markdown; a backslash takes its signs literally.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '*' | '_' | '[' | ']' | '(' | ')' | '#' | '`' | '~' | '>' | '!' | '<')
        {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
