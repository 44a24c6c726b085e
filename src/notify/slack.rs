//! A Slack incoming webhook: Block Kit, within Slack's limits and without any live markup of users.

use std::time::Duration;

use serde_json::{Value, json};

use crate::alert::EventKind;
use crate::egress::Response;
use crate::model::receiver::ReceiverSettings;
use crate::model::verdict::Verdict;
use crate::notify::channel::{Answer, Channel, Note, Problem, SecretUse, by_status};
use crate::notify::message::{AlertMessage, ExampleText, verdict_line};
use crate::notify::text::cut;

/// Characters: Slack's limit for a header.
const HEADER_LIMIT: usize = 150;
/// Characters of an example's text.
const TEXT_LIMIT: usize = 300;
/// The same after escaping: three of them stay below Slack's 3,000 for a section.
const ESCAPED_TEXT_LIMIT: usize = 800;
/// Characters of an escaped line: eight of them stay below 3,000 too.
const LINE_LIMIT: usize = 300;
/// Verdicts listed; the report has them all.
const REASONS_LIMIT: usize = 8;
/// Characters of a link; Slack takes 3,000.
const URL_LIMIT: usize = 2000;

pub(super) struct Slack;

impl Channel for Slack {
    fn body(&self, _: &ReceiverSettings, message: &AlertMessage<'_>) -> String {
        body(message)
    }

    fn note_body(&self, _: &ReceiverSettings, note: &Note<'_>) -> String {
        note_body(note)
    }

    /// Slack answers some refusals with 200 and says so in the body only.
    fn answer(&self, response: &Response) -> Answer {
        match by_status(response) {
            Answer::Delivered if response.body.trim() != "ok" => Answer::Later(Duration::ZERO),
            answer => answer,
        }
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

pub(super) fn body(message: &AlertMessage<'_>) -> String {
    let title = message.title();
    let mut blocks = vec![
        json!({ "type": "header", "text": plain(&escape_within(&title, HEADER_LIMIT)) }),
        section(&escape(&message.summary())),
        json!({ "type": "section", "fields": fields(message) }),
    ];
    blocks.extend(changes(message));
    blocks.extend(reasons(message));
    blocks.extend(examples(message));
    blocks.extend(others(message));
    blocks.push(json!({
        "type": "context",
        "elements": [mrkdwn(&escape(&message.promise()))],
    }));
    blocks.extend(buttons(message));
    json!({ "text": escape(&title), "blocks": blocks }).to_string()
}

pub(super) fn note_body(note: &Note<'_>) -> String {
    let text = escape(note.text);
    json!({ "text": text, "blocks": [section(&text)] }).to_string()
}

fn fields(message: &AlertMessage<'_>) -> Vec<Value> {
    let field = |(name, value): (&str, String)| mrkdwn(&format!("*{name}*\n{}", escape(&value)));
    message.facts().into_iter().map(field).collect()
}

fn changes(message: &AlertMessage<'_>) -> Option<Value> {
    let line = |line: &String| format!("• {}", escape_within(line, LINE_LIMIT));
    let lines: Vec<String> = message.changes().iter().take(REASONS_LIMIT).map(line).collect();
    (!lines.is_empty()).then(|| section(&format!("*What changed*\n{}", lines.join("\n"))))
}

fn reasons(message: &AlertMessage<'_>) -> Option<Value> {
    let line =
        |verdict: &Verdict| format!("• {}", escape_within(&verdict_line(verdict), LINE_LIMIT));
    let reasons = &message.alert.reasons;
    let mut lines: Vec<String> = reasons.iter().take(REASONS_LIMIT).map(line).collect();
    if reasons.len() > REASONS_LIMIT {
        lines.push(format!("• and {} more", reasons.len() - REASONS_LIMIT));
    }
    let heading = match message.event {
        EventKind::Resolved => "It had drifted in",
        _ => "Why",
    };
    (!lines.is_empty()).then(|| section(&format!("*{heading}*\n{}", lines.join("\n"))))
}

/// Texts of users go into `plain_text`, which Slack shows as it is.
fn examples(message: &AlertMessage<'_>) -> Option<Value> {
    let line = |example: &ExampleText| {
        let text = escape_within(&cut(&example.text, TEXT_LIMIT), ESCAPED_TEXT_LIMIT);
        format!("“{text}” ({})", example.occurred_at)
    };
    let lines: Vec<String> = message.shown_examples().map(line).collect();
    let text = format!("Examples\n{}", lines.join("\n"));
    (!lines.is_empty()).then(|| json!({ "type": "section", "text": plain(&text) }))
}

fn others(message: &AlertMessage<'_>) -> Option<Value> {
    let line = |title: &String| format!("• {}", escape_within(title, LINE_LIMIT));
    let lines: Vec<String> = message.shown_others().iter().map(line).collect();
    (!lines.is_empty()).then(|| section(&format!("*Told with it*\n{}", lines.join("\n"))))
}

fn buttons(message: &AlertMessage<'_>) -> Option<Value> {
    let elements: Vec<Value> = message
        .links
        .named()
        .into_iter()
        .filter(|(_, url)| url.len() <= URL_LIMIT)
        .map(|(name, url)| {
            let label = format!("Open {name}");
            json!({ "type": "button", "text": plain(&label), "url": url })
        })
        .collect();
    (!elements.is_empty()).then(|| json!({ "type": "actions", "elements": elements }))
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": mrkdwn(text) })
}

fn mrkdwn(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}

fn plain(text: &str) -> Value {
    json!({ "type": "plain_text", "text": text, "emoji": false })
}

/// Slack's own escapes: what is left cannot be a link, a mention or `<!channel>`.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// `text` escaped, and cut so far that the escaped form has at most `limit` characters.
fn escape_within(text: &str, limit: usize) -> String {
    let mut keep = limit;
    loop {
        let escaped = escape(&cut(text, keep));
        let excess = escaped.chars().count().saturating_sub(limit);
        if excess == 0 {
            return escaped;
        }
        keep -= excess.div_ceil(5); // an escape adds at most four characters to one
    }
}
