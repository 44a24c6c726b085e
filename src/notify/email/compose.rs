//! What a mail says: the same sections as plain text and as HTML.

use serde::{Deserialize, Serialize};

use crate::alert::EventKind;
use crate::notify::channel::Note;
use crate::notify::message::{AlertMessage, verdict_line};
use crate::notify::text::cut;

/// Characters of a subject.
const SUBJECT_LIMIT: usize = 200;
/// Characters of a line.
const LINE_LIMIT: usize = 300;
/// Verdicts listed; the report has them all.
const REASONS_LIMIT: usize = 8;
/// Characters of a link.
const URL_LIMIT: usize = 1000;

/// A mail without its addresses: what is stored with the delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Draft {
    pub(super) subject: String,
    /// Lines that end with a line feed.
    pub(super) text: String,
    pub(super) html: String,
}

/// A heading, and lines below it.
type Section = (&'static str, Vec<String>);

impl Draft {
    pub(super) fn of_alert(message: &AlertMessage<'_>) -> Self {
        let title = cut(&message.title(), SUBJECT_LIMIT);
        let links = message.links.named();
        let links: Vec<(&str, &str)> =
            links.into_iter().filter(|(_, url)| url.len() <= URL_LIMIT).collect();
        let page = Page {
            title: &title,
            summary: &message.summary(),
            sections: &sections(message),
            links: &links,
            promise: Some(&message.promise()),
        };
        let (text, html) = (page.plain(), page.html());
        Self { subject: title, text, html }
    }

    pub(super) fn of_note(note: &Note<'_>) -> Self {
        let title = match note.event {
            EventKind::ReceiverDisabled => format!("Receiver switched off: {}", note.receiver),
            _ => format!("Test message for {}", note.receiver),
        };
        let title = cut(&format!("Seamark: {title}"), SUBJECT_LIMIT);
        let page =
            Page { title: &title, summary: note.text, sections: &[], links: &[], promise: None };
        let (text, html) = (page.plain(), page.html());
        Self { subject: title, text, html }
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::json!(self).to_string()
    }
}

fn sections(message: &AlertMessage<'_>) -> Vec<Section> {
    let facts = message.facts().into_iter().map(|(name, value)| format!("{name}: {value}"));
    let reasons = &message.alert.reasons;
    let mut why: Vec<String> = reasons.iter().take(REASONS_LIMIT).map(verdict_line).collect();
    if reasons.len() > REASONS_LIMIT {
        why.push(format!("and {} more", reasons.len() - REASONS_LIMIT));
    }
    let heading = match message.event {
        EventKind::Resolved => "It had drifted in",
        _ => "Why",
    };
    let examples = message
        .shown_examples()
        .map(|example| format!("“{}” ({})", cut(&example.text, LINE_LIMIT), example.occurred_at));
    [
        ("Figures", facts.collect()),
        ("What changed", message.changes()),
        (heading, why),
        ("Examples", examples.collect()),
        ("Told with it", message.shown_others()),
    ]
    .into_iter()
    .filter(|(_, lines): &Section| !lines.is_empty())
    .collect()
}

struct Page<'a> {
    title: &'a str,
    summary: &'a str,
    sections: &'a [Section],
    links: &'a [(&'a str, &'a str)],
    promise: Option<&'a str>,
}

impl Page<'_> {
    fn plain(&self) -> String {
        let mut parts = vec![self.title.to_owned(), self.summary.to_owned()];
        parts.extend(self.sections.iter().map(|(heading, lines)| {
            let lines: Vec<String> =
                lines.iter().map(|line| format!("- {}", bounded(line))).collect();
            format!("{heading}\n{}", lines.join("\n"))
        }));
        let links: Vec<String> =
            self.links.iter().map(|(name, url)| format!("Open {name}: {url}")).collect();
        parts.extend((!links.is_empty()).then(|| links.join("\n")));
        parts.extend(self.promise.map(str::to_owned));
        parts.join("\n\n") + "\n"
    }

    /// Nothing is fetched when it is shown: no image but the one that comes along, no style sheet, no
    /// script.
    fn html(&self) -> String {
        let mut parts = vec![
            "<!DOCTYPE html>".to_owned(),
            "<html lang=\"en\"><head><meta charset=\"utf-8\"></head>".to_owned(),
            "<body style=\"font-family: sans-serif; line-height: 1.4; max-width: 44em\">"
                .to_owned(),
            format!("<h2>{}</h2>", escape(self.title)),
            format!("<p>{}</p>", escape(self.summary)),
        ];
        for (heading, lines) in self.sections {
            parts.push(format!("<h3>{}</h3>", escape(heading)));
            parts.push("<ul>".to_owned());
            parts.extend(lines.iter().map(|line| format!("<li>{}</li>", escape(&bounded(line)))));
            parts.push("</ul>".to_owned());
        }
        for (name, url) in self.links {
            let url = escape(url);
            parts.push(format!("<p><a href=\"{url}\">Open {}</a></p>", escape(name)));
        }
        let small = "<p style=\"color: #666666; font-size: small\">";
        parts.extend(self.promise.map(|text| format!("{small}{}</p>", escape(text))));
        parts.push("</body></html>".to_owned());
        parts.join("\n") + "\n"
    }
}

/// One line, whatever is in it; an example has its time behind its text.
fn bounded(line: &str) -> String {
    cut(line, LINE_LIMIT + 40)
}

/// Text that stands for itself between tags and in quoted attributes.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
