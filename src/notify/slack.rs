//! The body of a Slack message: Block Kit, within Slack's limits and without any live markup of users.

use serde_json::{Value, json};

use crate::alert::EventKind;
use crate::model::verdict::Verdict;
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

pub(super) fn body(message: &AlertMessage<'_>) -> String {
    let title = message.title();
    let mut blocks = vec![
        json!({ "type": "header", "text": plain(&escape_within(&title, HEADER_LIMIT)) }),
        section(&escape(&message.summary())),
        json!({ "type": "section", "fields": fields(message) }),
    ];
    blocks.extend(reasons(message));
    blocks.extend(examples(message));
    blocks.push(json!({
        "type": "context",
        "elements": [mrkdwn(&escape(&message.promise()))],
    }));
    blocks.extend(buttons(message));
    json!({ "text": escape(&title), "blocks": blocks }).to_string()
}

pub(super) fn test_body(receiver_name: &str) -> String {
    let text = format!("Test message from Seamark for receiver {}.", escape(receiver_name));
    json!({ "text": text, "blocks": [section(&text)] }).to_string()
}

fn fields(message: &AlertMessage<'_>) -> Vec<Value> {
    let alert = message.alert;
    let mut pairs = vec![("Since", alert.started_at.to_string())];
    if let (EventKind::Resolved, Some(at)) = (message.event, alert.resolved_at) {
        pairs.push(("Until", at.to_string()));
    }
    if let Some(worst) = message.worst() {
        pairs.extend(
            worst.ratio().map(|ratio| ("Statistic", format!("{ratio:.1} × its threshold"))),
        );
        pairs.extend(worst.effect_size.map(|size| ("Effect", format!("{:.0} %", 100.0 * size))));
        pairs.push(("Events", format!("{} against {}", worst.n_window, worst.n_ref)));
    }
    pairs
        .into_iter()
        .map(|(name, value)| mrkdwn(&format!("*{name}*\n{}", escape(&value))))
        .collect()
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

fn buttons(message: &AlertMessage<'_>) -> Option<Value> {
    let links = message.links;
    let button = |label: &str, url: &str| {
        let fits = url.len() <= URL_LIMIT && url.starts_with("http");
        fits.then(|| json!({ "type": "button", "text": plain(label), "url": url }))
    };
    let elements: Vec<Value> =
        [button("Open report", &links.report_url), button("Open monitor", &links.monitor_url)]
            .into_iter()
            .flatten()
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
