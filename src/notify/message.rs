//! What a message says, whatever its form: what drifted, by how much, since when, and three examples.

use crate::alert::EventKind;
use crate::clock::Timestamp;
use crate::model::alert::Alert;
use crate::model::delivery::ReceiverKind;
use crate::model::monitor::Severity;
use crate::model::report::Report;
use crate::model::stream::Stream;
use crate::model::verdict::{DetectorKind, Verdict};
use crate::notify::text::{cut, number};
use crate::notify::{slack, webhook};

/// More examples are not shown.
const EXAMPLES: usize = 3;

/// An example with its text, as the operator's policy lets it be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct ExampleText {
    /// The stream in which it is unusual.
    pub stream: Stream,
    /// Its text in that stream.
    pub text: String,
    /// How unusual, by the report.
    pub score: f64,
    /// When it happened.
    pub occurred_at: Timestamp,
}

/// Where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    /// The report of the transition.
    pub report_url: String,
    /// The monitor.
    pub monitor_url: String,
}

/// Everything that a message about an alert tells.
#[derive(Debug, Clone, Copy)]
pub struct AlertMessage<'a> {
    /// What happened: firing or resolved.
    pub event: EventKind,
    /// The alert after the transition.
    pub alert: &'a Alert,
    /// The monitor's name.
    pub monitor_name: &'a str,
    /// False alarms in 30 days, at most, that the thresholds keep to; `None` for fixed ones.
    pub false_alarms_per_30d: Option<f64>,
    /// The report of the transition.
    pub report: &'a Report,
    /// The most drifted interactions first.
    pub examples: &'a [ExampleText],
    /// Where to look.
    pub links: &'a Links,
}

/// The exact body for a receiver of `kind`: to be stored with the delivery.
pub fn body(kind: ReceiverKind, message: &AlertMessage<'_>) -> String {
    match kind {
        ReceiverKind::Webhook => webhook::body(message),
        ReceiverKind::Slack => slack::body(message),
    }
}

/// The body of a message with which a receiver is tried out.
pub fn test_body(kind: ReceiverKind, receiver_name: &str, now: Timestamp) -> String {
    let name = cut(receiver_name, 200);
    match kind {
        ReceiverKind::Webhook => webhook::test_body(&name, now),
        ReceiverKind::Slack => slack::test_body(&name),
    }
}

impl AlertMessage<'_> {
    /// One line: `Query drift in checkout-bot`.
    pub(super) fn title(&self) -> String {
        let what = match self.alert.stream {
            Stream::Query => "Query drift",
            Stream::Response => "Response drift",
            Stream::Relevance => "Relevance drift",
            Stream::Duplicates => "Repeated texts",
        };
        let state = match self.event {
            EventKind::Resolved => "Resolved",
            _ if self.alert.severity == Severity::Critical => "Critical",
            _ => "Firing",
        };
        let segment = self.segment().map_or_else(String::new, |segment| format!(", {segment}"));
        format!("{state}: {what} in {}{segment}", cut(self.monitor_name, 80))
    }

    /// One sentence on what it means.
    pub(super) fn summary(&self) -> String {
        let what = match self.alert.stream {
            Stream::Query => "what users ask",
            Stream::Response => "what the application answers",
            Stream::Relevance => "how well answers fit their queries",
            Stream::Duplicates => {
                return match self.event {
                    EventKind::Resolved => "Texts no longer repeat unusually often.".to_owned(),
                    _ => "One text comes again and again, more often than in the reference. Its \
                          repeats are kept out of the other statistics."
                        .to_owned(),
                };
            }
        };
        match self.event {
            EventKind::Resolved => format!("The monitor sees no more drift in {what}."),
            _ => format!("The latest traffic differs from the reference in {what}."),
        }
    }

    /// The segment: `channel whatsapp`; `None` for all of the traffic.
    pub(super) fn segment(&self) -> Option<String> {
        let (attribute, value) = self.alert.segment.first_key_value()?;
        Some(format!("{} {}", cut(attribute, 40), cut(value, 40)))
    }

    /// The drifted verdict that exceeds its threshold most.
    pub(super) fn worst(&self) -> Option<&Verdict> {
        let ratio = |verdict: &&Verdict| verdict.ratio().unwrap_or(0.0);
        self.alert.reasons.iter().max_by(|a, b| ratio(a).total_cmp(&ratio(b)))
    }

    /// What the thresholds promise.
    pub(super) fn promise(&self) -> String {
        match self.false_alarms_per_30d {
            Some(rate) => format!(
                "Thresholds are calibrated for at most {rate} false alarm(s) in 30 days when nothing changes."
            ),
            None => "Thresholds were set by hand: no false-alarm rate is promised.".to_owned(),
        }
    }

    /// The stream's examples that are shown.
    pub(super) fn shown_examples(&self) -> impl Iterator<Item = &ExampleText> {
        let stream = self.alert.stream;
        self.examples.iter().filter(move |example| example.stream == stream).take(EXAMPLES)
    }
}

/// `mmd on the last "short" window: 0.0123, 2.4 times its threshold 0.0051`.
pub(super) fn verdict_line(verdict: &Verdict) -> String {
    let name = match verdict.detector {
        DetectorKind::Mmd => "MMD²",
        DetectorKind::Kl => "KL",
        DetectorKind::Centroid => "centroid distance²",
        DetectorKind::Whitened => "whitened centroid distance²",
        DetectorKind::Novelty => "novelty",
        DetectorKind::Repeats => "share of repeats",
    };
    let value = verdict.statistic.map_or_else(|| "no value".to_owned(), number);
    let window = cut(&verdict.window, 60);
    match (verdict.threshold, verdict.ratio()) {
        (Some(threshold), Some(ratio)) => format!(
            "{name} on window {window}: {value}, {ratio:.1} times its threshold {}",
            number(threshold)
        ),
        _ => format!("{name} on window {window}: {value}"),
    }
}

#[cfg(test)]
mod tests;
